import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import type { SqliteOptions } from "../../src/engine/sqlite/database.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_BYTES = 4_096;

/** A directory that goes when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-engine-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An engine that is closed when the test ends. */
export async function openForTest(options: SqliteOptions): Promise<Engine> {
  const engine = await openSqliteEngine(options);
  onTestFinished(() => engine.close());
  return engine;
}

/** mulberry32: the same seed, the same numbers from 0 to 1, on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Transactions in a write-ahead log: frames whose header tells a database size end one (sqlite.org/fileformat). */
export function transactionsIn(path: string): number {
  const log = readFileSync(`${path}-wal`);
  let transactions = 0;
  for (let at = WAL_HEADER_BYTES; at < log.length; at += FRAME_HEADER_BYTES + PAGE_BYTES) {
    if (log.readUInt32BE(at + 4) > 0) transactions += 1;
  }
  return transactions;
}
