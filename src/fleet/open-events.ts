import type { Clock } from "../controller/clock.ts";
import type { Engine, InboxEvent } from "../engine/engine.ts";
import type { RepId } from "../presence/identity.ts";

/** Whoever acts on the events of some reps. */
export type Taker = { submit(event: InboxEvent): void };

export type OpenEventsOptions = {
  readonly engine: Pick<Engine, "unsettled">;
  readonly clock: Clock;
  /** Nobody, if another instance has the rep. */
  readonly takerOf: (rep: RepId) => Taker | undefined;
  readonly onFault: (error: unknown) => void;
};

/** An event of whose acceptance nobody could tell us is found after so long. */
export const LOOK_EVERY_MS = 2_000;

/**
 * Hands every open event of our reps to whoever takes it, once. The instance that accepted it may have died, or been
 * cut off, before it could tell the one that has the rep: so what is open is looked for again and again, and being
 * told only makes that sooner.
 *
 * Invariant: a taker is given an event once. Looks follow one another, so that none tells of an event that an earlier
 * one knew to be settled; and what was handed over is remembered until a look that began afterwards misses it.
 */
export class OpenEvents {
  readonly #options: OpenEventsOptions;
  readonly #given = new Map<string, { readonly to: Taker; readonly look: number }>();
  #looks = 0;
  #cancel = (): void => undefined;
  #running: Promise<void> | null = null;
  #isAskedAgain = false;
  #isStopped = false;

  constructor(options: OpenEventsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#running;
  }

  /** Looks now; if a look is under way, once more after it. */
  soon(): void {
    if (this.#isStopped) return;
    if (this.#running) {
      this.#isAskedAgain = true;
      return;
    }
    this.#cancel();
    this.#running = this.#look().then(() => {
      this.#running = null;
      const again = this.#isAskedAgain;
      this.#isAskedAgain = false;
      if (again) this.soon();
      else this.#next();
    });
  }

  /** Hands it over, unless that was done. */
  give(event: InboxEvent, to: Taker): void {
    if (this.takes(event, to)) to.submit(event);
  }

  /** Remembers that it is handed over. False if it was before. */
  takes({ id, source }: InboxEvent, to: Taker): boolean {
    const key = JSON.stringify([source, id]);
    const isNew = this.#given.get(key)?.to !== to;
    if (isNew) this.#given.set(key, { to, look: this.#looks });
    return isNew;
  }

  #next(): void {
    if (!this.#isStopped) {
      this.#cancel = this.#options.clock.after(LOOK_EVERY_MS, () => this.soon());
    }
  }

  async #look(): Promise<void> {
    const { engine, onFault, takerOf } = this.#options;
    this.#looks += 1;
    const look = this.#looks;
    try {
      const open = await engine.unsettled();
      const keys = new Set(open.map(({ id, source }) => JSON.stringify([source, id])));
      for (const [key, given] of this.#given) {
        if (given.look < look && !keys.has(key)) this.#given.delete(key);
      }
      for (const event of open) {
        const to = takerOf(event.rep);
        if (to) this.give(event, to);
      }
    } catch (error) {
      onFault(error);
    }
  }
}
