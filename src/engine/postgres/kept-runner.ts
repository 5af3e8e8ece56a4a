import type { Runner } from "graphile-worker";

export type KeptRunnerOptions = {
  /** Rejects if it cannot begin now. */
  readonly begin: () => Promise<Pick<Runner, "promise" | "stop">>;
  readonly onFault: (error: unknown) => void;
  /** After it ended by itself, or could not begin, it is tried again so soon. */
  readonly againMs: number;
};

/**
 * A runner of graphile-worker that goes on. By itself one ends for good, and says nothing, when the server was away
 * for more than some minutes.
 */
export class KeptRunner {
  readonly #options: KeptRunnerOptions;
  #runner: Pick<Runner, "promise" | "stop"> | null = null;
  #beginning: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: KeptRunnerOptions) {
    this.#options = options;
  }

  /** Rejects if it cannot begin at all; later it is tried until it can. */
  async start(): Promise<void> {
    const runner = await this.#options.begin();
    this.#runner = runner;
    const ended = (): void => {
      if (this.#runner !== runner) return;
      this.#runner = null;
      this.#again();
    };
    runner.promise.then(ended, ended);
  }

  /** What it has begun is finished. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#beginning;
    const runner = this.#runner;
    this.#runner = null;
    // It rejects if it is ending already, and that is what was asked for.
    await runner?.stop().catch(() => undefined);
  }

  #again(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#beginning = this.start().catch((error: unknown) => {
        this.#options.onFault(error);
        this.#again();
      });
    }, this.#options.againMs).unref();
  }
}
