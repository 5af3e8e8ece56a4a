import { describe, expect, test } from "vitest";
import { Pace } from "../../src/controller/pace.ts";
import { decide } from "../../src/controller/partial-plan.ts";
import { Sharing } from "../../src/controller/sharing.ts";
import { Slot } from "../../src/controller/slot.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { withEndpoint } from "../../src/reconcile/rep.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "../reconcile/stage.ts";
import { VirtualClock } from "./clock.ts";
import { ANA } from "./crew.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

/** A reported call is over, Teams shows her bare again, and nothing is left to do but to release Dynamics. */
function releasing(): {
  readonly slot: Slot;
  readonly stage: Stage;
  readonly written: () => readonly string[];
} {
  const stage = Stage.settled(core);
  stage.hold("call");
  stage.settle();
  stage.wait(60_000);
  stage.release("call");
  stage.answer(stage.nextWrite(TEAMS), "accepted");
  stage.wait(2_000);
  stage.teams("Available");
  stage.dynamics("Busy");
  const clock = new VirtualClock(stage.nowMs);
  const pace = new Pace(clock, { burst: 10, perSecond: 10 });
  const nothing = (): undefined => undefined;
  const drive = { paceOf: () => pace, nudge: nothing, woke: nothing, sharing: new Sharing() };
  const slot = new Slot({ identity: ANA, rep: stage.rep, generation: 1 }, drive, {
    atMs: 0,
    departure: 0,
  });
  const written = (): readonly string[] => {
    slot.cameBack(DYNAMICS, stage.nowMs);
    const { next } = decide(slot, stage.rep, stage.policy, stage.nowMs);
    return next.writes.map(({ system, shows }) => `${system} ${shows}`);
  };
  return { slot, stage, written };
}

const readAt = (stage: Stage, departure: number) => ({
  status: "InACall" as const,
  automatic: "hold" as const,
  native: "InACall",
  sequence: null,
  startedTick: stage.rep.tick,
  startedAtMs: stage.nowMs,
  departure,
});

describe("[R36] what was read and could not be stored", () => {
  test("is read again before Dynamics is released, and not only asked for", () => {
    const { slot, stage, written } = releasing();
    expect(written()).toEqual(["dynamics Available"]);
    slot.open();
    slot.put(TEAMS, readAt(stage, 1));
    slot.takeReadings();
    slot.undo(stage.nowMs);
    expect([...slot.hinted]).toEqual([TEAMS]);
    expect(written()).toEqual([]);
    // The call to read it has left.
    slot.hinted.delete(TEAMS);
    slot.reading.add(TEAMS);
    expect(written()).toEqual([]);
    slot.reading.delete(TEAMS);
    slot.put(TEAMS, { ...readAt(stage, 2), status: "Available", automatic: null });
    slot.takeReadings();
    expect(written()).toEqual(["dynamics Available"]);
  });

  test("wears out nobody's patience with a system that cannot be reached", () => {
    const { slot, stage, written } = releasing();
    stage.rep = withEndpoint(stage.rep, TEAMS, { tried: stage.rep.intent - 1 });
    slot.blind.add(TEAMS);
    stage.wait(stage.policy.releasePatienceMs);
    slot.undo(stage.nowMs);
    expect(written()).toEqual([]);
    stage.wait(stage.policy.releasePatienceMs - 1);
    expect(written()).toEqual([]);
    stage.wait(1);
    expect(written()).toEqual(["dynamics Available"]);
  });
});

describe("a slot at rest", () => {
  test("[R2] [R390] still knows which reading of a system was the last, until a sweep of that system left after it", () => {
    const { slot, stage } = releasing();
    const late = stage.nowMs + 60_000;
    const taken = (departure: number): number => {
      slot.put(TEAMS, readAt(stage, departure));
      return slot.takeReadings().length;
    };
    expect(taken(5)).toBe(1);
    slot.rest(TEAMS, readAt(stage, 5), late);
    slot.rest(DYNAMICS, readAt(stage, 9), late);
    expect([slot.isAtRest, slot.isSettled(TEAMS)]).toEqual([true, false]);
    expect(taken(4)).toBe(0);
    slot.rest(TEAMS, readAt(stage, 6), late);
    expect([slot.isAtRest, slot.isSettled(TEAMS)]).toEqual([true, true]);
    expect(taken(7)).toBe(1);
  });

  test("[R390] is not at rest while something waits in it, and then keeps what it knows", () => {
    const { slot, stage } = releasing();
    slot.put(TEAMS, readAt(stage, 5));
    slot.takeReadings();
    slot.hinted.add(DYNAMICS);
    slot.rest(TEAMS, readAt(stage, 6), stage.nowMs + 60_000);
    expect([slot.isAtRest, slot.isSettled(DYNAMICS)]).toEqual([false, false]);
    slot.put(TEAMS, readAt(stage, 4));
    expect(slot.takeReadings()).toEqual([]);
  });
});
