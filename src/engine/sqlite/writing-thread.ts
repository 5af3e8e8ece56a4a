import { Worker } from "node:worker_threads";
import { EngineError } from "../engine-error.ts";
import type { SqliteOptions } from "./database.ts";
import type { Writer } from "./group-commit.ts";
import type { Call, Outcome } from "./transactions.ts";

const PROGRAM = new URL("./thread.ts", import.meta.url);

/** Batches come and go: a nursery that holds a few of them is enough, and a larger one would only take memory. */
const LIMITS = { maxYoungGenerationSizeMb: 16 };

/** Resolves when the thread has opened the store. Rejects with `EngineError`, as `openDatabase` throws it. */
export async function openWritingThread(options: SqliteOptions): Promise<Writer> {
  let thread = await start(options);
  return {
    write: async (batch) => {
      // What ended it need not end the service: the next one opens the store anew, with all its checks.
      if (thread.hasEnded) thread = await start(options);
      return thread.write(batch);
    },
    close: () => thread.end(),
  };
}

async function start(options: SqliteOptions): Promise<Thread> {
  const thread = new Thread(options);
  await thread.opened();
  return thread;
}

/** A thread that opens the store and writes to it. It keeps a process alive only while something is asked of it. */
class Thread {
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #asked: PromiseWithResolvers<readonly Outcome[]> | null = null;
  #lastWords = "it ended by itself";
  #hasEnded = false;

  constructor(options: SqliteOptions) {
    this.#worker = new Worker(PROGRAM, {
      name: "store",
      workerData: options,
      resourceLimits: LIMITS,
    });
    this.#worker.on("message", (outcomes: readonly Outcome[]) =>
      this.#answered()?.resolve(outcomes),
    );
    this.#worker.on("error", (error: NodeJS.ErrnoException) => {
      this.#lastWords = error.code ?? error.name;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on("exit", () => {
        this.#hasEnded = true;
        this.#answered()?.reject(threadEnded(this.#lastWords));
        resolve();
      });
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when the store is open; rejects with what `openDatabase` threw. */
  async opened(): Promise<void> {
    const [outcome] = await this.#answer();
    if (outcome && "fault" in outcome) throw new EngineError(outcome.fault);
  }

  write(batch: readonly Call[]): Promise<readonly Outcome[]> {
    const answer = this.#answer();
    this.#worker.postMessage(batch);
    return answer;
  }

  async end(): Promise<void> {
    this.#worker.ref();
    this.#worker.postMessage(null);
    await this.#ended;
  }

  /** One answer at a time is waited for. */
  #answer(): Promise<readonly Outcome[]> {
    this.#worker.ref();
    this.#asked = Promise.withResolvers();
    return this.#asked.promise;
  }

  #answered(): PromiseWithResolvers<readonly Outcome[]> | null {
    this.#worker.unref();
    const asked = this.#asked;
    this.#asked = null;
    return asked;
  }
}

function threadEnded(detail: string): EngineError {
  return new EngineError({
    code: "engine-thread-ended",
    retry: "unavailable",
    nextStep: "see whether there is memory enough; the next write has a new thread",
    detail,
  });
}
