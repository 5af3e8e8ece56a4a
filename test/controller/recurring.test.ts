import { describe, expect, test } from "vitest";
import { Recurring } from "../../src/controller/recurring.ts";
import { VirtualClock } from "./clock.ts";

describe("something recurring", () => {
  const start = (run: () => Promise<boolean>): { clock: VirtualClock; recurring: Recurring } => {
    const clock = new VirtualClock();
    const recurring = new Recurring({ clock, run, everyMs: 1_000, retryMs: 100, soonMs: 10 });
    recurring.start();
    return { clock, recurring };
  };

  test("runs at its interval, and sooner after a failure", async () => {
    const outcomes = [true, false, true];
    let runs = 0;
    const { clock, recurring } = start(async () => outcomes[runs++] ?? true);
    await clock.advance(0);
    expect(runs).toBe(1);
    await clock.advance(1_000);
    expect(runs).toBe(2);
    await clock.advance(100);
    expect(runs).toBe(3);
    await recurring.stop();
    await clock.advance(10_000);
    expect(runs).toBe(3);
  });

  test("[P12] a swarm of requests is one run, and one more if they came during a run", async () => {
    let runs = 0;
    let finish = (): void => undefined;
    const { clock, recurring } = start(async () => {
      runs += 1;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return true;
    });
    await clock.advance(0);
    for (let asked = 0; asked < 50; asked += 1) recurring.soon();
    expect(runs).toBe(1);
    finish();
    await clock.advance(10);
    expect(runs).toBe(2);
    finish();
    await clock.advance(999);
    expect(runs).toBe(2);
    for (let asked = 0; asked < 50; asked += 1) recurring.soon();
    finish();
    await clock.advance(10);
    expect(runs).toBe(3);
    finish();
    await recurring.stop();
  });
});
