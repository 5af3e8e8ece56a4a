import { DatabaseSync } from "node:sqlite";
import { EngineError } from "../engine-error.ts";
import { damaged } from "./failure.ts";

/** Marks a SQLite file as ours ("Lkst"), so that another application's file is never migrated. */
const APPLICATION_ID = 0x4c6b7374;

/**
 * Statements that lead from each schema version to the next. Append only: a released one never changes. The
 * shape of the JSON inside `document`, `body` and `entry` belongs to the version too.
 *
 * `seal` is a checksum of the row's other columns (seal.ts). `floor` holds the highest generation that any
 * removed document had, so that a new document of the same rep cannot be mistaken for the old one.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE rep (
    rep            TEXT PRIMARY KEY NOT NULL,
    teams_user_id  TEXT NOT NULL UNIQUE,
    system_user_id TEXT NOT NULL UNIQUE,
    generation     INTEGER NOT NULL,
    document       TEXT NOT NULL,
    seal           INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE floor (
    one        INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    generation INTEGER NOT NULL
  ) STRICT;
  INSERT INTO floor VALUES (1, 0);

  CREATE TABLE inbox (
    arrival        INTEGER PRIMARY KEY,
    source         TEXT NOT NULL,
    id             TEXT NOT NULL,
    rep            TEXT NOT NULL,
    received_at_ms REAL NOT NULL,
    body           TEXT,
    settled        INTEGER NOT NULL,
    seal           INTEGER NOT NULL,
    UNIQUE (source, id)
  ) STRICT;
  CREATE INDEX inbox_unsettled ON inbox (arrival) WHERE settled = 0;
  CREATE INDEX inbox_settled ON inbox (received_at_ms) WHERE settled = 1;

  CREATE TABLE history (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    rep      TEXT NOT NULL,
    at_ms    REAL NOT NULL,
    entry    TEXT NOT NULL,
    seal     INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX history_rep ON history (rep);
  CREATE INDEX history_at ON history (at_ms);
  `,
  `
  CREATE TABLE record (
    kind          TEXT NOT NULL,
    id            TEXT NOT NULL,
    body          TEXT NOT NULL,
    expires_at_ms REAL,
    seal          INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
  ) STRICT;
  CREATE INDEX record_expiry ON record (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  `,
  `
  CREATE TABLE lease (
    name     TEXT PRIMARY KEY NOT NULL,
    holder   TEXT NOT NULL,
    fence    INTEGER NOT NULL,
    until_ms REAL NOT NULL
  ) STRICT;
  `,
  // The tables are the same. What is as in a new rep may be missing in a document (reconcile/stored.ts), and the
  // releases before would not know what it was.
  "",
];

const SCHEMA_VERSION = MIGRATIONS.length;

/** The file's version, 0 for an empty one; refuses a newer file and one that is not ours, touching neither. */
export function schemaVersion(db: DatabaseSync): number {
  const version = pragma(db, "user_version");
  const owner = pragma(db, "application_id");
  const empty = db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (!(version === 0 && owner === 0 && empty) && owner !== APPLICATION_ID) throw notOurs();
  if (version <= SCHEMA_VERSION) return version;
  throw new EngineError({
    code: "engine-newer-schema",
    retry: "rejected",
    nextStep: "run the newer release that wrote this file, or choose another path",
    detail: `the file has schema ${version}, this release knows ${SCHEMA_VERSION}`,
  });
}

/** Brings a writable file to our schema version, all or nothing. */
export function migrate(db: DatabaseSync): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const statements of MIGRATIONS.slice(schemaVersion(db))) db.exec(statements);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** The other half of `migrate`, for an opener that may not write. */
export function requireCurrentSchema(db: DatabaseSync): void {
  if (schemaVersion(db) === SCHEMA_VERSION) return;
  throw new EngineError({
    code: "engine-older-schema",
    retry: "unavailable",
    nextStep: "start the service once, it brings the file up to date; then read again",
  });
}

/** A definition that differs from ours would change what statements mean without any error. */
export function requireOurDefinitions(db: DatabaseSync): void {
  using fresh = new DatabaseSync(":memory:");
  for (const statements of MIGRATIONS) fresh.exec(statements);
  if (definitions(db) !== definitions(fresh)) throw damaged("a table definition was changed");
}

function definitions(db: DatabaseSync): string {
  const rows = db
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name")
    .all();
  return JSON.stringify(rows);
}

function pragma(db: DatabaseSync, name: string): number {
  const value = db.prepare(`PRAGMA ${name}`).get()?.[name];
  return typeof value === "number" ? value : -1;
}

function notOurs(): EngineError {
  return new EngineError({
    code: "engine-not-ours",
    retry: "rejected",
    nextStep: "choose another path: this file belongs to another application, or it is damaged",
  });
}
