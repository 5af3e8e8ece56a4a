import type { RepId, RepIdentity, SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import type { Write } from "../reconcile/plan.ts";

/** What a connector reads; when the read left is the controller's to say. */
export type Sighting = Omit<Reading, "startedTick" | "startedAtMs">;

/** What a read says of each rep: asked for one by one, because they may be very many. */
export type Sightings = Pick<ReadonlyMap<RepId, Sighting>, "get" | "size"> & {
  /**
   * Of whom another thing may be said now than when this was asked last, among others perhaps; `null` if that may be of
   * anybody. For the one who looks at everybody, again and again, and only where one call reads everybody.
   */
  changed?(): ReadonlySet<RepId> | null;
};

/**
 * The port to one system. All of its vendor's JSON, ids and habits stay behind this.
 *
 * - `read` batches: any number of reps in as few calls as the system allows. A rep that the system does not
 *   mention is missing from the answer: that is no observation, not Offline.
 * - `write` performs the one write that the plan recorded. It resolves when the system accepted it, which
 *   proves nothing; a later read does. It never retries by itself: the controller does, having read first.
 * - `write` asks for its permit right before each request of its own leaves, however long it had to wait for a token,
 *   for a reading or for an earlier request: what the permit throws is thrown, and that request did not leave.
 * - Both throw `SystemError` and nothing else.
 */
export type Connector = {
  readonly system: SystemName;
  /** How many reps one call reads, where a read may take several calls: each counts against the system's limit. */
  readonly repsPerCall?: number;
  /** How many calls a write takes, where it may take several. */
  callsFor?(write: Write): number;
  read(reps: readonly RepIdentity[], signal: AbortSignal): Promise<Sightings>;
  write(rep: RepIdentity, write: Write, signal: AbortSignal, permit?: Permit): Promise<void>;
};

/** Throws `SystemError`, `surelyNotApplied`, once nothing may be sent any more. */
export type Permit = () => void;

/**
 * `throttled`: come back after `retryAfterMs`; surely not applied.
 * `unavailable`: the system or the way to it is down.
 * `rejected`: this request will never succeed as it is.
 */
export type RetryClass = "throttled" | "unavailable" | "rejected";

export type SystemErrorFields = {
  readonly system: SystemName;
  /** Ours, stable, kebab-case: `graph-throttled`, `dataverse-forbidden`. Listed in docs/operations.md. */
  readonly code: string;
  readonly retry: RetryClass;
  /** What the reader should do now, in one sentence. */
  readonly nextStep: string;
  /** False when the request may have had its effect although it failed: time-out, broken connection, 5xx. */
  readonly surelyNotApplied: boolean;
  /** Milliseconds, from Retry-After; only with `throttled` and `unavailable`. */
  readonly retryAfterMs?: number;
  /** The system's own status and code, for the log: never a body, a token or a name. */
  readonly detail?: string;
  readonly cause?: unknown;
};

/** The only thing a connector throws. */
export class SystemError extends Error {
  readonly system: SystemName;
  readonly code: string;
  readonly retry: RetryClass;
  readonly nextStep: string;
  readonly surelyNotApplied: boolean;
  readonly retryAfterMs: number | undefined;
  readonly detail: string | undefined;

  constructor(fields: SystemErrorFields) {
    const detail = fields.detail ? ` (${fields.detail})` : "";
    super(`${fields.code}${detail}: ${fields.nextStep}`, { cause: fields.cause });
    this.name = "SystemError";
    this.system = fields.system;
    this.code = fields.code;
    this.retry = fields.retry;
    this.nextStep = fields.nextStep;
    this.surelyNotApplied = fields.surelyNotApplied;
    this.retryAfterMs = fields.retryAfterMs;
    this.detail = fields.detail;
  }
}
