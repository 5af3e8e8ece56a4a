import { describe, expect, test } from "vitest";
import { retryAfterMs } from "../../src/connectors/retry-after.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");

describe("[R73] Retry-After is obeyed, whatever its form", () => {
  test.each([
    ["whole seconds", "10", 10_000],
    ["a fraction, as Graph has published", "2.128", 2128],
    ["blanks around it", " 7 ", 7000],
    ["an HTTP date", "Mon, 02 Mar 2026 09:01:30 GMT", 90_000],
    ["more than the library's 180 s", "600", 600_000],
    ["zero", "0", 500],
    ["a date that is over", "Mon, 02 Mar 2026 08:00:00 GMT", 500],
    ["a day", "86400", 900_000],
    ["a date next year", "Tue, 02 Mar 2027 09:00:00 GMT", 900_000],
    ["nothing", undefined, 10_000],
    ["an empty text", "", 10_000],
    ["nonsense", "soon", 10_000],
    ["a negative number", "-3", 10_000],
  ])("%s", (_form, header, expectedMs) => {
    expect(retryAfterMs(header, NOW_MS)).toBe(expectedMs);
  });
});
