import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import type { Engine, HistoryEntry, StoredHistoryEntry } from "../engine.ts";
import { repId } from "../../presence/identity.ts";
import { requireLimit, requireWellFormed, toJson } from "../refusal.ts";
import { numberIn, requireSeal, seal, textIn } from "./seal.ts";

export type HistoryQuery = Parameters<Engine["history"]>[0];
export type HistoryWrite = {
  /** `null`: the next. */
  readonly position: number | null;
  readonly rep: string;
  readonly atMs: number;
  readonly entry: string;
};

export function historyWrite(given: HistoryEntry & { readonly position?: number }): HistoryWrite {
  const { position = null, rep, atMs, kind, says, cause, detail } = given;
  requireWellFormed(rep);
  return { position, rep, atMs, entry: toJson({ kind, says, cause, detail }) };
}

/** The table of history. Positions come from AUTOINCREMENT: none is given twice, whatever was pruned. */
export class History {
  readonly #insert: StatementSync;
  readonly #ofAll: StatementSync;
  readonly #ofAllSince: StatementSync;
  readonly #ofRep: StatementSync;
  readonly #prune: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      "INSERT INTO history (position, rep, at_ms, entry, seal) VALUES (?, ?, ?, ?, ?)",
    );
    this.#ofAll = db.prepare("SELECT * FROM history WHERE position > ? ORDER BY position LIMIT ?");
    // Clocks jump, so times need not rise with positions. The index finds where to begin; the condition decides.
    this.#ofAllSince = db.prepare(
      `SELECT * FROM history NOT INDEXED
       WHERE position > ?1 AND at_ms >= ?2
         AND position >= (SELECT min(position) FROM history INDEXED BY history_at WHERE at_ms >= ?2)
       ORDER BY position LIMIT ?3`,
    );
    this.#ofRep = db.prepare(
      `SELECT * FROM history INDEXED BY history_rep
       WHERE rep = ? AND position > ? AND at_ms >= ? ORDER BY position LIMIT ?`,
    );
    this.#prune = db.prepare(
      "DELETE FROM history WHERE position IN (SELECT position FROM history WHERE at_ms < ? LIMIT ?)",
    );
  }

  /** The position of the entry. */
  append({ position, rep, atMs, entry }: HistoryWrite): number {
    return Number(
      this.#insert.run(position, rep, atMs, entry, seal(rep, atMs, entry)).lastInsertRowid,
    );
  }

  read(query: HistoryQuery): readonly StoredHistoryEntry[] {
    const { rep, after = 0, sinceMs, limit } = query;
    requireLimit(limit);
    return this.#rows(rep, after, sinceMs, limit).map(decode);
  }

  /** Deletes at most `limit` entries; how many it was. */
  prune(beforeMs: number, limit: number): number {
    return Number(this.#prune.run(beforeMs, limit).changes);
  }

  #rows(
    rep: SQLInputValue | undefined,
    after: number,
    sinceMs: number | undefined,
    limit: number,
  ): Record<string, SQLOutputValue>[] {
    if (rep !== undefined) return this.#ofRep.all(rep, after, sinceMs ?? -Infinity, limit);
    if (sinceMs !== undefined) return this.#ofAllSince.all(after, sinceMs, limit);
    return this.#ofAll.all(after, limit);
  }
}

function decode(row: Record<string, SQLOutputValue>): StoredHistoryEntry {
  const rep = textIn(row, "rep");
  const atMs = numberIn(row, "at_ms");
  const entry = textIn(row, "entry");
  requireSeal(row, rep, atMs, entry);
  const told = JSON.parse(entry) as Pick<HistoryEntry, "kind" | "says" | "cause" | "detail">;
  return { position: numberIn(row, "position"), rep: repId(rep), atMs, ...told };
}
