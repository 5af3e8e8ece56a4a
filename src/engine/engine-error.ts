/**
 * `unavailable`: the store cannot do it now; the same call may succeed later, and until then nothing was promised.
 * `rejected`: this call will never succeed as it is.
 */
export type EngineRetry = "unavailable" | "rejected";

export type EngineErrorFields = {
  /** Ours, stable, kebab-case: `engine-full`, `engine-damaged`. */
  readonly code: string;
  readonly retry: EngineRetry;
  /** What the reader should do now, in one sentence. */
  readonly nextStep: string;
  /** What the store itself said, for the log: never a document, a body or a name. */
  readonly detail?: string;
  readonly cause?: unknown;
};

/** The only thing that an engine throws or rejects with. */
export class EngineError extends Error {
  readonly code: string;
  readonly retry: EngineRetry;
  readonly nextStep: string;
  readonly detail: string | undefined;

  constructor(fields: EngineErrorFields) {
    const detail = fields.detail ? ` (${fields.detail})` : "";
    super(`${fields.code}${detail}: ${fields.nextStep}`, { cause: fields.cause });
    this.name = "EngineError";
    this.code = fields.code;
    this.retry = fields.retry;
    this.nextStep = fields.nextStep;
    this.detail = fields.detail;
  }
}
