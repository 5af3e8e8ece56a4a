import { DatabaseSync, StatementSync } from "node:sqlite";
import { around } from "./around.ts";
import { obey } from "./orders.ts";
import { shared } from "./shared.ts";

/** SQLITE_IOERR: https://sqlite.org/rescode.html */
const IO_ERROR = 10;

/** Runs before and after the store makes a batch durable. */
export const aroundCommit = {
  before: [] as (() => void)[],
  after: [] as ((sqlOfBatch: readonly string[]) => void)[],
};
/** Runs before each statement that the store makes. */
export const beforeStatement: (() => void)[] = [];

const databases = new Set<DatabaseSync>();
const sqlOf = new WeakMap<StatementSync, string>();
let batch: string[] = [];

/** `io`: no flush succeeds. `full`: the file may not grow. `works`: as before. */
const STATES = ["works", "io", "full"];
/** The order comes to the main thread, and the store may be in another. */
const ordered = shared("disk", 0);
let known = 0;

around(
  DatabaseSync.prototype,
  "prepare",
  (prepare) =>
    function prepareKnown(this: DatabaseSync, sql) {
      databases.add(this);
      const statement = prepare.call(this, sql);
      sqlOf.set(statement, sql);
      return statement;
    },
);

type Run = (this: StatementSync, ...given: unknown[]) => unknown;
around(
  StatementSync.prototype as { run: unknown },
  "run",
  (run) =>
    function runKnown(this: StatementSync, ...given: unknown[]) {
      const sql = sqlOf.get(this) ?? "";
      for (const act of beforeStatement) act();
      if (sql === "BEGIN IMMEDIATE") lookAtDisk();
      if (sql !== "COMMIT") {
        batch.push(sql);
        return (run as Run).apply(this, given);
      }
      for (const act of aroundCommit.before) act();
      if (STATES[known] === "io")
        throw Object.assign(new Error("disk I/O error"), { errcode: IO_ERROR });
      const result = (run as Run).apply(this, given);
      const committed = batch;
      batch = [];
      for (const act of aroundCommit.after) act(committed);
      return result;
    },
);

const pragmaOfAll = (pragma: string): void => {
  for (const database of databases) if (database.isOpen) database.exec(`PRAGMA ${pragma}`);
};

function lookAtDisk(): void {
  const now = Atomics.load(ordered, 0);
  if (now === known) return;
  known = now;
  // SQLite takes a limit below the present size as the present size.
  pragmaOfAll(`max_page_count = ${STATES[now] === "full" ? 1 : 1_073_741_823}`);
}

obey("disk", (how) => {
  Atomics.store(ordered, 0, STATES.indexOf(how));
});
