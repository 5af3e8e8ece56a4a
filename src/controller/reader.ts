import type { Connector, Sighting } from "../connectors/connector.ts";
import type { RepId, RepIdentity } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import type { Clock } from "./clock.ts";
import type { Pace } from "./pace.ts";

type Waiting = {
  readonly identity: RepIdentity;
  readonly tick: number;
  readonly resolve: (reading: Reading | null) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Reads one system for many reps: whoever asks within `gatherMs` shares one call, so that calls per change fall
 * as load rises. A reading carries the tick of its asker from before the call left, and the time at which it
 * left: never later than the truth it shows.
 */
export class Reader {
  readonly #connector: Connector;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #options: { readonly gatherMs: number; readonly signal: AbortSignal };
  #gathering: Waiting[] = [];

  constructor(
    connector: Connector,
    clock: Clock,
    pace: Pace,
    options: { readonly gatherMs: number; readonly signal: AbortSignal },
  ) {
    this.#connector = connector;
    this.#clock = clock;
    this.#pace = pace;
    this.#options = options;
  }

  /** Resolves to `null` when the system does not mention the rep. Rejects with the connector's SystemError. */
  read(identity: RepIdentity, tick: number): Promise<Reading | null> {
    return new Promise((resolve, reject) => {
      if (this.#gathering.push({ identity, tick, resolve, reject }) > 1) return;
      this.#clock.after(this.#options.gatherMs, () => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    await this.#pace.take("protective");
    const waiting = this.#gathering;
    this.#gathering = [];
    const startedAtMs = this.#clock.nowMs();
    const identities = new Map(waiting.map(({ identity }) => [identity.rep, identity]));
    try {
      const seen = await this.#connector.read([...identities.values()], this.#options.signal);
      for (const { identity, tick, resolve } of waiting) {
        resolve(readingOf(seen, identity.rep, tick, startedAtMs));
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}

/** Puts the moment at which the read left on what was seen. */
export function readingOf(
  seen: ReadonlyMap<RepId, Sighting>,
  rep: RepId,
  startedTick: number,
  startedAtMs: number,
): Reading | null {
  const sighting = seen.get(rep);
  return sighting ? { ...sighting, startedTick, startedAtMs } : null;
}
