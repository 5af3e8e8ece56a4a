import { existsSync } from "node:fs";

/** What the bench needs of a database server that the tests of the engine start. */
export type DatabaseServer = {
  url(database: string): string;
  sql(text: string): Promise<unknown>;
  dispose(): Promise<void>;
};

/** It lies with the tests of the engine for PostgreSQL, and is there where that engine is. */
const SERVER = new URL("../engine/postgres-server.ts", import.meta.url);

/** A server of its own on loopback, without anything to install; `null` where the engine is not there. */
export async function startPostgres(): Promise<DatabaseServer | null> {
  if (!existsSync(SERVER)) return null;
  const { PostgresServer } = (await import(SERVER.href)) as {
    readonly PostgresServer: { start(): Promise<DatabaseServer> };
  };
  return PostgresServer.start();
}
