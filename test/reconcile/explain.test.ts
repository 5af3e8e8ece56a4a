import { describe, expect, it } from "vitest";
import { DYNAMICS, holdId, systemName, TEAMS } from "../../src/presence/identity.ts";
import { type Status, STATUSES } from "../../src/presence/status.ts";
import { CLASSIFICATIONS, type Classification } from "../../src/reconcile/classify.ts";
import { takeEvent } from "../../src/reconcile/event.ts";
import {
  describeEndpoint,
  explainFight,
  explainFightEnd,
  explainIntent,
  explainReading,
  explainRep,
  explainWrite,
} from "../../src/reconcile/explain.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { type Cause, newRep, type Rep, withEndpoint } from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const PHONE = systemName("phone");
const CALL = holdId("phone:1");
const REP = newRep([TEAMS, DYNAMICS]);
const MINUTE_MS = 60_000;
const origin = { source: PHONE, eventId: "e1", atMs: 1_000 };
const cause = (kind: Cause["kind"], source = "dynamics", status: Status = "Busy"): Cause => ({
  kind,
  source,
  status,
  atMs: 1,
});
const chosen = (status: Status, from = TEAMS): Rep => ({
  ...REP,
  base: { ...REP.base, status, origin: from },
});
const inCall = (rep: Rep = REP): Rep =>
  takeEvent(
    rep,
    { type: "hold.started", hold: CALL, status: "InACall", untilMs: 9e9 },
    origin,
    POLICY,
  );

const WORDS: Readonly<Record<Status, string>> = {
  Available: "Available",
  BeRightBack: "Be right back",
  Away: "Away",
  Busy: "Busy",
  InAMeeting: "In a meeting",
  DoNotDisturb: "Do not disturb",
  InACall: "In a call",
  Offline: "Offline",
};

describe("[R39] whatever happened is said in a sentence", () => {
  it.each(STATUSES)("%s is said as people read it", (status) => {
    expect(explainRep(chosen(status))).toBe(`${WORDS[status]}: chosen in Teams`);
  });

  it.each<[Cause["kind"], string]>([
    ["first sight", "Dynamics showed Busy when it was first read"],
    ["choice", "the rep chose Busy in Dynamics"],
    ["sign-in", "the rep signed in to Dynamics as Busy"],
    ["sign-out", "the rep signed out of Dynamics"],
    ["automatic", "Dynamics shows Busy by itself"],
    ["automatic ended", "what Dynamics showed by itself is over"],
    ["hold", "Dynamics reports Busy"],
    ["hold ended", "Dynamics reports that Busy is over"],
    ["hold expired", "Dynamics stopped confirming Busy"],
    ["command", "Dynamics set Busy"],
    ["shift", "Dynamics says the shift has begun"],
    ["lease ended", "our own entry in Dynamics ran out"],
    ["command ended", "Busy, which Dynamics had set, is over"],
    ["manual lifted", "Dynamics lifted Busy, which had been set by hand"],
    ["paused", "syncing was paused (dynamics)"],
    ["resumed", "syncing goes on"],
  ])("the cause %s: %s", (kind, sentence) => {
    const rep: Rep = { ...chosen("Busy"), cause: cause(kind) };
    expect(explainIntent(rep)).toBe(`${sentence} → Busy`);
  });

  it("a shift that ends, a call over a choice, and nothing at all", () => {
    const ended: Rep = { ...chosen("Offline"), cause: cause("shift", "phone", "Offline") };
    expect(explainIntent(ended)).toBe("phone says the shift has ended → Offline");
    expect(explainIntent(inCall(chosen("Away")))).toBe(
      "phone reports In a call → In a call, over Away",
    );
    expect(explainIntent(REP)).toBe("nothing is known yet → Available");
  });

  it.each<[Classification, string | null]>([
    ["unusable", null],
    ["stale", null],
    ["same", null],
    ["settled", null],
    ["echo", "Teams shows Away: our own write, seen; nothing to do"],
    ["late echo", "Teams shows Away: a write of ours that arrived late"],
    ["absorbed", "Teams still shows Away: it accepted our write and shows something stronger"],
    ["agrees", "Teams shows Away, which agrees"],
    [
      "outranked",
      "Teams shows Away, but Busy was chosen elsewhere at the same time: the less available wins",
    ],
    ["lease ended", "Teams shows Away: our own entry ran out"],
    ["unconfirmed", "Teams shows Away: our write has not arrived yet"],
    ["uncovered", "Teams shows Away, which our own entry had covered"],
    ["absent", "Teams shows Offline"],
    ["first sight", "Teams shows Away, read for the first time"],
    ["returned", "Teams shows Away again: the rep was only disconnected"],
    ["sign-in", "the rep signed in to Teams as Away"],
    ["automatic", "Teams shows Away by itself"],
    ["automatic ended", "Teams shows Away: what it showed by itself is over"],
    ["choice", "the rep chose Away in Teams"],
  ])("a reading that is %s", (classification, sentence) => {
    expect(explainReading(TEAMS, classification, "Away", chosen("Busy"))).toBe(sentence);
  });

  it("no kind of reading is without a sentence, and one that says nothing is told so", () => {
    for (const kind of CLASSIFICATIONS) {
      expect(explainReading(TEAMS, kind, null, REP)).not.toBe(undefined);
    }
    expect(explainReading(TEAMS, "agrees", null, REP)).toBe(
      "Teams shows nothing usable, which agrees",
    );
  });

  it("a write, its restoring, its withdrawal and its renewal", () => {
    const write = {
      system: TEAMS,
      shows: "Busy",
      native: null,
      from: "none",
      to: "preferred",
      renewal: false,
      cause: cause("choice"),
    } as unknown as Write;
    const because = "because the rep chose Busy in Dynamics";
    expect(explainWrite(write)).toBe(`Teams ← Busy, ${because}`);
    expect(explainWrite({ ...write, native: "lunch" })).toBe(
      `Teams ← Busy as it was before, ${because}`,
    );
    expect(explainWrite({ ...write, from: "preferred", to: "none" })).toBe(
      `Teams: ours withdrawn, so that Busy shows, ${because}`,
    );
    expect(explainWrite({ ...write, to: "none" })).toBe(`Teams ← Busy, ${because}`);
    expect(explainWrite({ ...write, from: "preferred" })).toBe(`Teams ← Busy, ${because}`);
    expect(explainWrite({ ...write, renewal: true })).toBe(
      "Teams: Busy renewed before it runs out",
    );
  });

  it("why the rep shows what she shows", () => {
    expect(explainRep(REP)).toBe("Available: nothing was chosen yet");
    expect(explainRep(inCall(chosen("Away", DYNAMICS)))).toBe(
      "In a call: phone reports it; Away (chosen in Dynamics) returns when it ends",
    );
    expect(explainRep(chosen("Offline", PHONE))).toBe("Offline: set by phone");
    const overlay = {
      status: "InACall",
      kind: "hold",
      tick: 1,
      intent: 1,
      atMs: 1,
      over: null,
      untilMs: null,
    } as const;
    expect(explainRep({ ...REP, overlays: { [TEAMS]: overlay } })).toBe(
      "In a call: Teams shows it by itself; Available (nothing was chosen yet) returns when it ends",
    );
  });

  it("what one system shows", () => {
    const said = (change: Parameters<typeof withEndpoint>[2]): string =>
      describeEndpoint(withEndpoint(REP, TEAMS, change), TEAMS, POLICY);
    expect(said({})).toBe("not read yet");
    expect(said({ seen: "DoNotDisturb" })).toBe("Do not disturb");
    expect(said({ seen: "Busy", absent: true })).toBe("Offline");
    expect(said({ seen: "Busy", health: "absorbed" })).toBe("Busy (our last write was absorbed)");
    const pending = {} as NonNullable<Parameters<typeof withEndpoint>[2]["pending"]>;
    expect(said({ seen: "Busy", pending })).toBe("Busy, a change is on its way");
  });

  it("[R113] a rep who is paused is said to be, whatever lies on top", () => {
    const paused = {
      by: "manager",
      sinceMs: 1,
      untilMs: null,
      reason: null,
    } as unknown as Rep["paused"];
    expect(explainRep({ ...inCall(), paused })).toBe("Not synced: paused (manager)");
  });

  it("[R111] a fight, and its end", () => {
    const fight = {
      system: DYNAMICS,
      by: "rota-bot",
      between: ["Busy", "BeRightBack"],
      sinceMs: MINUTE_MS,
      lastMs: 3 * MINUTE_MS,
      changes: 20,
    } as const;
    expect(explainFight(fight)).toBe(
      "Dynamics was changed 20 times in 120 s, between Busy and Be right back (by rota-bot, says Dynamics): automatic writes rest until that stops",
    );
    expect(explainFight({ ...fight, by: null, lastMs: MINUTE_MS + 100 })).toBe(
      "Dynamics was changed 20 times in 1 s, between Busy and Be right back (Dynamics does not say by whom): automatic writes rest until that stops",
    );
    expect(explainFightEnd(fight)).toBe(
      "Dynamics is left alone again, after 20 changes in 2 min: automatic writes go on",
    );
    expect(explainFightEnd({ ...fight, lastMs: MINUTE_MS + 1 })).toContain(" in 1 min:");
  });
});

describe("what a partner reports", () => {
  const take = (rep: Rep, event: Parameters<typeof takeEvent>[1]): Rep =>
    takeEvent(rep, event, origin, POLICY);

  it("[R55] a call that starts holds until it is said to end, and carries who said so", () => {
    const rep = inCall();
    expect(rep.holds[CALL]).toMatchObject({ source: PHONE, status: "InACall", untilMs: 9e9 });
    expect(rep.cause).toEqual({
      kind: "hold",
      status: "InACall",
      source: PHONE,
      eventId: "e1",
      atMs: 1_000,
    });
    const ended = take(rep, { type: "hold.ended", hold: CALL });
    expect(ended.holds).toEqual({});
    expect(ended.cause).toMatchObject({ kind: "hold ended", status: "InACall" });
  });

  it("[R55] a renewal moves the end of a call and nothing else; of a call that never began it is nothing", () => {
    const rep = inCall();
    const renewed = take(rep, { type: "hold.renewed", hold: CALL, untilMs: 9.5e9 });
    expect(renewed.holds[CALL]).toMatchObject({ status: "InACall", untilMs: 9.5e9 });
    expect(renewed.intent).toBe(rep.intent);
    expect(take(REP, { type: "hold.renewed", hold: CALL, untilMs: 9e9 })).toBe(REP);
    expect(take(REP, { type: "hold.ended", hold: CALL })).toBe(REP);
  });

  it("[R16] a command is a choice made there", () => {
    const rep = take(REP, { type: "status.set", status: "Away" });
    expect(rep.base).toMatchObject({ status: "Away", origin: PHONE });
    expect(rep.cause).toMatchObject({ kind: "command", status: "Away", eventId: "e1" });
  });

  it("[R58] the end of a shift is Offline, its start takes that back and invents nothing", () => {
    const ended = take(chosen("Busy"), { type: "shift.ended" });
    expect(ended.base).toMatchObject({ status: "Offline", origin: PHONE });
    expect(ended.cause).toMatchObject({ kind: "shift", status: "Offline" });
    const begun = take(ended, { type: "shift.started" });
    const { tick, intent } = begun;
    expect(begun.base).toMatchObject({
      status: "Available",
      origin: null,
      tick,
      intent,
      atMs: 1_000,
      natives: {},
    });
    expect(begun.cause).toMatchObject({ kind: "shift", status: "Available" });
    expect(intent).toBe(ended.intent + 1);
    const busy = chosen("Busy");
    expect(take(busy, { type: "shift.started" })).toBe(busy);
  });
});
