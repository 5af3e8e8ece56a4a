import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { endpointOf, withEndpoint } from "../../src/reconcile/rep.ts";
import { topOf } from "../../src/reconcile/resolve.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "../reconcile/stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const settled = (): Stage => Stage.settled(core);

/** What simulated lives found, by the climate and seed that showed it first, in as few steps as it takes. */
describe("what the simulation found stays mended", () => {
  it("[R11] network 14: a call beneath our session shows although a meeting was seen before", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.settle();
    stage.dynamics("Available");
    stage.settle();
    stage.hold("call");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    expect(stage.teams("InACall")).toBe("echo");
    const meeting = {
      status: "InAMeeting",
      kind: "soft",
      over: "Available",
      untilMs: null,
    } as const;
    const longAgo = { tick: -1, intent: 0, atMs: 0 };
    stage.rep = { ...stage.rep, overlays: { [TEAMS]: { ...meeting, ...longAgo } } };
    stage.release("call");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    expect(stage.teams("InACall")).toBe("uncovered");
    expect(topOf(stage.rep)).toMatchObject({ status: "InACall", system: TEAMS });
  });

  it("[R7] [R13] everything 8: a call is over although its end looks like a late write", () => {
    const stage = settled();
    stage.teams("InACall");
    stage.settle();
    const late = [
      { status: "Available", cover: "none", clears: false, expiresAtMs: stage.nowMs + 60_000 },
    ] as const;
    stage.rep = withEndpoint(stage.rep, TEAMS, { late });
    expect(stage.teams("Available")).toBe("late echo");
    expect(topOf(stage.rep)).toBeNull();
  });

  it("[R75] hours 25: a status that we once set is hers when she chooses it herself", () => {
    const stage = settled();
    stage.dynamics("Away");
    stage.settle();
    expect(endpointOf(stage.rep, TEAMS).cover).toBe("preferred");
    expect(stage.teams("Busy")).toBe("choice");
    stage.settle();
    expect(stage.teams("Away")).toBe("choice");
    expect(endpointOf(stage.rep, TEAMS).cover).toBe("none");
  });

  it("[P4] network 34: what was written behind a client that we made look closed is no choice", () => {
    const stage = settled();
    stage.rep = withEndpoint(stage.rep, TEAMS, { seen: "Offline", absent: true });
    stage.dynamics("Busy");
    stage.teams("Offline");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    expect(stage.teams("Offline")).toBe("absent");
    const { intent } = stage.rep;
    stage.teams("Busy");
    expect(stage.rep.intent).toBe(intent);
  });
});

/** Known limits of docs/SPEC.md that a later change may lift: then these fail, and say so. */
describe("what the simulation found and is still open", () => {
  it.fails("[R13] hours 231: what she chooses over a state that Dynamics set is her choice", () => {
    const stage = settled();
    stage.teams("Busy");
    stage.settle();
    stage.dynamics("Inactive");
    stage.settle();
    stage.teams("BeRightBack");
    stage.settle();
    stage.dynamics("Busy");
    expect(stage.rep.base).toMatchObject({ status: "Busy", origin: DYNAMICS });
  });
});
