import type { StoredHistoryEntry } from "../../engine/engine.ts";
import type { RepId, RepIdentity } from "../../presence/identity.ts";

/**
 * What can be followed. `status`: what is wanted has changed; `event`: somebody reported or commanded something;
 * `reading`, `write`, `answer`, `held`: what the service saw, did, was told, and kept back.
 */
export const HISTORY_KINDS = ["status", "event", "reading", "write", "answer", "held"] as const;
export type FollowedKind = (typeof HISTORY_KINDS)[number];

/** Our own word for a change of what is wanted is an intent. */
export const followedKind = ({ kind }: Pick<StoredHistoryEntry, "kind">): FollowedKind =>
  kind === "intent" ? "status" : kind;

/** `reps`, `queues`: `null` for everybody who may be seen; given both, only who is in both. */
export type Interest = {
  readonly reps: ReadonlySet<RepId> | null;
  readonly queues: readonly string[] | null;
  readonly kinds: ReadonlySet<FollowedKind>;
};

/** `works` says whether a rep works in a queue. */
export function concerns(
  { reps, queues, kinds }: Interest,
  entry: StoredHistoryEntry,
  identity: RepIdentity,
  works: (queue: string, identity: RepIdentity) => boolean,
): boolean {
  if (!kinds.has(followedKind(entry)) || (reps !== null && !reps.has(entry.rep))) return false;
  return queues === null || queues.some((queue) => works(queue, identity));
}
