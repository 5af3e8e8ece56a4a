import type { Clock } from "./clock.ts";

/** So far apart are the moments: what is due in between waits for the next. */
const APART_MS = 50;

/**
 * What is to be done at a moment to come. Moments are few, and what shares one is done together, so that the reads it
 * causes share a call.
 *
 * Invariant: nothing comes before it is due, nor more than `APART_MS` late, unless the clock was set meanwhile.
 */
export class Later<Item> {
  readonly #clock: Clock;
  readonly #due: (item: Item) => void;
  readonly #moments = new Map<number, Item[]>();

  constructor(clock: Clock, due: (item: Item) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  add(item: Item, delayMs: number): void {
    const nowMs = this.#clock.nowMs();
    const momentMs = Math.ceil((nowMs + delayMs) / APART_MS) * APART_MS;
    const company = this.#moments.get(momentMs);
    if (company) {
      company.push(item);
      return;
    }
    const items = [item];
    this.#moments.set(momentMs, items);
    this.#clock.after(momentMs - nowMs, () => {
      this.#moments.delete(momentMs);
      for (const one of items) this.#due(one);
    });
  }
}
