import { expect, test } from "vitest";
import { createLogPace } from "../../src/http/log-pace.ts";

test("each source has one line a second, and the next one counts what was left out", () => {
  let now = 0;
  const pace = createLogPace(() => now);
  expect([pace("a"), pace("a"), pace("a"), pace("b")]).toEqual([0, null, null, 0]);
  now = 999;
  expect(pace("a")).toBeNull();
  now = 1000;
  expect([pace("a"), pace("a")]).toEqual([3, null]);
});

test("sources beyond the thousandth in a second share one line", () => {
  let now = 0;
  const pace = createLogPace(() => now);
  const lines = Array.from({ length: 5000 }, (_, n) => pace(`source ${n}`));
  expect(lines.filter((line) => line !== null)).toHaveLength(1001);
  now = 1000;
  expect(pace("a new one")).toBe(0);
});

test("a clock that is set back does not silence the log", () => {
  let now = 10_000;
  const pace = createLogPace(() => now);
  pace("a");
  now = 0;
  expect(pace("a")).toBe(0);
});
