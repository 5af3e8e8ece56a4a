import type { Table } from "./column.ts";
import { TABLES } from "./schema.ts";

export type Value = string | number | boolean | null;
export type Row = Readonly<Record<string, Value>>;

type Version = { readonly atMs: number; readonly row: Row | null };
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
  readonly #changed = new Map<string, Map<string, number>>();
  /** Starts high, as in an organisation that has lived a while. */
  #version = 5_948_000;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    for (const { set } of TABLES) {
      this.#rows.set(set, new Map());
      this.#changed.set(set, new Map());
    }
  }

  get version(): number {
    return this.#version;
  }

  /** Adds a row that has always been there, also for reads that lag behind. */
  seed(table: Table, row: Row): Row {
    return this.#store(table, row, Number.NEGATIVE_INFINITY);
  }

  /** Adds a row or replaces the columns given; columns never given read as null. */
  put(table: Table, row: Row): Row {
    return this.#store(table, row, this.#nowMs());
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
    this.#remember(table.set, id, { atMs, row: stored });
    return stored;
  }

  remove(set: string, id: string): void {
    if (!this.get(set, id)) return;
    this.#version += 1;
    this.#remember(set, id, { atMs: this.#nowMs(), row: null });
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

  /** The last change of each row after `version`, in the order of the changes; `row` is null when deleted. */
  changesAfter(set: string, version: number): Change[] {
    const changes: Change[] = [];
    for (const [id, changedIn] of this.#changed.get(set) ?? []) {
      if (changedIn > version) {
        changes.push({ id, version: changedIn, row: this.get(set, id) ?? null });
      }
    }
    return changes.sort((a, b) => a.version - b.version);
  }

  #remember(set: string, id: string, version: Version): void {
    const rows = this.#rows.get(set);
    const versions = rows?.get(id) ?? [];
    versions.push(version);
    if (versions.length > VERSIONS_KEPT) versions.shift();
    rows?.set(id, versions);
    this.#changed.get(set)?.set(id, this.#version);
  }
}

function seenAt(versions: readonly Version[], asOfMs: number): Row | undefined {
  for (let index = versions.length - 1; index >= 0; index -= 1) {
    const version = versions[index];
    if (version && version.atMs <= asOfMs) return version.row ?? undefined;
  }
  return versions.length === VERSIONS_KEPT ? (versions[0]?.row ?? undefined) : undefined;
}
