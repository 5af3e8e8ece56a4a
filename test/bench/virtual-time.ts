import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../src/controller/clock.ts";

type Timer = {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
  cancelled: boolean;
};

/** How often whatever is ready gets to run between two moments: a commit takes one turn of the event loop. */
const TURNS = 3;

/** Time that passes as fast as the work in it can be done, for tens of thousands of timers: they are a heap. */
export class VirtualTime implements Clock {
  #nowMs = 1_800_000_000_000;
  #order = 0;
  readonly #heap: Timer[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    this.#order += 1;
    const timer = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order,
      fire,
      cancelled: false,
    };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Lets time pass until `isOver`, or for so long at most. Resolves to whether it was over. */
  async passUntil(isOver: () => boolean, atMostMs: number): Promise<boolean> {
    const endMs = this.#nowMs + atMostMs;
    await settle();
    for (let timer = this.#heap[0]; timer && timer.dueMs <= endMs; timer = this.#heap[0]) {
      const { dueMs } = timer;
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      for (let next = this.#heap[0]; next && next.dueMs <= dueMs; next = this.#heap[0]) {
        this.#pop();
        if (!next.cancelled) next.fire();
      }
      await settle();
      if (isOver()) return true;
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    return isOver();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    this.#swap(0, heap.length - 1);
    heap.pop();
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      let least = at;
      if (this.#isBefore(left, least)) least = left;
      if (this.#isBefore(left + 1, least)) least = left + 1;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (!one || !other) return false;
    return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (!one || !other) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}
