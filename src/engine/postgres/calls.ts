import type { Commit, CommitResult, InboxEvent, KeptRecord } from "../engine.ts";
import { identityTaken, requireWellFormed, toJson, unstorable } from "../refusal.ts";
import { damaged } from "./failure.ts";
import { toKey } from "./key.ts";

export type EventKey = Pick<InboxEvent, "id" | "source">;

/** One call of a batch, as the function `perform` in the database takes it (perform.ts). */
export type Call = { readonly call: string; readonly [field: string]: unknown };

/** Encoded before it queues, so that what cannot be encoded never reaches a batch. */
export function commitCall({ document, fence, history, settles }: Commit): Call {
  const { rep, teamsUserId, systemUserId } = document.identity;
  return {
    call: "commit",
    ...(fence ? { lease: key(fence.name), fence: fence.fence } : {}),
    rep: key(rep),
    teams: key(teamsUserId),
    system: key(systemUserId),
    expected: document.generation,
    // Whole: an instance of the release before, beside which this one may run, would not know what is missing.
    document: toJson(document.rep),
    history: history.map(({ rep: of, atMs, kind, says, cause, detail, position }) => ({
      ...(position === undefined ? {} : { position }),
      rep: key(of),
      at: finite(atMs),
      entry: toJson({ kind, says, cause, detail }),
    })),
    settles: settles.map(eventKey),
  };
}

/** What `perform` answers to a commit: the new generation, or why there is none. */
export function commitResult(answer: number): CommitResult {
  if (answer > 0) return { ok: true, generation: answer };
  if (answer === 0) return { ok: false, reason: "conflict" };
  if (answer === -2) return { ok: false, reason: "fenced" };
  if (answer === -1) throw identityTaken();
  throw damaged(`a commit was answered with ${answer}`);
}

export const removeCall = (rep: string): Call => ({ call: "remove", rep: key(rep) });

/** Answered with 1 if it was accepted, with 0 if it is a duplicate. */
export function acceptCall({ id, source, rep, receivedAtMs, body }: InboxEvent): Call {
  const at = finite(receivedAtMs);
  return { call: "accept", ...eventKey({ id, source }), rep: key(rep), at, body: toJson(body) };
}

export function settleCall(events: readonly EventKey[]): Call {
  return { call: "settle", settles: events.map(eventKey) };
}

export function keepCall({ kind, id, body, expiresAtMs }: KeptRecord): Call {
  const expires = expiresAtMs === null ? null : finite(expiresAtMs);
  return { call: "keep", kind: key(kind), id: key(id), body: toJson(body), expires };
}

/** Answered with 1 if there was one. */
export const forgetCall = (kind: string, id: string): Call => ({
  call: "forget",
  kind: key(kind),
  id: key(id),
});

/** Answered with the fence, or with 0 while another holder has it. */
export const leaseCall = (name: string, holder: string, ttlMs: number): Call => ({
  call: "lease",
  name: key(name),
  holder: key(holder),
  ttl: finite(ttlMs),
});

export const releaseCall = (name: string, holder: string): Call => ({
  call: "release",
  name: key(name),
  holder: key(holder),
});

const eventKey = ({ source, id }: EventKey): { source: string; id: string } => ({
  source: key(source),
  id: key(id),
});

function key(id: string): string {
  requireWellFormed(id);
  return toKey(id);
}

function finite(ms: number): number {
  if (Number.isFinite(ms)) return ms;
  throw unstorable("a time is not finite");
}
