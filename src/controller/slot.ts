import type { InboxEvent, RepDocument } from "../engine/engine.ts";
import type { RepIdentity, SystemName } from "../presence/identity.ts";
import type { Pause, Rep } from "../reconcile/rep.ts";
import type { Dated } from "./reader.ts";
import { Few } from "./few.ts";
import { Recorder } from "./recorder.ts";
import type { Turns } from "./turns.ts";
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
/** Shared by all slots: most are empty most of the time. */
const NONE: BySystem<never> = {};

/**
 * Everything that waits for a rep's turn, and what is under way for her. Anybody puts things in; only the
 * controller, one turn at a time, takes them out.
 *
 * Invariant: an answer or an event is in the slot, in the draft or in the stored document, never in none of
 * them and never in two. A draft that cannot be stored is undone: what it took is back in the slot, and a
 * reading that left for it proves nothing any more.
 */
export class Slot {
  /** As stored, or newer by what need not survive a crash. */
  document: RepDocument;
  draft: Draft | null = null;
  readonly answers: Answer[] = [];
  readonly events: InboxEvent[] = [];
  /** To be read before anything is decided there. */
  readonly hinted = new Few<SystemName>();
  /** Being read now. */
  readonly reading = new Few<SystemName>();
  /** The last read told us nothing. Left alone until a hint or a sweep brings news. */
  readonly blind = new Few<SystemName>();
  /** A write of ours is on its way there. */
  readonly flying = new Few<SystemName>();
  readonly turns: Turns;
  /** What was read there could not be stored, and was not read again since: it may show what nobody knows any more. */
  readonly lost = new Few<SystemName>();
  /** Since when she is looked after here without a break, epoch milliseconds: before, nothing came of what was read. */
  sinceMs: number;
  /** Whether she is to be left alone; the draft follows at her next turn. */
  pause: Pause | null;
  /** She is no rep any more: once nothing of ours is left, she is forgotten, and these take her place. */
  leaving: { readonly successors: RepIdentity[] } | null = null;
  #readings: BySystem<Dated> = NONE;
  #departures: BySystem<number> = NONE;
  #readAtMs: BySystem<number> = NONE;
  #undone = 0;

  constructor(document: RepDocument, turns: Turns, sinceMs: number) {
    this.document = document;
    this.turns = turns;
    this.sinceMs = sinceMs;
    this.pause = document.rep.paused;
  }

  /** Changes whenever a draft is undone. */
  get undone(): number {
    return this.#undone;
  }

  open(): Draft {
    const { document } = this;
    this.draft ??= {
      rep: document.rep,
      record: new Recorder(document.identity.rep),
      answers: [],
      events: [],
    };
    return this.draft;
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
    this.#undone += 1;
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
    const waiting = this.#readings[system];
    if (waiting && waiting.departure >= reading.departure) return;
    this.#readings = { ...this.#readings, [system]: reading };
  }

  /** Takes the readings out, but for those whose call left before that of one taken earlier. */
  takeReadings(): readonly (readonly [SystemName, Dated])[] {
    const waiting = Object.entries(this.#readings) as [SystemName, Dated][];
    const taken = waiting.filter(
      ([system, { departure }]) => departure > (this.#departures[system] ?? 0),
    );
    this.#readings = NONE;
    for (const [system, { departure }] of taken) {
      this.lost.delete(system);
      this.#departures = { ...this.#departures, [system]: departure };
    }
    return taken;
  }

  /** A read that was asked for came back. Sweeps do not count: theirs may have taken long. */
  cameBack(system: SystemName, nowMs: number): void {
    this.#readAtMs = { ...this.#readAtMs, [system]: nowMs };
  }

  isFresh(system: SystemName, nowMs: number): boolean {
    const readAtMs = this.#readAtMs[system];
    return readAtMs !== undefined && Math.abs(nowMs - readAtMs) <= FRESH_MS;
  }

  /** Nothing may be decided about these now. */
  unready(): Set<SystemName> {
    return new Set([...this.reading, ...this.hinted, ...this.blind, ...this.flying]);
  }
}
