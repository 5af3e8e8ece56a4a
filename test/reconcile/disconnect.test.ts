import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { explainIntent, explainReading } from "../../src/reconcile/explain.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { loadCore } from "../model/core.ts";
import { POLICY } from "./profiles.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

/** Dynamics gives back what was there to whoever is back within this time. */
const RESTORED_WITHIN_MS = 150_000;

const atLunch = (): Stage => {
  const stage = Stage.settled(core);
  stage.dynamics("Away", { native: "Lunch" });
  stage.settle();
  expect(stage.endpoint(TEAMS)).toMatchObject({ seen: "Away", cover: "preferred" });
  return stage;
};
const written = (writes: readonly Write[]) => writes.map(({ system, shows }) => [system, shows]);

describe("a rep who loses her connection to Dynamics", () => {
  it("[R310] keeps what she chose, and nothing is written anywhere while she may come back", () => {
    const stage = atLunch();
    expect(stage.dynamics("Offline")).toBe("absent");
    stage.wait(RESTORED_WITHIN_MS);
    expect(stage.dynamics("Offline")).toBe("absent");
    expect(stage.plan()).toMatchObject({ reads: [], writes: [] });
    expect(explainReading(DYNAMICS, "absent", "Offline", stage.rep)).toBe(
      "Dynamics shows Offline: what she chose there is kept for a while, in case she was only disconnected",
    );
    expect(stage.rep.base).toMatchObject({ status: "Away", origin: DYNAMICS });
    const { intent } = stage.rep;
    expect(stage.dynamics("Away", { native: "Lunch" })).toBe("returned");
    expect(stage.settle()).toEqual([]);
    expect(stage.rep.intent).toBe(intent);
    expect(stage.endpoint(DYNAMICS)).toMatchObject({ seen: "Away", disconnected: null });
  });

  it("[R310] is signed out once the grace is over, without another read", () => {
    const stage = atLunch();
    stage.dynamics("Offline");
    expect(stage.plan().recheckAtMs).toBe(stage.nowMs + POLICY.reconnectMs);
    stage.wait(POLICY.reconnectMs - 1);
    expect(stage.plan().writes).toEqual([]);
    stage.wait(1);
    expect(written(stage.settle())).toEqual([[TEAMS, "Available"]]);
    expect(stage.rep.cause).toMatchObject({ kind: "sign-out", status: "Offline" });
    expect(explainIntent(stage.rep)).toBe("the rep signed out of Dynamics → Available");
    expect(stage.endpoint(DYNAMICS)).toMatchObject({ disconnected: null, own: null });
  });

  it("[R310] is signed out by the first read after it, too", () => {
    const stage = atLunch();
    stage.dynamics("Offline");
    stage.wait(POLICY.reconnectMs);
    expect(stage.dynamics("Offline")).toBe("absent");
    expect(stage.rep.cause).toMatchObject({ kind: "sign-out", status: "Offline" });
  });

  it.each([
    ["another status", "Available", "Available", 1_000],
    ["another presence of the same status", "Away", "Away", 1_000],
    ["the same, after the grace", "Away", "Lunch", POLICY.reconnectMs],
  ] as const)("[R9] [R310] signs in who comes back with %s", (_what, state, native, afterMs) => {
    const stage = atLunch();
    stage.dynamics("Offline");
    stage.wait(afterMs);
    expect(stage.dynamics(state, { native })).toBe("sign-in");
    expect(stage.rep.base).toMatchObject({ status: state, natives: { [DYNAMICS]: native } });
  });

  it("[R310] is not taken to have chosen what we had written for a call that is over when she is back", () => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.settle();
    stage.dynamics("Offline");
    stage.release("call");
    stage.settle();
    stage.wait(60_000);
    expect(stage.dynamics("Busy")).toBe("returned");
    expect(written(stage.settle())).toEqual([[DYNAMICS, "Available"]]);
    expect(stage.rep.base.status).toBe("Available");
  });

  it("[R310] finds written what she chose in Teams meanwhile", () => {
    const stage = atLunch();
    stage.dynamics("Offline");
    stage.wait(60_000);
    stage.teams("Busy");
    expect(stage.settle()).toEqual([]);
    stage.dynamics("Away", { native: "Lunch" });
    expect(written(stage.settle())).toEqual([[DYNAMICS, "Busy"]]);
  });

  it("[R310] finds the end of her shift, which came meanwhile", () => {
    const stage = Stage.settled(core);
    stage.dynamics("Offline");
    stage.decree("Offline");
    expect(written(stage.settle())).toEqual([[TEAMS, "Offline"]]);
    expect(stage.dynamics("Available")).toBe("returned");
    expect(written(stage.settle())).toEqual([[DYNAMICS, "Offline"]]);
  });

  it("[R310] keeps what the engine counted, if it is still so", () => {
    const stage = Stage.settled(core);
    const full = { automatic: "soft" } as const;
    stage.dynamics("Busy - DND", full);
    stage.settle();
    stage.dynamics("Offline");
    expect(stage.settle()).toEqual([]);
    expect(stage.dynamics("Busy - DND", full)).toBe("returned");
    stage.dynamics("Available", full);
    expect(written(stage.settle())).toEqual([[TEAMS, "Available"]]);
    expect(stage.rep.overlays).toEqual({});
  });

  it("[R310] does not keep it, if it is not", () => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy - DND", { automatic: "soft" });
    stage.settle();
    stage.dynamics("Offline");
    expect(stage.dynamics("Available")).toBe("sign-in");
    expect(stage.rep.overlays).toEqual({});
    expect(written(stage.settle())).toEqual([[TEAMS, "Available"]]);
  });

  it("[R6] [R310] but Offline that she chose, her client being there, takes effect at once", () => {
    const stage = atLunch();
    stage.dynamics("Offline", { disconnected: false });
    expect(written(stage.settle())).toEqual([[TEAMS, "Available"]]);
  });

  it("[R6] [R310] and so does Offline that she chooses when she is back", () => {
    const stage = atLunch();
    stage.dynamics("Offline", { disconnected: true });
    expect(stage.settle()).toEqual([]);
    stage.dynamics("Offline", { disconnected: false });
    expect(written(stage.settle())).toEqual([[TEAMS, "Available"]]);
  });

  it("[R6] [R310] a system that was never read has nothing to come back to", () => {
    const stage = new Stage(core);
    stage.dynamics("Offline");
    expect(stage.endpoint(DYNAMICS).disconnected).toBeNull();
    expect(stage.dynamics("Available")).toBe("sign-in");
  });

  it("[R7] [R310] sees a write of unknown outcome again when she is back, however long that took", () => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.answer(stage.nextWrite(DYNAMICS), "unknown");
    stage.dynamics("Offline");
    stage.release("call");
    stage.settle();
    stage.wait(RESTORED_WITHIN_MS);
    expect(stage.dynamics("Busy")).toBe("late echo");
    expect(written(stage.settle())).toEqual([[DYNAMICS, "Available"]]);
  });
});
