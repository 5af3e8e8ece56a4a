import { describe, expect, it } from "vitest";
import { DYNAMICS, type SystemName, TEAMS } from "../../src/presence/identity.ts";
import type { Status } from "../../src/presence/status.ts";
import { absent, disconnection, returned, signIn } from "../../src/reconcile/attendance.ts";
import {
  type Endpoint,
  endpointOf,
  newRep,
  type Pending,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 1_000_000;
const NEW = newRep([TEAMS, DYNAMICS]);

const reading = (status: Status) => ({
  status,
  automatic: null,
  native: status,
  sequence: null,
  startedTick: 50,
  startedAtMs: NOW_MS,
});
const chose = (status: Status, origin: SystemName | null, rep: Rep = NEW): Rep => ({
  ...rep,
  base: { ...rep.base, status, origin, atMs: 77 },
});
const inCall = (system: SystemName, untilMs: number | null = null, rep: Rep = NEW): Rep => {
  const overlay = {
    status: "InACall",
    kind: "hold",
    tick: 1,
    intent: 1,
    atMs: 1,
    over: null,
  } as const;
  return { ...rep, overlays: { [system]: { ...overlay, untilMs } } };
};
const onItsWay: Pending = {
  intent: 3,
  status: "Busy",
  meant: "Busy",
  over: null,
  cover: "preferred",
  withdraws: false,
  clears: false,
  sentAtMs: NOW_MS - 30_000,
  leaseUntilMs: 9_000_000,
  ackTick: null,
  ackAtMs: null,
  unknown: false,
  confirmed: false,
  overtaken: false,
};
const writing = (system: SystemName, change: Partial<Pending>, rep: Rep = NEW): Rep =>
  withEndpoint({ ...rep, intent: 3 }, system, { pending: { ...onItsWay, ...change }, tried: 3 });

describe("[R9] signing in to Dynamics", () => {
  it.each<[string, Status, SystemName | null, Status, boolean]>([
    ["a weaker status against one that protects her elsewhere", "Busy", TEAMS, "Available", false],
    ["a weaker one against the strongest", "InACall", TEAMS, "DoNotDisturb", false],
    ["the same status", "Busy", TEAMS, "Busy", true],
    ["a stronger one", "Busy", TEAMS, "DoNotDisturb", true],
    ["one against a status that protects nobody", "Away", TEAMS, "Available", true],
    ["one after the end of the last shift", "Offline", TEAMS, "Available", true],
    ["one against what she chose there herself", "Busy", DYNAMICS, "Available", true],
    ["one when nothing was chosen yet", "Busy", null, "Available", true],
  ])("%s", (_what, status, origin, shows, counts) => {
    const before = chose(status, origin);
    const rep = signIn(before, DYNAMICS, reading(shows), POLICY);
    expect(rep.cause).toEqual({ kind: "sign-in", source: DYNAMICS, status: shows, atMs: NOW_MS });
    expect(rep.systems[DYNAMICS]?.seen).toBe(shows);
    expect(rep.intent).toBe(before.intent + 1);
    expect(rep.base).toMatchObject(
      counts ? { status: shows, origin: DYNAMICS, atMs: NOW_MS } : { status, origin, atMs: 77 },
    );
  });
});

describe("[R6] a closed Teams client", () => {
  it("says nothing about her, and lets a call go on for the grace", () => {
    const closed = absent(inCall(TEAMS), TEAMS, reading("Offline"), POLICY);
    expect(closed.overlays[TEAMS]?.untilMs).toBe(NOW_MS + POLICY.absenceGraceMs);
    expect(closed.intent).toBe(NEW.intent);
    const again = absent(inCall(TEAMS, 5), TEAMS, reading("Offline"), POLICY);
    expect(again.overlays[TEAMS]?.untilMs).toBe(5);
    expect(absent(NEW, TEAMS, reading("Offline"), POLICY)).toBe(NEW);
  });

  it("hides what was accepted before: it lies there, and will be no choice of hers", () => {
    const accepted = { ackTick: 4, ackAtMs: NOW_MS - 20_000 };
    const rep = absent(writing(TEAMS, accepted), TEAMS, reading("Offline"), POLICY);
    expect(rep.systems[TEAMS]).toMatchObject({
      pending: null,
      seen: "Busy",
      cover: "preferred",
      covering: "Busy",
      leaseUntilMs: 9_000_000,
      tried: 3,
    });
    const older = writing(TEAMS, { ...accepted, intent: 2 });
    expect(absent(older, TEAMS, reading("Offline"), POLICY).systems[TEAMS]?.tried).toBe(2);
  });

  it("uncovers Available where what was accepted withdrew the last of ours", () => {
    const accepted = {
      ackTick: 4,
      ackAtMs: NOW_MS - 20_000,
      cover: "none",
      withdraws: true,
      clears: false,
    } as const;
    const covered = withEndpoint(NEW, TEAMS, { covering: "Busy" });
    const rep = absent(writing(TEAMS, accepted, covered), TEAMS, reading("Offline"), POLICY);
    expect(rep.systems[TEAMS]).toMatchObject({ seen: "Available", cover: "none", covering: null });
    const other = withEndpoint(NEW, TEAMS, { covering: "Away" });
    const kept = absent(writing(TEAMS, accepted, other), TEAMS, reading("Offline"), POLICY);
    expect(kept.systems[TEAMS]).toMatchObject({ seen: "Busy", covering: null });
  });

  it("proves nothing about a write that was not answered", () => {
    const rep = writing(TEAMS, {});
    expect(absent(rep, TEAMS, reading("Offline"), POLICY)).toBe(rep);
  });
});

describe("[R6] signing out of Dynamics", () => {
  const signOut = (rep: Rep): Rep => absent(rep, DYNAMICS, reading("Offline"), POLICY);

  it("takes back what she chose there, and hides her nowhere", () => {
    const before = withEndpoint(chose("Busy", DYNAMICS), DYNAMICS, {
      seen: "Busy",
      health: "rejected",
    });
    const rep = signOut(before);
    expect(rep.base).toMatchObject({
      status: "Available",
      origin: null,
      atMs: 77,
      tick: rep.tick,
      intent: rep.intent,
    });
    expect(rep.intent).toBe(before.intent + 1);
    expect(rep.cause).toMatchObject({ kind: "sign-out", source: DYNAMICS, status: "Offline" });
    expect(rep.systems[DYNAMICS]).toMatchObject({ seen: "Offline", health: "ok" });
  });

  it.each<[string, Rep]>([
    ["what she chose elsewhere", chose("Busy", TEAMS)],
    ["a shift end that was said there", chose("Offline", DYNAMICS)],
  ])("leaves %s", (_what, before) => {
    const rep = signOut(before);
    expect(rep.base).toEqual(before.base);
    expect(rep.intent).toBe(before.intent);
  });

  it("ends what Dynamics showed by itself, and leaves what she chose elsewhere", () => {
    const rep = signOut(inCall(DYNAMICS, null, chose("Busy", TEAMS)));
    expect(rep.overlays).toEqual({});
    expect(rep.base).toMatchObject({ status: "Busy", origin: TEAMS });
    expect(rep.cause?.kind).toBe("sign-out");
  });

  it("sets a write of unknown outcome aside for as long as it may still turn up", () => {
    const rep = signOut(writing(DYNAMICS, { unknown: true }));
    expect(rep.systems[DYNAMICS]?.pending).toBeNull();
    expect(rep.systems[DYNAMICS]?.late).toEqual([
      {
        status: "Busy",
        cover: "preferred",
        clears: false,
        expiresAtMs: NOW_MS - 30_000 + POLICY.lateMs,
      },
    ]);
    const known = signOut(writing(DYNAMICS, {}));
    expect(known.systems[DYNAMICS]?.pending).toEqual(onItsWay);
    expect(known.systems[DYNAMICS]?.late).toEqual([]);
  });
});

describe("[R310] a connection that is lost", () => {
  const known = (change: Partial<Endpoint> = {}): Endpoint =>
    endpointOf(withEndpoint(NEW, DYNAMICS, { seen: "Busy", native: "busy", ...change }), DYNAMICS);
  const lost = { status: "Busy", native: "busy", untilMs: NOW_MS + POLICY.reconnectMs } as const;
  const began = (system: SystemName, endpoint: Endpoint): unknown =>
    disconnection(endpoint, system, reading("Offline"), POLICY);

  it("is one in Dynamics only: a closed Teams client says nothing", () => {
    expect(began(DYNAMICS, known())).toEqual(lost);
    expect(began(TEAMS, known())).toBeNull();
  });

  it("is none where she was signed out already, or never seen", () => {
    expect(began(DYNAMICS, known({ seen: "Offline" }))).toBeNull();
    expect(began(DYNAMICS, known({ seen: null }))).toBeNull();
  });

  it("leaves what was accepted and not seen to turn up as long as she may come back", () => {
    const accepted = { ackTick: 4, ackAtMs: NOW_MS - 20_000 };
    const gone = withEndpoint(writing(DYNAMICS, accepted), DYNAMICS, { disconnected: lost });
    const rep = absent(gone, DYNAMICS, reading("Offline"), POLICY);
    const { expiresAtMs, status } = rep.systems[DYNAMICS]?.late[0] ?? {};
    expect([status, expiresAtMs]).toEqual(["Busy", lost.untilMs]);
    const early = { ackTick: 60, ackAtMs: NOW_MS };
    const open = withEndpoint(writing(DYNAMICS, early), DYNAMICS, { disconnected: lost });
    expect(absent(open, DYNAMICS, reading("Offline"), POLICY).systems[DYNAMICS]?.late).toEqual([]);
  });

  it("is over with nothing to do where she comes back as she should be, and else with a write", () => {
    const tried = (status: Status): number | undefined => {
      const rep = withEndpoint({ ...chose(status, TEAMS), intent: 3 }, DYNAMICS, { tried: 3 });
      return returned(rep, DYNAMICS, reading("Busy"), POLICY).systems[DYNAMICS]?.tried;
    };
    expect([tried("Busy"), tried("Away")]).toEqual([3, 2]);
  });
});
