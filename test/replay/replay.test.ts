import { describe, expect, test } from "vitest";
import { readPolicyFile } from "../../src/policy.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { DEFAULT_MAPPINGS, type Mappings } from "../../src/presence/mapping.ts";
import { compare } from "../../src/replay/compare.ts";
import { type Entry, recordedOf } from "../../src/replay/record.ts";
import { isDifferent, replayed } from "../../src/replay/replay.ts";
import { ANA, Crew, end } from "../controller/crew.ts";
import { lifeUnder, type RecordedDay, recordDay, ruledBy, VOCABULARY } from "./day.ts";

const SEEDS = Array.from({ length: 40 }, (_, at) => at + 1);
const HOUR_MS = 3_600_000;

const file = (json: unknown): Mappings => readPolicyFile(JSON.stringify(json));
const DND_IN_CALLS = file({ dynamics: { writes: { InACall: "Busy - DND" } } });

function answerFor({ entries, fromMs, untilMs }: RecordedDay, other: Mappings) {
  return replayed(entries, {
    inForce: ruledBy(DEFAULT_MAPPINGS),
    other: ruledBy(other),
    vocabulary: VOCABULARY,
    span: { fromMs, untilMs },
  });
}

/** What was decided, as the history and a replay tell it, without the moment. */
const decisions = (all: ReturnType<typeof recordedOf>["decided"]) =>
  all.map(({ status, cause: { kind, source } }) => ({ status, kind, source }));

describe("a recorded day, replayed through the policy in force", () => {
  test.each(SEEDS)("[R377] comes to every decision again, in order (day %i)", async (seed) => {
    const day = await recordDay(seed);
    const { decided } = recordedOf(day.entries);
    expect(decided.length).toBeGreaterThan(5);
    expect(decisions(lifeUnder(day, DEFAULT_MAPPINGS).decided)).toEqual(decisions(decided));
    const { trust } = answerFor(day, DEFAULT_MAPPINGS);
    expect(trust).toMatchObject({ decisions: decided.length, reproduced: decided.length });
  });

  test("[R377] differs from itself in nothing", async () => {
    const answer = answerFor(await recordDay(7), DEFAULT_MAPPINGS);
    expect(isDifferent(answer)).toBe(false);
    expect(answer.moments).toEqual([]);
  });

  test("[R378] does not come to what was recorded under another policy, and says so", async () => {
    const day = await recordDay(7);
    const kept = day.entries.filter(({ detail }) => detail["type"] !== "hold.started");
    const { trust } = answerFor({ ...day, entries: kept }, DEFAULT_MAPPINGS);
    expect(trust.reproduced).toBeLessThan(trust.decisions);
  });
});

/** A call of her desk phone for an hour, over Available, and what is recorded of it. */
async function recordCall(): Promise<RecordedDay & { readonly startMs: number }> {
  const { crew, watch } = await Crew.onDuty();
  const fromMs = crew.clock.nowMs();
  await crew.clock.advance(600_000);
  const startMs = crew.clock.nowMs();
  await crew.tell(watch, crew.call("call-1", 240));
  await crew.clock.advance(HOUR_MS);
  await crew.tell(watch, crew.hangUp("call-1"));
  await crew.clock.advance(600_000);
  const entries = await crew.history(ANA.rep);
  await end(watch);
  return { entries, fromMs, untilMs: crew.clock.nowMs(), startMs };
}

describe("a recorded day, replayed through another policy", () => {
  test("[R378] a call shows as Do not disturb for just as long as it lasted, at no other cost", async () => {
    const day = await recordCall();
    const answer = answerFor(day, DND_IN_CALLS);
    const otherwiseMs = answer.otherwiseMs.get(DYNAMICS) ?? 0;
    expect(Math.abs(otherwiseMs - HOUR_MS)).toBeLessThan(5_000);
    expect(answer.otherwiseMs.get(TEAMS)).toBe(0);
    expect(answer.routableMs.other).toBe(answer.routableMs.inForce);
    expect(answer.writes.get(DYNAMICS)).toEqual({ inForce: 2, other: 2 });
    expect(answer.moments).toHaveLength(1);
    const [moment] = answer.moments;
    expect(moment).toMatchObject({
      system: DYNAMICS,
      inForce: "Busy",
      other: "Busy - DND",
      inForceSays: "Dynamics ← Busy, because phone reports In a call",
      otherSays: "Dynamics ← Do not disturb, because phone reports In a call",
    });
    expect(Math.abs((moment?.atMs ?? 0) - day.startMs)).toBeLessThan(5_000);
  });

  test("[R378] a write that was seen late, because everything was held up, was nobody's choice meanwhile", async () => {
    const day = await recordCall();
    const endMs = day.startMs + HOUR_MS;
    const late = day.entries.map((entry) => {
      const { system, classification } = entry.detail;
      const isEcho = system === DYNAMICS && classification === "echo" && entry.atMs >= endMs;
      return isEcho ? { ...entry, atMs: entry.atMs + 6_000 } : entry;
    });
    expect(late).not.toEqual(day.entries);
    const { moments, otherwiseMs } = answerFor({ ...day, entries: late }, DND_IN_CALLS);
    expect(moments.map(({ system }) => system)).toEqual([DYNAMICS]);
    expect(otherwiseMs.get(TEAMS)).toBe(0);
  });

  test("[R377] what our own session made Teams show is no call of hers under a policy that makes none", async () => {
    const day = await recordCall();
    const quiet = file({ teams: { writes: { InACall: "preferred Busy" } } });
    const life = lifeUnder(day, quiet);
    expect(decisions(life.decided)).toEqual(decisions(lifeUnder(day, DEFAULT_MAPPINGS).decided));
    expect(life.shown.get(TEAMS)?.map(({ is }) => is)).toEqual(["Available", "Busy", "Available"]);
  });

  test("[R378] a meeting that counts for nothing leaves her routable while it lasts", async () => {
    const { crew, watch } = await Crew.onDuty();
    const fromMs = crew.clock.nowMs();
    crew.teams.client(ANA.rep, "InAMeeting");
    await crew.clock.advance(HOUR_MS);
    crew.teams.client(ANA.rep, "Available");
    await crew.clock.advance(600_000);
    const entries = await crew.history(ANA.rep);
    await end(watch);
    const day = { entries, fromMs, untilMs: crew.clock.nowMs() };
    const { routableMs, writes } = answerFor(day, file({ teams: { reads: { InAMeeting: null } } }));
    expect(Math.abs(routableMs.other - routableMs.inForce - HOUR_MS)).toBeLessThan(15_000);
    expect(writes.get(DYNAMICS)).toEqual({ inForce: 2, other: 0 });
  });

  test("[R378] only what lies in the time that was asked for is counted", async () => {
    const day = await recordCall();
    const after = { ...day, fromMs: day.startMs + HOUR_MS / 2 };
    const { otherwiseMs, writes } = answerFor(after, DND_IN_CALLS);
    expect(Math.abs((otherwiseMs.get(DYNAMICS) ?? 0) - HOUR_MS / 2)).toBeLessThan(5_000);
    expect(writes.get(DYNAMICS)).toEqual({ inForce: 1, other: 1 });
  });
});

describe("somebody who left and came again", () => {
  test.each(["in a call", "free"])(
    "[R377] begins anew, and is paused no more; %s when she comes",
    async (how) => {
      const { crew, watch } = await Crew.onDuty();
      const minutes = async (count: number) => crew.clock.advance(count * 60_000);
      crew.dynamics.choose(ANA.rep, "Busy");
      await minutes(10);
      watch.controller.detach(ANA.rep);
      await minutes(10);
      expect(await crew.engine.load()).toEqual([]);
      crew.dynamics.choose(ANA.rep, "Available");
      const fromMs = crew.clock.nowMs();
      if (how === "in a call") await crew.tell(watch, crew.call("call-0"));
      watch.controller.adopt(ANA);
      await minutes(10);
      await crew.tell(watch, crew.hangUp("call-0"));
      for (const call of ["call-1", "call-2"]) {
        await minutes(10);
        await crew.tell(watch, crew.call(call));
        await minutes(10);
        await crew.tell(watch, crew.hangUp(call));
      }
      await minutes(10);
      const entries = await crew.history(ANA.rep);
      await end(watch);
      const answer = answerFor({ entries, fromMs, untilMs: crew.clock.nowMs() }, DEFAULT_MAPPINGS);
      expect(answer.trust.reproduced).toBe(answer.trust.decisions);
      const written = (system: string): number =>
        entries.filter(
          ({ kind, detail, atMs }) =>
            kind === "write" && detail["system"] === system && atMs >= fromMs,
        ).length;
      expect(written(DYNAMICS)).toBeGreaterThan(3);
      expect(answer.writes.get(DYNAMICS)?.inForce).toBe(written(DYNAMICS));
      expect(answer.writes.get(TEAMS)?.inForce).toBe(written(TEAMS));
    },
  );
});

describe("what the record does not hold", () => {
  const without = (entries: readonly Entry[], ...keys: readonly string[]): readonly Entry[] =>
    entries.map((entry) => {
      const detail = Object.entries(entry.detail).filter(([key]) => !keys.includes(key));
      return { ...entry, detail: Object.fromEntries(detail) };
    });

  test("[R378] an older record does not say which call: one at a time is assumed, and counted", async () => {
    const day = await recordCall();
    const entries = without(day.entries, "hold", "automatic", "disconnected");
    const { trust, otherwiseMs } = answerFor({ ...day, entries }, DND_IN_CALLS);
    expect(trust).toMatchObject({ guessed: 2, decisions: 3, reproduced: 3 });
    expect(Math.abs((otherwiseMs.get(DYNAMICS) ?? 0) - HOUR_MS)).toBeLessThan(5_000);
  });

  test("[R378] a presence that was agreed upon, and is no more, means what it meant, and is counted", async () => {
    const { crew, watch } = await Crew.onDuty();
    const fromMs = crew.clock.nowMs();
    crew.dynamics.choose(ANA.rep, "Lunch");
    await crew.clock.advance(600_000);
    const entries = await crew.history(ANA.rep);
    await end(watch);
    const agreed: Mappings = {
      ...DEFAULT_MAPPINGS,
      presences: { reads: { Lunch: "Away" }, sets: {} },
    };
    const question = {
      inForce: ruledBy(agreed),
      vocabulary: VOCABULARY,
      span: { fromMs, untilMs: crew.clock.nowMs() },
    };
    const asBefore = replayed(entries, { ...question, other: ruledBy(agreed) });
    expect([asBefore.trust.unsure, isDifferent(asBefore)]).toEqual([0, false]);
    const noMore = replayed(entries, { ...question, other: ruledBy(DEFAULT_MAPPINGS) });
    expect([noMore.trust.unsure, isDifferent(noMore)]).toEqual([1, false]);
  });

  test("[R377] entries that it cannot read are left out", () => {
    const entry = { atMs: 1, says: "", cause: null };
    const broken: readonly Entry[] = [
      { ...entry, kind: "reading", detail: { system: "teams" } },
      { ...entry, kind: "reading", detail: { system: 7, native: "x", classification: "choice" } },
      { ...entry, kind: "event", detail: { source: "phone", event: "1", type: "hold.started" } },
      { ...entry, kind: "event", detail: { source: "phone", event: "1", type: "to.come" } },
      { ...entry, kind: "intent", detail: { status: "Busy" } },
    ];
    expect(recordedOf(broken)).toEqual({ facts: [], decided: [], guessed: 0, fights: 0 });
  });

  test("[R378] what a system shows before the record begins is not compared", () => {
    const nothing = { decided: [], writes: [], shown: new Map(), unsure: 0 };
    const span = { fromMs: 0, untilMs: 10 };
    const { otherwiseMs, routableMs, moments } = compare(nothing, nothing, [TEAMS], span);
    expect([otherwiseMs.get(TEAMS), routableMs.inForce, moments]).toEqual([0, 0, []]);
  });
});
