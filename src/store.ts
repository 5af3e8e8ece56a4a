import type { Database } from "./config-kinds.ts";
import type { Engine } from "./engine/engine.ts";
import { openPostgresEngine } from "./engine/postgres/postgres-engine.ts";
import { openSqliteEngine } from "./engine/sqlite/sqlite-engine.ts";

/** Nobody notices it beside a call to either system, and two of three flushes of a change are saved. */
const PATIENCE_MS = 10;

/**
 * The engine that `DATABASE_URL` names. Rejects with `EngineError`; read-only, with `engine-missing` if the service
 * has never made that store. `inThread`: no flush of the embedded one stops this event loop.
 */
export function openStore(
  database: Database,
  {
    readOnly = false,
    inThread = false,
  }: { readonly readOnly?: boolean; readonly inThread?: boolean } = {},
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
