import type { InboxEvent, RepDocument } from "../engine/engine.ts";
import type { RepId, RepIdentity, SystemName } from "../presence/identity.ts";
import type { Pause, Rep } from "../reconcile/rep.ts";
import type { Dated } from "./reader.ts";
import { Few } from "./few.ts";
import type { Pace } from "./pace.ts";
import { Recorder } from "./recorder.ts";
import { Resting } from "./resting.ts";
import type { Sharing } from "./sharing.ts";
import { Turns } from "./turns.ts";
import type { Urgency } from "./work-queue.ts";
import type { Answer } from "./writer.ts";

/** What was taken out of the slot and decided, and is not stored yet. */
export type Draft = {
  rep: Rep;
  readonly record: Recorder;
  readonly answers: Answer[];
  readonly events: InboxEvent[];
};

/** A write is planned on a read that came in so short a time ago; on an older one it is read again first. */
const FRESH_MS = 250;

type BySystem<Value> = Readonly<Record<SystemName, Value>>;
const NONE: BySystem<never> = {};

/** Where a turn to write comes from, and whom it wakes. The same for all slots. */
export type Drive = {
  readonly paceOf: (system: SystemName) => Pace;
  readonly nudge: (rep: RepId, urgency: Urgency) => void;
  /** Something goes on with her now. */
  readonly woke: (rep: RepId) => void;
  /** What is the same about many reps, once for all of them. */
  readonly sharing: Sharing;
};

/** What there is only of a rep with whom something goes on. */
class Work {
  draft: Draft | null = null;
  readonly answers: Answer[] = [];
  readonly events: InboxEvent[] = [];
  readonly hinted = new Few<SystemName>();
  readonly reading = new Few<SystemName>();
  readonly blind = new Few<SystemName>();
  readonly flying = new Few<SystemName>();
  readonly confirming = new Few<SystemName>();
  readonly lost = new Few<SystemName>();
  readonly turns: Turns;
  readings: BySystem<Dated> = NONE;
  readAtMs: BySystem<number> = NONE;
  undone = 0;

  constructor(turns: Turns) {
    this.turns = turns;
  }

  /** Nothing waits, nothing is under way, and what was read is too old to be planned on. */
  isDone(nowMs: number): boolean {
    const { answers, blind, draft, events, flying, hinted, lost, reading, turns } = this;
    const waiting = [answers.length, events.length, hinted.size, reading.size, blind.size];
    const isBusy = draft !== null || waiting.some((size) => size > 0) || this.readings !== NONE;
    if (isBusy || flying.size + lost.size > 0 || !turns.areIdle) return false;
    return Object.values(this.readAtMs).every((readAtMs) => !isFresh(readAtMs, nowMs));
  }
}

const isFresh = (readAtMs: number, nowMs: number): boolean =>
  Math.abs(nowMs - readAtMs) <= FRESH_MS;

/**
 * Everything that waits for a rep's turn, and what is under way for her. Anybody puts things in; only the
 * controller, one turn at a time, takes them out.
 *
 * Invariant: an answer or an event is in the slot, in the draft or in the stored document, never in none of
 * them and never in two. A draft that cannot be stored is undone: what it took is back in the slot, and a
 * reading that left for it proves nothing any more.
 */
export class Slot {
  /** Since when she is looked after here without a break, epoch milliseconds: before, nothing came of what was read. */
  sinceMs: number;
  /** Whether she is to be left alone; the draft follows at her next turn. */
  pause: Pause | null;
  /** She is no rep any more: once nothing of ours is left, she is forgotten, and these take her place. */
  leaving: { readonly successors: Map<RepId, RepIdentity> } | null = null;
  /** Readings that left before this are of whoever had her id before. */
  readonly #came: number;
  readonly #drive: Drive;
  #departures: BySystem<number> = NONE;
  #kept: RepDocument | Resting;
  /** Most reps rest most of the time, and there may be very many of them. */
  #work: Work | null = null;

  /** `came`: when she did, epoch milliseconds, and which place that has among the calls that leave. */
  constructor(
    document: RepDocument,
    drive: Drive,
    came: { readonly atMs: number; readonly departure: number },
  ) {
    this.#kept = drive.sharing.keep(document);
    this.sinceMs = came.atMs;
    this.#came = came.departure;
    this.pause = document.rep.paused;
    this.#drive = drive;
  }

  /** As stored, or newer by what need not survive a crash. */
  get document(): RepDocument {
    const kept = this.#kept;
    return kept instanceof Resting ? kept.document : kept;
  }
  set document(document: RepDocument) {
    this.#kept = document;
  }
  get identity(): RepIdentity {
    return this.#kept.identity;
  }
  /** Of the document's rep. */
  get tick(): number {
    const kept = this.#kept;
    return kept instanceof Resting ? kept.tick : kept.rep.tick;
  }
  /** The document's. */
  get rep(): Rep {
    return this.#kept.rep;
  }

  /** Of whom the same is news as of her: herself, as she is being decided about, or whom she is like. */
  get known(): Rep {
    const kept = this.#kept;
    return this.draft?.rep ?? (kept instanceof Resting ? kept.like : kept.rep);
  }

  get draft(): Draft | null {
    return this.#work?.draft ?? null;
  }
  set draft(draft: Draft | null) {
    this.#working.draft = draft;
  }
  get answers(): Answer[] {
    return this.#working.answers;
  }
  get events(): InboxEvent[] {
    return this.#working.events;
  }
  /** To be read before anything is decided there. */
  get hinted(): Few<SystemName> {
    return this.#working.hinted;
  }
  /** Being read now. */
  get reading(): Few<SystemName> {
    return this.#working.reading;
  }
  /** The last read told us nothing. Left alone until a hint or a sweep brings news. */
  get blind(): Few<SystemName> {
    return this.#working.blind;
  }
  /** A write of ours is on its way there. */
  get flying(): Few<SystemName> {
    return this.#working.flying;
  }
  /** A write of ours was accepted there, and its effect is about to be looked for. */
  get confirming(): Few<SystemName> {
    return this.#working.confirming;
  }
  /** What was read there could not be stored, and was not read again since: it may show what nobody knows any more. */
  get lost(): Few<SystemName> {
    return this.#working.lost;
  }
  get turns(): Turns {
    return this.#working.turns;
  }

  /** Changes whenever a draft is undone. */
  get undone(): number {
    return this.#working.undone;
  }

  get #working(): Work {
    return this.#work ?? this.#begin();
  }

  /** Not in the getter, which is asked all the time: what a function in it captures would be made anew at every call. */
  #begin(): Work {
    const { paceOf, nudge, woke } = this.#drive;
    const { rep } = this.identity;
    // From now on it is told by what it is, and not only by what is in it, whether something about her has changed.
    this.#kept = this.document;
    this.#work = new Work(new Turns(paceOf, (urgency) => nudge(rep, urgency)));
    woke(rep);
    return this.#work;
  }

  get isAtRest(): boolean {
    return this.#work === null;
  }

  /** Nothing goes on with her, and what is read there now need not be told from anything older. */
  isSettled(system: SystemName): boolean {
    return this.isAtRest && this.#departures[system] === undefined;
  }

  /** Whether it may be of her: who has her id now may have come since the call left. */
  isOf({ departure }: Dated): boolean {
    return departure > this.#came;
  }

  /** Whether the last read of that system had told us nothing, which is over now. */
  seesAgain(system: SystemName): boolean {
    return this.#work?.blind.delete(system) ?? false;
  }

  /**
   * Lets go of all that nobody needs while nothing goes on with her. A sweep's reading, of which this is told, is the
   * last to come of those that left before it: nothing older has to be known by its departure any more.
   */
  rest(system: SystemName, { departure }: Dated, nowMs: number): void {
    if (this.#work && !this.#work.isDone(nowMs)) return;
    if (departure > (this.#departures[system] ?? Infinity)) {
      const { [system]: _over, ...others } = this.#departures;
      this.#departures = Object.keys(others).length === 0 ? NONE : others;
    }
    if (!this.#work) return;
    this.#work = null;
    this.#kept = this.#drive.sharing.keep(this.document);
  }

  open(): Draft {
    const work = this.#working;
    work.draft ??= {
      rep: this.rep,
      record: new Recorder(this.identity.rep),
      answers: [],
      events: [],
    };
    return work.draft;
  }

  /** Drops every event that is no longer open. */
  retain(open: readonly InboxEvent[]): void {
    const keys = new Set(open.map(({ source, id }) => JSON.stringify([source, id])));
    for (const events of [this.draft?.events ?? [], this.events]) {
      const kept = events.filter(({ source, id }) => keys.has(JSON.stringify([source, id])));
      events.splice(0, events.length, ...kept);
    }
  }

  undo(nowMs: number): void {
    const { draft } = this;
    this.draft = null;
    this.sinceMs = nowMs;
    this.#working.undone += 1;
    if (!draft) return;
    this.answers.unshift(...draft.answers);
    this.events.unshift(...draft.events);
    // What the draft had read is unread again.
    for (const system of Object.keys(this.#departures) as SystemName[]) {
      this.hinted.add(system);
      this.lost.add(system);
    }
  }

  /** Puts a reading in; of two that wait, the one whose call left later counts. */
  put(system: SystemName, reading: Dated): void {
    const work = this.#working;
    const waiting = work.readings[system];
    if (waiting && waiting.departure >= reading.departure) return;
    work.readings = { ...work.readings, [system]: reading };
  }

  /** Takes the readings out, but for those whose call left before that of one taken earlier. */
  takeReadings(): readonly (readonly [SystemName, Dated])[] {
    const work = this.#working;
    const waiting = Object.entries(work.readings) as [SystemName, Dated][];
    const taken = waiting.filter(
      ([system, { departure }]) => departure > (this.#departures[system] ?? 0),
    );
    work.readings = NONE;
    for (const [system, { departure }] of taken) {
      this.lost.delete(system);
      this.#departures = { ...this.#departures, [system]: departure };
    }
    return taken;
  }

  /** A read that was asked for came back. Sweeps do not count: theirs may have taken long. */
  cameBack(system: SystemName, nowMs: number): void {
    const work = this.#working;
    work.readAtMs = { ...work.readAtMs, [system]: nowMs };
  }

  isFresh(system: SystemName, nowMs: number): boolean {
    const readAtMs = this.#work?.readAtMs[system];
    return readAtMs !== undefined && isFresh(readAtMs, nowMs);
  }

  /** Nothing may be decided about these now. */
  unready(): Set<SystemName> {
    return new Set([...this.reading, ...this.hinted, ...this.blind, ...this.flying]);
  }
}
