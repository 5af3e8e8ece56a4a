import type { Connector, Sighting } from "../connectors/connector.ts";
import type { RepIdentity } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import type { Clock } from "./clock.ts";
import type { Pace } from "./pace.ts";

/**
 * A reading and the place of its call among all calls that left, by our own count. A system that gives no
 * version leaves nothing else to tell an old answer that came late from a new one.
 */
export type Dated = Reading & { readonly departure: number };

/** Counts the calls that leave, whatever system they go to. Who shares a reader or a sweep shares the count. */
export type Departures = () => number;

export function createDepartures(): Departures {
  let departures = 0;
  return () => (departures += 1);
}

export type ReaderOptions = {
  readonly clock: Clock;
  readonly pace: Pace;
  readonly depart: Departures;
  readonly gatherMs: number;
  readonly signal: AbortSignal;
};

type Waiting = {
  readonly identity: RepIdentity;
  readonly tick: number;
  readonly resolve: (reading: Dated | null) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Reads one system for many reps. While a call is under way, whoever asks until it is back, or within `gatherMs`, shares
 * the next one, so that calls per change fall as load rises, and nobody waits for company where there is none; longer
 * while writes wait for the system's limit. A reading carries the tick of its asker from before the call left, and the time at
 * which it left: never later than the truth it shows.
 */
export class Reader {
  readonly #connector: Connector;
  readonly #options: ReaderOptions;
  #gathering: Waiting[] = [];
  #underWay = 0;
  /** Ends the wait for company; `null` while nobody waits for that. */
  #cancelWait: (() => void) | null = null;

  constructor(connector: Connector, options: ReaderOptions) {
    this.#connector = connector;
    this.#options = options;
  }

  /** Resolves to `null` when the system does not mention the rep. Rejects with the connector's SystemError. */
  read(identity: RepIdentity, tick: number): Promise<Dated | null> {
    return new Promise((resolve, reject) => {
      if (this.#gathering.push({ identity, tick, resolve, reject }) > 1) return;
      const { clock, gatherMs, pace } = this.#options;
      const waitMs = Math.max(this.#underWay === 0 ? 0 : gatherMs, pace.readsApartMs);
      if (waitMs > 0) this.#cancelWait = clock.after(waitMs, () => void this.#flush());
      // A timer takes a millisecond at least. Whoever is processed together asks within one microtask.
      else queueMicrotask(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const { clock, pace, depart, signal } = this.#options;
    this.#cancelWait = null;
    await pace.take("read");
    const waiting = this.#gathering;
    this.#gathering = [];
    await takeRest(pace, this.#connector, waiting.length);
    this.#underWay += 1;
    const left = { startedAtMs: clock.nowMs(), departure: depart() };
    const identities = new Map(waiting.map(({ identity }) => [identity.rep, identity]));
    try {
      const seen = await this.#connector.read([...identities.values()], signal);
      for (const { identity, tick, resolve } of waiting) {
        resolve(dated(seen.get(identity.rep), { ...left, startedTick: tick }));
      }
      this.#underWay -= 1;
      this.#hurry();
    } catch (error) {
      this.#underWay -= 1;
      // Nobody is hurried: the system may have asked for silence, and whoever is told of it now says so first.
      for (const { reject } of waiting) reject(error);
    }
  }

  /** Those who wait for company need not when no call is under way any more, unless writes need the limit. */
  #hurry(): void {
    if (!this.#cancelWait || this.#underWay > 0 || this.#options.pace.readsApartMs > 0) return;
    this.#cancelWait();
    void this.#flush();
  }
}

/** Permission for the calls of one read beyond its first. */
async function takeRest(
  pace: Pace,
  { repsPerCall = Infinity }: Pick<Connector, "repsPerCall">,
  reps: number,
): Promise<void> {
  for (let calls = Math.ceil(reps / repsPerCall); calls > 1; calls -= 1) {
    await pace.take("read");
  }
}

/** Puts the moment at which the read left on what was seen. */
export function dated(
  sighting: Sighting | undefined,
  left: Pick<Dated, "startedTick" | "startedAtMs" | "departure">,
): Dated | null {
  return sighting ? { ...sighting, ...left } : null;
}
