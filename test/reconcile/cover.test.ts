import { describe, expect, it } from "vitest";
import {
  DYNAMICS,
  holdId,
  systemName,
  type SystemName,
  TEAMS,
} from "../../src/presence/identity.ts";
import type { AutomaticKind } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import {
  type Endpoint,
  type Hold,
  newRep,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import {
  coverFor,
  coverOf,
  isSatisfied,
  liftsManual,
  targetOf,
  topOf,
} from "../../src/reconcile/resolve.ts";
import { POLICY } from "./profiles.ts";

const PHONE = systemName("phone");
const NEW: Rep = { ...newRep([TEAMS, DYNAMICS]), tick: 9, intent: 5 };

function chose(status: Status, origin: SystemName | null, tick = 5): Rep {
  return { ...NEW, base: { ...NEW.base, status, origin, tick, intent: 5, atMs: 1 } };
}
const at = withEndpoint;

/** Calls that were reported, each with its status and the tick at which it began. */
function calling(rep: Rep, ...calls: readonly (readonly [Status, number])[]): Rep {
  const holds = calls.map(([status, tick], index): [string, Hold] => [
    holdId(`call ${index}`),
    { source: systemName(`phone ${index}`), status, tick, sinceMs: 1, untilMs: 9e9 },
  ]);
  return { ...rep, holds: Object.fromEntries(holds) };
}

function showing(
  rep: Rep,
  system: SystemName,
  status: Status,
  kind: AutomaticKind,
  tick: number,
): Rep {
  const overlay = { status, kind, tick, intent: 5, atMs: 1, over: null, untilMs: null } as const;
  return { ...rep, overlays: { ...rep.overlays, [system]: overlay } };
}

describe("[R20] [R21] what lies on top", () => {
  it("the strongest call, whichever began first; of equal ones the first", () => {
    const rep = chose("Available", TEAMS);
    expect(topOf(calling(rep, ["Busy", 6], ["InACall", 7]))).toMatchObject({ status: "InACall" });
    expect(topOf(calling(rep, ["InACall", 6], ["Busy", 7]))).toMatchObject({ status: "InACall" });
    expect(topOf(calling(rep, ["Busy", 6], ["Busy", 7]))).toMatchObject({ source: "phone 0" });
  });

  it("a meeting counts if it is younger than the base, or in the base's own system", () => {
    const meeting = (origin: SystemName, tick: number) =>
      topOf(showing(chose("Busy", origin), TEAMS, "InAMeeting", "soft", tick));
    expect(meeting(DYNAMICS, 6)).toMatchObject({ status: "InAMeeting", system: TEAMS });
    expect(meeting(DYNAMICS, 5)).toBeNull();
    expect(meeting(TEAMS, 4)).toMatchObject({ status: "InAMeeting", system: TEAMS });
  });

  it("[R12] a call that a system shows, however old, over a younger choice, a shift end, and a meeting", () => {
    const seen = (rep: Rep) => topOf(showing(rep, TEAMS, "InACall", "hold", 4));
    const inTeams = { status: "InACall", kind: "hold", system: TEAMS, source: TEAMS };
    expect(seen(chose("Busy", DYNAMICS))).toMatchObject(inTeams);
    expect(seen(chose("Offline", PHONE))).toMatchObject(inTeams);
    const away = showing(chose("Busy", DYNAMICS), DYNAMICS, "Away", "soft", 6);
    expect(seen(away)).toMatchObject(inTeams);
    expect(seen(calling(chose("Busy", PHONE), ["Busy", 6]))).toMatchObject(inTeams);
  });

  it("a call beats a meeting, even one that is less available", () => {
    const rep = showing(chose("Available", TEAMS), TEAMS, "DoNotDisturb", "soft", 6);
    expect(topOf(calling(rep, ["Busy", 6]))).toMatchObject({ status: "Busy", kind: "hold" });
  });
});

describe("[R25] what she chose in Dynamics during a call", () => {
  it("shows there, even where the call is less available; what she chose before it does not", () => {
    const during = calling(chose("Away", DYNAMICS, 7), ["InACall", 6]);
    expect(targetOf(during, DYNAMICS, POLICY)).toBe("Away");
    const before = calling(chose("Away", DYNAMICS, 5), ["InACall", 6]);
    expect(targetOf(before, DYNAMICS, POLICY)).toBe("Busy");
  });
});

describe("[R113] [R114] what a paused rep's systems should show", () => {
  const paused: Rep = { ...chose("Busy", TEAMS), paused: { by: "manager", sinceMs: 1 } };
  const own = { status: "Away", native: "lunch" } as const;

  it("Teams without our cover is left alone; with it, what lies beneath", () => {
    const covered: Partial<Endpoint> = { seen: "Busy", cover: "preferred", covering: "Busy" };
    expect(targetOf(at(paused, TEAMS, { seen: "Busy" }), TEAMS, POLICY)).toBeNull();
    expect(targetOf(at(paused, TEAMS, covered), TEAMS, POLICY)).toBe("Available");
  });

  it("Dynamics, what she last chose there; nothing, during a call or while it shows something itself", () => {
    const rep = at(paused, DYNAMICS, { seen: "Busy", own });
    expect(targetOf(rep, DYNAMICS, POLICY)).toBe("Away");
    expect(targetOf(at(rep, DYNAMICS, { own: null }), DYNAMICS, POLICY)).toBeNull();
    expect(targetOf(calling(rep, ["InACall", 6]), DYNAMICS, POLICY)).toBeNull();
    const away = showing(rep, DYNAMICS, "Away", "soft", 6);
    expect(targetOf(away, DYNAMICS, POLICY)).toBeNull();
    const meeting = showing(rep, TEAMS, "InAMeeting", "soft", 6);
    expect(targetOf(meeting, DYNAMICS, POLICY)).toBe("Away");
  });
});

describe("[R38] what of ours should lie in Teams", () => {
  const ours = (rep: Rep, target: Status | null, teams: Partial<Endpoint>) =>
    coverFor(at(rep, TEAMS, teams), TEAMS, target, POLICY);
  const session = { cover: "session", covering: "InACall", seen: "InACall" } as const;
  const preferred = { cover: "preferred", covering: "Away", seen: "Away" } as const;

  it("nothing, where it is left alone", () => {
    expect(ours(chose("Busy", DYNAMICS), null, { seen: "Busy" })).toBe("none");
  });

  it("nothing over her own choice there, where it shows or would without our session", () => {
    expect(ours(chose("Busy", TEAMS), "Busy", { seen: "Busy" })).toBe("none");
    expect(ours(chose("Busy", TEAMS), "Busy", session)).toBe("none");
  });

  it("a preferred presence, where a write of ours replaced her choice, or it is from elsewhere", () => {
    expect(ours(chose("Busy", TEAMS), "Busy", { seen: "Away" })).toBe("preferred");
    expect(ours(chose("Busy", TEAMS), "Busy", preferred)).toBe("preferred");
    const shown = { ...preferred, covering: "Busy", seen: "Busy" } as const;
    expect(ours(chose("Busy", TEAMS), "Busy", shown)).toBe("preferred");
    expect(ours(chose("Busy", DYNAMICS), "Busy", { seen: "Busy" })).toBe("preferred");
  });

  it("a session over her choice during a call, though Teams shows a call already", () => {
    const rep = calling(chose("Busy", TEAMS), ["InACall", 6]);
    expect(ours(rep, "InACall", { seen: "InACall" })).toBe("session");
    expect(ours(rep, "InACall", session)).toBe("session");
  });

  it("what a call shows as is ours, though it looks like her choice; a weaker call leaves it hers", () => {
    expect(ours(calling(chose("Busy", TEAMS), ["Busy", 6]), "Busy", { seen: "Busy" })).toBe(
      "preferred",
    );
    const stronger = calling(chose("DoNotDisturb", TEAMS), ["Busy", 4]);
    expect(ours(stronger, "DoNotDisturb", { seen: "DoNotDisturb" })).toBe("none");
  });

  it("a preferred presence that does not show is gone; a session may lie beneath what shows", () => {
    expect(coverOf({ ...preferred, seen: "Busy" } as Endpoint)).toBe("none");
    expect(coverOf(preferred as unknown as Endpoint)).toBe("preferred");
    expect(coverOf({ ...session, seen: "DoNotDisturb" } as Endpoint)).toBe("session");
  });
});

describe("[R118] a manual status in Teams is lifted", () => {
  const lifts = (rep: Rep, tried = 4): boolean => liftsManual(at(rep, TEAMS, { tried }), TEAMS);

  it("once, by a later Available from elsewhere, and by nothing else", () => {
    expect(lifts(chose("Available", DYNAMICS))).toBe(true);
    expect(lifts(chose("Available", PHONE))).toBe(true);
    expect(lifts(chose("Available", DYNAMICS), 5)).toBe(false);
    expect(lifts(chose("Busy", DYNAMICS))).toBe(false);
    expect(lifts(chose("Available", null))).toBe(false);
    expect(lifts(chose("Available", TEAMS))).toBe(false);
    const paused = { by: "manager", sinceMs: 1 };
    expect(lifts({ ...chose("Available", DYNAMICS), paused })).toBe(false);
  });
});

describe("[R311] what a system keeps to itself", () => {
  it("[R20] [R311] is what it counts: a call that it shows is shown elsewhere all the same", () => {
    const systems = POLICY.systems.map((profile) => ({
      ...profile,
      keepsToItself: ["InACall", "InAMeeting"] as const,
    }));
    const policy = { ...POLICY, systems };
    const showing = (status: Status, kind: AutomaticKind): Status | null => {
      const overlay = { status, kind, tick: 9, intent: 5, atMs: 0, over: null, untilMs: null };
      return targetOf({ ...NEW, overlays: { [TEAMS]: overlay } }, DYNAMICS, policy);
    };
    expect(showing("InACall", "hold")).toBe("Busy");
    expect(showing("InAMeeting", "soft")).toBe("Available");
  });
});

describe("[R35] a system has what it should", () => {
  const has = (rep: Rep, system: SystemName, endpoint: Partial<Endpoint>): boolean => {
    const now = at(rep, system, { tried: 5, ...endpoint });
    return isSatisfied(now, system, targetOf(now, system, POLICY), POLICY);
  };
  const covered = { cover: "preferred", covering: "Busy", seen: "Busy" } as const;

  it("when it shows it, whether by our cover or without", () => {
    expect(has(chose("Busy", DYNAMICS), TEAMS, covered)).toBe(true);
    expect(has(chose("Busy", TEAMS), TEAMS, { seen: "Busy" })).toBe(true);
    expect(has(chose("Busy", TEAMS), DYNAMICS, { seen: "Busy" })).toBe(true);
    expect(has(chose("Busy", TEAMS), DYNAMICS, { seen: "Away" })).toBe(false);
    expect(has(chose("Available", TEAMS), DYNAMICS, { seen: "Busy" })).toBe(false);
  });

  it("not while a cover is left that is wanted no more", () => {
    expect(has(chose("Available", DYNAMICS), TEAMS, covered)).toBe(false);
    const session = { cover: "session", covering: "InACall", seen: "Available" } as const;
    expect(has(chose("Available", DYNAMICS), TEAMS, session)).toBe(false);
  });

  it("[R118] when nothing of ours is left in Teams that could be taken away or lifted", () => {
    expect(has(chose("Available", DYNAMICS), TEAMS, { seen: "Busy" })).toBe(true);
    expect(has(chose("Available", DYNAMICS), TEAMS, { seen: "Busy", tried: 4 })).toBe(false);
    expect(has(chose("Busy", DYNAMICS), TEAMS, { seen: "Away" })).toBe(false);
  });
});
