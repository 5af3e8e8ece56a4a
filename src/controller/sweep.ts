import { type Connector, SystemError } from "../connectors/connector.ts";
import type { Clock } from "./clock.ts";
import type { Controller } from "./controller.ts";
import type { Pace } from "./pace.ts";
import { dated, takeRest } from "./reader.ts";

export type SweepOptions = {
  readonly connector: Connector;
  readonly controller: Pick<Controller, "depart" | "document" | "identities" | "offer">;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly onSystemError: (error: SystemError) => void;
  /** What nobody foresaw. The sweeps go on. */
  readonly onFault: (error: unknown) => void;
};

/**
 * Reads one system for every rep, again and again. This is the ground that everything stands on: with no hint
 * at all the service is right, only slower by `pollMs`. A sweep that fails, for whatever reason, is tried again
 * at the next turn.
 */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #abort = new AbortController();
  #cancel: (() => void) | null = null;
  /** Ends the wait for a turn. */
  #release: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();
  #sweeps = 0;
  #readAtMs = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** How many sweeps have read the system whole. */
  get completed(): number {
    return this.#sweeps;
  }

  /** When the last sweep left that read everybody; epoch milliseconds, 0 before the first. */
  get lastReadAtMs(): number {
    return this.#readAtMs;
  }

  start(): void {
    this.#running = this.#turn();
  }

  /** Does not wait for a pause that the system asked for. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancel?.();
    this.#release?.();
    await this.#running;
  }

  /** One sweep, now. Resolves to whether it read everybody. */
  async once(): Promise<boolean> {
    const { connector, controller, clock, pace, onSystemError, onFault } = this.#options;
    const { signal } = this.#abort;
    await new Promise<void>((resolve) => {
      this.#release = resolve;
      const { length } = controller.identities();
      void pace
        .take("read")
        .then(() => takeRest(pace, connector, length))
        .then(resolve);
    });
    if (signal.aborted) return false;
    const left = { startedAtMs: clock.nowMs(), departure: controller.depart() };
    const identities = controller.identities();
    const ticks = identities.map(({ rep }) => controller.document(rep)?.rep.tick ?? 0);
    try {
      const seen = await connector.read(identities, signal);
      for (const [index, { rep }] of identities.entries()) {
        const reading = dated(seen.get(rep), { ...left, startedTick: ticks[index] ?? 0 });
        if (reading) controller.offer(rep, connector.system, reading);
      }
      this.#sweeps += 1;
      this.#readAtMs = left.startedAtMs;
      return true;
    } catch (error) {
      if (this.#abort.signal.aborted) return false;
      if (!(error instanceof SystemError)) {
        onFault(error);
        return false;
      }
      if (error.retryAfterMs !== undefined) pace.pause(error.retryAfterMs);
      onSystemError(error);
      return false;
    }
  }

  async #turn(): Promise<void> {
    await this.once();
    if (this.#abort.signal.aborted) return;
    this.#cancel = this.#options.clock.after(this.#options.pollMs, () => this.start());
  }
}
