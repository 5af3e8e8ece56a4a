import { describe, expect, test } from "vitest";
import { Resting } from "../../src/controller/resting.ts";
import { Sharing } from "../../src/controller/sharing.ts";
import type { RepDocument } from "../../src/engine/engine.ts";
import { isNews } from "../../src/controller/news.ts";
import { DYNAMICS, repId, systemUserId, TEAMS, teamsUserId } from "../../src/presence/identity.ts";
import { type Rep, withEndpoint } from "../../src/reconcile/rep.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "../reconcile/stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

const of = (name: string, rep: Rep): RepDocument => ({
  identity: { rep: repId(name), teamsUserId: teamsUserId(name), systemUserId: systemUserId(name) },
  generation: 3,
  rep: JSON.parse(JSON.stringify(rep)) as Rep,
});

const versioned = (rep: Rep, version: number): Rep =>
  withEndpoint(rep, DYNAMICS, { sequence: String(version).padStart(20, "0") });

/** Reps of many kinds: at rest, in a call, with a hold, with a write under way, in doubt and paused. */
function all(): readonly Rep[] {
  const stage = Stage.settled(core);
  const reps = [stage.rep];
  const then = (happens: () => unknown): void => {
    happens();
    reps.push(stage.rep);
    stage.settle();
    reps.push(stage.rep);
  };
  then(() => stage.teams("DoNotDisturb"));
  then(() => stage.hold("call"));
  then(() => stage.teams("Busy"));
  then(() => stage.release("call"));
  then(() => stage.dynamics("Away"));
  then(() => stage.decree("Available"));
  return [...reps, { ...stage.rep, paused: { by: "administrator", sinceMs: 7 } }];
}

/** The same rep with one leaf of hers something else, or gone: once for each leaf. */
function* changed(value: unknown): Generator<unknown> {
  if (typeof value === "number") yield value + 1;
  else if (typeof value === "string") yield `${value}?`;
  else if (typeof value === "boolean") yield !value;
  else if (value === null) yield 7;
  else {
    const whole = value as Record<string, unknown>;
    for (const [key, one] of Object.entries(whole)) {
      for (const other of changed(one)) yield { ...whole, [key]: other };
      const { [key]: gone, ...others } = whole;
      if (typeof gone !== "object") yield others;
    }
    if (!Array.isArray(value)) yield { ...whole, new: 1 };
  }
}

describe("[R393] a rep at rest", () => {
  test("whoever differs by times, turns and a version only is kept by these, and comes out as she was", () => {
    const sharing = new Sharing();
    const { rep } = Stage.settled(core);
    const later = { ...rep, tick: rep.tick + 40, intentAtMs: rep.intentAtMs + 1e9 };
    const reps = [versioned(rep, 7), versioned(rep, 4_001_234), versioned(later, 2 ** 40)];
    const kept = reps.map((one, at) => sharing.keep(of(`rep-${at}`, one)));
    expect(kept.map((one) => one instanceof Resting)).toEqual([false, true, true]);
    for (const [at, one] of reps.entries()) {
      const out = kept[at];
      expect(out instanceof Resting ? out.document : out).toEqual(of(`rep-${at}`, one));
      if (out instanceof Resting) expect(out.tick).toBe(one.tick);
    }
  });

  test("whatever a rep is like, what comes out is what went in", () => {
    const sharing = new Sharing();
    let resting = 0;
    for (const rep of [...all(), ...all(), ...all()]) {
      const document = of("ana", rep);
      const kept = sharing.keep(document);
      if (kept instanceof Resting) resting += 1;
      expect(kept instanceof Resting ? kept.document : kept).toEqual(document);
      expect(kept.rep).toEqual(document.rep);
    }
    expect(resting).toBeGreaterThan(all().length);
  });

  test("one leaf that is something else, or gone, or new comes out so, or she is not like the other", () => {
    let [like, unlike] = [0, 0];
    for (const rep of [versioned(Stage.settled(core).rep, 7), ...all()]) {
      for (const other of changed(JSON.parse(JSON.stringify(rep)))) {
        const document = { ...of("ana", rep), rep: other as Rep };
        const resting = Resting.like(rep, document);
        if (!resting) unlike += 1;
        else {
          like += 1;
          expect(resting.document).toEqual(document);
        }
      }
    }
    expect(Math.min(like, unlike)).toBeGreaterThan(50);
  });

  test("the same is news of whom she is like as of her", () => {
    const statuses = ["Available", "Busy", "DoNotDisturb", "Away", "Offline"] as const;
    const { policy } = Stage.settled(core);
    let [news, none] = [0, 0];
    for (const model of all()) {
      const later = { ...model, tick: model.tick + 9, intent: model.intent + 1 };
      for (const rep of [model, later, ...all()]) {
        const resting = Resting.like(model, of("ana", rep));
        for (const status of resting ? statuses : []) {
          for (const system of [TEAMS, DYNAMICS]) {
            const native = rep.systems[system]?.native ?? "";
            const at = { startedTick: rep.tick, startedAtMs: 1e15, sequence: null };
            const reading = { status, native, automatic: null, ...at };
            const isSo = isNews(rep, system, reading, policy);
            expect(isNews(resting?.like ?? rep, system, reading, policy)).toBe(isSo);
            if (isSo) news += 1;
            else none += 1;
          }
        }
      }
    }
    expect(Math.min(news, none)).toBeGreaterThan(20);
  });

  test("a version that is no number of its length is kept whole", () => {
    const { rep } = Stage.settled(core);
    const model = versioned(rep, 7);
    for (const sequence of ["7", "x".padStart(20, "0"), "9".repeat(20), null, ""]) {
      const document = of("ana", withEndpoint(rep, DYNAMICS, { sequence }));
      const resting = Resting.like(model, document);
      if (resting) expect(resting.document).toEqual(document);
      else expect(sequence).not.toBe(model.systems[DYNAMICS]?.sequence);
    }
  });
});
