import { describe, expect, it } from "vitest";
import { DYNAMICS, systemName, type SystemName, TEAMS } from "../../src/presence/identity.ts";
import type { AutomaticKind } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import type { UsableReading } from "../../src/reconcile/choice.ts";
import {
  automatic,
  automaticEnded,
  dropOverlay,
  firstSight,
  uncovered,
} from "../../src/reconcile/overlay.ts";
import {
  type Endpoint,
  newRep,
  type Pending,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;
const PHONE = systemName("phone");
const NEW: Rep = { ...newRep([TEAMS, DYNAMICS]), tick: 5, intent: 5, intentTick: 5 };

/** She chose a status somewhere, longer ago than choices cross; both systems show Available. */
function chose(status: Status, origin: SystemName | null, atMs = 1): Rep {
  const base = { ...NEW.base, status, origin, atMs, tick: 2, intent: 2 };
  return at(at({ ...NEW, base }, TEAMS, { seen: "Available" }), DYNAMICS, { seen: "Available" });
}
const at = (rep: Rep, system: SystemName, change: Partial<Endpoint>): Rep =>
  withEndpoint(rep, system, change);

/** The system shows something by itself, over what it showed before. */
function showing(
  rep: Rep,
  system: SystemName,
  status: Status,
  kind: AutomaticKind,
  over: Status | null,
): Rep {
  const overlay = { status, kind, tick: 4, intent: 4, atMs: 1, over, untilMs: null };
  return at({ ...rep, overlays: { [system]: overlay } }, system, { seen: status });
}

const read = (status: Status, kind: AutomaticKind | null = null): UsableReading => ({
  status,
  automatic: kind,
  native: status,
  sequence: null,
  startedTick: 5,
  startedAtMs: NOW_MS,
});

const WITHDRAWAL: Pending = {
  intent: 5,
  status: "Available",
  meant: "Available",
  over: "InACall",
  cover: "none",
  withdraws: true,
  clears: false,
  sentAtMs: 1,
  leaseUntilMs: null,
  ackTick: null,
  ackAtMs: null,
  unknown: false,
  confirmed: false,
  overtaken: false,
};

describe("[R12] a system shows something by itself", () => {
  it.each<[Status, AutomaticKind]>([
    ["Away", "soft"],
    ["InACall", "hold"],
    ["Available", "hold"],
  ])("%s (%s) lies over the base, and over what the system showed", (status, kind) => {
    const rep = automatic(chose("Busy", TEAMS), DYNAMICS, read(status, kind), POLICY);
    expect(rep.overlays[DYNAMICS]).toMatchObject({ status, kind, over: "Available", atMs: NOW_MS });
    expect(rep.cause).toEqual({ kind: "automatic", source: DYNAMICS, status, atMs: NOW_MS });
    expect(rep.base).toEqual(chose("Busy", TEAMS).base);
    expect(rep.intent).toBe(6);
  });

  it("one such state that turns into another still lies over what was there before both", () => {
    const away = showing(chose("Busy", TEAMS), DYNAMICS, "Away", "soft", "Available");
    const rep = automatic(away, DYNAMICS, read("Busy", "soft"), POLICY);
    expect(rep.overlays[DYNAMICS]).toMatchObject({ status: "Busy", over: "Available" });
  });

  it("[R13] Available by itself protects nobody: it ends what lay there, and is no choice", () => {
    const away = showing(chose("Busy", TEAMS), DYNAMICS, "Away", "soft", "DoNotDisturb");
    const rep = automatic(away, DYNAMICS, read("Available", "soft"), POLICY);
    expect(rep.overlays).toEqual({});
    expect(rep.base).toEqual(away.base);
    expect(rep.cause).toMatchObject({ kind: "automatic ended", source: DYNAMICS });
  });

  it("[R13] nor is it one where nothing lay", () => {
    const before = chose("Busy", TEAMS);
    expect(automatic(before, DYNAMICS, read("Available", "soft"), POLICY)).toMatchObject({
      overlays: {},
      base: before.base,
    });
  });
});

describe("[R13] what a system showed by itself is over", () => {
  const ended = (base: Status, origin: SystemName, over: Status, n: Status): Rep =>
    automaticEnded(
      showing(chose(base, origin), TEAMS, "InACall", "hold", over),
      TEAMS,
      read(n),
      POLICY,
    );

  it.each<[string, Status, SystemName, Status, Status]>([
    ["it shows the base, chosen there", "Busy", TEAMS, "Available", "Busy"],
    ["it shows the base, chosen elsewhere", "Busy", DYNAMICS, "Away", "Busy"],
    [
      "it shows what it did before, and the base is from elsewhere",
      "Busy",
      DYNAMICS,
      "Away",
      "Away",
    ],
  ])("she chose nothing: %s", (_what, base, origin, over, n) => {
    const rep = ended(base, origin, over, n);
    expect(rep.base).toEqual(chose(base, origin).base);
    expect(rep.overlays).toEqual({});
    expect(rep.systems[TEAMS]?.seen).toBe(n);
    expect(rep.cause).toEqual({ kind: "automatic ended", source: TEAMS, status: n, atMs: NOW_MS });
  });

  it.each<[string, Status, SystemName, Status, Status]>([
    ["something that neither was there nor was wanted", "Busy", DYNAMICS, "Available", "Away"],
    ["something else than she chose in this very system", "Busy", TEAMS, "Away", "Away"],
  ])("she chose it: %s", (_what, base, origin, over, n) => {
    const rep = ended(base, origin, over, n);
    expect(rep.base).toMatchObject({ status: n, origin: TEAMS });
    expect(rep.overlays).toEqual({});
  });

  it.each<[SystemName, Status]>([
    [TEAMS, "Away"],
    [DYNAMICS, "Busy"],
  ])(
    "[R309] she chose nothing: %s goes back to Available from a %s of its own",
    (system, shown) => {
      const before = showing(chose("DoNotDisturb", PHONE), system, shown, "soft", "Available");
      const rep = automaticEnded(before, system, read("Available"), POLICY);
      expect(rep.base).toEqual(before.base);
      expect(rep.overlays).toEqual({});
    },
  );

  it("[R15] what she chose crosses a choice made elsewhere a moment ago: the less available stands", () => {
    const talking = (atMs: number): Rep =>
      at(showing(chose("Busy", DYNAMICS, atMs), TEAMS, "InACall", "hold", "Available"), TEAMS, {
        tried: 5,
        health: "absorbed",
        shown: 1,
      });
    const crossed = automaticEnded(talking(NOW_MS), TEAMS, read("Away"), POLICY);
    expect(crossed.base).toEqual(talking(NOW_MS).base);
    expect(crossed.overlays).toEqual({});
    expect(crossed.intent).toBe(6);
    expect(crossed.systems[TEAMS]).toMatchObject({ seen: "Away", tried: 5 });
    const later = automaticEnded(talking(1), TEAMS, read("Away"), POLICY);
    expect(later.base).toMatchObject({ status: "Away", origin: TEAMS });
    expect(later.systems[TEAMS]).toMatchObject({ seen: "Away", tried: 6, health: "ok" });
  });

  it("[R4] what she chose makes a write on its way say nothing about what is read later", () => {
    const before = showing(chose("Busy", DYNAMICS), TEAMS, "InACall", "hold", "Available");
    const rep = automaticEnded(
      at(before, TEAMS, { pending: WITHDRAWAL }),
      TEAMS,
      read("Away"),
      POLICY,
    );
    expect(rep.systems[TEAMS]?.pending).toEqual({ ...WITHDRAWAL, overtaken: true });
  });

  it("a system that already shows what it should again needs no write", () => {
    expect(ended("Busy", DYNAMICS, "Busy", "Busy").systems[TEAMS]?.tried).toBe(6);
    expect(ended("Busy", DYNAMICS, "Away", "Away").systems[TEAMS]?.tried).toBe(0);
  });

  it("[R8] where it was the first thing ever seen there, this is the first sight of her", () => {
    const before = showing(chose("Available", null), TEAMS, "InACall", "hold", null);
    const rep = automaticEnded(before, TEAMS, read("Busy"), POLICY);
    expect(rep.base).toMatchObject({ status: "Busy", origin: TEAMS });
    expect(rep.cause?.kind).toBe("first sight");
  });

  it("our own write that shows over it ends it; without it nothing happens", () => {
    const before = showing(chose("Busy", DYNAMICS), TEAMS, "InACall", "hold", "Busy");
    const rep = dropOverlay(before, TEAMS, read("Busy"));
    expect(rep.overlays).toEqual({});
    expect(rep.cause).toMatchObject({ kind: "automatic ended", source: TEAMS, status: "Busy" });
    expect(dropOverlay(rep, TEAMS, read("Busy"))).toBe(rep);
  });
});

describe("[R8] a system is seen for the first time", () => {
  const unread = (base: Status, origin: SystemName | null, atMs: number): Rep =>
    at(chose(base, origin, atMs), TEAMS, { seen: null, tried: 5 });
  const met = (rep: Rep, n: Status): Rep => firstSight(rep, TEAMS, read(n), POLICY);

  it.each<[string, Rep, Status]>([
    ["nothing was known at all", unread("Available", null, 0), "Available"],
    ["it is less available than what is known", unread("Available", DYNAMICS, 0), "Away"],
    ["it is busy, whatever was chosen", unread("Available", DYNAMICS, NOW_MS), "Busy"],
  ])("what it shows is what she wants: %s", (_what, before, n) => {
    const rep = met(before, n);
    expect(rep.base).toMatchObject({ status: n, origin: TEAMS });
    expect(rep.cause).toEqual({ kind: "first sight", source: TEAMS, status: n, atMs: NOW_MS });
  });

  it.each<[string, Rep, Status]>([
    ["a choice was seen being made", unread("Available", DYNAMICS, NOW_MS), "Away"],
    ["it is more available", unread("Busy", DYNAMICS, 0), "Away"],
  ])("what was known is written over it: %s", (_what, before, n) => {
    const rep = met(before, n);
    expect(rep.base).toEqual(before.base);
    expect(rep.intent).toBe(before.intent);
    expect(rep.systems[TEAMS]).toMatchObject({ seen: n, tried: 4 });
  });

  it("where it shows what is known already, nothing is to be done", () => {
    const before = at(unread("Busy", DYNAMICS, 0), TEAMS, { tried: 0 });
    const rep = met(before, "Busy");
    expect(rep.base).toEqual(before.base);
    expect(rep.systems[TEAMS]).toMatchObject({ seen: "Busy", tried: 5, health: "ok" });
  });

  it("[R12] a call that is on when it is seen is no choice", () => {
    const before = unread("Busy", DYNAMICS, 0);
    const rep = firstSight(before, TEAMS, read("InACall", "hold"), POLICY);
    expect(rep.base).toEqual(before.base);
    expect(rep.overlays[TEAMS]).toMatchObject({ status: "InACall", kind: "hold" });
  });
});

describe("[R11] what our withdrawal uncovers", () => {
  const covered = (base: Status, pending: Pending | null = WITHDRAWAL, tried = 5): Rep =>
    at(chose(base, DYNAMICS), TEAMS, {
      seen: "InACall",
      cover: "session",
      covering: "InACall",
      pending,
      tried,
    });
  const bare = (rep: Rep, n: Status, kind: AutomaticKind | null = null): Rep =>
    uncovered(rep, TEAMS, read(n, kind), POLICY);

  it("is no choice, and nothing of ours lies there any more", () => {
    const before = covered("Busy");
    const rep = bare(before, "Away");
    expect(rep).toMatchObject({ base: before.base, intent: 5, overlays: {} });
    expect(rep.systems[TEAMS]).toMatchObject({
      seen: "Away",
      cover: "none",
      covering: null,
      health: "absorbed",
      tried: 5,
    });
    expect(bare(covered("Away"), "Away").systems[TEAMS]?.health).toBe("ok");
  });

  it("[R32] is written over only where she looks free and should not", () => {
    expect(bare(covered("Busy"), "Available").systems[TEAMS]?.tried).toBe(4);
    expect(bare(covered("Busy", WITHDRAWAL, 2), "Available").systems[TEAMS]?.tried).toBe(2);
    expect(bare(covered("Available"), "Available").systems[TEAMS]?.tried).toBe(5);
  });

  it("the withdrawal stays open for its answer, but not once it was answered, or never will be", () => {
    const open = (pending: Pending | null) =>
      bare(covered("Busy", pending), "Away").systems[TEAMS]?.pending;
    expect(open(WITHDRAWAL)).toEqual({ ...WITHDRAWAL, confirmed: true });
    expect(open({ ...WITHDRAWAL, ackTick: 4, ackAtMs: 1 })).toBeNull();
    expect(open({ ...WITHDRAWAL, unknown: true })).toBeNull();
    expect(open(null)).toBeNull();
  });

  it("a call holds, over what the withdrawal was to show", () => {
    const rep = bare(covered("Away"), "Busy", "hold");
    expect(rep.overlays[TEAMS]).toMatchObject({ status: "Busy", kind: "hold", over: "Available" });
    expect(rep.overlays[TEAMS]?.tick).toBeGreaterThan(rep.base.tick);
    expect(bare(covered("Away", null), "Busy", "hold").overlays[TEAMS]?.over).toBe("InACall");
  });

  it("[R312] a call is younger than any choice, a meeting than one that was made before we covered her", () => {
    const late = (kind: AutomaticKind, chosenMs: number): number => {
      const before = at(covered("Away"), TEAMS, { coveredSinceMs: 1_000 });
      const base = { ...before.base, tick: before.tick, atMs: chosenMs };
      return (bare({ ...before, base }, "Busy", kind).overlays[TEAMS]?.tick ?? -1) - before.tick;
    };
    expect(late("hold", 1_001)).toBeGreaterThan(0);
    expect(late("soft", 1_001)).toBeLessThan(0);
    expect(late("soft", 1_000)).toBeGreaterThan(0);
  });
});
