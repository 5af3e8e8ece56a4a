/** What is to be stopped when a caller stops waiting. */
const open = new WeakMap<AbortSignal, Set<AbortController>>();

/**
 * The signal of one call: aborted when its caller's is, or `afterMs` from now with a `TimeoutError`. Dispose of it when
 * the call has ended. `AbortSignal.timeout` cannot be taken back: with it, all that belongs to a call that was answered
 * in 2 ms is kept for the whole time-out.
 */
export class Deadline {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #others: Set<AbortController>;

  constructor(caller: AbortSignal, afterMs: number) {
    this.#others = openOf(caller);
    this.#others.add(this.#stop);
    if (caller.aborted) this.#stop.abort(caller.reason);
    const late = (): void =>
      this.#stop.abort(new DOMException("no answer in time", "TimeoutError"));
    this.#timer = setTimeout(late, afterMs);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#others.delete(this.#stop);
  }
}

/** One listener for each caller, however many calls it has under way. */
function openOf(caller: AbortSignal): Set<AbortController> {
  const known = open.get(caller);
  if (known) return known;
  const calls = new Set<AbortController>();
  open.set(caller, calls);
  const stop = (): void => {
    for (const call of calls) call.abort(caller.reason);
  };
  caller.addEventListener("abort", stop, { once: true });
  return calls;
}
