import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EngineError } from "../engine-error.ts";
import { damaged, engineFailure, SQLITE, sqliteResult, unwritable } from "./failure.ts";
import { migrate, requireCurrentSchema, requireOurDefinitions, schemaVersion } from "./schema.ts";

export type SqliteOptions = {
  /** A file, created with its directory when missing; or `:memory:`, which keeps nothing. */
  readonly path: string;
  /** Read while the service writes. Every write rejects with `engine-read-only`. */
  readonly readOnly?: boolean;
  /** The file never grows over this many bytes (its write-ahead log not counted); a write that would is `engine-full`. */
  readonly maxBytes?: number;
  /** How long a patient commit may wait for others, in milliseconds; 0, the default: not at all. */
  readonly patienceMs?: number;
  /** Writes in a thread of its own, so that no flush stops the event loop. Neither for a reader nor for `:memory:`. */
  readonly inThread?: boolean;
};

const PAGE_BYTES = 4_096;

/** Checking costs about 3 ms a megabyte, and a start should take less than a second. */
const CHECK_WHOLE_FILE_BYTES = 128 * 1_024 * 1_024;

/** Whoever waits for another process's lock holds up all that is written, and a webhook's caller gets at most a second. */
const LOCK_WAIT_MS = 1_000;

/**
 * A connection that may be relied on: durable, checked, of our schema. Throws `EngineError` and leaves nothing open.
 */
export function openDatabase(options: SqliteOptions): DatabaseSync {
  const readOnly = options.readOnly ?? false;
  if (options.path !== ":memory:") prepareFile(options.path, readOnly);
  const db = connect(options.path, readOnly);
  try {
    if (readOnly) requireCurrentSchema(db);
    else prepareForWriting(db, options.maxBytes);
    requireOurDefinitions(db);
    return db;
  } catch (error) {
    db.close();
    // At this point a statement that cannot be understood means that the schema in the file is not what it says.
    if (sqliteResult(error) === SQLITE.ERROR) throw damaged("the schema is unreadable", error);
    throw engineFailure(error);
  }
}

function connect(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: LOCK_WAIT_MS, defensive: true });
  } catch (error) {
    throw engineFailure(error);
  }
}

function prepareForWriting(db: DatabaseSync, maxBytes: number | undefined): void {
  schemaVersion(db);
  // WAL with FULL flushes at every COMMIT; NORMAL would lose acknowledged commits when power fails.
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA foreign_keys = ON");
  db.exec("PRAGMA cache_size = -32000");
  db.exec("PRAGMA journal_size_limit = 67108864");
  // A page that is written often is brought over once in 16 MB, not in 4.
  db.exec("PRAGMA wal_autocheckpoint = 4000");
  migrate(db);
  requireIntact(db);
  if (maxBytes !== undefined) {
    db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / PAGE_BYTES))}`);
  }
}

/**
 * What decisions rest on is checked in full, values and indexes. History grows without bound, so a large file's
 * is not read at every start: its rows carry checksums, and SQLite reports a damaged page when it reads it.
 */
function requireIntact(db: DatabaseSync): void {
  const pages = Number(db.prepare("PRAGMA page_count").get()?.["page_count"]);
  const whole = pages * PAGE_BYTES <= CHECK_WHOLE_FILE_BYTES;
  for (const scope of whole ? [1] : ["rep", "inbox", "floor"]) {
    const found = db.prepare(`PRAGMA integrity_check(${scope})`).get()?.["integrity_check"];
    if (found !== "ok") throw damaged(String(found));
  }
}

function prepareFile(path: string, readOnly: boolean): void {
  if (!readOnly) return createDirectory(dirname(path));
  if (existsSync(path)) return;
  throw new EngineError({
    code: "engine-missing",
    retry: "unavailable",
    nextStep:
      "name the service's own store in DATABASE_URL, or start it first: it creates the file",
    detail: path,
  });
}

function createDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw unwritable(path, error);
  }
}
