import { expect } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { endpointOf, withEndpoint } from "../../src/reconcile/rep.ts";
import { topOf } from "../../src/reconcile/resolve.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import type { Core } from "../model/core.ts";
import { Stage } from "./stage.ts";

/** Its answer is lost. */
function lost(stage: Stage, write: Write): void {
  stage.answer(write, "unknown");
  stage.wait(1_000);
}

/** A call was reported while she showed her own status: our session lies beneath it. */
function withHiddenSession(core: Core): Stage {
  const stage = Stage.settled(core);
  stage.teams("BeRightBack");
  stage.settle();
  stage.hold("call");
  stage.answer(stage.nextWrite(TEAMS), "accepted");
  stage.wait(5_000);
  expect(stage.teams("BeRightBack")).toBe("absorbed");
  stage.settle();
  return stage;
}

/**
 * What simulated lives and the explorer found, by the climate and seed that showed it first, in as few steps as it takes. Each
 * is played on the real core, and on the mutants that it must kill.
 */
export const DEFECTS: Readonly<Record<string, (core: Core) => void>> = {
  "[R301] unversioned 246: what a write was to take away comes after all, though its other half was seen":
    (core) => {
      const stage = Stage.settled(core);
      stage.dynamics("Busy");
      stage.settle();
      stage.hold("call");
      stage.settle();
      stage.wait(5_000);
      stage.release("call");
      const cut = stage.nextWrite(TEAMS);
      expect([cut.from, cut.to]).toEqual(["session", "preferred"]);
      expect(stage.teams("Busy")).toBe("echo");
      lost(stage, cut);
      stage.settle();
      stage.hold("next");
      stage.settle();
      expect(stage.teams("Available")).toBe("late echo");
      expect(stage.nextWrite(TEAMS)).toMatchObject({ to: "session", shows: "InACall" });
    },

  "[R356] a session that was not taken away is taken by every withdrawal, while it may last": (
    core,
  ) => {
    const stage = Stage.settled(core);
    const lifting = (): Write => {
      stage.teams("DoNotDisturb");
      stage.settle();
      stage.wait(60_000);
      stage.decree("Available");
      const write = stage.nextWrite(TEAMS);
      stage.answer(write, "accepted");
      stage.wait(2_000);
      stage.teams("Available");
      stage.settle();
      return write;
    };
    expect(lifting().session).toBe(false);
    stage.hold("call");
    stage.settle();
    // What she chooses lies over it, and shows whether or not the withdrawal has any effect.
    stage.teams("DoNotDisturb");
    const withdrawal = stage.nextWrite(TEAMS);
    expect([withdrawal.from, withdrawal.to]).toEqual(["session", "none"]);
    stage.answer(withdrawal, "accepted");
    stage.wait(2_000);
    stage.teams("DoNotDisturb");
    stage.release("call");
    stage.settle();
    expect(stage.endpoint(TEAMS).cover).toBe("none");
    expect(lifting().session).toBe(true);
    stage.wait(64 * 60_000);
    expect(lifting().session).toBe(false);
  },

  "[R11] network 14: a call beneath our session shows although a meeting was seen before": (
    core,
  ) => {
    const stage = Stage.settled(core);
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
  },

  "[R7] [R13] everything 8: a call is over although its end looks like a late write": (core) => {
    const stage = Stage.settled(core);
    stage.teams("InACall");
    stage.settle();
    const late = [
      { status: "Available", cover: "none", clears: false, expiresAtMs: stage.nowMs + 60_000 },
    ] as const;
    stage.rep = withEndpoint(stage.rep, TEAMS, { late });
    expect(stage.teams("Available")).toBe("late echo");
    expect(topOf(stage.rep)).toBeNull();
  },

  "[R75] hours 25: a status that we once set is hers when she chooses it herself": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Away");
    stage.settle();
    expect(endpointOf(stage.rep, TEAMS).cover).toBe("preferred");
    expect(stage.teams("Busy")).toBe("choice");
    stage.settle();
    expect(stage.teams("Away")).toBe("choice");
    expect(endpointOf(stage.rep, TEAMS).cover).toBe("none");
  },

  "[P4] network 34: what was written behind a client that we made look closed is no choice": (
    core,
  ) => {
    const stage = Stage.settled(core);
    stage.rep = withEndpoint(stage.rep, TEAMS, { seen: "Offline", absent: true });
    stage.dynamics("Busy");
    stage.teams("Offline");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    expect(stage.teams("Offline")).toBe("absent");
    const { intent } = stage.rep;
    stage.teams("Busy");
    expect(stage.rep.intent).toBe(intent);
  },
  "[R300] hours 134 and 278: what was written before hours of silence is no choice after them": (
    core,
  ) => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.nextWrite(DYNAMICS);
    stage.restart();
    stage.wait(7_200_000);
    expect(stage.dynamics("Busy")).toBe("echo");
    expect(stage.rep.base.status).toBe("Available");
  },

  "[R300] unversioned 106: what lies behind a closed client is found there hours later, and taken back":
    (core) => {
      const stage = Stage.settled(core);
      stage.teams("Offline");
      stage.dynamics("Inactive");
      lost(stage, stage.nextWrite(TEAMS));
      stage.dynamics("Available");
      stage.settle();
      stage.wait(7_200_000);
      stage.teams("Offline");
      stage.plan();
      expect(stage.teams("Away")).toBe("late echo");
      expect(stage.settle().map(({ shows }) => shows)).toEqual(["Available"]);
    },

  "[R301] unversioned 1515: a session that an older write takes away is no choice": (core) => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    stage.teams("InACall");
    stage.settle();
    expect(stage.teams("Busy")).toBe("choice");
    lost(stage, stage.nextWrite(TEAMS));
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    stage.teams("Busy");
    stage.dynamics("Busy - DND");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    expect(stage.teams("Busy")).toBe("late echo");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    expect(stage.teams("InACall")).toBe("echo");
    expect(stage.teams("Available")).toBe("late echo");
  },

  "[R303] rush 2226: a call that replaces our preferred status is hers, reported or not": (
    core,
  ) => {
    const stage = Stage.settled(core);
    stage.dynamics("Away");
    stage.settle();
    stage.hold("call");
    expect(stage.teams("InACall")).toBe("automatic");
    stage.release("call");
    expect(topOf(stage.rep)).toMatchObject({ status: "InACall", system: TEAMS });
  },

  "[R304] rush 1906: our session is gone from over a meeting, and the next call is hers": (
    core,
  ) => {
    const stage = Stage.settled(core);
    stage.teams("InAMeeting");
    stage.settle();
    stage.hold("call");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    expect(stage.teams("InACall")).toBe("echo");
    stage.release("call");
    const write = stage.nextWrite(TEAMS);
    expect(write).toMatchObject({ shows: "InAMeeting", to: "none" });
    stage.answer(write, "accepted");
    expect(stage.teams("Available")).toBe("automatic ended");
    expect(stage.teams("InACall")).toBe("uncovered");
    expect(topOf(stage.rep)).toMatchObject({ status: "InACall", system: TEAMS });
  },

  "[R306] everything 367: a choice that agrees does not leave our session beneath it": (core) => {
    const stage = withHiddenSession(core);
    stage.decree("Busy");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(5_000);
    stage.teams("BeRightBack");
    stage.release("call");
    expect(stage.teams("Busy")).toBe("agrees");
    expect(stage.nextWrite(TEAMS)).toMatchObject({ from: "session", shows: "Busy" });
  },

  "[R306] hours 1138: our own session that comes to light when the call is over is no call of hers":
    (core) => {
      const stage = withHiddenSession(core);
      stage.release("call");
      expect(stage.teams("InACall")).toBe("agrees");
      expect(topOf(stage.rep)).toBeNull();
      stage.answer(stage.nextWrite(TEAMS), "accepted");
    },

  "[R13] hours 1138: a call that was seen is over when our session ends and shows something else": (
    core,
  ) => {
    const inCall = { status: "InACall", kind: "hold", over: "Available", untilMs: null } as const;
    const stage = withHiddenSession(core);
    const at = { tick: stage.rep.tick, intent: stage.rep.intent, atMs: stage.nowMs };
    stage.rep = { ...stage.rep, overlays: { [TEAMS]: { ...inCall, ...at } } };
    stage.rep = withEndpoint(stage.rep, TEAMS, { seen: "InACall", leaseUntilMs: stage.nowMs });
    expect(stage.teams("Available")).toBe("lease ended");
    expect(stage.rep.overlays).toEqual({});
  },

  "[R308] explored: a call that shows while nobody knows of our session is no sign of it": (
    core,
  ) => {
    const stage = Stage.settled(core);
    stage.hold("call");
    lost(stage, stage.nextWrite(TEAMS));
    expect(stage.teams("InACall")).toBe("unconfirmed");
    expect(stage.teams("Available")).toBe("same");
    expect(stage.nextWrite(TEAMS)).toMatchObject({ shows: "InACall", to: "session" });
  },

  "[R308] explored: nor is one that showed before the answer was lost": (core) => {
    const stage = Stage.settled(core);
    stage.hold("call");
    const write = stage.nextWrite(TEAMS);
    expect(stage.teams("InACall")).toBe("echo");
    lost(stage, write);
    expect(stage.teams("Available")).toBe("same");
    expect(stage.nextWrite(TEAMS)).toMatchObject({ shows: "InACall", to: "session" });
  },

  "[R302] network 220: Available after a conversation is not an old write of ours": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    stage.settle();
    stage.teams("Available");
    const isOurs = { status: "Available", automatic: null, native: "Available" } as const;
    lost(stage, stage.nextWrite(DYNAMICS));
    stage.teams("Busy");
    stage.settle();
    expect(stage.read(DYNAMICS, { ...isOurs, automatic: "soft" })).toBe("automatic");
    stage.settle();
    expect(stage.read(DYNAMICS, isOurs)).toBe("late echo");
  },
  "[R309] hours 231: is her choice where she was Inactive, be it what was there before": (core) => {
    const stage = Stage.settled(core);
    stage.teams("Busy");
    stage.settle();
    expect(stage.dynamics("Inactive")).toBe("automatic");
    stage.settle();
    stage.teams("BeRightBack");
    stage.settle();
    stage.dynamics("Busy");
    expect(stage.rep.base).toMatchObject({ status: "Busy", origin: DYNAMICS });
    stage.settle();
    expect(endpointOf(stage.rep, TEAMS).seen).toBe("Busy");
  },

  "[R319] known limit: is taken for the end of a conversation, once": (core) => {
    const stage = Stage.settled(core);
    stage.read(DYNAMICS, { status: "DoNotDisturb", automatic: "soft" });
    expect(stage.teams("DoNotDisturb")).toBe("choice");
    stage.settle();
    expect(stage.dynamics("Available")).toBe("automatic ended");
    expect(stage.settle()).toMatchObject([{ system: DYNAMICS, shows: "DoNotDisturb" }]);
    expect(stage.rep.base).toMatchObject({ status: "DoNotDisturb", origin: TEAMS });
    stage.wait(60_000);
    stage.dynamics("Available");
    expect(stage.rep.base).toMatchObject({ status: "Available", origin: DYNAMICS });
  },
};
