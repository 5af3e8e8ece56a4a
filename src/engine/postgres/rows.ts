import { repId, systemUserId, teamsUserId } from "../../presence/identity.ts";
import type { InboxEvent, KeptRecord, RepDocument } from "../engine.ts";
import { repIn } from "../rep-text.ts";
import { fromKey } from "./key.ts";

export type RepRow = {
  readonly rep: string;
  readonly teams_user_id: string;
  readonly system_user_id: string;
  readonly generation: number;
  readonly document: string;
};

export type EventRow = {
  readonly source: string;
  readonly id: string;
  readonly rep: string;
  readonly received_at_ms: number;
  readonly body: string;
};

export type RecordRow = {
  readonly kind: string;
  readonly id: string;
  readonly body: string;
  readonly expires_at_ms: number | null;
};

export function documentIn(row: RepRow): RepDocument {
  const identity = {
    rep: repId(fromKey(row.rep)),
    teamsUserId: teamsUserId(fromKey(row.teams_user_id)),
    systemUserId: systemUserId(fromKey(row.system_user_id)),
  };
  // The table was written by `commit` alone, with the text that it was given.
  return { identity, generation: row.generation, rep: repIn(row.document) };
}

export function eventIn(row: EventRow): InboxEvent {
  return { ...settledIn(row), body: JSON.parse(row.body) as unknown };
}

export function settledIn(row: Omit<EventRow, "body">): Omit<InboxEvent, "body"> {
  return {
    source: fromKey(row.source),
    id: fromKey(row.id),
    rep: repId(fromKey(row.rep)),
    receivedAtMs: row.received_at_ms,
  };
}

export function recordIn(row: RecordRow): KeptRecord {
  return {
    kind: fromKey(row.kind),
    id: fromKey(row.id),
    body: JSON.parse(row.body) as unknown,
    expiresAtMs: row.expires_at_ms,
  };
}
