import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { EngineError } from "../engine-error.ts";

export type ConnectionSettings = {
  /** `postgres://role:password@host:port/database`, with `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `host` (a socket's directory). */
  readonly url: string;
  /** Connections at most; one of them writes. Calls beyond that wait, up to `connectMs`. */
  readonly connections: number;
  readonly connectMs: number;
  /** The server ends a statement that takes longer; the client gives up two seconds after that. */
  readonly statementMs: number;
  readonly readOnly: boolean;
};

const GIVE_UP_AFTER_MS = 2_000;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Eight bytes that are counts here, never beyond what a number holds exactly. */
const INT8 = 20;

/**
 * A pool whose connections are all alike: durable, of a known isolation, with limits. Broken ones leave it by
 * themselves. Opens nothing yet. Throws `EngineError`.
 */
export function createPool(settings: ConnectionSettings): pg.Pool {
  const { connections, connectMs, readOnly, statementMs } = settings;
  const pool = new pg.Pool({
    ...addressOf(settings.url),
    application_name: "lockstep",
    max: connections,
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    query_timeout: statementMs + GIVE_UP_AFTER_MS,
    statement_timeout: statementMs,
    lock_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    options: `-c default_transaction_isolation=read\\ committed${readOnly ? " -c default_transaction_read_only=on" : ""}`,
    types: {
      getTypeParser: (oid: number, format?: "text" | "binary") =>
        oid === INT8 ? Number : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
    },
  });
  // A connection that breaks fails the call that uses it; if none does, it is replaced at the next one.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** With TLS and a certificate that fits, unless it is this computer or `sslmode=disable`. */
function addressOf(given: string): pg.ClientConfig {
  const url = URL.parse(given);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) throw unusable("it is no postgres:// URL");
  const wishes = url.searchParams;
  const socket = wishes.get("host");
  // A server by its name would be spoken to without TLS.
  if (socket !== null && !socket.startsWith("/")) throw unusable("host is no socket's directory");
  return {
    host: socket ?? url.hostname.replaceAll(/[[\]]/g, ""),
    port: Number(url.port || 5_432),
    user: decoded(url.username) || undefined,
    password: decoded(url.password) || undefined,
    database: decoded(url.pathname.slice(1)) || undefined,
    ssl: socket === null ? tlsFor(url.hostname, wishes) : false,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unusable("a % in it is not written as %25");
  }
}

function tlsFor(hostname: string, wishes: URLSearchParams): ConnectionOptions | false {
  const mode = wishes.get("sslmode") ?? (LOOPBACK.test(hostname) ? "disable" : "verify-full");
  if (mode === "disable") return false;
  if (mode !== "verify-full") throw unusable("sslmode must be verify-full or disable");
  const file = (name: string): Buffer | undefined => {
    const path = wishes.get(name);
    if (path === null) return undefined;
    try {
      return readFileSync(path);
    } catch {
      throw unusable(`the file of ${name} cannot be read`);
    }
  };
  return {
    rejectUnauthorized: true,
    ca: file("sslrootcert"),
    cert: file("sslcert"),
    key: file("sslkey"),
  };
}

function unusable(detail: string): EngineError {
  return new EngineError({
    code: "engine-address",
    retry: "rejected",
    nextStep: "correct DATABASE_URL; docs/postgres.md says what it may hold",
    detail,
  });
}
