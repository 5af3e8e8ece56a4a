type Task = { readonly dueMs: number; readonly run: () => void; readonly timer: NodeJS.Timeout };

/** A longer timer would fire at once. No emulator runs for 24 days, so nobody sees this one fire early. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * The organisation's time: real time (or the one injected) plus what `advance` has added. Everything
 * that is delayed goes through `after`, so that advancing fires it in the order it was due, and
 * closing the emulator leaves nothing behind. Timers never keep a process alive.
 */
export class Clock {
  readonly #source: () => number;
  readonly #tasks = new Set<Task>();
  #aheadMs = 0;
  #closed = false;

  constructor(source: () => number = Date.now) {
    this.#source = source;
  }

  nowMs(): number {
    return Math.floor(this.#source()) + this.#aheadMs;
  }

  after(delayMs: number, run: () => void): void {
    if (this.#closed) return;
    const fire = (): void => {
      this.#tasks.delete(task);
      run();
    };
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS));
    timer.unref();
    const task: Task = { dueMs: this.nowMs() + delayMs, run, timer };
    this.#tasks.add(task);
  }

  /** Resolves after `delayMs`; never, if the emulator is closed before. */
  pause(delayMs: number): Promise<void> {
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  advance(ms: number): void {
    const untilMs = this.nowMs() + ms;
    for (let task = this.#firstDueBy(untilMs); task; task = this.#firstDueBy(untilMs)) {
      clearTimeout(task.timer);
      this.#tasks.delete(task);
      this.#aheadMs += Math.max(0, task.dueMs - this.nowMs());
      task.run();
    }
    this.#aheadMs += Math.max(0, untilMs - this.nowMs());
  }

  close(): void {
    this.#closed = true;
    for (const task of this.#tasks) clearTimeout(task.timer);
    this.#tasks.clear();
  }

  #firstDueBy(untilMs: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) {
      if (task.dueMs <= untilMs && (!first || task.dueMs < first.dueMs)) first = task;
    }
    return first;
  }
}
