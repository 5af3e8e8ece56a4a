import { EngineError } from "../engine/engine-error.ts";

/** Throws `engine-fenced` unless what was asked for may still be done here. */
export function requireRight(isValid: boolean, detail: string): void {
  if (isValid) return;
  throw new EngineError({
    code: "engine-fenced",
    retry: "unavailable",
    nextStep:
      "nothing: another instance looks after this now; if it comes often, see why this one is slow",
    detail,
  });
}
