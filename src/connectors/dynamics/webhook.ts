import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { type SystemUserId, systemUserId } from "../../presence/identity.ts";

/** The header that the Dataverse service endpoint is registered with. */
export const WEBHOOK_KEY_HEADER = "x-lockstep-key";

export type Verification =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: "no key configured" | "no key sent" | "key sent twice" | "wrong key";
    };

/**
 * Checks the secret of a webhook; Dataverse signs nothing. Pure.
 *
 * 1. `headers` are raw, name and value in turn, because a duplicate must be seen and not folded.
 * 2. An empty key is no key, whether configured or sent.
 * 3. The header must come exactly once.
 * 4. Digests of equal length are compared in constant time, against every key, so that two can be valid
 *    while one replaces the other and neither length nor position shows.
 */
export function verifyWebhook(request: {
  readonly headers: readonly string[];
  readonly keys: readonly string[];
}): Verification {
  const keys = request.keys.filter((key) => key !== "");
  if (keys.length === 0) return { ok: false, reason: "no key configured" };
  const sent = request.headers.filter(
    (_, index) =>
      index % 2 === 1 && request.headers[index - 1]?.toLowerCase() === WEBHOOK_KEY_HEADER,
  );
  if (sent.length > 1) return { ok: false, reason: "key sent twice" };
  const [value = ""] = sent;
  if (value === "") return { ok: false, reason: "no key sent" };
  const given = digest(value);
  const matches = keys.map((key) => timingSafeEqual(digest(key), given));
  return matches.includes(true) ? { ok: true } : { ok: false, reason: "wrong key" };
}

const digest = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();

/**
 * That something about a rep's presence may have changed. Nothing in it is believed: a synchronous step tells
 * of a change that may yet be rolled back, an asynchronous one of what may long be over. Read, then decide.
 */
export type Hint = {
  readonly kind: "hint";
  /** `null` when the body does not say: look the row up, or treat it as a hint for everybody. */
  readonly rep: SystemUserId | null;
  /** msdyn_agentstatusid, lower-case. */
  readonly agentStatusId: string;
  readonly organizationId: string | null;
  readonly organizationName: string | null;
  readonly inTransaction: boolean;
  readonly message: "Create" | "Update";
  readonly presenceId: string | null;
  readonly loggedIn: boolean | null;
  /** `SYSTEM` or `AGENT` in every published sample. */
  readonly modifiedBy: string | null;
  /** When the presence was written, epoch milliseconds, as exactly as the body says. */
  readonly modifiedAtMs: number | null;
  /** False for a body that was stripped of its columns because it was too long. */
  readonly hasColumns: boolean;
};

/** `ignored`: well-formed, and none of our business. Answer 2xx to both; only a malformed body is a 400. */
export type DecodedWebhook =
  | Hint
  | { readonly kind: "ignored"; readonly reason: string }
  | { readonly kind: "malformed"; readonly reason: string };

/** Dataverse strips bodies of more than 256 KB; the published ones have 6 to 14 KB. */
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;
const MAX_KEYS = 10_000;

const guid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  .transform((text) => text.toLowerCase());

const context = z.object({
  MessageName: z.string(),
  PrimaryEntityName: z.string(),
  PrimaryEntityId: guid,
  OrganizationId: guid.nullish().catch(null),
  OrganizationName: z.string().max(256).nullish().catch(null),
  IsInTransaction: z.boolean().nullish().catch(null),
  InputParameters: z.array(z.unknown()).nullish().catch(null),
});
const target = z.object({ Attributes: z.array(z.unknown()) });
const reference = z.object({ Id: guid });
const flag = z.boolean();
const text = z.string().max(256);

/**
 * Decodes a RemoteExecutionContext as Dataverse posts it for msdyn_agentstatus, synchronous or not, whole or
 * stripped of its parameters for size. Pure, and never throws. Microsoft: "Use webhooks to create external
 * handlers for server events" and "Sync presence status".
 */
export function decodeWebhook(body: unknown): DecodedWebhook {
  try {
    const json: unknown = Buffer.isBuffer(body) ? parseBody(body) : body;
    const fault = faultOfShape(json);
    return fault === null ? decode(json) : malformed(fault);
  } catch {
    return malformed("it is no JSON");
  }
}

function parseBody(body: Buffer): unknown {
  if (body.length > MAX_BODY_BYTES) return undefined;
  return JSON.parse(body.toString("utf8").replace(/^\uFEFF/, ""));
}

function decode(json: unknown): DecodedWebhook {
  const parsed = context.safeParse(json);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join(".");
    return malformed(where ? `${where} is missing or of the wrong form` : "it is no object");
  }
  const { MessageName, PrimaryEntityName, PrimaryEntityId, ...rest } = parsed.data;
  if (PrimaryEntityName.toLowerCase() !== "msdyn_agentstatus") {
    return { kind: "ignored", reason: "it is about another table" };
  }
  if (MessageName !== "Create" && MessageName !== "Update") {
    return { kind: "ignored", reason: "the message is neither Create nor Update" };
  }
  const attributes = attributesOf(rest.InputParameters ?? []);
  const rep = referenceIn(attributes, "msdyn_agentid");
  return {
    kind: "hint",
    rep: rep === null ? null : systemUserId(rep),
    agentStatusId: PrimaryEntityId,
    organizationId: rest.OrganizationId ?? null,
    organizationName: rest.OrganizationName ?? null,
    inTransaction: rest.IsInTransaction ?? false,
    message: MessageName,
    presenceId: referenceIn(attributes, "msdyn_currentpresenceid"),
    loggedIn: flag.safeParse(valueOf(attributes, "msdyn_isagentloggedin")).data ?? null,
    modifiedBy: text.safeParse(valueOf(attributes, "msdyn_presencemodifiedby")).data ?? null,
    modifiedAtMs:
      momentIn(attributes, "msdyn_presencemodifiedonwithmilliseconds") ??
      momentIn(attributes, "msdyn_presencemodifiedon"),
    hasColumns: attributes.length > 0,
  };
}

/** ISO 8601, or a date as DataContract writes it: `/Date(1722582039000+0000)/`, whose offset is for show. */
function momentIn(attributes: readonly unknown[], key: string): number | null {
  const given = text.safeParse(valueOf(attributes, key)).data ?? "";
  const [, contract] = /^\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\/$/.exec(given) ?? [];
  const ms = contract === undefined ? Date.parse(given) : Number(contract);
  return Number.isNaN(ms) ? null : ms;
}

function attributesOf(parameters: readonly unknown[]): readonly unknown[] {
  const value = valueOf(parameters, "Target");
  return target.safeParse(value).data?.Attributes ?? [];
}

function referenceIn(attributes: readonly unknown[], key: string): string | null {
  return reference.safeParse(valueOf(attributes, key)).data?.Id ?? null;
}

function valueOf(pairs: readonly unknown[], key: string): unknown {
  for (const pair of pairs) if (isPair(pair) && pair.key === key) return pair.value;
  return undefined;
}

/** Looked at for each key that is sought, so plainly: a schema would copy all of them each time. */
const isPair = (one: unknown): one is { readonly key: unknown; readonly value: unknown } =>
  typeof one === "object" && one !== null && "key" in one && "value" in one;

function malformed(reason: string): DecodedWebhook {
  return { kind: "malformed", reason };
}

/**
 * What makes a body unfit to be looked into, or `null`. Goes no deeper than `MAX_DEPTH`, so depth cannot hurt it. Lists
 * are walked as they are: a copy of each would be as much garbage as all else that is made of a webhook.
 */
function faultOfShape(json: unknown): string | null {
  let keys = 0;
  const faultIn = (value: unknown, depth: number): string | null => {
    if (typeof value !== "object" || value === null) return null;
    if (depth > MAX_DEPTH) return "it is nested too deeply";
    if (Object.hasOwn(value, "__proto__")) return "it names __proto__";
    const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
    keys += members.length;
    if (keys > MAX_KEYS) return "it has too many members";
    for (const member of members) {
      const fault = faultIn(member, depth + 1);
      if (fault !== null) return fault;
    }
    return null;
  };
  return faultIn(json, 1);
}
