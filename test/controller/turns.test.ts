import { describe, expect, test } from "vitest";
import { Pace } from "../../src/controller/pace.ts";
import { Turns } from "../../src/controller/turns.ts";
import type { Urgency } from "../../src/controller/work-queue.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { VirtualClock } from "./clock.ts";

const write = (protective: boolean, system = DYNAMICS): Write => ({
  system,
  protective,
  intent: 1,
  status: "Busy",
  shows: "Busy",
  native: null,
  from: "none",
  to: "none",
  session: false,
  lifts: false,
  renewal: false,
  cause: { kind: "choice", source: "teams", status: "Busy", atMs: 0 },
});

/** Two reps, one request a second to Dynamics; Teams has room. */
function bench() {
  const clock = new VirtualClock();
  const paces = {
    dynamics: new Pace(clock, { burst: 1, perSecond: 1 }),
    teams: new Pace(clock, { burst: 9, perSecond: 9 }),
  };
  const nudges: string[] = [];
  const turnsOf = (name: string): Turns =>
    new Turns(
      (system) => (system === TEAMS ? paces.teams : paces.dynamics),
      (urgency: Urgency) => nudges.push(`${name} ${urgency}`),
    );
  return { clock, pace: paces.dynamics, nudges, ana: turnsOf("ana"), ben: turnsOf("ben") };
}

describe("a turn", () => {
  test("[R46] that was given before a silence does not outlast it", async () => {
    const { clock, ana, pace, nudges } = bench();
    expect(ana.has(write(true))).toBe(true);
    pace.pause(10_000);
    expect(ana.has(write(true))).toBe(false);
    await clock.advance(9_000);
    expect(nudges).toEqual([]);
    await clock.advance(2_000);
    expect(nudges).toEqual(["ana protective"]);
    expect(ana.has(write(true))).toBe(true);
  });

  test("is had at once while there is room, once for each system", () => {
    const { ana, pace } = bench();
    expect(ana.has(write(true))).toBe(true);
    expect(ana.has(write(true))).toBe(true);
    expect(ana.has(write(false, TEAMS))).toBe(true);
    expect(pace.waiting).toBe(0);
  });

  test("is waited for otherwise, by whoever asks, however often, in one place of the queue", async () => {
    const { ana, ben, clock, nudges, pace } = bench();
    expect(ana.has(write(false))).toBe(true);
    for (let times = 0; times < 3; times += 1) expect(ben.has(write(false))).toBe(false);
    expect(pace.waiting).toBe(1);
    ana.use(DYNAMICS);
    await clock.advance(1_000);
    expect(nudges).toEqual(["ben normal"]);
    expect(ben.has(write(false))).toBe(true);
  });

  test("[R42] that becomes urgent overtakes; the one asked for before is given back when it comes", async () => {
    const { ana, ben, clock, nudges, pace } = bench();
    pace.takeNow();
    ana.has(write(false));
    ben.has(write(false));
    ben.has(write(true));
    await clock.advance(1_000);
    expect(nudges).toEqual(["ben protective"]);
    await clock.advance(1_000);
    expect(nudges).toEqual(["ben protective", "ana normal"]);
    await clock.advance(1_000);
    expect(pace.waiting).toBe(0);
    expect(pace.takeNow()).toBe(true);
  });

  test("that is not needed is given back, and somebody else has it", async () => {
    const { ana, ben, clock, nudges } = bench();
    ana.has(write(false));
    ben.has(write(false));
    ana.giveBackAllBut(new Set([DYNAMICS]));
    await clock.settle();
    expect(nudges).toEqual([]);
    ana.giveBackAllBut(new Set([TEAMS]));
    await clock.settle();
    expect(nudges).toEqual(["ben normal"]);
  });

  test("of somebody who left is given back, also one that comes later", async () => {
    const { ana, ben, clock, nudges, pace } = bench();
    ana.has(write(false));
    ben.has(write(false));
    ana.close();
    await clock.settle();
    expect(nudges).toEqual(["ben normal"]);
    ana.has(write(false));
    ana.close();
    ben.close();
    await clock.settle();
    expect(pace.waiting).toBe(0);
    expect(pace.takeNow()).toBe(true);
    expect(nudges).toEqual(["ben normal"]);
  });
});
