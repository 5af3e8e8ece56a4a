import { EngineError } from "../engine-error.ts";
import type { EngineErrorFields } from "../engine-error.ts";
import { unstorable } from "../refusal.ts";

type Says = Pick<EngineErrorFields, "code" | "retry" | "nextStep">;

const UNREACHABLE: Says = {
  code: "engine-unreachable",
  retry: "unavailable",
  nextStep:
    "check that the database server runs, and the network to it; the service goes on by itself after that",
};
const LOGIN: Says = {
  code: "engine-login-refused",
  retry: "unavailable",
  nextStep: "check user, password, database and TLS in DATABASE_URL against docs/postgres.md",
};
const BUSY: Says = {
  code: "engine-busy",
  retry: "unavailable",
  nextStep:
    "see what occupies the database server: connections, locks, memory; the service goes on by itself",
};
const UNWRITABLE: Says = {
  code: "engine-unwritable",
  retry: "unavailable",
  nextStep:
    "let DATABASE_URL lead to the primary, as the role that owns the schema (docs/postgres.md)",
};
const FULL: Says = {
  code: "engine-full",
  retry: "unavailable",
  nextStep: "free disk space on the database server; the service goes on by itself after that",
};
const DAMAGED: Says = {
  code: "engine-damaged",
  retry: "rejected",
  nextStep: "stop the service, keep the database for inspection and restore a backup",
};
const IO: Says = {
  code: "engine-io",
  retry: "unavailable",
  nextStep: "look for this SQLSTATE in the log of the database server",
};

/** By SQLSTATE, or by its class, its first two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: ReadonlyMap<string, Says> = new Map([
  ["08", UNREACHABLE],
  ["57P", UNREACHABLE],
  ["28", LOGIN],
  ["3D", LOGIN],
  ["53", BUSY],
  ["53100", FULL],
  ["40", BUSY],
  ["55", BUSY],
  ["57014", BUSY],
  ["25006", UNWRITABLE],
  ["42501", UNWRITABLE],
  // The tables are ours: a name in them that is not there means that somebody changed the schema.
  ["3F", DAMAGED],
  ["42", DAMAGED],
  ["XX001", DAMAGED],
  ["XX002", DAMAGED],
]);

/** Classes that blame the values of one statement: data, constraints, and the limits of what an index can hold. */
const OWN_FAULTS = ["22", "23", "54"];

/** The SQLSTATE of an error that the server sent; `null` for any other, such as a connection that broke. */
function stateOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || !("severity" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** True if the server undid the statement because of the values in it, and would do so again. */
export function isOwnFault(error: unknown): boolean {
  const state = stateOf(error);
  return state !== null && OWN_FAULTS.includes(state.slice(0, 2));
}

/** Gives any error its code and next step; what has them already passes through. Quotes no value. */
export function engineFailure(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const state = stateOf(error);
  if (state === null) return connectionFailure(error);
  const detail = `SQLSTATE ${state}`;
  if (isOwnFault(error)) return unstorable(detail, error);
  const says =
    BY_STATE.get(state) ?? BY_STATE.get(state.slice(0, 3)) ?? BY_STATE.get(state.slice(0, 2)) ?? IO;
  return new EngineError({ ...says, detail, cause: error });
}

/** What the client says when it had no connection to give, when one broke, or when nothing was answered in time. */
function connectionFailure(error: unknown): EngineError {
  const message = error instanceof Error ? error.message : "";
  if (/exceeded when trying to connect/.test(message)) {
    return new EngineError({ ...BUSY, detail: "every connection is in use", cause: error });
  }
  const isRefused = /does not support SSL|certificate|self-signed|altnames|SASL|password/i.test(
    message,
  );
  const detail = codeOf(error) ?? "the connection broke";
  return new EngineError({ ...(isRefused ? LOGIN : UNREACHABLE), detail, cause: error });
}

function codeOf(error: unknown): string | null {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : null;
}

export function damaged(detail: string): EngineError {
  return new EngineError({ ...DAMAGED, detail });
}

export function notOurs(): EngineError {
  return new EngineError({
    code: "engine-not-ours",
    retry: "rejected",
    nextStep: "choose another database: the schema `lockstep` in this one is somebody else's",
  });
}

export function newerSchema(found: number, known: number): EngineError {
  return new EngineError({
    code: "engine-newer-schema",
    retry: "rejected",
    nextStep: "run the newer release that wrote this database, or choose another one",
    detail: `the database has schema ${found}, this release knows ${known}`,
  });
}

export function missing(): EngineError {
  return new EngineError({
    code: "engine-missing",
    retry: "unavailable",
    nextStep:
      "name the service's own database in DATABASE_URL, or start it first: it creates the tables",
  });
}

export function olderSchema(): EngineError {
  return new EngineError({
    code: "engine-older-schema",
    retry: "unavailable",
    nextStep: "start the service once, it brings the database up to date; then read again",
  });
}
