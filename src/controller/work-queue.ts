import type { Clock } from "./clock.ts";

/** How badly a key or a request wants its turn, first served first. */
const URGENCIES = ["protective", "normal"] as const;
export type Urgency = (typeof URGENCIES)[number];

export type QueueLimits = {
  readonly concurrency: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
};

/** Resolves to whether the key is done with. If not, it will be added again, and its failures still count. */
type Process<Key> = (key: Key) => Promise<boolean>;

type Delayed = { readonly dueAtMs: number; readonly cancel: () => void };

/**
 * Work by key, as Kubernetes' controllers do it:
 *
 * - Stingy: a key added many times before it is taken is processed once.
 * - One at a time: a key is never processed concurrently; added meanwhile, it runs once more afterwards.
 * - Fair within an urgency, in order of arrival; what protects somebody overtakes what does not.
 * - Delayed: of several delays for one key the soonest counts; adding it at once cancels the delay.
 * - A failing key comes back later and later (`retryFirstMs` doubled, up to `retryMaxMs`) until it is done.
 * - Drains: after `drain` nothing new is taken, and what is being processed finishes.
 *
 * A key is in at most one of `waiting` and `processing`; `again` holds those in `processing` that were added
 * meanwhile.
 */
export class WorkQueue<Key> {
  readonly #clock: Clock;
  readonly #process: Process<Key>;
  readonly #onFailure: (key: Key, error: unknown) => void;
  readonly #limits: QueueLimits;
  readonly #waiting: Readonly<Record<Urgency, Set<Key>>> = {
    protective: new Set(),
    normal: new Set(),
  };
  readonly #processing = new Set<Key>();
  readonly #again = new Map<Key, Urgency>();
  readonly #delayed = new Map<Key, Delayed>();
  readonly #failures = new Map<Key, number>();
  #pumping = false;
  #draining = false;
  #idle: (() => void)[] = [];

  constructor(options: {
    readonly clock: Clock;
    readonly limits: QueueLimits;
    readonly process: Process<Key>;
    readonly onFailure: (key: Key, error: unknown) => void;
  }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#process = options.process;
    this.#onFailure = options.onFailure;
  }

  /** Keys to be processed as soon as there is room; do not gate an `add` on it. */
  get length(): number {
    return this.#waiting.protective.size + this.#waiting.normal.size + this.#again.size;
  }

  add(key: Key, urgency: Urgency = "normal"): void {
    if (this.#draining) return;
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
    if (this.#processing.has(key)) {
      if (this.#again.get(key) !== "protective") this.#again.set(key, urgency);
      return;
    }
    this.#wait(key, urgency);
    this.#pumpSoon();
  }

  /** Does nothing for a key that waits already: it will be looked at sooner than that. */
  addAfter(key: Key, delayMs: number, urgency: Urgency = "normal"): void {
    if (this.#draining || this.#isWaiting(key)) return;
    const dueAtMs = this.#clock.nowMs() + delayMs;
    const known = this.#delayed.get(key);
    if (known && known.dueAtMs <= dueAtMs) return;
    known?.cancel();
    const cancel = this.#clock.after(delayMs, () => this.add(key, urgency));
    this.#delayed.set(key, { dueAtMs, cancel });
  }

  /** For what comes of a turn that failed: no sooner than the key would come back by itself, at once if it does not fail. */
  addPatiently(key: Key, urgency: Urgency): void {
    const failures = this.#failures.get(key) ?? 0;
    if (failures === 0) this.add(key, urgency);
    else this.addAfter(key, this.#backOffMs(failures), urgency);
  }

  /** Takes nothing new any more; resolves when everything being processed has finished. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#again.clear();
    for (const urgency of URGENCIES) this.#waiting[urgency].clear();
    if (this.#processing.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #backOffMs(failures: number): number {
    const { retryFirstMs, retryMaxMs } = this.#limits;
    return Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(failures - 1, 20));
  }

  #isWaiting(key: Key): boolean {
    return this.#again.has(key) || URGENCIES.some((urgency) => this.#waiting[urgency].has(key));
  }

  #wait(key: Key, urgency: Urgency): void {
    const { protective, normal } = this.#waiting;
    if (protective.has(key)) return;
    if (urgency === "protective") normal.delete(key);
    this.#waiting[urgency].add(key);
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (const urgency of URGENCIES) {
      for (const key of this.#waiting[urgency]) {
        if (this.#processing.size >= this.#limits.concurrency) return;
        this.#waiting[urgency].delete(key);
        this.#processing.add(key);
        void this.#run(key);
      }
    }
  }

  async #run(key: Key): Promise<void> {
    try {
      if (await this.#process(key)) this.#failures.delete(key);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      this.#onFailure(key, error);
      this.addAfter(key, this.#backOffMs(failures));
    } finally {
      this.#processing.delete(key);
      const again = this.#again.get(key);
      this.#again.delete(key);
      if (again) this.#wait(key, again);
      this.#pumpSoon();
      if (this.#processing.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
