import type { Clock } from "../controller/clock.ts";
import type { Engine, Fence } from "../engine/engine.ts";

export type RightOptions = {
  readonly engine: Pick<Engine, "lease" | "release">;
  readonly clock: Clock;
  /** Milliseconds since some moment, counted by a clock that nobody can set, and that goes on while we hang. */
  readonly elapsedMs: () => number;
  readonly name: string;
  /** Who did not renew for so long is replaced. Renewed three times as often. */
  readonly ttlMs: number;
  /** Somebody else has it now, so that this process has a past that is not true any more. Called once. */
  readonly onReplaced: () => void;
  /** Somebody else has it; told once. */
  readonly onWaiting: () => void;
  readonly onFault: (error: unknown) => void;
};

/**
 * A right that this process waits for, and then keeps for as long as it lives. While the store is away the right
 * does not last; if the store comes back and nobody else had it, it goes on as if nothing had been.
 */
export class Right {
  readonly #options: RightOptions;
  #holder = "";
  #fence: Fence | null = null;
  #renewedAtMs = 0;
  #cancel = (): void => undefined;
  #running: Promise<void> = Promise.resolve();
  #isOver = false;
  #isWaiting = false;

  constructor(options: RightOptions) {
    this.#options = options;
  }

  /** It was given to us, and we know of nobody who has it since. */
  get isOurs(): boolean {
    return this.#fence !== null && !this.#isOver;
  }

  /** It is ours beyond doubt: asked right before something is done that must be done once. */
  get lasts(): boolean {
    const { elapsedMs, ttlMs } = this.#options;
    return this.isOurs && elapsedMs() - this.#renewedAtMs < (ttlMs * 2) / 3;
  }

  /**
   * Asks for it, again and again, in the name of this process alone: another one after each start. `onGiven` is
   * called once. Resolves after the first asking.
   */
  await(holder: string, onGiven: () => Promise<void>): Promise<void> {
    this.#holder = holder;
    this.#running = this.#ask(onGiven);
    return this.#running;
  }

  /** Lets the next one have it at once; while the store is away, when it is over. Never rejects. */
  async end(): Promise<void> {
    const { engine, name, onFault } = this.#options;
    this.#isOver = true;
    this.#cancel();
    await this.#running;
    if (!this.#fence) return;
    try {
      await engine.release(name, this.#holder);
    } catch (error) {
      onFault(error);
    }
  }

  async #ask(onGiven: () => Promise<void>): Promise<void> {
    const { elapsedMs, engine, name, onFault, onWaiting, ttlMs } = this.#options;
    const askedAtMs = elapsedMs();
    try {
      const fence = await engine.lease(name, this.#holder, ttlMs);
      if (fence) {
        this.#fence = fence;
        this.#renewedAtMs = askedAtMs;
        this.#next(() => this.#renew());
        if (!this.#isOver) await onGiven();
        return;
      }
      if (!this.#isWaiting) onWaiting();
      this.#isWaiting = true;
    } catch (error) {
      onFault(error);
      if (this.#fence) return;
    }
    this.#next(() => this.#ask(onGiven));
  }

  async #renew(): Promise<void> {
    const { elapsedMs, engine, name, onFault, onReplaced, ttlMs } = this.#options;
    const askedAtMs = elapsedMs();
    try {
      const renewed = await engine.lease(name, this.#holder, ttlMs);
      if (renewed?.fence === this.#fence?.fence) this.#renewedAtMs = askedAtMs;
      else if (!this.#isOver) {
        this.#isOver = true;
        onReplaced();
      }
    } catch (error) {
      onFault(error);
    }
    this.#next(() => this.#renew());
  }

  #next(work: () => Promise<void>): void {
    if (this.#isOver) return;
    this.#cancel = this.#options.clock.after(this.#options.ttlMs / 3, () => {
      this.#running = work();
    });
  }
}
