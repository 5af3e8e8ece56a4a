import type { Database } from "./config-kinds.ts";
import { requireWhole } from "./engine/copy.ts";
import type { Engine } from "./engine/engine.ts";
import { openPostgresEngine } from "./engine/postgres/postgres-engine.ts";
import { openSqliteEngine } from "./engine/sqlite/sqlite-engine.ts";

/** Nobody notices it beside a call to either system, and two of three flushes of a change are saved. */
const PATIENCE_MS = 10;

type Wishes = {
  readonly readOnly?: boolean;
  /** No flush of the embedded one stops this event loop. */
  readonly inThread?: boolean;
};

/**
 * The engine that `DATABASE_URL` names. Rejects with `EngineError`: with `engine-half-copied` if a copy into it broke
 * off; read-only, with `engine-missing` if the service has never made that store.
 */
export async function openStore(database: Database, wishes: Wishes = {}): Promise<Engine> {
  const engine = await openAsItIs(database, wishes);
  try {
    await requireWhole(engine);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function openAsItIs(
  database: Database,
  { readOnly = false, inThread = false }: Wishes,
): Promise<Engine> {
  switch (database.kind) {
    case "sqlite":
      return openSqliteEngine({
        path: database.path,
        readOnly,
        inThread,
        patienceMs: PATIENCE_MS,
      });
    case "postgres":
      return openPostgresEngine({ url: database.url, readOnly });
  }
}
