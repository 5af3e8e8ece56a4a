import type { Clock } from "../../controller/clock.ts";
import type { Engine, StoredHistoryEntry } from "../../engine/engine.ts";

const PAGE = 1_000;
/** So many of the newest entries at least are kept in memory; whoever is further behind reads the store. */
const RECENT = 4_000;
/** What could not be read is read again after so long. */
const RETRY_MS = 1_000;

/**
 * The history as it grows. Readers ask for what comes after a position of theirs, at their own pace: nothing is
 * queued for any of them, so one that is slow or gone costs nothing, and one that comes back misses nothing.
 */
export class Feed {
  readonly #history: Engine["history"];
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #recent: StoredHistoryEntry[] = [];
  /** Everything after this position is among the recent ones. */
  #from = 0;
  #tail = 0;
  /** Until it has started, too: what is stored meanwhile is read then. */
  #reading = true;
  #again = false;
  #isTelling = false;
  #cancel = (): void => undefined;

  constructor(history: Engine["history"], clock: Clock) {
    this.#history = history;
    this.#clock = clock;
  }

  /** Finds the newest position without walking the whole history. */
  async start(): Promise<void> {
    const isAfter = async (position: number): Promise<boolean> =>
      (await this.#history({ after: position, limit: 1 })).length > 0;
    let [low, high] = [0, 1];
    if (await isAfter(0)) {
      while (await isAfter(high)) [low, high] = [high, high * 2];
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (await isAfter(middle)) low = middle;
        else high = middle;
      }
      this.#tail = high;
    }
    this.#from = this.#tail;
    this.#reading = false;
    if (this.#again) void this.#catchUp();
  }

  /** The newest position that is known to be durable. */
  get tail(): number {
    return this.#tail;
  }

  /** Something was committed. What follows the newest entry is taken as it is; anything else is read from the store. */
  grew(stored: readonly StoredHistoryEntry[] | null): void {
    if (this.#reading) this.#again = true;
    else if (stored?.[0]?.position === this.#tail + 1) this.#take(stored);
    else void this.#catchUp();
  }

  /** At most `limit` entries after a position, oldest first. */
  async read(after: number, limit: number): Promise<readonly StoredHistoryEntry[]> {
    if (after < this.#from) return this.#history({ after, limit });
    const at = this.#recent.findIndex(({ position }) => position > after);
    return at < 0 ? [] : this.#recent.slice(at, at + limit);
  }

  /** Resolves to true when there may be more, to false after `forMs` or when the signal says so. */
  async more(after: number, forMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#tail > after) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const news = (): void => resolve(true);
    const enough = (): void => resolve(false);
    const cancel = this.#clock.after(forMs, enough);
    this.#waiting.add(news);
    signal.addEventListener("abort", enough, { once: true });
    if (signal.aborted) enough();
    try {
      return await promise;
    } finally {
      cancel();
      this.#waiting.delete(news);
      signal.removeEventListener("abort", enough);
    }
  }

  async #catchUp(): Promise<void> {
    this.#reading = true;
    try {
      do {
        this.#again = false;
        const page = await this.#history({ after: this.#tail, limit: PAGE });
        this.#take(page);
        if (page.length === PAGE) this.#again = true;
      } while (this.#again);
    } catch {
      // Nothing may be stored for long that would nudge again. Of a store that is closed nobody asks any more.
      this.#cancel();
      this.#cancel = this.#clock.after(RETRY_MS, () => this.grew(null));
    } finally {
      this.#reading = false;
    }
  }

  #take(page: readonly StoredHistoryEntry[]): void {
    const last = page.at(-1);
    if (!last) return;
    this.#tail = last.position;
    this.#recent.push(...page);
    const surplus = this.#recent.length - RECENT;
    // Now and then, for it moves all that stay.
    if (surplus > PAGE) {
      this.#from = this.#recent[surplus - 1]?.position ?? this.#from;
      this.#recent = this.#recent.slice(surplus);
    }
    this.#tell();
  }

  /** Commits are answered many at a time, and who waits is told of them together. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    setImmediate(() => {
      this.#isTelling = false;
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const news of waiting) news();
    });
  }
}
