import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { KeptRecord } from "../engine.ts";
import { requireWellFormed, toJson } from "../refusal.ts";
import { requireSeal, seal, textIn } from "./seal.ts";

export type RecordKey = Pick<KeptRecord, "kind" | "id">;
export type RecordWrite = Omit<KeptRecord, "body"> & { readonly body: string };

export function recordWrite(record: KeptRecord): RecordWrite {
  requireWellFormed(record.kind, record.id);
  return { ...record, body: toJson(record.body) };
}

/** The table of small records beside the reps. */
export class Records {
  readonly #put: StatementSync;
  readonly #ofKind: StatementSync;
  readonly #kinds: StatementSync;
  readonly #delete: StatementSync;
  readonly #prune: StatementSync;

  constructor(db: DatabaseSync) {
    this.#put = db.prepare(
      `INSERT INTO record (kind, id, body, expires_at_ms, seal) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (kind, id) DO UPDATE SET
         body = excluded.body, expires_at_ms = excluded.expires_at_ms, seal = excluded.seal`,
    );
    this.#ofKind = db.prepare("SELECT * FROM record WHERE kind = ? ORDER BY id");
    this.#kinds = db.prepare("SELECT DISTINCT kind FROM record ORDER BY kind");
    this.#delete = db.prepare("DELETE FROM record WHERE kind = ? AND id = ?");
    this.#prune = db.prepare(
      `DELETE FROM record WHERE rowid IN
       (SELECT rowid FROM record WHERE expires_at_ms < ? LIMIT ?)`,
    );
  }

  put({ kind, id, body, expiresAtMs }: RecordWrite): void {
    this.#put.run(kind, id, body, expiresAtMs, seal(kind, id, body, `${expiresAtMs}`));
  }

  ofKind(kind: string): readonly KeptRecord[] {
    return this.#ofKind.all(kind).map(decode);
  }

  kinds(): readonly string[] {
    return this.#kinds.all().map((row) => textIn(row, "kind"));
  }

  remove({ kind, id }: RecordKey): boolean {
    return this.#delete.run(kind, id).changes > 0;
  }

  /** Deletes at most `limit` records that ended before; how many it was. */
  prune(beforeMs: number, limit: number): number {
    return Number(this.#prune.run(beforeMs, limit).changes);
  }
}

function decode(row: Record<string, SQLOutputValue>): KeptRecord {
  const kind = textIn(row, "kind");
  const id = textIn(row, "id");
  const body = textIn(row, "body");
  const { expires_at_ms: expiresAt } = row;
  const expiresAtMs = typeof expiresAt === "number" ? expiresAt : null;
  requireSeal(row, kind, id, body, `${expiresAtMs}`);
  return { kind, id, body: JSON.parse(body) as unknown, expiresAtMs };
}
