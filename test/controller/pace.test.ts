import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Pace, type PaceLimits } from "../../src/controller/pace.ts";
import type { Urgency } from "../../src/controller/work-queue.ts";
import { VirtualClock } from "./clock.ts";
import "../fuzz/same-cases.ts";

/** A pace and the moments at which requests left. */
class Gate {
  readonly clock = new VirtualClock();
  readonly left: { readonly name: string; readonly atMs: number }[] = [];
  readonly pace: Pace;
  readonly #startMs = this.clock.nowMs();

  constructor(limits: PaceLimits) {
    this.pace = new Pace(this.clock, limits);
  }

  ask(name: string, urgency: Urgency | "read" = "normal"): void {
    void this.pace.take(urgency).then(() => {
      this.left.push({ name, atMs: this.clock.nowMs() - this.#startMs });
    });
  }

  get names(): readonly string[] {
    return this.left.map(({ name }) => name);
  }
}

describe("[R45] requests leave no faster than the limit", () => {
  test("a burst at once, then one by one", async () => {
    const gate = new Gate({ burst: 3, perSecond: 2 });
    for (let index = 0; index < 6; index += 1) gate.ask(String(index));
    await gate.clock.advance(10_000);
    expect(gate.left.map(({ atMs }) => atMs)).toEqual([0, 0, 0, 500, 1_000, 1_500]);
    expect(gate.pace.waiting).toBe(0);
  });

  test("whatever the bursts, the pauses and what is given back, in every window", async () => {
    const wish = fc.record({
      afterMs: fc.nat(2_000),
      requests: fc.nat(30),
      urgency: fc.constantFrom<Urgency>("protective", "normal"),
      pauseMs: fc.option(fc.nat(5_000), { nil: null }),
    });
    const limits = fc.record({
      burst: fc.integer({ min: 1, max: 20 }),
      perSecond: fc.integer({ min: 1, max: 50 }),
    });
    let requests = 0;
    await fc.assert(
      fc.asyncProperty(
        limits,
        fc.array(wish, { minLength: 1, maxLength: 8 }),
        async (of, wishes) => {
          const gate = new Gate(of);
          for (const [index, { afterMs, requests: count, urgency, pauseMs }] of wishes.entries()) {
            await gate.clock.advance(afterMs);
            if (pauseMs !== null) gate.pace.pause(pauseMs);
            for (let n = 0; n < count; n += 1) gate.ask(`${index}.${n}`, urgency);
          }
          await gate.clock.advance(400_000);
          const wanted = wishes.reduce((sum, { requests: count }) => sum + count, 0);
          expect(gate.left).toHaveLength(wanted);
          requests += wanted;
          const times = gate.left.map(({ atMs }) => atMs);
          for (const [first, fromMs] of times.entries()) {
            for (let last = first; last < times.length; last += 1) {
              const windowMs = (times[last] ?? 0) - fromMs;
              const most = of.burst + (of.perSecond * windowMs) / 1_000;
              expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(requests).toBeGreaterThan(1_000);
  });

  test("a token that is given back lets the next one go, and never makes more than a burst", async () => {
    const gate = new Gate({ burst: 2, perSecond: 0.001 });
    gate.ask("a");
    gate.ask("b");
    gate.ask("c");
    await gate.clock.settle();
    expect(gate.names).toEqual(["a", "b"]);
    gate.pace.giveBack();
    await gate.clock.settle();
    expect(gate.names).toEqual(["a", "b", "c"]);
    for (let index = 0; index < 9; index += 1) gate.pace.giveBack();
    expect([gate.pace.takeNow(), gate.pace.takeNow(), gate.pace.takeNow()]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

test("[R261] of what a system allows each of several instances uses its part, and one that is alone all", async () => {
  let share = 1 / 2;
  const gate = new Gate({ burst: 4, perSecond: 4, share: () => share });
  await gate.clock.advance(10_000);
  for (let index = 0; index < 40; index += 1) gate.ask(String(index));
  const leftWithin = async (ms: number): Promise<number> => {
    const before = gate.left.length;
    await gate.clock.advance(ms);
    return gate.left.length - before;
  };
  // Half of the burst, then half of the rate.
  expect(await leftWithin(4_900)).toBe(2 + 9);
  share = 1;
  await leftWithin(1_000);
  expect(await leftWithin(2_000)).toBe(8);
  share = 1 / 100;
  await leftWithin(30_000);
  expect(await leftWithin(50_000)).toBe(2);
});

describe("[R42] protective waits before permissive", () => {
  test("in order of arrival within each", async () => {
    const gate = new Gate({ burst: 1, perSecond: 1 });
    gate.ask("first");
    gate.ask("n1");
    gate.ask("n2");
    gate.ask("p1", "protective");
    gate.ask("p2", "protective");
    await gate.clock.advance(10_000);
    expect(gate.names).toEqual(["first", "p1", "p2", "n1", "n2"]);
  });

  test("but an endless stream of it keeps nobody else waiting for good", async () => {
    const gate = new Gate({ burst: 1, perSecond: 10 });
    gate.ask("first");
    gate.ask("release");
    for (let ask = 0; ask < 50; ask += 1) {
      gate.ask(`hint ${ask}`, "protective");
      await gate.clock.advance(100);
    }
    expect(gate.names).toContain("release");
    expect(gate.names.indexOf("release")).toBeGreaterThan(5);
    expect(gate.names.length).toBeGreaterThan(45);
  });

  test("and a read before any write that waits for it, but never two of them while a write waits", async () => {
    const gate = new Gate({ burst: 1, perSecond: 1 });
    gate.ask("first");
    gate.ask("n");
    gate.ask("p", "protective");
    for (let index = 1; index <= 4; index += 1) gate.ask(`r${index}`, "read");
    await gate.clock.advance(10_000);
    expect(gate.names).toEqual(["first", "r1", "p", "r2", "n", "r3", "r4"]);
  });

  test("and nobody takes a token past those who wait", async () => {
    const gate = new Gate({ burst: 1, perSecond: 1 });
    gate.ask("first");
    gate.ask("waiting");
    await gate.clock.advance(999);
    expect(gate.pace.takeNow()).toBe(false);
    await gate.clock.advance(1);
    expect(gate.names).toEqual(["first", "waiting"]);
  });
});

describe("[R46] nothing leaves inside a Retry-After", () => {
  test("not even what is protective, and then the protective first", async () => {
    const gate = new Gate({ burst: 5, perSecond: 1 });
    gate.pace.pause(30_000);
    gate.ask("n");
    gate.ask("p", "protective");
    expect(gate.pace.takeNow()).toBe(false);
    await gate.clock.advance(29_999);
    expect(gate.left).toEqual([]);
    expect(gate.pace.isPaused).toBe(true);
    await gate.clock.advance(1);
    expect(gate.names).toEqual(["p", "n"]);
    expect(gate.pace.isPaused).toBe(false);
  });

  test("a later, shorter wish does not shorten it; a longer one prolongs it", async () => {
    const gate = new Gate({ burst: 5, perSecond: 1 });
    gate.pace.pause(30_000);
    gate.ask("a");
    await gate.clock.advance(1_000);
    gate.pace.pause(2_000);
    await gate.clock.advance(28_999);
    expect(gate.left).toEqual([]);
    gate.pace.pause(5_000);
    await gate.clock.advance(4_999);
    expect(gate.left).toEqual([]);
    await gate.clock.advance(1);
    expect(gate.left).toEqual([{ name: "a", atMs: 34_999 }]);
  });
});

describe("a clock that is set back", () => {
  const HOUR_MS = 3_600_000;

  test("unleashes no flood", async () => {
    const gate = new Gate({ burst: 2, perSecond: 1 });
    for (let index = 0; index < 6; index += 1) gate.ask(String(index));
    await gate.clock.advance(500);
    gate.clock.set(-HOUR_MS);
    await gate.clock.advance(1_000);
    gate.clock.set(-HOUR_MS);
    await gate.clock.advance(1_000);
    expect(gate.left.length).toBeLessThanOrEqual(2 + 3);
  });

  test("holds up nobody for an hour: neither who waits for a token nor who waits for a pause", async () => {
    const gate = new Gate({ burst: 1, perSecond: 1 });
    gate.pace.pause(30_000);
    gate.ask("a");
    gate.ask("b");
    await gate.clock.advance(10_000);
    gate.clock.set(-HOUR_MS);
    await gate.clock.advance(19_999);
    expect(gate.left).toEqual([]);
    await gate.clock.advance(15_000);
    expect(gate.names).toEqual(["a", "b"]);
  });
});

test("[R45] [P10] a clock that stands still holds up nobody, and lets nobody go faster", async () => {
  const gate = new Gate({ burst: 2, perSecond: 4 });
  gate.clock.freeze();
  for (let index = 0; index < 5; index += 1) gate.ask(String(index));
  const left: number[] = [];
  for (let quarter = 0; quarter < 4; quarter += 1) {
    await gate.clock.advance(125);
    // Somebody else asks meanwhile: what was waited for so far is not lost by that.
    gate.ask(`late ${quarter}`);
    await gate.clock.advance(125);
    left.push(gate.left.length);
  }
  expect(left).toEqual([3, 4, 5, 6]);
});
