import type { Clock } from "./clock.ts";
import type { Urgency } from "./work-queue.ts";

export type PaceLimits = {
  /** Requests that may leave at once after a rest. */
  readonly burst: number;
  readonly perSecond: number;
  /** The part of both that is ours now, above 0 and at most 1, where others use the same system; absent: all. */
  readonly share?: () => number;
};

/** What a request is for. Reads are apart: a write that waits for one holds its own permission meanwhile. */
type Purpose = Urgency | "read";

/** One write in so many is not protective, if such a one waits. */
const SHARE = 16;
/** While writes wait for the limit, one request in so many is a read. */
const READ_SHARE = 20;

/**
 * One system's request rate: a token bucket, and the pause that a Retry-After asks for. Inside a pause nothing
 * leaves at all. Whoever waits is let go in order of arrival, protective requests before all others, so that
 * a limit delays becoming Available before it delays becoming Busy. But a stream of protective requests that does
 * not end leaves one place in `SHARE` to the others, or nobody would ever be released. A read goes before any write,
 * but never two of them while a write waits: a permission to write that waits long for its read is used late, with
 * many others, and what left together is what a limit counts.
 *
 * A pause is over when its timer says so, and so is the wait for a token: a clock that is set, or stands still,
 * neither ends nor prolongs them. The bucket is never fuller than a burst, and a clock that is set back does not
 * empty it.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: PaceLimits;
  readonly #waiters: Readonly<Record<Purpose, (() => void)[]>> = {
    read: [],
    protective: [],
    normal: [],
  };
  #tokens: number;
  #filledAtMs: number;
  /** Silences asked for that are not over. */
  #pauses = 0;
  /** Protective requests let go since another one was, while others waited. */
  #ahead = 0;
  /** Whether the last that had to wait was a read. */
  #wasRead = false;
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, limits: PaceLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#filledAtMs = clock.nowMs();
  }

  get waiting(): number {
    return this.#waiters.read.length + this.#writes;
  }

  /** How long reads should wait for each other, so that the limit is spent on writes; 0 while no write waits. */
  get readsApartMs(): number {
    return this.#writes === 0 ? 0 : (READ_SHARE / this.#perSecond) * 1000;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** True, and a token is taken, if a request may leave now and nobody waits for that. */
  takeNow(): boolean {
    return this.waiting === 0 && this.#tryTake();
  }

  /** Resolves when the request may leave. */
  async take(purpose: Purpose): Promise<void> {
    if (this.takeNow()) return;
    await new Promise<void>((resolve) => {
      this.#waiters[purpose].push(resolve);
      this.#schedule();
    });
  }

  /** Counts requests that leave together with one that was let go: who comes next waits so much longer. */
  spend(requests: number): void {
    this.#fill();
    this.#tokens -= requests;
    this.#cancel();
    this.#schedule();
  }

  /** Gives a token back that was taken and not needed. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
    this.#schedule();
  }

  /** The system asked for silence: nothing leaves for this long. A later, shorter wish does not shorten it. */
  pause(durationMs: number): void {
    this.#pauses += 1;
    this.#clock.after(durationMs, () => {
      this.#pauses -= 1;
      this.#schedule();
    });
  }

  get #share(): number {
    return this.#limits.share?.() ?? 1;
  }

  get #perSecond(): number {
    return this.#limits.perSecond * this.#share;
  }

  /** Never less than one request, or nothing would leave any more. */
  get #burst(): number {
    return Math.max(1, this.#limits.burst * this.#share);
  }

  #fill(): void {
    const nowMs = this.#clock.nowMs();
    const earned = (Math.max(0, nowMs - this.#filledAtMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#filledAtMs = nowMs;
  }

  #tryTake(): boolean {
    if (this.isPaused) return false;
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  get #writes(): number {
    return this.#waiters.protective.length + this.#waiters.normal.length;
  }

  /** Whose turn it is; somebody waits. */
  #next(): Purpose {
    const { read, protective, normal } = this.#waiters;
    this.#wasRead = read.length > 0 && (this.#writes === 0 || !this.#wasRead);
    if (this.#wasRead) return "read";
    const isOthers = protective.length === 0 || (normal.length > 0 && this.#ahead + 1 >= SHARE);
    this.#ahead = isOthers || normal.length === 0 ? 0 : this.#ahead + 1;
    return isOthers ? "normal" : "protective";
  }

  #schedule(): void {
    while (this.waiting > 0 && this.#tryTake()) {
      this.#cancel();
      this.#waiters[this.#next()].shift()?.();
    }
    if (this.waiting === 0 || this.isPaused) {
      this.#cancel();
      return;
    }
    if (this.#cancelTimer) return;
    const refillMs = Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000);
    this.#cancelTimer = this.#clock.after(Math.max(refillMs, 1), () => {
      this.#cancelTimer = null;
      this.#fill();
      // The timer has waited for it, even if the clock says that no time has passed.
      this.#tokens = Math.max(this.#tokens, 1);
      this.#schedule();
    });
  }

  #cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}
