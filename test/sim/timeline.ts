import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../src/controller/clock.ts";
import type { Chance } from "./chance.ts";

type Entry = { readonly dueMs: number; readonly rank: number; fire: (() => void) | null };

/** True time at the start of every simulation, epoch milliseconds. */
const START_MS = 1_800_000_000_000;

/**
 * What happens, in the order of true time; what is due at one moment happens in a random order. After each event
 * everything runs that waits for no time to pass: nothing in a simulation waits for anything outside of it, so one
 * turn of the event loop ends every chain of promises.
 */
export class Timeline {
  nowMs = START_MS;
  events = 0;
  readonly #chance: Chance;
  readonly #heap: Entry[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Returns what cancels it. */
  after(delayMs: number, fire: () => void): () => void {
    const dueMs = this.nowMs + Math.max(0, Math.ceil(delayMs));
    const entry: Entry = { dueMs, rank: this.#chance.next(), fire };
    this.#push(entry);
    return () => {
      entry.fire = null;
    };
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** One event; false if none is due until `untilMs`, which it then is. */
  async step(untilMs: number): Promise<boolean> {
    if (await this.#fireNext(untilMs)) return true;
    // What was done outside of any event (a line let go) may ask for time only now.
    await nextTurn();
    if (await this.#fireNext(untilMs)) return true;
    this.nowMs = untilMs;
    return false;
  }

  async #fireNext(untilMs: number): Promise<boolean> {
    for (let entry = this.#heap[0]; entry; entry = this.#heap[0]) {
      if (entry.fire !== null && entry.dueMs > untilMs) break;
      this.#pop();
      if (entry.fire === null) continue;
      this.nowMs = entry.dueMs;
      this.events += 1;
      entry.fire();
      await nextTurn();
      return true;
    }
    return false;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const isRight = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry);
      const down = isRight ? right : left;
      if (!isBefore(heap[down] as Entry, last)) break;
      heap[at] = heap[down] as Entry;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.rank < b.rank);
}

/** The clock of one process: it may be wrong, may be set, and stops with the process. */
export class ProcessClock implements Clock {
  /** How far this clock is ahead of true time. */
  skewMs = 0;
  readonly #timeline: Timeline;
  readonly #isAlive: () => boolean;

  constructor(timeline: Timeline, isAlive: () => boolean) {
    this.#timeline = timeline;
    this.#isAlive = isAlive;
  }

  nowMs(): number {
    return this.#timeline.nowMs + this.skewMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    return this.#timeline.after(delayMs, () => {
      if (this.#isAlive()) fire();
    });
  }
}
