import { DatabaseSync, type StatementSync } from "node:sqlite";

/** A disk that needs 20 ms for each flush: the thread that writes waits for it, as it does for a real one. */
const FLUSH_MS = 20;
const waited = new Int32Array(new SharedArrayBuffer(4));
const prepare = Object.getOwnPropertyDescriptor(DatabaseSync.prototype, "prepare")?.value as (
  this: DatabaseSync,
  sql: string,
  ...rest: readonly unknown[]
) => StatementSync;

DatabaseSync.prototype.prepare = function prepareSlow(this: DatabaseSync, sql, ...rest) {
  const statement = prepare.call(this, sql, ...rest);
  if (sql === "COMMIT") {
    const run = statement.run.bind(statement);
    statement.run = (...given: never[]) => {
      Atomics.wait(waited, 0, 0, FLUSH_MS);
      return run(...given);
    };
  }
  return statement;
};
