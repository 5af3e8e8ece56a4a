import type { Table } from "./column.ts";
import { TABLES } from "./schema.ts";

export type Value = string | number | boolean | null;
export type Row = Readonly<Record<string, Value>>;

type Version = { readonly atMs: number; readonly number: number; readonly row: Row | null };
export type Change = { readonly id: string; readonly version: number; readonly row: Row | null };

/** Enough of a row's past for a read that lags seconds behind; a longer lag sees the oldest kept. */
const VERSIONS_KEPT = 32;

/** Dataverse stores dates to the second: "2024-08-02T07:00:38Z". */
export function dateText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

/**
 * The organisation's rows. Every write takes the next number of one counter for the whole
 * organisation (`versionnumber`), which is what ETags and change tracking are made of. Rows are
 * never mutated, only replaced, so a reader may keep what it was given.
 */
export class Tables {
  readonly #nowMs: () => number;
  readonly #rows = new Map<string, Map<string, Version[]>>();
  /** Starts high, as in an organisation that has lived a while. */
  #version = 5_948_000;
  #started = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    for (const { set } of TABLES) this.#rows.set(set, new Map());
  }

  /** Ends the time before the emulator: what is put from now on has not always been there. */
  start(): void {
    this.#started = true;
  }

  get version(): number {
    return this.#version;
  }

  /** Uses up a version number for something that changes no row. */
  nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  /** Adds a row that has always been there, also for reads that lag behind. */
  seed(table: Table, row: Row): Row {
    return this.#store(table, row, Number.NEGATIVE_INFINITY);
  }

  /** Adds a row or replaces the columns given; columns never given read as null. */
  put(table: Table, row: Row): Row {
    return this.#store(table, row, this.#started ? this.#nowMs() : Number.NEGATIVE_INFINITY);
  }

  #store(table: Table, row: Row, atMs: number): Row {
    const nowMs = this.#nowMs();
    const id = String(row[table.key]);
    const before = this.get(table.set, id);
    this.#version += 1;
    const stored: Row = {
      createdon: dateText(nowMs),
      ...before,
      modifiedon: dateText(nowMs),
      ...row,
      versionnumber: this.#version,
    };
    this.#remember(table.set, id, atMs, stored);
    return stored;
  }

  remove(set: string, id: string): void {
    if (!this.get(set, id)) return;
    this.#version += 1;
    this.#remember(set, id, this.#nowMs(), null);
  }

  get(set: string, id: string, asOfMs = Number.POSITIVE_INFINITY): Row | undefined {
    const versions = this.#rows.get(set)?.get(id);
    return versions && seenAt(versions, asOfMs);
  }

  all(set: string, asOfMs = Number.POSITIVE_INFINITY): Row[] {
    const rows: Row[] = [];
    for (const versions of this.#rows.get(set)?.values() ?? []) {
      const row = seenAt(versions, asOfMs);
      if (row) rows.push(row);
    }
    return rows;
  }

  /**
   * The last change of each row after `version` that can be seen, in the order of the changes; `row` is
   * null when deleted.
   */
  changesAfter(set: string, version: number, asOfMs = Number.POSITIVE_INFINITY): Change[] {
    const changes: Change[] = [];
    for (const [id, versions] of this.#rows.get(set) ?? []) {
      const last = versionAt(versions, asOfMs);
      if (last && last.number > version) changes.push({ id, version: last.number, row: last.row });
    }
    return changes.sort((a, b) => a.version - b.version);
  }

  /** The highest version among the rows of the table that can be seen. */
  versionOf(set: string, asOfMs: number): number {
    let highest = 0;
    for (const versions of this.#rows.get(set)?.values() ?? []) {
      highest = Math.max(highest, versionAt(versions, asOfMs)?.number ?? 0);
    }
    return highest;
  }

  #remember(set: string, id: string, atMs: number, row: Row | null): void {
    const rows = this.#rows.get(set);
    const versions = rows?.get(id) ?? [];
    versions.push({ atMs, row, number: this.#version });
    if (versions.length > VERSIONS_KEPT) versions.shift();
    rows?.set(id, versions);
  }
}

function seenAt(versions: readonly Version[], asOfMs: number): Row | undefined {
  return versionAt(versions, asOfMs)?.row ?? undefined;
}

function versionAt(versions: readonly Version[], asOfMs: number): Version | undefined {
  const seen = versions.findLast(({ atMs }) => atMs <= asOfMs);
  return seen ?? (versions.length === VERSIONS_KEPT ? versions[0] : undefined);
}
