import type { Pool } from "pg";

/** Rows that one statement deletes at most, so that nobody waits long for it. */
const ROWS_AT_ONCE = 5_000;

/** Whole days of history go as tables; only what is left of a day, and of other tables, is deleted by rows. */
const FORGET = [
  `DELETE FROM lockstep.history WHERE (position, at_ms) IN
   (SELECT position, at_ms FROM lockstep.history WHERE at_ms < $1 LIMIT $2)`,
  `DELETE FROM lockstep.inbox WHERE arrival IN
   (SELECT arrival FROM lockstep.inbox WHERE settled AND received_at_ms < $1 LIMIT $2)`,
  `DELETE FROM lockstep.record WHERE (kind, id) IN
   (SELECT kind, id FROM lockstep.record WHERE expires_at_ms < $1 LIMIT $2)`,
];

export async function prune(pool: Pool, beforeMs: number): Promise<void> {
  for (const statement of FORGET) {
    let deleted: number | null;
    do {
      ({ rowCount: deleted } = await pool.query(statement, [beforeMs, ROWS_AT_ONCE]));
    } while (deleted === ROWS_AT_ONCE);
  }
}
