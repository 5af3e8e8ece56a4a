import type { Pool } from "pg";
import { engineClosed } from "../refusal.ts";
import type { Call } from "./calls.ts";
import { damaged, engineFailure, isOwnFault } from "./failure.ts";

/** So much goes to the server in one batch at most; more waits for the next. */
const LARGEST_BATCH = 1_000;
const LARGEST_BATCH_CHARACTERS = 4_000_000;

type Waiting = {
  readonly json: string;
  readonly resolve: (answer: number) => void;
  readonly reject: (error: Error) => void;
};

/**
 * Lets all calls of one event-loop turn, and those that come while the server is busy with earlier ones, share
 * one statement: one round trip, one transaction, one flush.
 *
 * - Nobody is answered before the transaction is durable.
 * - A batch that the server refuses because of a value in it was undone; its halves are tried again, and theirs,
 *   so that only the guilty call fails.
 * - A batch whose answer does not come fails whole. Whether it happened is unknown then: compare-and-set tells.
 * - Batches follow one another, so calls happen in the order in which they were made.
 */
export class Batches {
  readonly #pool: Pool;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  run(call: Call): Promise<number> {
    if (this.#closed) return Promise.reject(engineClosed());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ json: JSON.stringify(call), resolve, reject });
      this.#running ??= new Promise((turn) => setImmediate(turn)).then(() => this.#flushAll());
    });
  }

  /** Resolves when what waits has been answered; every later `run` rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #flushAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#flush(this.#next());
    this.#running = null;
  }

  #next(): Waiting[] {
    let characters = 0;
    const fits = ({ json }: Waiting): boolean =>
      (characters += json.length) <= LARGEST_BATCH_CHARACTERS;
    const end = this.#waiting.slice(0, LARGEST_BATCH).findIndex((waiting) => !fits(waiting));
    return this.#waiting.splice(0, end === -1 ? LARGEST_BATCH : Math.max(1, end));
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#perform(batch);
      for (const [at, { resolve }] of batch.entries()) resolve(answers[at] ?? Number.NaN);
    } catch (error) {
      if (batch.length > 1 && isOwnFault(error)) {
        const middle = Math.ceil(batch.length / 2);
        await this.#flush(batch.slice(0, middle));
        await this.#flush(batch.slice(middle));
        return;
      }
      const failure = engineFailure(error);
      for (const { reject } of batch) reject(failure);
    }
  }

  async #perform(batch: readonly Waiting[]): Promise<readonly number[]> {
    const text = "SELECT lockstep.perform($1) AS answer";
    const values = [`[${batch.map(({ json }) => json).join(",")}]`];
    const { rows } = await this.#pool.query<{ answer: number }>({ text, values });
    if (rows.length !== batch.length) throw damaged("a batch was answered in part");
    return rows.map(({ answer }) => answer);
  }
}
