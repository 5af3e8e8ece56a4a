import { EngineError } from "../engine-error.ts";
import type { EngineErrorFields } from "../engine-error.ts";
import { unstorable } from "../refusal.ts";

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
const IO: Says = {
  code: "engine-io",
  retry: "unavailable",
  nextStep: "check the disk and the file system that hold the store",
};

/** What SQLite blames on the values of one statement, or the language on its caller. */
export const OWN_FAULTS: readonly (number | null)[] = [
  null,
  SQLITE.TOOBIG,
  SQLITE.CONSTRAINT,
  SQLITE.MISMATCH,
];

const BY_RESULT: ReadonlyMap<number, Says> = new Map([
  [SQLITE.BUSY, BUSY],
  [SQLITE.LOCKED, BUSY],
  [SQLITE.PERM, UNWRITABLE],
  [SQLITE.READONLY, UNWRITABLE],
  [SQLITE.CANTOPEN, UNWRITABLE],
  [SQLITE.CORRUPT, DAMAGED],
  [SQLITE.NOTADB, DAMAGED],
  [SQLITE.FULL, FULL],
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
  const detail = error instanceof Error ? error.message : String(error);
  if (result === null || OWN_FAULTS.includes(result)) return unstorable(detail, error);
  const says = BY_RESULT.get(result) ?? IO;
  return new EngineError({ ...says, detail, cause: error });
}

/** An error as data, which can go from one thread to another: an error would lose its class and its fields there. */
export type Fault = Omit<EngineErrorFields, "cause">;

export function faultOf(error: unknown): Fault {
  const { code, detail, nextStep, retry } = engineFailure(error);
  return { code, retry, nextStep, detail };
}

export function damaged(detail: string, cause?: unknown): EngineError {
  return new EngineError({ ...DAMAGED, detail, cause });
}

export function unwritable(detail: string, cause: unknown): EngineError {
  return new EngineError({ ...UNWRITABLE, detail, cause });
}
