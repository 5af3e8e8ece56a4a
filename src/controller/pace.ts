import type { Clock } from "./clock.ts";
import { URGENCIES, type Urgency } from "./work-queue.ts";

export type PaceLimits = {
  /** Requests that may leave at once after a rest. */
  readonly burst: number;
  readonly perSecond: number;
};

type Waiter = { readonly urgency: Urgency; readonly go: () => void };

/**
 * One system's request rate: a token bucket, and the pause that a Retry-After asks for. Inside a pause nothing
 * leaves at all. Whoever waits is let go in order of arrival, protective requests before all others, so that
 * a limit delays becoming Available and never becoming Busy.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: PaceLimits;
  #tokens: number;
  #filledAtMs: number;
  #pausedUntilMs = 0;
  #waiters: Waiter[] = [];
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, limits: PaceLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#filledAtMs = clock.nowMs();
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  /** Resolves when the request may leave; true if it had to wait, so that what was read may be old. */
  async take(urgency: Urgency): Promise<boolean> {
    if (this.#waiters.length === 0 && this.#tryTake()) return false;
    await new Promise<void>((resolve) => {
      this.#waiters.push({ urgency, go: resolve });
      this.#schedule();
    });
    return true;
  }

  /** Gives a token back that was taken and not needed. */
  giveBack(): void {
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + 1);
    this.#schedule();
  }

  /** The system asked for silence: nothing leaves for this long. A later, shorter wish does not shorten it. */
  pause(durationMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.nowMs() + durationMs);
    this.#schedule();
  }

  #tryTake(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#pausedUntilMs) return false;
    const earned = (Math.max(0, nowMs - this.#filledAtMs) / 1000) * this.#limits.perSecond;
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + earned);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    while (this.#waiters.length > 0 && this.#tryTake()) {
      const urgency = URGENCIES.find((wanted) => this.#waiters.some((w) => w.urgency === wanted));
      const index = this.#waiters.findIndex((waiter) => waiter.urgency === urgency);
      this.#waiters.splice(index, 1)[0]?.go();
    }
    if (this.#waiters.length === 0) return;
    const nowMs = this.#clock.nowMs();
    const refillMs = ((1 - this.#tokens) / this.#limits.perSecond) * 1000;
    const delayMs = Math.max(this.#pausedUntilMs - nowMs, refillMs, 1);
    this.#cancelTimer = this.#clock.after(delayMs, () => this.#schedule());
  }
}
