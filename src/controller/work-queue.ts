import type { Clock } from "./clock.ts";

export const URGENCIES = ["protective", "normal"] as const;
export type Urgency = (typeof URGENCIES)[number];

type Delayed = { readonly dueAtMs: number; readonly urgency: Urgency; readonly cancel: () => void };

/**
 * Work by key, as Kubernetes' controllers do it:
 *
 * - Stingy: a key added many times before it is taken is processed once.
 * - One at a time: a key is never processed concurrently; added meanwhile, it runs once more afterwards.
 * - Fair within an urgency, in order of arrival; what protects somebody overtakes what does not.
 * - Delayed: of several delays for one key the soonest counts; adding it at once cancels the delay.
 * - A failing key comes back later and later (`retryFirstMs` doubled, up to `retryMaxMs`) until it succeeds.
 * - Drains: after `drain` nothing new is taken, and what is being processed finishes.
 *
 * `waiting` holds keys to be processed, `processing` those being so; a key may be in both: it runs again.
 */
export class WorkQueue<Key> {
  readonly #clock: Clock;
  readonly #process: (key: Key) => Promise<void>;
  readonly #onFailure: (key: Key, error: unknown) => void;
  readonly #limits: QueueLimits;
  readonly #waiting = new Map<Key, Urgency>();
  readonly #processing = new Set<Key>();
  readonly #delayed = new Map<Key, Delayed>();
  readonly #failures = new Map<Key, number>();
  #draining = false;
  #idle: (() => void)[] = [];

  constructor(options: {
    readonly clock: Clock;
    readonly limits: QueueLimits;
    readonly process: (key: Key) => Promise<void>;
    readonly onFailure: (key: Key, error: unknown) => void;
  }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#process = options.process;
    this.#onFailure = options.onFailure;
  }

  /** Keys waiting to be processed now; do not gate an `add` on it. */
  get length(): number {
    return this.#waiting.size;
  }

  add(key: Key, urgency: Urgency = "normal"): void {
    if (this.#draining) return;
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
    const known = this.#waiting.get(key);
    if (known === undefined || (known === "normal" && urgency === "protective")) {
      this.#waiting.set(key, urgency);
    }
    queueMicrotask(() => this.#pump());
  }

  addAfter(key: Key, delayMs: number, urgency: Urgency = "normal"): void {
    if (this.#draining || this.#waiting.has(key)) return;
    const dueAtMs = this.#clock.nowMs() + delayMs;
    const known = this.#delayed.get(key);
    if (known && known.dueAtMs <= dueAtMs) return;
    known?.cancel();
    const cancel = this.#clock.after(delayMs, () => this.add(key, urgency));
    this.#delayed.set(key, { dueAtMs, urgency, cancel });
  }

  /** Takes nothing new any more; resolves when everything being processed has finished. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    if (this.#processing.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    for (const urgency of URGENCIES) {
      for (const [key, of] of this.#waiting) {
        if (this.#processing.size >= this.#limits.concurrency) return;
        if (of !== urgency || this.#processing.has(key)) continue;
        this.#waiting.delete(key);
        this.#processing.add(key);
        void this.#run(key);
      }
    }
  }

  async #run(key: Key): Promise<void> {
    try {
      await this.#process(key);
      this.#failures.delete(key);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      this.#onFailure(key, error);
      const { retryFirstMs, retryMaxMs } = this.#limits;
      this.addAfter(key, Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(failures - 1, 20)));
    } finally {
      this.#processing.delete(key);
      if (this.#waiting.size > 0) this.#pump();
      if (this.#processing.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}

export type QueueLimits = {
  readonly concurrency: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
};
