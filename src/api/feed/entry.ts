import type { StoredHistoryEntry } from "../../engine/engine.ts";
import { type FollowedKind, followedKind } from "./interest.ts";

/** One thing that happened, as partners are told it. */
export type Entry = {
  readonly position: number;
  readonly rep: string;
  readonly kind: FollowedKind;
  readonly atMs: number;
  readonly says: string;
  /** The system, partner or role behind it. */
  readonly source: string | null;
  readonly detail: StoredHistoryEntry["detail"];
};

export function entryOf(entry: StoredHistoryEntry): Entry {
  const { position, rep, atMs, says, cause, detail } = entry;
  const reported = typeof detail["source"] === "string" ? detail["source"] : null;
  const kind = followedKind(entry);
  return { position, rep, kind, atMs, says, source: reported ?? cause?.source ?? null, detail };
}
