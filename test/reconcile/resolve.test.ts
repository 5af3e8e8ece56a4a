import { describe, expect, it } from "vitest";
import { DYNAMICS, type SystemName, TEAMS } from "../../src/presence/identity.ts";
import { statusOf, targetOf } from "../../src/reconcile/resolve.ts";
import type { Status } from "../../src/presence/status.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

/** Plays what happens, a minute apart, each step settled; returns her status and both targets. */
function after(...happenings: readonly ((stage: Stage) => void)[]): {
  readonly status: Status;
  readonly teams: Status | null;
  readonly dynamics: Status | null;
} {
  const stage = Stage.settled(core);
  for (const happen of happenings) {
    happen(stage);
    stage.settle();
    stage.wait(60_000);
  }
  const target = (system: SystemName): Status | null => targetOf(stage.rep, system, stage.policy);
  return { status: statusOf(stage.rep), teams: target(TEAMS), dynamics: target(DYNAMICS) };
}

const call = (stage: Stage): void => stage.hold("call");
const shiftEnds = (stage: Stage): void => stage.decree("Offline");
const inTeams =
  (state: Parameters<Stage["teams"]>[0]) =>
  (stage: Stage): void => {
    stage.teams(state);
  };
const inDynamics =
  (state: Parameters<Stage["dynamics"]>[0]) =>
  (stage: Stage): void => {
    stage.dynamics(state);
  };

describe("R20 holds", () => {
  it("[R20] a call wins over any choice", () => {
    expect(after(inTeams("DoNotDisturb"), call).status).toBe("InACall");
  });

  it("[R20] the strongest of several counts", () => {
    expect(after(inTeams("Presenting"), call).status).toBe("InACall");
    expect(after(inTeams("Presenting")).status).toBe("DoNotDisturb");
  });

  it("[R20] a call wins over a shift end", () => {
    expect(after(shiftEnds, call).status).toBe("InACall");
  });
});

describe("R21 soft overlays", () => {
  it("[R21] a meeting lies over an older choice", () => {
    expect(after(inDynamics("Away"), inTeams("InAMeeting")).status).toBe("InAMeeting");
  });

  it("[R21] a later choice elsewhere overrides it", () => {
    expect(after(inTeams("InAMeeting"), inDynamics("Available")).status).toBe("Available");
  });

  it("[R21] it does not count against a shift end", () => {
    expect(after(shiftEnds, inTeams("InAMeeting")).status).toBe("Offline");
  });
});

describe("R22 the base", () => {
  it("[R22] with nothing on top, the last choice is her status", () => {
    expect(after(inTeams("Busy"), inDynamics("Away")).status).toBe("Away");
  });
});

describe("R23 target of the base", () => {
  it("[R23] each system is asked for what it can show", () => {
    const { teams, dynamics } = after(inTeams("BeRightBack"));
    expect([teams, dynamics]).toEqual(["BeRightBack", "Away"]);
  });
});

describe("R24 the system that shows it", () => {
  it("[R24] Teams in a call of its own is left alone, Dynamics is not", () => {
    const { teams, dynamics } = after(inTeams("InACall"));
    expect([teams, dynamics]).toEqual([null, "Busy"]);
  });
});

describe("R25 automation never replaces a choice", () => {
  it("[R25] a meeting leaves a protective choice where it was made", () => {
    expect(after(inDynamics("Away"), inTeams("InAMeeting")).dynamics).toBe("Away");
  });

  it("[R25] a choice that protects nobody gives way to it", () => {
    expect(after(inDynamics("Available"), inTeams("InAMeeting")).dynamics).toBe("Busy");
  });

  it("[R25] what she chooses during a call shows where she chose it", () => {
    expect(after(call, inDynamics("Busy - DND")).dynamics).toBe("DoNotDisturb");
  });
});

describe("R26 a call over a base from elsewhere", () => {
  it("[R26] the less available of the two, in the system's own terms", () => {
    const strong = after(inDynamics("Busy - DND"), call);
    expect([strong.teams, strong.dynamics]).toEqual(["InACall", "DoNotDisturb"]);
    const weak = after(inTeams("BeRightBack"), call);
    expect([weak.teams, weak.dynamics]).toEqual(["InACall", "Busy"]);
  });
});

describe("R27 a call over a shift end, or over a base of its own system", () => {
  it("[R27] a call after the shift shows as a call", () => {
    const { teams, dynamics } = after(shiftEnds, call);
    expect([teams, dynamics]).toEqual(["InACall", "Busy"]);
  });

  it("[R27] a Teams call over a choice made in Teams shows as a call", () => {
    expect(after(inTeams("DoNotDisturb"), inTeams("InACall")).dynamics).toBe("Busy");
  });
});
