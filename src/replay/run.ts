import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import type { Mappings } from "../presence/mapping.ts";
import { classify, type Classification } from "../reconcile/classify.ts";
import { deliver } from "../reconcile/delivery.ts";
import { takeEvent } from "../reconcile/event.ts";
import { explainIntent, explainWrite } from "../reconcile/explain.ts";
import { observe } from "../reconcile/observe.ts";
import { setPaused } from "../reconcile/pause.ts";
import { plan, type Write } from "../reconcile/plan.ts";
import { type Policy, profileOf } from "../reconcile/policy.ts";
import { endpointOf, newRep, type Rep } from "../reconcile/rep.ts";
import { statusOf } from "../reconcile/resolve.ts";
import { meaningOf, type Shown, shownAfter, type Vocabulary } from "./meaning.ts";
import type { Decided, Fact, ReadFact } from "./record.ts";

/** A policy, and what it was made of. */
export type Ruled = { readonly policy: Policy; readonly mappings: Mappings };

/** From when on a system showed something, and the sentence that says how it came to it. */
export type Change = Shown & { readonly atMs: number; readonly says: string };

/** What a policy makes of what was recorded of one rep. */
export type Run = {
  readonly decided: readonly Decided[];
  readonly writes: readonly { readonly system: SystemName; readonly atMs: number }[];
  readonly shown: ReadonlyMap<SystemName, readonly Change[]>;
  /** Readings of which the record does not say what they would have meant. */
  readonly unsure: number;
};

/** Nothing was recorded of how long it would have taken: as long as it usually takes. */
const SHOWN_AFTER_MS = 500;
/** What was read so soon after a write may be the answer to it. */
const ANSWERED_WITHIN_MS = 10_000;
const OVERDUE_MS = 1_000;
const MOST_TURNS = 50;

const ECHOES: ReadonlySet<Classification> = new Set(["echo", "late echo", "unconfirmed"]);
/** Answers to a write of ours that are not its effect. */
const ANSWERS: ReadonlySet<Classification> = new Set(["absorbed", "uncovered"]);
/** What was read instead of it, however late. */
const NOT_SHOWN: ReadonlySet<Classification> = new Set([...ANSWERS, "outranked"]);
const SWALLOWED: ReadonlySet<Classification> = new Set([
  "same",
  "settled",
  "absorbed",
  "echo",
  "late echo",
]);

/**
 * Lives through what was recorded of a rep under a policy, in a world without faults: a write is accepted, and shows
 * when it was recorded to show, or half a second later. People and systems do what they did; what they would have done
 * had they been shown something else, nobody knows.
 */
export function live(
  facts: readonly Fact[],
  ruled: Ruled,
  inForce: Mappings,
  vocabulary: Vocabulary,
  untilMs: number,
): Run {
  const life = new Life(facts, ruled, inForce, vocabulary);
  life.play(untilMs);
  return life;
}

class Life implements Run {
  readonly decided: Decided[] = [];
  readonly writes: { readonly system: SystemName; readonly atMs: number }[] = [];
  readonly shown = new Map<SystemName, Change[]>();
  unsure = 0;
  /** What each system shows now, as far as that is known of her. */
  readonly #current = new Map<SystemName, Shown>();
  readonly #facts: readonly Fact[];
  readonly #ruled: Ruled;
  readonly #inForce: Mappings;
  readonly #vocabulary: Vocabulary;
  readonly #landing = new Map<
    SystemName,
    { readonly write: Write; readonly atMs: number | null }
  >();
  #rep: Rep;
  #nowMs = 0;
  /** The fact that comes next. */
  #next = 0;
  #recheckAtMs: number | null = null;

  constructor(facts: readonly Fact[], ruled: Ruled, inForce: Mappings, vocabulary: Vocabulary) {
    this.#facts = facts;
    this.#ruled = ruled;
    this.#inForce = inForce;
    this.#vocabulary = vocabulary;
    this.#rep = this.#stranger();
  }

  #stranger(): Rep {
    return newRep(this.#ruled.policy.systems.map(({ name }) => name));
  }

  play(untilMs: number): void {
    for (;;) {
      const fact = this.#facts[this.#next];
      const timerMs = this.#timerMs();
      // A read leaves when a timer is due, and is answered when that has been acted on.
      if (fact && fact.atMs < timerMs) {
        this.#nowMs = Math.max(this.#nowMs, fact.atMs);
        this.#next += 1;
        this.#take(fact);
        // What was read at once was looked at together.
        if (this.#facts[this.#next]?.atMs === fact.atMs) continue;
      } else if (timerMs <= untilMs) {
        this.#nowMs = Math.max(this.#nowMs, timerMs);
        this.#land();
      } else return;
      this.#settle();
    }
  }

  #timerMs(): number {
    const landings = [...this.#landing.values()].flatMap(({ atMs }) => atMs ?? []);
    const recheck = this.#recheckAtMs === null ? [] : [this.#recheckAtMs];
    return Math.min(Number.POSITIVE_INFINITY, ...landings, ...recheck);
  }

  #take(fact: Fact): void {
    const { policy } = this.#ruled;
    switch (fact.kind) {
      case "pause":
        return this.#become(setPaused(this.#rep, fact.pause, this.#nowMs));
      case "event": {
        const { source, eventId, atMs } = fact;
        const choice = this.#rep.base.intent;
        const event = fact.event ?? { type: "manual.lifted" as const, choice };
        return this.#become(takeEvent(this.#rep, event, { source, eventId, atMs }, policy));
      }
      case "came again":
        this.#rep = this.#stranger();
        this.#landing.clear();
        this.#current.clear();
        this.#recheckAtMs = null;
        return;
      case "reading":
        return this.#read(fact);
      default:
        return fact satisfies never;
    }
  }

  #read(fact: ReadFact): void {
    const { system, classification, own } = fact;
    const isLanding = this.#landing.has(system);
    // What answered a write of ours says nothing where this policy has not written.
    const answersOurs = ANSWERS.has(classification);
    // Our session, when she took away what she had laid over it.
    const surfaces =
      classification === "agrees" && endpointOf(this.#rep, system).cover === "session";
    if (!own && !(answersOurs && isLanding) && !surfaces) return;
    const { shown, sure } = meaningOf(fact, this.#ruled.mappings, this.#inForce, this.#vocabulary);
    if (!sure) this.unsure += 1;
    const as = classify(this.#rep, system, this.#readingOf(shown), this.#ruled.policy);
    // She did that after our write had shown, or nobody would have noticed it.
    if (isLanding && !answersOurs && SWALLOWED.has(as)) this.#show(system);
    this.#showing(system, shown, fact.says);
    this.#observe(system, shown);
    const landing = this.#landing.get(system);
    if (landing) this.#landing.set(system, { ...landing, atMs: this.#answerMs(system) });
  }

  /**
   * Reads what a system shows now; nobody knows it before the record begins. While a write is yet to show nobody looked,
   * or the record would say what was seen instead.
   */
  #look(system: SystemName): boolean {
    const shown = this.#current.get(system);
    const landsAtMs = this.#landing.get(system)?.atMs ?? this.#nowMs;
    if (!shown || landsAtMs > this.#nowMs) return false;
    this.#observe(system, shown);
    return true;
  }

  #readingOf({ status, automatic, native, disconnected }: Shown): Reading {
    const common = { status, automatic, native, sequence: null };
    const gone = disconnected === undefined ? {} : { disconnected };
    return { ...common, ...gone, startedTick: this.#rep.tick, startedAtMs: this.#nowMs };
  }

  #observe(system: SystemName, shown: Shown): void {
    const { policy } = this.#ruled;
    this.#become(observe(this.#rep, system, this.#readingOf(shown), policy).rep);
  }

  #settle(): void {
    const { policy } = this.#ruled;
    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      const next = plan(this.#rep, policy, this.#nowMs);
      this.#become(next.rep);
      for (const write of next.writes) this.#send(write);
      const looked = next.reads.filter((system) => this.#look(system)).length;
      const { recheckAtMs } = next;
      this.#recheckAtMs =
        recheckAtMs !== null && recheckAtMs <= this.#nowMs ? this.#nowMs + OVERDUE_MS : recheckAtMs;
      if (next.writes.length + looked === 0) return;
    }
  }

  #send(write: Write): void {
    const { system, intent } = write;
    const { policy } = this.#ruled;
    this.writes.push({ system, atMs: this.#nowMs });
    this.#rep = deliver(this.#rep, system, intent, "accepted", policy, this.#nowMs);
    const usualMs = this.#nowMs + SHOWN_AFTER_MS;
    const next = this.#answer(system);
    const within = next ? next.atMs - this.#nowMs : Number.POSITIVE_INFINITY;
    const { settleMs } = profileOf(policy, system);
    const waits = (next && NOT_SHOWN.has(next.classification)) || within <= settleMs;
    const atMs = this.#answerMs(system) ?? (waits ? null : usualMs);
    this.#landing.set(system, { write, atMs });
  }

  /** What was recorded of a system next, if it was soon. */
  #answer(system: SystemName): ReadFact | null {
    for (let at = this.#next; at < this.#facts.length; at += 1) {
      const fact = this.#facts[at];
      if (!fact || fact.atMs > this.#nowMs + ANSWERED_WITHIN_MS) return null;
      if (fact.kind === "reading" && fact.system === system) return fact;
    }
    return null;
  }

  /** When a write was recorded to show; `null` if what was recorded next is something else. */
  #answerMs(system: SystemName): number | null {
    const next = this.#answer(system);
    return next && ECHOES.has(next.classification) ? next.atMs : null;
  }

  #land(): void {
    for (const [system, { atMs }] of this.#landing) {
      if (atMs !== null && atMs <= this.#nowMs) this.#show(system);
    }
  }

  #show(system: SystemName): void {
    const landing = this.#landing.get(system);
    if (!landing) return;
    this.#landing.delete(system);
    const { mappings } = this.#ruled;
    const shown = shownAfter(landing.write, mappings, this.#vocabulary);
    this.#showing(system, shown, explainWrite(landing.write));
    this.#observe(system, shown);
  }

  #showing(system: SystemName, shown: Shown, says: string): void {
    const changes = this.shown.get(system) ?? [];
    this.shown.set(system, changes);
    changes.push({ ...shown, atMs: this.#nowMs, says });
    this.#current.set(system, shown);
  }

  #become(rep: Rep): void {
    const before = this.#rep;
    this.#rep = rep;
    for (const system of this.#landing.keys()) {
      if (endpointOf(rep, system).pending === null) this.#landing.delete(system);
    }
    if (rep.intent === before.intent || !rep.cause) return;
    const { cause } = rep;
    const says = explainIntent(rep);
    this.decided.push({ atMs: this.#nowMs, status: statusOf(rep), cause, says });
  }
}
