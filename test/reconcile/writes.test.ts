import { describe, expect, it } from "vitest";
import {
  DYNAMICS,
  holdId,
  systemName,
  type SystemName,
  TEAMS,
} from "../../src/presence/identity.ts";
import type { Status } from "../../src/presence/status.ts";
import { plan, type Plan, type Write } from "../../src/reconcile/plan.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import {
  type Cause,
  type Endpoint,
  endpointOf,
  newRep,
  type Pending,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;
const MINUTE_MS = 60_000;
const PHONE = systemName("phone");
/** Teams and Dynamics were read since the newest intent, and tried for it. */
const DONE = { readTick: 9, tried: 5, shown: 5 } as const;

type Kind = Cause["kind"];

/** She wants `status`, because of `kind`; both systems show `seen`, and only `open` is to be written. */
function wanting(
  status: Status,
  origin: SystemName,
  seen: Status,
  open: SystemName | null,
  kind: Kind = "choice",
): Rep {
  const rep: Rep = {
    ...newRep([TEAMS, DYNAMICS]),
    tick: 9,
    intent: 5,
    intentTick: 9,
    intentAtMs: NOW_MS - 1_000,
    cause: { kind, source: origin, status, atMs: NOW_MS - 1_000 },
  };
  const chose = { ...rep, base: { ...rep.base, status, origin, tick: 9, intent: 5, atMs: 1 } };
  const read = at(at(chose, TEAMS, { ...DONE, seen }), DYNAMICS, { ...DONE, seen });
  return open === null ? read : at(read, open, { tried: 4, shown: 4 });
}
const at = (rep: Rep, system: SystemName, change: Partial<Endpoint>): Rep =>
  withEndpoint(rep, system, change);
const next = (rep: Rep, policy: Partial<Policy> = {}): Plan =>
  plan(rep, { ...POLICY, ...policy }, NOW_MS);

/** The only write that is planned, and what was recorded of it. */
function only(rep: Rep): Write & { readonly pending: Pending | null } {
  const planned = next(rep);
  const [write, ...more] = planned.writes;
  if (!write) throw new Error("nothing is written");
  expect(more).toEqual([]);
  return { ...write, pending: endpointOf(planned.rep, write.system).pending };
}

const call = { source: PHONE, status: "InACall", tick: 9, sinceMs: 1, untilMs: 9e9 } as const;
const during = (rep: Rep, status: Status = "InACall"): Rep => ({
  ...rep,
  holds: { [holdId("call")]: { ...call, status } },
});

describe("[R37] the budget", () => {
  const TOLD: readonly Kind[] = [
    "hold",
    "hold ended",
    "hold expired",
    "command",
    "command ended",
    "manual lifted",
    "shift",
    "paused",
    "resumed",
  ];
  const READ: readonly Kind[] = [
    "first sight",
    "choice",
    "sign-in",
    "sign-out",
    "automatic",
    "automatic ended",
    "lease ended",
  ];
  const spent = { writesPerMinute: 0 };

  it.each(TOLD)("%s was reported: it is written when all is spent, and spends nothing", (kind) => {
    const planned = next(wanting("Busy", PHONE, "Available", TEAMS, kind), spent);
    expect(planned).toMatchObject({ held: false, rep: { writesMs: [] } });
    expect(planned.writes).toMatchObject([{ system: TEAMS, shows: "Busy" }]);
  });

  it.each(READ)("%s was concluded: it rests when all is spent, and each write counts", (kind) => {
    const rep = wanting("Busy", DYNAMICS, "Available", TEAMS, kind);
    expect(next(rep, spent)).toMatchObject({ held: true, writes: [] });
    expect(next(rep).rep.writesMs).toEqual([NOW_MS]);
  });

  const protects = wanting("Busy", DYNAMICS, "Available", TEAMS);
  const follows = wanting("Away", DYNAMICS, "Busy", TEAMS);
  const after = (rep: Rep, ...writesMs: readonly number[]): Rep => ({ ...rep, writesMs });

  it("its last write is kept for one that protects", () => {
    expect(next(protects, { writesPerMinute: 1 }).writes).toHaveLength(1);
    expect(next(follows, { writesPerMinute: 1 })).toMatchObject({ held: true, writes: [] });
    expect(next(follows, { writesPerMinute: 2 }).writes).toHaveLength(1);
  });

  it("a minute counts what left within it, and an hour likewise", () => {
    const policy = { writesPerMinute: 1 };
    expect(next(after(protects, NOW_MS - MINUTE_MS + 1), policy).writes).toEqual([]);
    expect(next(after(protects, NOW_MS - MINUTE_MS), policy).writes).toHaveLength(1);
    const early = after(protects, NOW_MS - 30 * MINUTE_MS, NOW_MS - 20 * MINUTE_MS);
    expect(next(early, { writesPerHour: 2 }).writes).toEqual([]);
    expect(next(early, { writesPerHour: 3 }).writes).toHaveLength(1);
  });

  it("once it rests, it rests for its time, but for what protects; it is not put off again", () => {
    const resting = { ...follows, heldUntilMs: NOW_MS + 7 };
    expect(next(resting)).toMatchObject({
      held: true,
      writes: [],
      recheckAtMs: NOW_MS + 7,
      rep: { heldUntilMs: NOW_MS + 7 },
    });
    expect(next({ ...protects, heldUntilMs: NOW_MS + 7 }).writes).toHaveLength(1);
    const over = { ...follows, heldUntilMs: NOW_MS };
    expect(next(over).writes).toHaveLength(1);
    expect(next(over, spent)).toMatchObject({
      held: true,
      rep: { heldUntilMs: NOW_MS + POLICY.heldMs },
    });
  });

  it("[R110] [R112] a fight rests all that was concluded, until it is over, and spends no time of the budget", () => {
    const fight = {
      system: DYNAMICS,
      by: null,
      between: ["Busy", "Away"],
      sinceMs: 1,
      lastMs: NOW_MS,
      changes: 20,
    } as const;
    expect(next({ ...protects, fight })).toMatchObject({
      held: true,
      writes: [],
      recheckAtMs: NOW_MS + POLICY.fightQuietMs,
      rep: { heldUntilMs: 0 },
    });
    const told = wanting("Busy", PHONE, "Available", TEAMS, "command");
    expect(next({ ...told, fight }).writes).toHaveLength(1);
  });
});

describe("[R36] releasing Dynamics", () => {
  const free = wanting("Available", PHONE, "Busy", DYNAMICS);
  const teamsOpen = at(free, TEAMS, { seen: "Available", tried: 4, readTick: 8 });

  it("waits for Teams, as long as the policy's patience", () => {
    expect(next(teamsOpen)).toMatchObject({
      reads: [TEAMS],
      writes: [],
      recheckAtMs: NOW_MS - 1_000 + POLICY.releasePatienceMs,
    });
    const patient = { ...teamsOpen, intentAtMs: NOW_MS - POLICY.releasePatienceMs };
    expect(next(patient).writes).toMatchObject([{ system: DYNAMICS, shows: "Available" }]);
  });

  it("waits for nobody where she only becomes something else that protects her", () => {
    const away = at(wanting("Away", PHONE, "Busy", DYNAMICS), TEAMS, { tried: 4, readTick: 8 });
    expect(next(away).writes).toMatchObject([{ system: DYNAMICS, shows: "Away" }]);
  });

  it("happens in the same pass in which Teams turns out to be free, in whatever order they are listed", () => {
    const read = at(teamsOpen, TEAMS, { readTick: 9 });
    const systems = POLICY.systems.toReversed();
    for (const policy of [POLICY, { ...POLICY, systems }]) {
      expect(next(read, policy).writes).toMatchObject([{ system: DYNAMICS, shows: "Available" }]);
    }
  });
});

describe("[R38] what a write says", () => {
  it("the finest status that the class in the system stands for", () => {
    const busy = during(wanting("Available", TEAMS, "Available", DYNAMICS));
    expect(only(busy)).toMatchObject({ status: "InACall", shows: "Busy" });
    const stronger = during(wanting("DoNotDisturb", PHONE, "Available", DYNAMICS));
    expect(only(stronger)).toMatchObject({ status: "DoNotDisturb", shows: "DoNotDisturb" });
    const weaker = during(wanting("InAMeeting", PHONE, "Available", DYNAMICS), "BeRightBack");
    expect(only(weaker)).toMatchObject({ status: "InAMeeting", shows: "Busy" });
  });

  it("[R59] the system's own value, where the base shows, and not where a call does", () => {
    const native = (rep: Rep) =>
      only({ ...rep, base: { ...rep.base, natives: { [DYNAMICS]: "lunch" } } }).native;
    expect(native(wanting("Away", TEAMS, "Available", DYNAMICS))).toBe("lunch");
    expect(native(during(wanting("Away", TEAMS, "Available", DYNAMICS)))).toBeNull();
  });

  it("[R114] a paused rep's own value in Dynamics; another's is left where it is", () => {
    const own = { status: "Away", native: "lunch" } as const;
    const rep = at(wanting("Busy", TEAMS, "Busy", DYNAMICS, "paused"), DYNAMICS, { own });
    const paused = { by: "manager", sinceMs: 1 };
    expect(only({ ...rep, paused })).toMatchObject({
      status: "Away",
      shows: "Away",
      native: "lunch",
    });
    expect(only(at(rep, DYNAMICS, { seen: "Available" })).native).toBeNull();
    const covered = at(wanting("Busy", DYNAMICS, "Busy", TEAMS, "paused"), TEAMS, {
      cover: "preferred",
      covering: "Busy",
      own,
    });
    expect(only({ ...covered, paused })).toMatchObject({ shows: "Available", native: null });
  });

  it("[R11] that it takes our cover away, only where it does, and only where there are covers", () => {
    const covered = { cover: "session", covering: "InACall", seen: "InACall" } as const;
    const back = only(at(wanting("Busy", TEAMS, "Busy", TEAMS), TEAMS, covered));
    expect(back).toMatchObject({ from: "session", to: "none", shows: "Busy" });
    expect(back.pending).toMatchObject({ withdraws: true, leaseUntilMs: null });
    const on = only(wanting("Busy", DYNAMICS, "Available", TEAMS));
    expect(on).toMatchObject({ from: "none", to: "preferred", protective: true });
    expect(on.pending).toMatchObject({ withdraws: false, leaseUntilMs: NOW_MS + 60 * MINUTE_MS });
    const replaced = only(wanting("Busy", TEAMS, "Away", DYNAMICS));
    expect(replaced).toMatchObject({ to: "none", protective: false });
    expect(replaced.pending).toMatchObject({ withdraws: false, leaseUntilMs: null });
  });
});

describe("[R32] our cover in Teams", () => {
  const leaseUntilMs = NOW_MS + 30 * MINUTE_MS;
  const cover = { cover: "preferred", covering: "Busy", leaseUntilMs } as const;
  const covered = at(wanting("Busy", DYNAMICS, "Busy", null), TEAMS, cover);

  it("is renewed when half of its lease is left, and planned for then", () => {
    expect(only(covered)).toMatchObject({ renewal: true, shows: "Busy" });
    const fresh = at(covered, TEAMS, { leaseUntilMs: leaseUntilMs + 1 });
    expect(next(fresh)).toMatchObject({ writes: [], recheckAtMs: NOW_MS + 1 });
    const found = at(fresh, TEAMS, { tried: 4 });
    expect(next(found)).toMatchObject({ writes: [], recheckAtMs: NOW_MS + 1 });
  });

  it("is not renewed where it does not show, is wanted no more, or has no end", () => {
    const none = { writes: [], recheckAtMs: null };
    expect(next(at(covered, TEAMS, { seen: "Away" }))).toMatchObject(none);
    expect(next(at(covered, TEAMS, { leaseUntilMs: null }))).toMatchObject(none);
    const other = at(wanting("Away", DYNAMICS, "Busy", null), TEAMS, cover);
    expect(next(other).writes).toEqual([]);
  });

  it("does not wake anybody while a write is on its way: its answer does", () => {
    const { rep } = next(at(wanting("Away", DYNAMICS, "Busy", TEAMS), TEAMS, cover));
    expect(endpointOf(rep, TEAMS).pending).not.toBeNull();
    expect(next(rep)).toMatchObject({ reads: [], writes: [], recheckAtMs: null });
  });
});

describe("[R7] [R31] a write of unknown outcome", () => {
  const asked = next(wanting("Busy", DYNAMICS, "Available", TEAMS)).rep;
  const pending = { ...endpointOf(asked, TEAMS).pending, unknown: true } as Pending;
  const late = [
    { status: "Busy", cover: "preferred", clears: false, expiresAtMs: NOW_MS + POLICY.lateMs },
  ];

  it("is expected to turn up late when it is written again, or not needed any more", () => {
    const again = next(at(asked, TEAMS, { pending, tried: 4 }));
    expect(again.writes).toHaveLength(1);
    expect(endpointOf(again.rep, TEAMS).late).toEqual(late);
    const seen = next(at(asked, TEAMS, { pending, tried: 4, seen: "Busy" }));
    expect(seen.writes).toEqual([]);
    expect(endpointOf(seen.rep, TEAMS)).toMatchObject({ late, pending: null, tried: 5, shown: 5 });
  });
});

describe("[R57] [R119] when to look again", () => {
  const quiet = wanting("Busy", PHONE, "Busy", null);

  it("at the first end of anything that ends by itself, or not at all", () => {
    expect(next(quiet).recheckAtMs).toBeNull();
    const until = (ms: number): Rep["holds"] => ({
      [holdId("call")]: { ...call, untilMs: NOW_MS + ms },
    });
    const overlay = (ms: number | null): Rep["overlays"] => ({
      [TEAMS]: {
        status: "InACall",
        kind: "hold",
        tick: 1,
        intent: 1,
        atMs: 1,
        over: null,
        untilMs: ms === null ? null : NOW_MS + ms,
      },
    });
    const base = { ...quiet.base, untilMs: NOW_MS + 50 };
    const look = (rep: Partial<Rep>) => next({ ...quiet, ...rep }).recheckAtMs;
    expect(look({ holds: until(90) })).toBe(NOW_MS + 90);
    expect(look({ holds: until(90), overlays: overlay(70) })).toBe(NOW_MS + 70);
    expect(look({ holds: until(90), overlays: overlay(null) })).toBe(NOW_MS + 90);
    expect(look({ base, overlays: overlay(70) })).toBe(NOW_MS + 50);
    expect(look({ base, holds: until(40), overlays: overlay(70) })).toBe(NOW_MS + 40);
  });
});
