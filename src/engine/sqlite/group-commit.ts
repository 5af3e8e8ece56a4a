import type { DatabaseSync, StatementSync } from "node:sqlite";
import { engineClosed } from "../refusal.ts";
import { engineFailure, OWN_FAULTS, sqliteResult } from "./failure.ts";

/** So many calls share a flush at most: a storm must not keep the event loop from everything else. */
const LARGEST_BATCH = 1_000;

/** One call on its way: `perform` runs inside the transaction and returns how to answer after COMMIT. */
type Call = {
  readonly perform: () => () => void;
  readonly reject: (error: Error) => void;
};

/**
 * Lets all calls of one event-loop turn share one transaction, and with it one disk flush. A flush stops the event loop
 * until the disk has answered, so whoever is patient waits for somebody who is not, `patienceMs` at most.
 *
 * - Nobody is answered before COMMIT has returned.
 * - A call that fails by its own fault is undone alone; the others do not notice.
 * - A failure of the file undoes the batch and fails every call in it; the next batch tries afresh. If the
 *   flush itself failed, a crash right then may still bring the batch back: compare-and-set tells.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #mark: StatementSync;
  readonly #undo: StatementSync;
  readonly #keep: StatementSync;
  readonly #patienceMs: number;
  #waiting: Call[] = [];
  #scheduled = false;
  /** A flush will come for those who are patient. */
  #awaited = false;
  #closed = false;

  constructor(db: DatabaseSync, patienceMs: number) {
    this.#db = db;
    this.#patienceMs = patienceMs;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#mark = db.prepare("SAVEPOINT call");
    this.#undo = db.prepare("ROLLBACK TO call");
    this.#keep = db.prepare("RELEASE call");
  }

  /** Runs `work` in the next transaction. Its result, or what it threw, arrives after COMMIT. */
  run<Result>(work: () => Result, patient = false): Promise<Result> {
    if (this.#closed) return Promise.reject(engineClosed());
    return new Promise<Result>((resolve, reject) => {
      const perform = () => {
        const result = work();
        return () => resolve(result);
      };
      this.#waiting.push({ perform, reject });
      if (patient && this.#patienceMs > 0) this.#scheduleLater();
      else this.#schedule();
    });
  }

  /** Flushes what waits; every later `run` rejects. */
  close(): void {
    this.#closed = true;
    while (this.#waiting.length > 0) this.#flush();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#waiting.length > 0) this.#flush();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #scheduleLater(): void {
    if (this.#awaited) return;
    this.#awaited = true;
    setTimeout(() => {
      this.#awaited = false;
      if (this.#waiting.length > 0) this.#schedule();
    }, this.#patienceMs);
  }

  #flush(): void {
    const batch = this.#waiting.splice(0, LARGEST_BATCH);
    try {
      this.#begin.run();
      const answers = batch.map((call) => this.#attempt(call));
      this.#commit.run();
      for (const answer of answers) answer();
    } catch (error) {
      this.#rollBack();
      const failure = engineFailure(error);
      for (const call of batch) call.reject(failure);
    }
  }

  #attempt(call: Call): () => void {
    this.#mark.run();
    try {
      const answer = call.perform();
      this.#keep.run();
      return answer;
    } catch (error) {
      // SQLite has already rolled back by itself after some failures of the file.
      if (!this.#db.isTransaction || !OWN_FAULTS.includes(sqliteResult(error))) throw error;
      this.#undo.run();
      this.#keep.run();
      return () => call.reject(engineFailure(error));
    }
  }

  #rollBack(): void {
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }
}
