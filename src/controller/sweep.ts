import { type Connector, SystemError } from "../connectors/connector.ts";
import type { Clock } from "./clock.ts";
import type { Controller } from "./controller.ts";
import type { Pace } from "./pace.ts";
import { readingOf } from "./reader.ts";

export type SweepOptions = {
  readonly connector: Connector;
  readonly controller: Controller;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly onSystemError: (error: SystemError) => void;
};

/**
 * Reads one system for every rep, again and again. This is the ground that everything stands on: with no hint
 * at all the service is right, only slower by `pollMs`. A sweep that fails is tried again at the next turn.
 */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #abort = new AbortController();
  #cancel: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();
  #sweeps = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** How many sweeps have read the system whole. */
  get completed(): number {
    return this.#sweeps;
  }

  start(): void {
    this.#running = this.#turn();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancel?.();
    await this.#running;
  }

  /** One sweep, now. Resolves to whether it read everybody. */
  async once(): Promise<boolean> {
    const { connector, controller, clock, pace } = this.#options;
    const identities = controller.identities();
    await pace.take("protective");
    const startedAtMs = clock.nowMs();
    const ticks = new Map(
      identities.map(({ rep }) => [rep, controller.document(rep)?.rep.tick ?? 0]),
    );
    try {
      const seen = await connector.read(identities, this.#abort.signal);
      for (const { rep } of identities) {
        const reading = readingOf(seen, rep, ticks.get(rep) ?? 0, startedAtMs);
        if (reading) controller.offer(rep, connector.system, reading);
      }
      this.#sweeps += 1;
      return true;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (this.#abort.signal.aborted) return false;
      if (error.retryAfterMs !== undefined) pace.pause(error.retryAfterMs);
      this.#options.onSystemError(error);
      return false;
    }
  }

  async #turn(): Promise<void> {
    await this.once();
    if (this.#abort.signal.aborted) return;
    this.#cancel = this.#options.clock.after(this.#options.pollMs, () => this.start());
  }
}
