import type { Clock } from "./clock.ts";

type RecurringOptions = {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly retryMs: number;
  readonly soonMs: number;
  readonly run: () => Promise<boolean>;
};

/**
 * Something that is done every `everyMs`, again after `retryMs` when it failed, and sooner on request: but never
 * twice at once, and requests that come close together are one. `run` says whether it succeeded and never throws.
 */
export class Recurring {
  readonly #options: RecurringOptions;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #cancel = (): void => undefined;

  constructor(options: RecurringOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Asks for a run within `soonMs`. */
  soon(): void {
    if (this.#running) this.#again = true;
    else this.#schedule(this.#options.soonMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    const dueAtMs = this.#options.clock.nowMs() + delayMs;
    if (this.#stopped || dueAtMs >= this.#dueAtMs) return;
    this.#cancel();
    this.#dueAtMs = dueAtMs;
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#running = this.#turn();
    });
  }

  async #turn(): Promise<void> {
    const { everyMs, retryMs, run, soonMs } = this.#options;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    const succeeded = await run();
    this.#running = null;
    const waitMs = succeeded ? everyMs : retryMs;
    this.#schedule(this.#again ? Math.min(soonMs, waitMs) : waitMs);
    this.#again = false;
  }
}
