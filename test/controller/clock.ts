import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../src/controller/clock.ts";

type Timer = { readonly dueMs: number; readonly fire: () => void };

/** How often whatever is ready gets to run between two timers: a commit takes one turn of the event loop. */
const TURNS = 3;

/**
 * Time that a test moves. Timers fire in the order in which they are due, each at its own time, and whatever
 * they set off runs before the next one. The wall clock can be set, also backwards; timers do not care, as
 * those of an operating system do not.
 */
export class VirtualClock implements Clock {
  #wallMs: number;
  #elapsedMs = 0;
  #stands = false;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = 1_800_000_000_000) {
    this.#wallMs = nowMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Resolves after so much virtual time. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  async advance(byMs: number): Promise<void> {
    const endMs = this.#elapsedMs + byMs;
    await this.settle();
    for (let timer = this.#next(endMs); timer; timer = this.#next(endMs)) {
      this.#pass(timer.dueMs - this.#elapsedMs);
      this.#timers.delete(timer);
      timer.fire();
      // Timers of one moment fire together; only then does anything else run.
      if (this.#next(this.#elapsedMs)) continue;
      await this.settle();
    }
    this.#pass(endMs - this.#elapsedMs);
  }

  /** Lets everything run that waits for no time to pass. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  }

  /** Sets the wall clock, as an administrator or a time server does. */
  set(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** The wall clock stands still from now on. */
  freeze(): void {
    this.#stands = true;
  }

  #next(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (!next || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }

  #pass(ms: number): void {
    this.#elapsedMs += ms;
    if (!this.#stands) this.#wallMs += ms;
  }
}
