import type { Answer, InboundRequest, RequestHead, Route } from "../../http/route.ts";
import { type RepId, repIdOf, type SystemUserId } from "../../presence/identity.ts";
import type { Organization } from "./dynamics.ts";
import { decodeWebhook, type Hint, verifyWebhook } from "./webhook.ts";

/** What becomes of a webhook, and what it causes once it was answered. */
type Taken = { readonly result: WebhookResult; readonly afterwards?: () => void };
type WebhookResult = "hint" | "nothing-new" | "ignored" | "other-organization" | "unknown-rep";

export type DynamicsInboundOptions = {
  /** The key in use, and the next one while both are live. Empty: the route refuses everything. */
  readonly keys: readonly string[];
  /** Ours, as far as it is known; `null` before the organization could be asked. */
  readonly organization: () => Organization | null;
  /** Further organizations whose webhooks are ours. */
  readonly organizationIds: readonly string[];
  readonly repOfAgentStatus: (agentStatusId: string) => SystemUserId | null;
  readonly isRep: (rep: RepId) => boolean;
  /** False when the row was last read just so: Dataverse writes it for every change of capacity as well. */
  readonly isNews: (hint: Hint) => boolean;
  /** Read this rep, now and once more after `againMs`. */
  readonly hint: (rep: RepId, againMs: number) => void;
  /** Somebody is named who is not in the directory, or nobody is named: look at everybody. */
  readonly sweep: () => void;
  readonly count: (result: WebhookResult) => void;
};

const MAX_BYTES = 512 * 1024;
/** The row follows the contact centre within about a second, and a transaction may still be open. */
const AGAIN_MS = 1_200;

/**
 * `POST /webhooks/dataverse`. A synchronous step runs inside somebody's transaction: a slow answer holds a lock,
 * and anything but 2xx rolls a rep's change back. So this handler compares a key, decodes and answers, and leaves
 * a hint in memory when that is done; it never calls Dynamics, touches no disk, and a body that is none of our business is answered 200
 * and counted. Only a wrong key (401) and a body that is no webhook (400) are refused.
 */
export function createDynamicsInbound(options: DynamicsInboundOptions): Route {
  const authenticate = ({ headers }: RequestHead): Answer | null => {
    const verified = verifyWebhook({ headers: headers.flat(), keys: options.keys });
    return verified.ok
      ? null
      : { status: 401, json: { code: "unauthorized" }, reason: verified.reason };
  };

  const take = (hint: Hint): Taken => {
    if (!isOurs(hint, options)) return { result: "other-organization" };
    const user = hint.rep ?? options.repOfAgentStatus(hint.agentStatusId);
    const rep = user === null ? null : repIdOf(user);
    if (rep === null || !options.isRep(rep)) {
      options.sweep();
      return { result: "unknown-rep" };
    }
    if (!options.isNews(hint)) return { result: "nothing-new" };
    return { result: "hint", afterwards: () => options.hint(rep, AGAIN_MS) };
  };

  return {
    method: "POST",
    path: "/webhooks/dataverse",
    maxBytes: MAX_BYTES,
    contentTypes: ["application/json"],
    authenticate,
    handle: async (request: InboundRequest): Promise<Answer> => {
      const decoded = decodeWebhook(request.body);
      if (decoded.kind === "malformed") {
        return { status: 400, json: { code: "malformed" }, reason: decoded.reason };
      }
      const taken: Taken = decoded.kind === "ignored" ? { result: "ignored" } : take(decoded);
      const { result, ...then } = taken;
      options.count(result);
      return { status: 200, json: { result }, ...then };
    },
  };
}

/**
 * A copied environment keeps its webhooks and their key, so the organization is compared as well: by id, or by
 * the unique name that is made of it. An organization that we cannot name yet is not held against the sender,
 * since a hint only makes us read.
 */
function isOurs(hint: Hint, options: DynamicsInboundOptions): boolean {
  const { organizationId, organizationName } = hint;
  const ours = options.organization();
  if (organizationId === null || ours === null) return true;
  if (organizationId === ours.organizationId) return true;
  if (options.organizationIds.includes(organizationId)) return true;
  return organizationName !== null && organizationName === ours.name;
}
