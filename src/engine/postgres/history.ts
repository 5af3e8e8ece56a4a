import type { Pool } from "pg";
import type { Engine, HistoryEntry, StoredHistoryEntry } from "../engine.ts";
import { requireLimit } from "../refusal.ts";
import { repId } from "../../presence/identity.ts";
import { fromKey, toKey } from "./key.ts";

export type HistoryQuery = Parameters<Engine["history"]>[0];

type Row = {
  readonly position: number;
  readonly rep: string;
  readonly at_ms: number;
  readonly entry: string;
};

/** So many days have their partition before they begin. */
const DAYS_AHEAD = 7;
/** When fewer are left, the next ones are made. */
const DAYS_LEFT = 3;
const DAY_MS = 86_400_000;
/**
 * Making or dropping a day needs the table for itself, and keeps every writer waiting until it has it. Whoever reads
 * history for long, such as a dump, has it first: then it is left for later.
 */
const TABLE_WAIT = "set_config('lock_timeout', '500ms', true)";

/** What was told, in partitions of a day each: forgetting a day is dropping a table. */
export class History {
  readonly #pool: Pool;
  #madeUntilMs = Number.POSITIVE_INFINITY;
  #askedFor: number | null = null;
  #making: Promise<void> = Promise.resolve();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async read(query: HistoryQuery): Promise<readonly StoredHistoryEntry[]> {
    const { rep, after = 0, sinceMs, limit } = query;
    requireLimit(limit);
    const values: unknown[] = [after, limit];
    const conditions = ["position > $1"];
    if (rep !== undefined) conditions.push(`rep = $${values.push(toKey(rep))}`);
    if (sinceMs !== undefined) conditions.push(`at_ms >= $${values.push(sinceMs)}`);
    const { rows } = await this.#pool.query<Row>(
      `SELECT * FROM lockstep.history WHERE ${conditions.join(" AND ")} ORDER BY position LIMIT $2`,
      values,
    );
    return rows.map(decode);
  }

  /** Notes that something is told of this time, and makes partitions in the background when they run out. */
  note(atMs: number): void {
    const day = Math.floor(atMs / DAY_MS);
    if (atMs < this.#madeUntilMs - DAYS_LEFT * DAY_MS || day === this.#askedFor) return;
    // A clock that is far ahead must not make us ask at every commit.
    this.#askedFor = day;
    this.#making = this.makeDays().catch(() => {
      this.#askedFor = null;
    });
  }

  /** Resolves when nothing is under way in the background. */
  async idle(): Promise<void> {
    await this.#making;
  }

  async makeDays(): Promise<void> {
    const { rows } = await this.#pool.query<{ until: number }>(
      `SELECT lockstep.make_days($1) AS until FROM ${TABLE_WAIT}`,
      [DAYS_AHEAD],
    );
    this.#madeUntilMs = rows[0]?.until ?? this.#madeUntilMs;
  }

  /** Drops the days that were over before. */
  async dropDays(beforeMs: number): Promise<void> {
    await this.#pool.query(`SELECT lockstep.drop_days($1) FROM ${TABLE_WAIT}`, [beforeMs]);
  }
}

function decode({ position, rep, at_ms: atMs, entry }: Row): StoredHistoryEntry {
  const told = JSON.parse(entry) as Pick<HistoryEntry, "kind" | "says" | "cause" | "detail">;
  return { position, rep: repId(fromKey(rep)), atMs, ...told };
}
