import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { CommitResult, RepDocument } from "../engine.ts";
import { repId, systemUserId, teamsUserId } from "../../presence/identity.ts";
import type { RepId } from "../../presence/identity.ts";
import { identityTaken, requireWellFormed } from "../refusal.ts";
import { repIn, repText } from "../rep-text.ts";
import { SQLITE, sqliteResult } from "./failure.ts";
import { numberIn, requireSeal, seal, textIn } from "./seal.ts";

/** Encoded before it queues, so that what cannot be encoded never reaches a transaction. */
export type DocumentWrite = {
  readonly rep: string;
  readonly teamsUserId: string;
  readonly systemUserId: string;
  readonly expected: number;
  readonly document: string;
};

export function documentWrite(document: RepDocument): DocumentWrite {
  const { rep, teamsUserId, systemUserId } = document.identity;
  requireWellFormed(rep, teamsUserId, systemUserId);
  return {
    rep,
    teamsUserId,
    systemUserId,
    expected: document.generation,
    document: repText(document.rep),
  };
}

/** The table of rep documents. Its writes run inside a transaction that the caller holds. */
export class Documents {
  readonly #one: StatementSync;
  readonly #page: StatementSync;
  readonly #generation: StatementSync;
  readonly #floor: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #replace: StatementSync;
  readonly #raiseFloor: StatementSync;
  readonly #delete: StatementSync;

  constructor(db: DatabaseSync) {
    this.#one = db.prepare("SELECT * FROM rep WHERE rep = ?");
    this.#page = db.prepare("SELECT * FROM rep WHERE rep > ? ORDER BY rep LIMIT ?");
    this.#generation = db.prepare("SELECT generation FROM rep WHERE rep = ?");
    this.#floor = db.prepare("SELECT generation FROM floor");
    this.#insert = db.prepare(
      "INSERT INTO rep (teams_user_id, system_user_id, generation, document, seal, rep) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#update = db.prepare(
      "UPDATE rep SET generation = ?, document = ?, seal = ? WHERE rep = ? AND generation = ? AND teams_user_id = ? AND system_user_id = ?",
    );
    this.#replace = db.prepare(
      "UPDATE rep SET teams_user_id = ?, system_user_id = ?, generation = ?, document = ?, seal = ? WHERE rep = ?",
    );
    this.#raiseFloor = db.prepare("UPDATE floor SET generation = max(generation, ?)");
    this.#delete = db.prepare("DELETE FROM rep WHERE rep = ?");
  }

  get(rep: RepId): RepDocument | null {
    const row = this.#one.get(rep);
    return row ? decode(row) : null;
  }

  /** Up to `limit` documents after `after` in the order of their ids; `""` starts. */
  page(after: string, limit: number): readonly RepDocument[] {
    return this.#page.all(after, limit).map(decode);
  }

  put(write: DocumentWrite): CommitResult {
    if (this.#updated(write)) return { ok: true, generation: write.expected + 1 };
    const row = this.#generation.get(write.rep);
    const stored = row ? numberIn(row, "generation") : 0;
    if (stored !== write.expected) return { ok: false, reason: "conflict" };
    const generation = (row ? stored : this.#highestRemoved()) + 1;
    const { rep, teamsUserId, systemUserId, document } = write;
    const sum = seal(rep, teamsUserId, systemUserId, generation, document);
    try {
      const statement = row ? this.#replace : this.#insert;
      statement.run(teamsUserId, systemUserId, generation, document, sum, rep);
    } catch (error) {
      throw sqliteResult(error) === SQLITE.CONSTRAINT ? identityTaken(error) : error;
    }
    return { ok: true, generation };
  }

  remove(rep: string): void {
    const row = this.#generation.get(rep);
    if (!row) return;
    this.#raiseFloor.run(numberIn(row, "generation"));
    this.#delete.run(rep);
  }

  /** Replaces the document of a rep who is stored as expected. Setting her accounts anew would rewrite two indexes. */
  #updated({ rep, teamsUserId, systemUserId, expected, document }: DocumentWrite): boolean {
    const generation = expected + 1;
    const sum = seal(rep, teamsUserId, systemUserId, generation, document);
    const same = [rep, expected, teamsUserId, systemUserId];
    return this.#update.run(generation, document, sum, ...same).changes === 1;
  }

  #highestRemoved(): number {
    return numberIn(this.#floor.get() ?? {}, "generation");
  }
}

function decode(row: Record<string, SQLOutputValue>): RepDocument {
  const identity = {
    rep: repId(textIn(row, "rep")),
    teamsUserId: teamsUserId(textIn(row, "teams_user_id")),
    systemUserId: systemUserId(textIn(row, "system_user_id")),
  };
  const generation = numberIn(row, "generation");
  const document = textIn(row, "document");
  requireSeal(row, identity.rep, identity.teamsUserId, identity.systemUserId, generation, document);
  // The seal proves that these bytes are the ones `put` was given.
  return { identity, generation, rep: repIn(document) };
}
