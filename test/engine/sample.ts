import type { Commit, HistoryEntry, InboxEvent, RepDocument } from "../../src/engine/engine.ts";
import { DYNAMICS, repId, systemUserId, TEAMS, teamsUserId } from "../../src/presence/identity.ts";
import type { RepId, RepIdentity } from "../../src/presence/identity.ts";
import { newRep } from "../../src/reconcile/rep.ts";

export function identity(name: string): RepIdentity {
  return {
    rep: repId(name),
    systemUserId: systemUserId(name),
    teamsUserId: teamsUserId(`${name}@teams`),
  };
}

/** A document whose content differs from generation to generation: `intent` numbers it. */
export function document(name: string, generation = 0, intent = generation + 1): RepDocument {
  return { identity: identity(name), rep: { ...newRep([TEAMS, DYNAMICS]), intent }, generation };
}

export function entry(rep: RepId, says: string, atMs = 1_000): HistoryEntry {
  const cause = { kind: "choice", source: "teams", status: "Busy", atMs } as const;
  return { rep, atMs, kind: "intent", says, cause, detail: { system: "teams", written: true } };
}

export function event(id: string, rep = repId("ana"), receivedAtMs = 1_000): InboxEvent {
  return { id, source: "desk-phone", rep, receivedAtMs, body: { kind: "call.started", id } };
}

/** A commit with one history entry per sentence. */
export function commit(of: RepDocument, ...says: readonly string[]): Commit {
  return {
    document: of,
    history: says.map((text) => entry(of.identity.rep, text)),
    settles: [],
  };
}
