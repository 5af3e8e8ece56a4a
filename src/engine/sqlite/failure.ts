import { EngineError } from "../engine-error.ts";
import type { EngineErrorFields } from "../engine-error.ts";

/** SQLite's primary result codes that we tell apart: https://sqlite.org/rescode.html */
export const SQLITE = {
  ERROR: 1,
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  TOOBIG: 18,
  CONSTRAINT: 19,
  MISMATCH: 20,
  NOTADB: 26,
} as const;

type Says = Pick<EngineErrorFields, "code" | "retry" | "nextStep">;

const BUSY: Says = {
  code: "engine-busy",
  retry: "unavailable",
  nextStep:
    "stop the other process that writes to this file, or give each service a file of its own",
};
const UNWRITABLE: Says = {
  code: "engine-unwritable",
  retry: "unavailable",
  nextStep: "give this user write access to the file and its directory, or choose another path",
};
const DAMAGED: Says = {
  code: "engine-damaged",
  retry: "rejected",
  nextStep:
    "stop the service, keep the file for inspection and restore a backup, or start with a new file",
};
const FULL: Says = {
  code: "engine-full",
  retry: "unavailable",
  nextStep:
    "free disk space, or raise the store's size limit; the service goes on by itself after that",
};
const UNSTORABLE: Says = {
  code: "engine-unstorable",
  retry: "rejected",
  nextStep: "correct the value: it must be JSON, its times finite and its text well-formed Unicode",
};
const IO: Says = {
  code: "engine-io",
  retry: "unavailable",
  nextStep: "check the disk and the file system that hold the store",
};

const BY_RESULT: ReadonlyMap<number, Says> = new Map([
  [SQLITE.BUSY, BUSY],
  [SQLITE.LOCKED, BUSY],
  [SQLITE.PERM, UNWRITABLE],
  [SQLITE.READONLY, UNWRITABLE],
  [SQLITE.CANTOPEN, UNWRITABLE],
  [SQLITE.CORRUPT, DAMAGED],
  [SQLITE.NOTADB, DAMAGED],
  [SQLITE.FULL, FULL],
  [SQLITE.TOOBIG, UNSTORABLE],
  [SQLITE.CONSTRAINT, UNSTORABLE],
  [SQLITE.MISMATCH, UNSTORABLE],
]);

/** The primary result code of an error from SQLite; `null` for any other error. */
export function sqliteResult(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  return typeof error.errcode === "number" ? error.errcode & 0xff : null;
}

/** Gives any error its code and next step; what has them already passes through. */
export function engineFailure(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const result = sqliteResult(error);
  const says = result === null ? UNSTORABLE : (BY_RESULT.get(result) ?? IO);
  const detail = error instanceof Error ? error.message : String(error);
  return new EngineError({ ...says, detail, cause: error });
}

export function damaged(detail: string, cause?: unknown): EngineError {
  return new EngineError({ ...DAMAGED, detail, cause });
}

export function unwritable(detail: string, cause: unknown): EngineError {
  return new EngineError({ ...UNWRITABLE, detail, cause });
}

export function unstorable(detail: string, cause?: unknown): EngineError {
  return new EngineError({ ...UNSTORABLE, detail, cause });
}

export function identityTaken(cause: unknown): EngineError {
  return new EngineError({
    code: "engine-identity-taken",
    retry: "rejected",
    nextStep:
      "correct the directory: one Teams user and one Dynamics user belong to exactly one rep",
    cause,
  });
}

export function engineClosed(): EngineError {
  return new EngineError({
    code: "engine-closed",
    retry: "rejected",
    nextStep: "make no call after close; open the store again",
  });
}

export function engineReadOnly(): EngineError {
  return new EngineError({
    code: "engine-read-only",
    retry: "rejected",
    nextStep: "write through the running service; this opener only reads",
  });
}
