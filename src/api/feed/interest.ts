import type { StoredHistoryEntry } from "../../engine/engine.ts";
import type { RepId } from "../../presence/identity.ts";

/**
 * What can be followed. `status`: what is wanted has changed; `event`: somebody reported or commanded something;
 * `reading`, `write`, `answer`, `held`: what the service saw, did, was told, and kept back.
 */
export const HISTORY_KINDS = ["status", "event", "reading", "write", "answer", "held"] as const;
export type FollowedKind = (typeof HISTORY_KINDS)[number];

/** Our own word for a change of what is wanted is an intent. */
export const followedKind = ({ kind }: Pick<StoredHistoryEntry, "kind">): FollowedKind =>
  kind === "intent" ? "status" : kind;

/** `reps`: `null` for everybody who may be seen. */
export type Interest = {
  readonly reps: ReadonlySet<RepId> | null;
  readonly kinds: ReadonlySet<FollowedKind>;
};

export function concerns({ reps, kinds }: Interest, entry: StoredHistoryEntry): boolean {
  return kinds.has(followedKind(entry)) && (reps === null || reps.has(entry.rep));
}
