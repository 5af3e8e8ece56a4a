import { describe, expect, it } from "vitest";
import { DYNAMICS, type SystemName, TEAMS } from "../../src/presence/identity.ts";
import type { Reading } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import { observe } from "../../src/reconcile/observe.ts";
import {
  type Endpoint,
  endpointOf,
  newRep,
  type Pending,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;
const known = { seen: "Available", readTick: 8 } as const;
const BOTH_FREE = withEndpoint(
  withEndpoint({ ...newRep([TEAMS, DYNAMICS]), tick: 9, intent: 3 }, TEAMS, known),
  DYNAMICS,
  known,
);
const sent: Pending = {
  intent: 3,
  status: "Busy",
  meant: "Busy",
  over: "Available",
  cover: "preferred",
  withdraws: false,
  clears: false,
  sentAtMs: NOW_MS - 100,
  leaseUntilMs: 99_000_000,
  ackTick: 8,
  ackAtMs: NOW_MS - 50,
  unknown: false,
  confirmed: false,
  overtaken: false,
};
const writing = (pending: Partial<Pending>, endpoint: Partial<Endpoint> = {}): Rep =>
  withEndpoint(BOTH_FREE, TEAMS, { tried: 3, pending: { ...sent, ...pending }, ...endpoint });

/** What a system is read to show, and what is then known of the rep. */
function see(rep: Rep, system: SystemName, status: Status, how: Partial<Reading> = {}) {
  const reading: Reading = {
    status,
    automatic: null,
    native: status,
    sequence: null,
    startedTick: 9,
    startedAtMs: NOW_MS,
    ...how,
  };
  const seen = observe(rep, system, reading, POLICY);
  return { ...seen, endpoint: endpointOf(seen.rep, system) };
}

describe("[R3] an echo", () => {
  it("closes an answered write and counts as shown; nothing follows", () => {
    const { rep, classification, endpoint } = see(
      writing({}, { failures: 2, health: "absorbed" }),
      TEAMS,
      "Busy",
    );
    expect(classification).toBe("echo");
    expect(rep.intent).toBe(3);
    expect(endpoint).toMatchObject({
      seen: "Busy",
      pending: null,
      cover: "preferred",
      covering: "Busy",
      leaseUntilMs: 99_000_000,
      shown: 3,
      tried: 3,
      failures: 0,
      health: "ok",
      coveredSinceMs: NOW_MS - 100,
    });
  });

  it("of an unanswered write confirms it and leaves it open; of an unknown one it is the answer", () => {
    const open = see(writing({ ackTick: null, ackAtMs: null }), TEAMS, "Busy").endpoint;
    expect(open.pending).toMatchObject({ confirmed: true });
    expect(
      see(writing({ ackTick: null, ackAtMs: null, unknown: true }), TEAMS, "Busy").endpoint.pending,
    ).toBeNull();
  });

  it("of an older write is written over, and one of the newest is not", () => {
    const older = see(writing({ intent: 2 }, { shown: 3 }), TEAMS, "Busy").endpoint;
    expect([older.tried, older.shown]).toEqual([2, 3]);
    expect(see(writing({ intent: 2 }, { tried: 1 }), TEAMS, "Busy").endpoint.tried).toBe(1);
    expect(see(writing({}, { tried: 2 }), TEAMS, "Busy").endpoint.tried).toBe(3);
  });

  it("keeps since when ours lies there", () => {
    const { endpoint } = see(writing({}, { cover: "session", coveredSinceMs: 7 }), TEAMS, "Busy");
    expect(endpoint.coveredSinceMs).toBe(7);
  });
});

describe("[R7] a write that turns up late", () => {
  const late = [
    { status: "Away", cover: "none", clears: false, expiresAtMs: 99e6 },
    { status: "Busy", cover: "preferred", clears: false, expiresAtMs: 99e6 },
    { status: "Busy", cover: "preferred", clears: false, expiresAtMs: 98e6 },
  ] as const;
  const before = withEndpoint(writing({ status: "DoNotDisturb" }), TEAMS, { late });

  it("is taken off the list once, covers what it covers, and is written over", () => {
    const { classification, endpoint } = see(before, TEAMS, "Busy");
    expect(classification).toBe("late echo");
    expect(endpoint).toMatchObject({
      seen: "Busy",
      late: [late[0], late[2]],
      cover: "preferred",
      covering: "Busy",
      tried: 2,
    });
    expect(endpoint.pending).toMatchObject({ overtaken: true });
  });

  it("without a cover covers nothing; one that shows what is wanted is left", () => {
    expect(see(before, TEAMS, "Away").endpoint).toMatchObject({
      cover: "none",
      covering: null,
      late: [late[1], late[2]],
    });
    const wanted = { ...before, base: { ...before.base, status: "Busy", origin: DYNAMICS } } as Rep;
    expect(see(wanted, TEAMS, "Busy").endpoint.tried).toBe(3);
    const none = withEndpoint(before, TEAMS, { pending: null });
    expect(see(none, TEAMS, "Busy").endpoint.pending).toBeNull();
  });

  it("[R53] [R300] may, until its time is over and something else was seen after that", () => {
    const unknown = (ageMs: number): Rep =>
      writing({ unknown: true, ackTick: null, ackAtMs: null, sentAtMs: NOW_MS - ageMs });
    const [young, old] = [unknown(POLICY.lateMs), unknown(POLICY.lateMs + 1)];
    for (const rep of [young, old]) {
      expect(see(rep, TEAMS, "Busy").classification).toBe("echo");
      expect(see(rep, TEAMS, "Offline").endpoint.pending).not.toBeNull();
    }
    expect(see(young, TEAMS, "Available").endpoint.pending).not.toBeNull();
    expect(see(old, TEAMS, "Available").endpoint.pending).toBeNull();
  });

  it("[R300] is forgotten by the first read that could have shown it, and by no other", () => {
    const aside = (...ends: number[]): Rep =>
      withEndpoint(before, TEAMS, {
        late: ends.map(
          (expiresAtMs) => ({ status: "Away", cover: "none", clears: false, expiresAtMs }) as const,
        ),
      });
    const left = see(aside(NOW_MS, NOW_MS + 1), TEAMS, "Available").endpoint.late;
    expect(left.map(({ expiresAtMs }) => expiresAtMs)).toEqual([NOW_MS + 1]);
    expect(see(aside(NOW_MS), TEAMS, "Offline").endpoint.late).toHaveLength(1);
    expect(see(aside(NOW_MS), DYNAMICS, "Available").rep.systems[TEAMS]?.late).toHaveLength(1);
  });

  it("[R301] what still shows is taken for it once, and that proves nothing", () => {
    const settled = writing({ status: "DoNotDisturb", ackAtMs: NOW_MS - 60_000 });
    const shown = withEndpoint(settled, TEAMS, {
      seen: "Busy",
      late: [late[1]],
    });
    const once = see(shown, TEAMS, "Busy");
    expect(once.classification).toBe("late echo");
    expect(once.endpoint.late).toEqual([{ ...late[1], assumed: true }]);
    const other = withEndpoint(once.rep, TEAMS, { seen: "Available" });
    expect(see(other, TEAMS, "Busy").classification).toBe("late echo");
  });

  it("[R301] in two halves may still take away what we put there since", () => {
    const halves = withEndpoint(writing({ status: "DoNotDisturb" }), TEAMS, {
      late: [{ ...late[1], clears: true }],
    });
    const first = see(halves, TEAMS, "Busy");
    expect(first.endpoint.late).toEqual([{ ...late[1], clears: true, status: null }]);
    const session = { cover: "session", covering: "InACall", seen: "InACall" } as const;
    const covered = withEndpoint(first.rep, TEAMS, { ...session, pending: null });
    expect(see(covered, TEAMS, "Available").classification).toBe("late echo");
  });
});

describe("[R17] a call that looked like our session", () => {
  const session = {
    cover: "session",
    status: "InACall",
    confirmed: true,
    ackTick: null,
    ackAtMs: null,
  } as const;
  const shown = { seen: "InACall", cover: "session", covering: "InACall" } as const;

  it("is over before our write was answered: the write is on its way again, and nothing of ours lies there", () => {
    const { classification, endpoint } = see(writing(session, shown), TEAMS, "Available");
    expect(classification).toBe("unconfirmed");
    expect(endpoint).toMatchObject({ seen: "Available", cover: "none", covering: null });
    expect(endpoint.pending).toMatchObject({ confirmed: false, status: "InACall" });
  });

  it("is over after it, but was read before: what was accepted lies there still", () => {
    const answered = { ...session, ackTick: 12, ackAtMs: NOW_MS };
    const { classification, endpoint } = see(writing(answered, shown), TEAMS, "Available");
    expect(classification).toBe("unconfirmed");
    expect(endpoint).toMatchObject({ seen: "Available", cover: "session", covering: "InACall" });
  });
});

describe("what is kept of a reading", () => {
  it("[R2] the newest times, and the version it gives", () => {
    const { endpoint } = see(BOTH_FREE, TEAMS, "Available", {
      startedTick: 3,
      startedAtMs: 5,
      sequence: "7",
    });
    expect(endpoint).toMatchObject({
      readTick: 8,
      sequence: "7",
      absent: false,
    });
    expect(see(BOTH_FREE, TEAMS, "Available").endpoint).toMatchObject({
      readTick: 9,
    });
  });

  it("[R6] a call that we feared lost with its client goes on once it is read again", () => {
    const overlay = {
      status: "InACall",
      kind: "hold",
      tick: 1,
      intent: 1,
      atMs: 1,
      over: null,
      untilMs: 5,
    } as const;
    const rep = {
      ...withEndpoint(BOTH_FREE, TEAMS, { seen: "InACall" }),
      overlays: { [TEAMS]: overlay },
    } as Rep;
    const back = see(rep, TEAMS, "InACall", { automatic: "hold" });
    expect(back.classification).toBe("same");
    expect(back.rep.overlays[TEAMS]).toEqual({ ...overlay, untilMs: null });
    const other = { ...withEndpoint(rep, TEAMS, { seen: "Away" }) };
    expect(see(other, TEAMS, "Away").rep.overlays[TEAMS]).toEqual(overlay);
  });

  it("[R59] Dynamics' own value for her base, while nothing lies on top and nothing is on its way", () => {
    const busy = {
      ...BOTH_FREE,
      base: { ...BOTH_FREE.base, status: "Busy", origin: TEAMS },
    } as Rep;
    const rep = withEndpoint(busy, DYNAMICS, { seen: "Busy" });
    const natives = (from: Rep, system = DYNAMICS): unknown =>
      see(from, system, "Busy", { native: "Paperwork" }).rep.base.natives;
    expect(natives(rep)).toEqual({ [DYNAMICS]: "Paperwork" });
    expect(natives(withEndpoint(rep, TEAMS, { seen: "Busy" }), TEAMS)).toEqual({});
    expect(
      natives(withEndpoint(rep, DYNAMICS, { pending: { ...sent, ackTick: null, ackAtMs: null } })),
    ).toEqual({});
    const hold = { source: TEAMS, status: "InACall", tick: 1, sinceMs: 1, untilMs: 99e6 } as const;
    expect(natives({ ...rep, holds: { call: hold } } as unknown as Rep)).toEqual({});
    const other = { ...rep, base: { ...rep.base, natives: { [TEAMS]: "x" } } } as Rep;
    expect(natives(other)).toEqual({ [TEAMS]: "x", [DYNAMICS]: "Paperwork" });
  });

  it("[R114] what she showed in Dynamics of herself, to be put back when we let go of her", () => {
    const own = (
      status: Status,
      automatic: Reading["automatic"] = null,
      from: Rep = BOTH_FREE,
      system = DYNAMICS,
    ) =>
      see(from, system, status, { automatic, native: `own ${status}`, disconnected: false })
        .endpoint.own;
    expect(own("Away")).toEqual({ status: "Away", native: "own Away" });
    expect(own("Busy", "soft")).toBeNull();
    expect(own("Away", null, BOTH_FREE, TEAMS)).toBeNull();
    const before = withEndpoint(BOTH_FREE, DYNAMICS, { own: { status: "Away", native: "Lunch" } });
    expect(own("Offline", null, before)).toBeNull();
    expect(own("Available", null, before), "the same again").toEqual({
      status: "Away",
      native: "Lunch",
    });
    const unread = withEndpoint(before, DYNAMICS, { seen: null });
    expect(own("Available", null, unread)).toEqual({
      status: "Available",
      native: "own Available",
    });
    const busy = withEndpoint(before, DYNAMICS, { seen: "Busy" });
    expect(own("Available", "soft", busy)).toEqual({
      status: "Available",
      native: "own Available",
    });
    const away = { ...busy, base: { ...busy.base, status: "Away", origin: TEAMS } } as Rep;
    expect(own("Away", null, away)).toEqual({ status: "Away", native: "own Away" });
  });
});

describe("[R4] an absorbed write", () => {
  const settled = { ackAtMs: NOW_MS - 60_000, sentAtMs: NOW_MS - 61_000 };
  it("is given up, and what lay there before lies there still; of a withdrawal nothing does", () => {
    const ours = { seen: "InAMeeting", cover: "session", covering: "Away" } as const;
    expect(see(writing(settled, ours), TEAMS, "InAMeeting").endpoint).toMatchObject({
      pending: null,
      health: "absorbed",
      cover: "session",
      covering: "Away",
    });
    expect(
      see(writing({ ...settled, withdraws: true }, ours), TEAMS, "InAMeeting").endpoint,
    ).toMatchObject({
      health: "absorbed",
      cover: "none",
      covering: null,
    });
  });
});

describe("[R4] [R17] what is left of a write after a reading", () => {
  it("nothing, once it had its time, whatever was read", () => {
    const settled = { ackAtMs: NOW_MS - 60_000 };
    expect(see(writing(settled), TEAMS, "DoNotDisturb").endpoint.pending).toBeNull();
    expect(see(writing(settled), TEAMS, "Available").endpoint.pending).toBeNull();
    const overtaken = see(writing({ ...settled, overtaken: true }), TEAMS, "Available");
    expect(overtaken).toMatchObject({ classification: "settled", endpoint: { pending: null } });
  });

  it("an answered session, where a reading from before the answer shows that a call of hers is over", () => {
    const session = { cover: "session", status: "InACall", confirmed: true } as const;
    const ours = { cover: "session", covering: "InACall", seen: "InACall" } as const;
    const gone = (write: Partial<Pending>) =>
      see(writing({ ...session, ...write }, ours), TEAMS, "Available", { startedTick: 7 });
    expect(gone({})).toMatchObject({
      classification: "unconfirmed",
      endpoint: { seen: "Available", cover: "session", pending: { confirmed: false, ackTick: 8 } },
    });
    expect(gone({ ackTick: null, ackAtMs: null })).toMatchObject({
      classification: "unconfirmed",
      endpoint: { cover: "none", covering: null, pending: { confirmed: false, ackTick: null } },
    });
  });

  it("[R10] nothing of a cover that has run out: it is put on anew", () => {
    const ours = { cover: "preferred", covering: "Busy", seen: "Busy", tried: 3 } as const;
    const rep = withEndpoint(
      { ...BOTH_FREE, base: { ...BOTH_FREE.base, status: "Busy", origin: DYNAMICS } },
      TEAMS,
      { ...ours, leaseUntilMs: NOW_MS },
    );
    expect(see(rep, TEAMS, "Available")).toMatchObject({
      classification: "lease ended",
      endpoint: { seen: "Available", cover: "none", covering: null, leaseUntilMs: null, tried: 2 },
    });
  });
});

describe("[R114] what she gets back in Dynamics when we let go of her", () => {
  const own = (rep: Rep, status: Status) => {
    const { classification, endpoint } = see(rep, DYNAMICS, status, { native: "lunch" });
    return [classification, endpoint.own];
  };
  const dynamics = (endpoint: Partial<Endpoint>): Rep =>
    withEndpoint(BOTH_FREE, DYNAMICS, endpoint);
  const lunch = (status: Status) => ({ status, native: "lunch" });

  it("is whatever she showed there that was not our doing", () => {
    expect(own(dynamics({ seen: null }), "Away")).toEqual(["first sight", lunch("Away")]);
    expect(own(dynamics({ seen: "Offline", absent: true }), "Available")).toEqual([
      "sign-in",
      lunch("Available"),
    ]);
    expect(own(dynamics({}), "Away")).toEqual(["choice", lunch("Away")]);
    const base = {
      ...BOTH_FREE.base,
      status: "Busy",
      origin: TEAMS,
      tick: 9,
      atMs: NOW_MS,
    } as const;
    const young = { ...BOTH_FREE, base: { ...base, intent: 3 } };
    expect(own(young, "Away")).toEqual(["outranked", lunch("Away")]);
    expect(own(young, "Busy")).toEqual(["agrees", lunch("Busy")]);
    const overlay = {
      status: "Busy",
      kind: "soft",
      tick: 8,
      intent: 3,
      atMs: 1,
      over: "Available",
      untilMs: null,
    } as const;
    const capacity = { ...dynamics({ seen: "Busy" }), overlays: { [DYNAMICS]: overlay } };
    expect(own(capacity, "Available")).toEqual(["automatic ended", lunch("Available")]);
  });
});
