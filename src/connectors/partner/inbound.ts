import type { InboxEvent } from "../../engine/engine.ts";
import type { ParsedJson } from "../../http/json.ts";
import type { Answer, InboundRequest, Route } from "../../http/route.ts";
import type { RepIdentity, SystemName } from "../../presence/identity.ts";
import type { RepEvent } from "../../reconcile/event.ts";
import { decodeEvent, type FieldProblem } from "./event.ts";
import { findSigner, type Partner, readClaim } from "./signature.ts";

export type PartnerInboundOptions = {
  /** Who may sign now. */
  readonly partners: () => readonly Partner[];
  /** What this partner may not say of this rep, or not so often; `null` lets it pass. */
  readonly refuse: (partner: SystemName, identity: RepIdentity, event: RepEvent) => Refusal | null;
  /** By system user id or Entra object id, lower-case. */
  readonly find: (id: string) => RepIdentity | null;
  /** Somebody who is leaving: of her only the end of a call is taken. */
  readonly findLeaver: (id: string) => RepIdentity | null;
  /** Resolves once the event is durable; rejects when it may not be. */
  readonly accept: (event: InboxEvent) => Promise<"accepted" | "duplicate">;
  /** Hands the durable event over to be acted on. */
  readonly submit: (event: InboxEvent) => void;
  /** Refuses hostile JSON, and a key that is given twice. */
  readonly parse: (body: Buffer) => ParsedJson;
  readonly nowMs: () => number;
};

/** `unbound`: the partner is not bound to this rep, and is told what it would be told if she did not exist. */
export type Refusal = "unbound" | Answer;

/** Standard Webhooks advises its senders to stay below 20 kB. */
const MAX_BYTES = 64 * 1024;
const RETRY_AFTER_SECONDS = "5";

/**
 * `POST /api/v1/events`: verify, decode, make durable, hand over, answer. 202 is a promise that the event will be
 * acted on even if the process dies now; 200 says that it was promised before. After a 503 the partner sends
 * the same id again.
 */
export function createPartnerInbound(options: PartnerInboundOptions): Route {
  const { partners, refuse, find, findLeaver, accept, submit, parse, nowMs } = options;

  const handle = async (request: InboundRequest): Promise<Answer> => {
    const claimed = readClaim(request.headers, nowMs());
    if (!claimed.ok) return unauthorized(claimed.refusal);
    const { claim } = claimed;
    const signer = findSigner(claim, request.body, partners());
    if (signer === null) return unauthorized("signature-mismatch");

    const parsed = parse(request.body);
    if (!parsed.ok) return badRequest([{ pointer: "#", detail: parsed.says }], parsed.problem);
    const { receivedAtMs } = request;
    const decoded = decodeEvent(parsed.value, { partner: signer.name, receivedAtMs });
    if (!decoded.ok) return badRequest(decoded.problems, "event-malformed");
    const isEnd = decoded.event.type === "hold.ended";
    const identity = find(decoded.rep) ?? (isEnd ? findLeaver(decoded.rep) : null);
    if (identity === null) return unknownRep(decoded.rep);
    const refusal = refuse(signer.name, identity, decoded.event);
    if (refusal === "unbound") return unknownRep(decoded.rep);
    if (refusal !== null) return refusal;

    const { id } = claim;
    const inboxEvent: InboxEvent = {
      id,
      source: signer.name,
      rep: identity.rep,
      receivedAtMs,
      body: decoded.event,
    };
    let result: "accepted" | "duplicate";
    try {
      result = await accept(inboxEvent);
    } catch {
      return unavailable();
    }
    if (result === "accepted") submit(inboxEvent);
    return { status: result === "accepted" ? 202 : 200, json: { id, result } };
  };

  return {
    method: "POST",
    path: "/api/v1/events",
    maxBytes: MAX_BYTES,
    contentTypes: ["application/json"],
    authenticate: ({ headers }) => {
      const claimed = readClaim(headers, nowMs());
      return claimed.ok ? null : unauthorized(claimed.refusal);
    },
    handle,
  };
}

/** One answer for every way to fail, so that it helps nobody to forge a signature. */
const unauthorized = (reason: string): Answer => ({
  status: 401,
  json: { code: "unauthorized" },
  reason,
});

/** A problem in the format of RFC 9457. */
function problem(
  fields: { readonly status: number; readonly title: string; readonly detail: string },
  reason: string,
  extra: { readonly errors?: readonly FieldProblem[]; readonly headers?: Answer["headers"] } = {},
): Answer {
  const { errors, headers } = extra;
  return {
    status: fields.status,
    headers: { ...headers, "content-type": "application/problem+json" },
    json: { type: "about:blank", ...fields, ...(errors ? { errors } : {}) },
    reason,
  };
}

const badRequest = (errors: readonly FieldProblem[], reason: string): Answer => {
  const detail = "The event was not accepted; each error names a place and what is expected there.";
  return problem({ status: 400, title: "Malformed event", detail }, reason, { errors });
};

const unknownRep = (id: string): Answer => {
  const detail = `No rep has the id ${id}: send the Dataverse system user id or the Entra object id.`;
  const errors = [{ pointer: "#/rep", detail: "expected the id of a rep that is kept in step" }];
  return problem({ status: 404, title: "Unknown rep", detail }, "rep-unknown", { errors });
};

const unavailable = (): Answer => {
  const detail = "The event could not be stored. Send it again with the same webhook-id.";
  const headers = { "retry-after": RETRY_AFTER_SECONDS };
  const fields = { status: 503, title: "Not stored", detail };
  return problem(fields, "event-not-stored", { headers });
};
