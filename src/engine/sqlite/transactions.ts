import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Fault, faultOf, OWN_FAULTS, sqliteResult } from "./failure.ts";
import { createWrites, type Writes } from "./writes.ts";

/** One call on its way to the file. It is data, so that a thread of its own may carry it out. */
export type Call<Name extends keyof Writes = keyof Writes> = {
  readonly [Each in Name]: readonly [Each, Parameters<Writes[Each]>[0]];
}[Name];

export type Answer<Name extends keyof Writes> = ReturnType<Writes[Name]>;

/** What became of a call. */
export type Outcome = { readonly answer: Answer<keyof Writes> } | { readonly fault: Fault };

/**
 * Carries batches of calls out, each in one transaction and with one disk flush.
 *
 * - A call that fails by its own fault is undone alone; the others do not notice.
 * - A failure of the file undoes the batch and fails every call in it; the next batch tries afresh. If the flush
 *   itself failed, a crash right then may still bring the batch back: compare-and-set tells.
 */
export class Transactions {
  readonly #db: DatabaseSync;
  readonly #writes: Writes;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #mark: StatementSync;
  readonly #undo: StatementSync;
  readonly #keep: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#writes = createWrites(db);
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#mark = db.prepare("SAVEPOINT call");
    this.#undo = db.prepare("ROLLBACK TO call");
    this.#keep = db.prepare("RELEASE call");
  }

  /** What became of each call. Answers are durable when it returns. */
  run(batch: readonly Call[]): readonly Outcome[] {
    try {
      this.#begin.run();
      const outcomes = batch.map((call) => this.#attempt(call));
      this.#commit.run();
      return outcomes;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      const failed = { fault: faultOf(error) };
      return batch.map(() => failed);
    }
  }

  #attempt([name, write]: Call): Outcome {
    this.#mark.run();
    try {
      // A call is made of a name and what belongs to it; the compiler loses that here.
      const answer = this.#writes[name](write as never);
      this.#keep.run();
      return { answer };
    } catch (error) {
      // SQLite has already rolled back by itself after some failures of the file.
      if (!this.#db.isTransaction || !OWN_FAULTS.includes(sqliteResult(error))) throw error;
      this.#undo.run();
      this.#keep.run();
      return { fault: faultOf(error) };
    }
  }
}
