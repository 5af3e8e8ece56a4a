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
import { isOutranked } from "../../src/reconcile/classify.ts";
import { maskOf, overrideOf } from "../../src/reconcile/explain.ts";
import { choose, endHolds, expire, putHold } from "../../src/reconcile/intent.ts";
import { profileOf } from "../../src/reconcile/policy.ts";
import { type Cause, newRep, type Rep, withEndpoint } from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;
const HOUR_MS = 3_600_000;
const PHONE = systemName("phone");
const CALL = holdId("phone:1");
const NEW: Rep = { ...newRep([TEAMS, DYNAMICS]), tick: 5, intent: 5 };
const cause: Cause = { kind: "choice", source: DYNAMICS, status: "Away", atMs: NOW_MS };
const away = { status: "Away", origin: DYNAMICS, native: "Lunch" } as const;

type Overlay = {
  readonly kind?: AutomaticKind;
  readonly atMs?: number;
  readonly untilMs?: number | null;
};
const meeting = (
  system: SystemName,
  { kind = "soft", atMs = NOW_MS, untilMs = null }: Overlay = {},
): Rep => {
  const overlay = {
    status: "InAMeeting",
    kind,
    tick: 4,
    intent: 3,
    atMs,
    over: null,
    untilMs,
  } as const;
  return { ...NEW, overlays: { [system]: overlay } };
};
const shownIn = (rep: Rep, shown: number): Rep => withEndpoint(rep, DYNAMICS, { shown });

describe("[R15] [R21] a choice and a meeting that cross", () => {
  it("the meeting counts as the younger where it began a moment ago and was not shown", () => {
    const before = shownIn(meeting(TEAMS, { atMs: NOW_MS - POLICY.concurrentMs }), 2);
    const rep = choose(before, away, cause, POLICY);
    expect(rep.base).toMatchObject({
      status: "Away",
      tick: 6,
      intent: 6,
      natives: { [DYNAMICS]: "Lunch" },
    });
    expect(rep.overlays[TEAMS]).toEqual({ ...before.overlays[TEAMS], tick: 7 });
    expect(rep.tick).toBe(7);
  });

  it.each<[string, Rep]>([
    ["it was shown where she chose", shownIn(meeting(TEAMS), 3)],
    ["it began long ago", shownIn(meeting(TEAMS, { atMs: NOW_MS - POLICY.concurrentMs - 1 }), 2)],
    ["it is in the system in which she chose", shownIn(meeting(DYNAMICS), 2)],
    ["it is a call, which lies on top anyway", shownIn(meeting(TEAMS, { kind: "hold" }), 2)],
  ])("the choice is the younger: %s", (_what, before) => {
    const rep = choose(before, away, cause, POLICY);
    expect(rep.overlays).toEqual(before.overlays);
    expect(rep.tick).toBe(6);
  });

  it("a command crosses with nothing: its origin is shown nothing", () => {
    const before = meeting(TEAMS);
    const rep = choose(before, { ...away, origin: PHONE, native: null }, cause, POLICY);
    expect(rep.overlays).toEqual(before.overlays);
    expect(rep.base.natives).toEqual({});
  });

  it("what is seen for the first time is as old as can be", () => {
    expect(choose(NEW, away, cause, POLICY).base.atMs).toBe(NOW_MS);
    expect(choose(NEW, away, { ...cause, kind: "first sight" }, POLICY).base.atMs).toBe(0);
  });
});

describe("[R55] [R57] time", () => {
  const inCall = (status: Status = "InACall", untilMs = NOW_MS): Rep =>
    putHold(NEW, CALL, { source: PHONE, status, untilMs }, { ...cause, kind: "hold", atMs: 7 });

  it("another status of the same call began when the call began", () => {
    const rep = putHold(
      inCall(),
      CALL,
      { source: PHONE, status: "Busy", untilMs: 9 },
      { ...cause, kind: "hold" },
    );
    expect(rep.holds[CALL]).toMatchObject({ status: "Busy", sinceMs: 7, tick: 7 });
  });

  it("a hold ends at its end, not before, and says why", () => {
    expect(expire(inCall(), POLICY, NOW_MS - 1).holds).toEqual(inCall().holds);
    const rep = expire(inCall(), POLICY, NOW_MS);
    expect(rep.holds).toEqual({});
    expect(rep.cause).toEqual({
      kind: "hold expired",
      source: PHONE,
      status: "InACall",
      atMs: NOW_MS,
    });
    expect(endHolds(inCall(), NOW_MS).cause).toEqual({
      kind: "hold ended",
      source: PHONE,
      status: "InACall",
      atMs: NOW_MS,
    });
  });

  it("[R119] a command ends at its end, not before", () => {
    const command = { untilMs: NOW_MS };
    const rep = choose(NEW, { ...away, origin: PHONE, command }, cause, POLICY);
    expect(expire(rep, POLICY, NOW_MS - 1)).toBe(rep);
    const over = expire(rep, POLICY, NOW_MS);
    expect(over.base).toMatchObject({
      status: "Available",
      origin: null,
      untilMs: null,
      before: null,
    });
    expect(over.cause).toEqual({
      kind: "command ended",
      source: PHONE,
      status: "Away",
      atMs: NOW_MS,
    });
  });

  it("[R13] a call of a closed client ends after its grace, and may be seen again as one that begins", () => {
    const talking = meeting(TEAMS, { kind: "hold", untilMs: NOW_MS });
    const before = withEndpoint(talking, TEAMS, { seen: "InAMeeting" });
    expect(expire(before, POLICY, NOW_MS - 1)).toBe(before);
    const rep = expire(before, POLICY, NOW_MS);
    expect(rep.overlays).toEqual({});
    expect(rep.cause).toEqual({
      kind: "automatic ended",
      source: TEAMS,
      status: "InAMeeting",
      atMs: NOW_MS,
    });
    expect(rep.systems[TEAMS]?.seen).toBe("InAMeeting");
    const covered = {
      ...before,
      overlays: { [TEAMS]: { ...before.overlays[TEAMS], over: "Away" } },
    } as Rep;
    expect(expire(covered, POLICY, NOW_MS).systems[TEAMS]?.seen).toBe("Away");
    const other = withEndpoint(covered, TEAMS, { seen: "Busy" });
    expect(expire(other, POLICY, NOW_MS).systems[TEAMS]?.seen).toBe("Busy");
  });

  it("[R37] what is too old to matter is forgotten, and nothing else", () => {
    const before = { ...NEW, writesMs: [NOW_MS - HOUR_MS, NOW_MS - HOUR_MS + 1] };
    const rep = expire(before, POLICY, NOW_MS);
    expect(rep.writesMs).toEqual([NOW_MS - HOUR_MS + 1]);
    expect(expire(rep, POLICY, NOW_MS)).toBe(rep);
  });
});

describe("[R15] a choice in Dynamics against one in Teams", () => {
  type Given = {
    readonly base?: Status;
    readonly origin?: SystemName | null;
    readonly atMs?: number;
    readonly seen?: Status;
    readonly shown?: number;
    readonly teams?: Status;
    readonly readTick?: number;
  };
  const outranked = (n: Status, given: Given = {}): boolean => {
    const {
      base = "Busy",
      origin = TEAMS,
      atMs = NOW_MS,
      seen = "Available",
      shown = 2,
      teams = "Busy",
      readTick = 9,
    } = given;
    const chose: Rep = {
      ...NEW,
      base: { ...NEW.base, status: base, origin, atMs, intent: 3, tick: 4 },
    };
    const rep = withEndpoint(withEndpoint(chose, DYNAMICS, { seen, shown, readTick }), TEAMS, {
      seen: teams,
    });
    const reading = {
      status: n,
      automatic: null,
      native: "",
      sequence: null,
      startedTick: 9,
      startedAtMs: NOW_MS,
    };
    return isOutranked(rep, DYNAMICS, n, reading, POLICY);
  };

  it("made a moment ago and not yet shown, the less available wins, and a tie is hers in Teams", () => {
    expect(outranked("Away")).toBe(true);
    expect(outranked("DoNotDisturb")).toBe(false);
    expect(outranked("Busy", { teams: "Available" })).toBe(true);
    expect(outranked("Away", { atMs: NOW_MS - POLICY.concurrentMs })).toBe(true);
  });

  it.each<[string, Given]>([
    ["nothing was chosen before", { origin: null }],
    ["the other was made in Dynamics too", { origin: DYNAMICS }],
    ["Dynamics had shown the other", { seen: "Busy" }],
    ["Dynamics is known to have been shown it", { shown: 3 }],
    ["the other was made long ago", { atMs: NOW_MS - POLICY.concurrentMs - 1 }],
    ["Teams shows what she chose here already", { teams: "Away" }],
  ])("the one in Dynamics counts: %s", (_what, given) => {
    expect(outranked("Away", given)).toBe(false);
  });

  it("what Dynamics showed before the other choice was made is no showing of it", () => {
    expect(outranked("Away", { seen: "Busy", readTick: 3 })).toBe(true);
    expect(outranked("Away", { seen: "Busy", readTick: 4 })).toBe(false);
  });
});

describe("what we cannot see, and what cannot be shown", () => {
  it("a preferred presence of ours hides what lies beneath, since we set it", () => {
    const ours = { seen: "Busy", cover: "preferred", covering: "Busy", coveredSinceMs: 7 } as const;
    const mask = (change: Parameters<typeof withEndpoint>[2]) =>
      maskOf(withEndpoint(NEW, TEAMS, { ...ours, ...change }), TEAMS);
    expect(mask({})).toEqual({ sinceMs: 7, covering: "Busy" });
    expect(mask({ cover: "none" })).toBeNull();
    expect(mask({ seen: "Away" })).toBeNull();
    expect(mask({ cover: "session", covering: null })).toBeNull();
    expect(mask({ cover: "session", seen: "InACall", covering: "InACall" })).not.toBeNull();
    expect(mask({ cover: "session", seen: "DoNotDisturb", covering: "InACall" })).toBeNull();
  });

  it("her own manual status in Teams hides a call elsewhere, while it shows", () => {
    const teams = profileOf(POLICY, TEAMS);
    const hold = { source: PHONE, status: "InACall", tick: 9, sinceMs: 1, untilMs: 9e9 } as const;
    const chose: Rep = {
      ...NEW,
      base: { ...NEW.base, status: "Away", origin: TEAMS, atMs: 42 },
      holds: { [CALL]: hold },
    };
    const rep = withEndpoint(chose, TEAMS, { seen: teams.shows.Away });
    expect(overrideOf(rep, POLICY)).toEqual({
      system: TEAMS,
      status: "Away",
      hides: "InACall",
      sinceMs: 42,
      endsMs: null,
      choice: rep.base.intent,
    });
    const paused = { by: "manager" } as unknown as Rep["paused"];
    const none: readonly Rep[] = [
      { ...rep, paused },
      { ...rep, holds: {} },
      { ...rep, base: { ...rep.base, origin: null } },
      { ...rep, base: { ...rep.base, origin: PHONE } },
      { ...rep, base: { ...rep.base, origin: DYNAMICS } },
      {
        ...withEndpoint(rep, TEAMS, { seen: "Available" }),
        base: { ...rep.base, status: "Available" },
      },
      withEndpoint(rep, TEAMS, { seen: "Busy" }),
      {
        ...withEndpoint(rep, TEAMS, { seen: "InACall" }),
        base: { ...rep.base, status: "InACall" },
      },
    ];
    for (const other of none) expect(overrideOf(other, POLICY)).toBeNull();
    const showing = { status: "InAMeeting", kind: "soft", tick: 9, intent: 1, atMs: 1 } as const;
    const itself: Rep = {
      ...rep,
      overlays: { [TEAMS]: { ...showing, over: null, untilMs: null } },
    };
    expect(overrideOf(itself, POLICY)).toBeNull();
    expect(overrideOf(withEndpoint(rep, TEAMS, { seen: "Offline" }), POLICY)).toBeNull();
  });
});
