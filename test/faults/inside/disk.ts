import { DatabaseSync, StatementSync } from "node:sqlite";
import { around } from "./around.ts";
import { obey } from "./orders.ts";

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
let failing = false;

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
      if (sql !== "COMMIT") {
        batch.push(sql);
        return (run as Run).apply(this, given);
      }
      for (const act of aroundCommit.before) act();
      if (failing) throw Object.assign(new Error("disk I/O error"), { errcode: IO_ERROR });
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

/** `io`: no flush succeeds. `full`: the file may not grow. `works`: as before. */
obey("disk", (how) => {
  failing = how === "io";
  // SQLite takes a limit below the present size as the present size.
  if (how === "full") pragmaOfAll("max_page_count = 1");
  if (how === "works") pragmaOfAll("max_page_count = 1073741823");
});
