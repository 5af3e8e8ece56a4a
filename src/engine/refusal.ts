import { EngineError } from "./engine-error.ts";

/** What every engine refuses in the same words, whatever it keeps things in. */

const LARGEST_PAGE = 1_000;

/** JSON text, or `engine-unstorable` for what JSON cannot hold at all. */
export function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw unstorable("not JSON", error);
  }
  if (text === undefined) throw unstorable("not JSON");
  return text;
}

/** A store would replace a lone surrogate silently, and two different keys could become one. */
export function requireWellFormed(...keys: readonly string[]): void {
  if (!keys.every((key) => key.isWellFormed()))
    throw unstorable("an id is not well-formed Unicode");
}

/** Throws `engine-limit` for a page of history that is no page. */
export function requireLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE) return;
  throw new EngineError({
    code: "engine-limit",
    retry: "rejected",
    nextStep: `ask for 1 to ${LARGEST_PAGE} entries and page on with \`after\``,
    detail: `limit ${limit}`,
  });
}

export function unstorable(detail: string, cause?: unknown): EngineError {
  return new EngineError({
    code: "engine-unstorable",
    retry: "rejected",
    nextStep:
      "correct the value: it must be JSON, its times finite and its text well-formed Unicode",
    detail,
    cause,
  });
}

export function identityTaken(cause?: unknown): EngineError {
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
