import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Fence, HeldLease } from "../engine.ts";
import { requireWellFormed, unstorable } from "../refusal.ts";
import { numberIn, textIn } from "./seal.ts";

export type Holding = { readonly name: string; readonly holder: string };
export type LeaseWrite = Holding & { readonly ttlMs: number };

export function leaseWrite(name: string, holder: string, ttlMs: number): LeaseWrite {
  requireWellFormed(name, holder);
  if (!Number.isFinite(ttlMs)) throw unstorable("a time is not finite");
  return { name, holder, ttlMs };
}

/** The clock that everybody who opens the file shares. */
const NOW_MS = "unixepoch('subsec') * 1000.0";

/** The table of rights. Processes that share the file share them, and they outlive a crash. */
export class Leases {
  readonly #take: StatementSync;
  readonly #release: StatementSync;
  readonly #held: StatementSync;
  readonly #fence: StatementSync;

  constructor(db: DatabaseSync) {
    this.#take = db.prepare(
      `INSERT INTO lease AS held VALUES (?1, ?2, 1, ${NOW_MS} + ?3)
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms,
         fence = held.fence + (held.holder <> excluded.holder)
       WHERE held.holder = excluded.holder OR held.until_ms <= ${NOW_MS}
       RETURNING fence`,
    );
    this.#release = db.prepare(
      "UPDATE lease SET holder = '', until_ms = 0 WHERE name = ? AND holder = ?",
    );
    this.#held = db.prepare(
      `SELECT name, holder FROM lease WHERE until_ms > ${NOW_MS} ORDER BY name`,
    );
    this.#fence = db.prepare("SELECT fence FROM lease WHERE name = ?");
  }

  take({ name, holder, ttlMs }: LeaseWrite): Fence | null {
    const row = this.#take.get(name, holder, ttlMs);
    return row ? { name, fence: numberIn(row, "fence") } : null;
  }

  release({ name, holder }: Holding): void {
    this.#release.run(name, holder);
  }

  held(): readonly HeldLease[] {
    return this.#held.all().map((row) => ({
      name: textIn(row, "name"),
      holder: textIn(row, "holder"),
    }));
  }

  /** False once somebody else has had the right. */
  isValid({ name, fence }: Fence): boolean {
    const row = this.#fence.get(name);
    return row !== undefined && numberIn(row, "fence") === fence;
  }
}
