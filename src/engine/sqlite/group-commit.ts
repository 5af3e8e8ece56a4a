import { setImmediate as nextTurn } from "node:timers/promises";
import { EngineError } from "../engine-error.ts";
import { engineClosed } from "../refusal.ts";
import { faultOf } from "./failure.ts";
import type { Answer, Call, Outcome } from "./transactions.ts";
import type { Writes } from "./writes.ts";

/** So many calls share a flush at most: a storm must not keep those who come later from theirs. */
const LARGEST_BATCH = 1_000;

/** Where a batch is carried out (transactions.ts): in this thread, or in one of its own. */
export type Writer = {
  /** One batch at a time. Rejects with `EngineError` if it is not known what became of the batch. */
  write(batch: readonly Call[]): Promise<readonly Outcome[]>;
  close(): Promise<void>;
};

type Waiting = {
  readonly call: Call;
  readonly settle: (outcome: Outcome) => void;
};

/**
 * Lets all calls of one event-loop turn, and those that come while an earlier batch is being written, share one
 * transaction, and with it one disk flush. Whoever is patient waits for somebody who is not, `patienceMs` at most.
 *
 * - Nobody is answered before COMMIT has returned.
 * - Batches follow one another, so calls happen in the order in which they were made.
 */
export class GroupCommit {
  readonly #writer: Writer;
  readonly #patienceMs: number;
  #waiting: Waiting[] = [];
  /** Somebody waits who is not patient, or is not any more. */
  #isDue = false;
  #writing: Promise<void> | null = null;
  #patience: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(writer: Writer, patienceMs: number) {
    this.#writer = writer;
    this.#patienceMs = patienceMs;
  }

  /** Carries a call out with the next batch. Resolves, or rejects with `EngineError`, after COMMIT. */
  run<Name extends keyof Writes>(
    name: Name,
    write: Parameters<Writes[Name]>[0],
    patient = false,
  ): Promise<Answer<Name>> {
    if (this.#closed) return Promise.reject(engineClosed());
    return new Promise<Answer<Name>>((resolve, reject) => {
      const settle = (outcome: Outcome): void => {
        if ("fault" in outcome) reject(new EngineError(outcome.fault));
        else resolve(outcome.answer as Answer<Name>);
      };
      this.#waiting.push({ call: [name, write] as Call, settle });
      if (patient && this.#patienceMs > 0) this.#writeLater();
      else this.#write();
    });
  }

  /** Resolves when what waits has been carried out; every later `run` rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#patience);
    this.#write();
    await this.#writing;
  }

  #write(): void {
    this.#isDue = true;
    this.#writing ??= this.#writeAll();
  }

  #writeLater(): void {
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      if (this.#waiting.length > 0) this.#write();
    }, this.#patienceMs);
  }

  async #writeAll(): Promise<void> {
    while (this.#isDue) {
      await nextTurn();
      const batch = this.#waiting.splice(0, LARGEST_BATCH);
      this.#isDue = this.#waiting.length > 0;
      if (batch.length > 0) await this.#writeBatch(batch);
    }
    this.#writing = null;
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#writer.write(batch.map(({ call }) => call));
      for (const [at, { settle }] of batch.entries()) settle(outcomes[at] as Outcome);
    } catch (error) {
      const fault = faultOf(error);
      for (const { settle } of batch) settle({ fault });
    }
  }
}
