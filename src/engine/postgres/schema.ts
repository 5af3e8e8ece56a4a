import type { ClientBase } from "pg";
import { missing, newerSchema, notOurs, olderSchema } from "./failure.ts";
import { DAYS, PERFORM } from "./perform.ts";

/**
 * Statements that lead from each schema version to the next. Append only: a released one never changes, and as
 * long as instances of two releases run side by side, the older one must still find what it uses.
 *
 * Text is compared byte by byte (`COLLATE "C"`). JSON is kept as text, byte for byte as it was given. The ledger
 * holds the last position of history, and the highest generation that any removed document had, so that a new
 * document of the same rep cannot be mistaken for the old one.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE lockstep.ledger (
    one      boolean PRIMARY KEY CHECK (one),
    position bigint NOT NULL,
    floor    bigint NOT NULL
  );
  INSERT INTO lockstep.ledger VALUES (true, 0, 0);

  CREATE TABLE lockstep.rep (
    rep            text COLLATE "C" PRIMARY KEY,
    teams_user_id  text COLLATE "C" NOT NULL UNIQUE,
    system_user_id text COLLATE "C" NOT NULL UNIQUE,
    generation     bigint NOT NULL,
    document       text COLLATE "C" NOT NULL
  ) WITH (fillfactor = 70);

  CREATE TABLE lockstep.inbox (
    arrival        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source         text COLLATE "C" NOT NULL,
    id             text COLLATE "C" NOT NULL,
    rep            text COLLATE "C" NOT NULL,
    received_at_ms double precision NOT NULL,
    body           text COLLATE "C",
    settled        boolean NOT NULL,
    UNIQUE (source, id)
  );
  CREATE INDEX inbox_unsettled ON lockstep.inbox (arrival) WHERE NOT settled;
  CREATE INDEX inbox_unsettled_rep ON lockstep.inbox (rep) WHERE NOT settled;
  CREATE INDEX inbox_settled ON lockstep.inbox (received_at_ms) WHERE settled;

  CREATE TABLE lockstep.history (
    position bigint NOT NULL,
    rep      text COLLATE "C" NOT NULL,
    at_ms    double precision NOT NULL,
    entry    text COLLATE "C" NOT NULL,
    PRIMARY KEY (position, at_ms)
  ) PARTITION BY RANGE (at_ms);
  CREATE INDEX history_rep ON lockstep.history (rep, position);
  CREATE TABLE lockstep.history_other PARTITION OF lockstep.history DEFAULT;

  CREATE TABLE lockstep.record (
    kind          text COLLATE "C" NOT NULL,
    id            text COLLATE "C" NOT NULL,
    body          text COLLATE "C" NOT NULL,
    expires_at_ms double precision,
    PRIMARY KEY (kind, id)
  );
  CREATE INDEX record_expiry ON lockstep.record (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

  CREATE TABLE lockstep.lease (
    name   text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL,
    fence  bigint NOT NULL,
    until  timestamptz NOT NULL
  );
  ${PERFORM}
  ${DAYS}
  `,
];

const SCHEMA_VERSION = MIGRATIONS.length;

/** Held by whoever migrates, so that of several instances that start together one does. The number is "Lkst". */
const MIGRATION_LOCK = 0x4c6b7374;

/** The comment on the schema: how we know it again, and its version. */
const MARK = /^Lockstep, schema version (\d+)$/;

/** Brings the database to our schema version, all or nothing; refuses a newer schema and one that is not ours. */
export async function migrate(client: ClientBase): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    const version = await schemaVersion(client);
    if (version === null) await client.query("CREATE SCHEMA lockstep");
    if ((version ?? 0) < SCHEMA_VERSION) {
      for (const statements of MIGRATIONS.slice(version ?? 0)) await client.query(statements);
      await client.query(
        `COMMENT ON SCHEMA lockstep IS 'Lockstep, schema version ${SCHEMA_VERSION}'`,
      );
    }
    await client.query("COMMIT");
  } catch (error) {
    // If the connection is gone, the server has rolled back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** The other half of `migrate`, for an opener that may not write. */
export async function requireCurrentSchema(client: ClientBase): Promise<void> {
  const version = await schemaVersion(client);
  if (version === null || version === 0) throw missing();
  if (version !== SCHEMA_VERSION) throw olderSchema();
}

/** 0 for a schema with nothing in it, as an administrator may have made it for us; `null` if there is none. */
async function schemaVersion(client: ClientBase): Promise<number | null> {
  const { rows } = await client.query<{ mark: string | null; empty: boolean }>(
    `SELECT obj_description(oid, 'pg_namespace') AS mark,
       NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid)
       AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid) AS empty
     FROM pg_namespace n WHERE nspname = 'lockstep'`,
  );
  const [found] = rows;
  if (!found) return null;
  const [, version] = MARK.exec(found.mark ?? "") ?? [];
  if (version === undefined) {
    if (found.empty) return 0;
    throw notOurs();
  }
  if (Number(version) > SCHEMA_VERSION) throw newerSchema(Number(version), SCHEMA_VERSION);
  return Number(version);
}
