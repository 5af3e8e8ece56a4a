import type { Status } from "./status.ts";

/**
 * Why a system shows a status without the rep having chosen it.
 * `hold`: she is talking (a call, a screen shared); nothing but its end removes it.
 * `soft`: a calendar, an engine's capacity count; a later choice of hers overrides it.
 */
export type AutomaticKind = "hold" | "soft";

/**
 * What one read of one system said about one rep. A reading is a fact, but an old one proves nothing:
 * `startedTick` and `startedAtMs` say when the request left, not when the answer came.
 */
export type Reading = {
  /** `null` when the system said nothing usable (PresenceUnknown, an unmapped value). */
  readonly status: Status | null;
  /** `null` when the rep chose it herself. */
  readonly automatic: AutomaticKind | null;
  /** The system's own value, kept so that it can be restored and shown: `Busy/InACall`, a presence id. */
  readonly native: string;
  /** Of an Offline: whether her client is gone, or she chose it there; absent where the system does not say. */
  readonly disconnected?: boolean;
  /** Who made the change, as far as the system says: an id or a word of its own, never a person's name. */
  readonly by?: string | null;
  /** The source's version, comparable as text within one source; `null` when it gives none. */
  readonly sequence: string | null;
  /** The rep's tick when the read was sent. */
  readonly startedTick: number;
  /** Epoch milliseconds of our own clock when the read was sent. */
  readonly startedAtMs: number;
};
