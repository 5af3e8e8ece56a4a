import type { BotPort } from "./port.ts";

export type ReadAheadOptions<Value> = Pick<BotPort, "after" | "nowMs"> & {
  /** May take many calls. */
  readonly read: () => Promise<Value>;
  /** Older than this it is not given to anybody. */
  readonly believedMs: number;
  /** How long after one read the next one begins; less than `believedMs`, so that nobody has to wait. */
  readonly everyMs: number;
  readonly retryMs: number;
};

/**
 * Something that takes many calls to read, such as the members of a large group: read before anybody asks, and again
 * before it is too old to be believed. An answer that needs it makes no call.
 */
export class ReadAhead<Value> {
  readonly #options: ReadAheadOptions<Value>;
  #kept: { readonly value: Value; readonly askedAtMs: number } | null = null;
  #flight: Promise<Value> | null = null;
  #cancel: (() => void) | null = null;
  #stopped = false;

  constructor(options: ReadAheadOptions<Value>) {
    this.#options = options;
  }

  /** Begins to read, and goes on. What fails is tried again. */
  start(): void {
    void this.#keepUp();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Rejects when what is known is too old, and nothing newer can be had. */
  get(): Promise<Value> {
    const { nowMs, believedMs } = this.#options;
    const kept = this.#kept;
    const ageMs = kept === null ? Infinity : nowMs() - kept.askedAtMs;
    // Of a clock that was set back nobody knows how old it is.
    const isFresh = ageMs >= 0 && ageMs < believedMs;
    return kept !== null && isFresh ? Promise.resolve(kept.value) : this.#refresh();
  }

  #refresh(): Promise<Value> {
    if (this.#flight) return this.#flight;
    // Of when it was asked: what changes while the pages come may not be on them.
    const askedAtMs = this.#options.nowMs();
    this.#flight = this.#options
      .read()
      .then((value) => {
        this.#kept = { value, askedAtMs };
        return value;
      })
      .finally(() => (this.#flight = null));
    return this.#flight;
  }

  async #keepUp(): Promise<void> {
    const { after, everyMs, retryMs } = this.#options;
    const wasRead = await this.#refresh().then(
      () => true,
      () => false,
    );
    if (this.#stopped) return;
    this.#cancel = after(wasRead ? everyMs : retryMs, () => void this.#keepUp());
  }
}
