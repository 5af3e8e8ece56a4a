import { EngineError } from "../../engine/engine-error.ts";
import { SystemError } from "../../connectors/connector.ts";
import { CommandError } from "../command.ts";
import { placeOf } from "./places.ts";

/** From best to worst. `skipped`: not tried, because something before it failed or nobody asked for it. */
const LEVELS = ["fine", "skipped", "warning", "failure"] as const;
export type Level = (typeof LEVELS)[number];

/** What one check says: what was tried, what came back, and what to do about it and where. */
export type Finding = {
  /** Stable, kebab-case: `teams-permissions`. */
  readonly check: string;
  readonly level: Level;
  readonly tried: string;
  readonly cameBack: string;
  /** `null` when there is nothing to do. */
  readonly next: string | null;
  /** The portal and page, the file or the variable where it is done; `null` when there is nothing to do. */
  readonly where: string | null;
};

/** What one probe brought home. `cameBack` is the error's code with the system's own. */
export type Probe<Value> =
  | { readonly ok: true; readonly value: Value; readonly tookMs: number }
  | { readonly ok: false; readonly failure: Failure };

export type Failure = { readonly code: string; readonly nextStep: string; readonly detail: string };

/** `null`: it was not tried, for the reason that its check knows. */
export type Tried<Value> = Probe<Value> | null;

/** Runs one probe. What nobody foresaw is thrown on: the doctor does not guess. */
export async function probe<Value>(
  nowMs: () => number,
  run: () => Promise<Value>,
): Promise<Probe<Value>> {
  const startedAtMs = nowMs();
  try {
    return { ok: true, value: await run(), tookMs: nowMs() - startedAtMs };
  } catch (error) {
    const known =
      error instanceof SystemError || error instanceof EngineError || error instanceof CommandError;
    if (!known) throw error;
    const detail = error instanceof SystemError ? (error.detail ?? "") : "";
    return { ok: false, failure: { code: error.code, nextStep: error.nextStep, detail } };
  }
}

/** What a check is about, whatever comes back. */
export type Subject = Pick<Finding, "check" | "tried">;

export const fine = (subject: Subject, cameBack: string): Finding => ({
  ...subject,
  level: "fine",
  cameBack,
  next: null,
  where: null,
});

export const skipped = (subject: Subject, why: string): Finding => ({
  ...subject,
  level: "skipped",
  cameBack: why,
  next: null,
  where: null,
});

export const found = (
  subject: Subject,
  level: "warning" | "failure",
  fault: { readonly cameBack: string; readonly next: string; readonly where: string },
): Finding => ({ ...subject, level, ...fault });

/** A call that was refused: the error knows what is missing, the code knows where it lives. */
export const refused = (
  subject: Subject,
  level: "warning" | "failure",
  { code, nextStep, detail }: Failure,
): Finding => ({
  ...subject,
  level,
  cameBack: detail.trim() === "" ? code : `${code} (${detail.trim()})`,
  next: nextStep,
  where: placeOf(code),
});

export const worstOf = (findings: readonly Finding[]): Level =>
  LEVELS[Math.max(0, ...findings.map(({ level }) => LEVELS.indexOf(level)))] ?? "fine";
