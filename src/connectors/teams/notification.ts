import { z } from "zod";
import { type TeamsUserId, teamsUserId } from "../../presence/identity.ts";
import type { LifecycleEvent } from "./subscription.ts";

/** Of a rich notification: what is encrypted, and with whose key. All of it Base64 but the id. */
export type EncryptedContent = {
  readonly data: string;
  readonly dataSignature: string;
  readonly dataKey: string;
  readonly encryptionCertificateId: string;
};

/** One item of a delivery, as its sender claims it to be. Nothing in it is believed: it may make us read. */
export type Notification = {
  readonly subscriptionId: string;
  readonly clientState: string | null;
  /** `null` when it does not say. */
  readonly tenantId: string | null;
} & (
  | {
      readonly kind: "change";
      /** `null` when only the encrypted part says it. */
      readonly user: TeamsUserId | null;
      readonly encrypted: EncryptedContent | null;
    }
  | { readonly kind: "lifecycle"; readonly says: LifecycleEvent }
);

export type Delivery = {
  readonly notifications: readonly Notification[];
  /** Items that are no notifications. The others of the same delivery are none the worse for it. */
  readonly malformed: number;
  /** JSON Web Tokens that vouch for encrypted content; empty when Graph sent none. */
  readonly tokens: readonly string[];
};

export type DecodedDelivery = Delivery | { readonly fault: string };

/** Graph does not say how many it sends at once; the size of the body bounds them before this does. */
const MAX_ITEMS = 10_000;
const MAX_TOKENS = 100;
const MAX_DEPTH = 16;

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const guid = z
  .string()
  .regex(GUID)
  .transform((text) => text.toLowerCase());
const base64 = z.string().max(64 * 1024);

const collection = z.object({
  value: z.array(z.unknown()).max(MAX_ITEMS),
  validationTokens: z
    .array(z.string().max(16 * 1024))
    .max(MAX_TOKENS)
    .nullish(),
});
const item = z.object({
  subscriptionId: z.string().min(1).max(128),
  clientState: z.string().max(256).nullish().catch(null),
  tenantId: guid.nullish().catch(null),
  organizationId: guid.nullish().catch(null),
  lifecycleEvent: z.string().max(64).nullish(),
  resource: z
    .string()
    .max(64 * 1024)
    .nullish()
    .catch(null),
  resourceData: z.object({ id: guid }).nullish().catch(null),
  encryptedContent: z
    .object({
      data: base64,
      dataSignature: base64,
      dataKey: base64,
      encryptionCertificateId: z.string().max(256),
    })
    .nullish(),
});

const LIFECYCLE: ReadonlySet<string> = new Set<LifecycleEvent>([
  "reauthorizationRequired",
  "subscriptionRemoved",
  "missed",
]);

/**
 * Decodes what Graph posts to the notification URLs: changes and lifecycle events, on either URL. Pure, and
 * never throws. The person is taken from `resourceData.id`: the resource is the filter of the subscription
 * in one form, and hers in another. Microsoft: "changeNotificationCollection" and "changeNotification".
 */
export function decodeDelivery(body: Buffer): DecodedDelivery {
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8").replace(/^\uFEFF/, ""));
  } catch {
    return { fault: "it is no JSON" };
  }
  if (isTooDeep(json)) return { fault: "it is nested too deeply" };
  const parsed = collection.safeParse(json);
  if (!parsed.success) return { fault: "it is no collection of notifications" };
  const { value, validationTokens } = parsed.data;
  const notifications = value.flatMap((one) => decodeItem(one) ?? []);
  const malformed = value.length - notifications.length;
  return { notifications, malformed, tokens: validationTokens ?? [] };
}

function decodeItem(json: unknown): Notification | null {
  const parsed = item.safeParse(json);
  if (!parsed.success) return null;
  const { subscriptionId, lifecycleEvent, encryptedContent } = parsed.data;
  const { clientState = null, tenantId, organizationId, resourceData, resource } = parsed.data;
  const from = {
    subscriptionId: subscriptionId.toLowerCase(),
    clientState,
    tenantId: tenantId ?? organizationId ?? null,
  };
  if (lifecycleEvent != null) {
    const known = LIFECYCLE.has(lifecycleEvent) ? (lifecycleEvent as LifecycleEvent) : "unknown";
    return { ...from, kind: "lifecycle", says: known };
  }
  const named = resourceData?.id ?? userIn(resource ?? "");
  if (named === null && !encryptedContent) return null;
  const user = named === null ? null : teamsUserId(named);
  return { ...from, kind: "change", user, encrypted: encryptedContent ?? null };
}

/** A resource that names one person: `communications/presences/{id}`, or a filter with a single id. */
function userIn(resource: string): string | null {
  const ids = resource.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi) ?? [];
  const [only = null, ...others] = ids;
  return others.length === 0 ? only : null;
}

/** Walks without recursion, so that depth cannot hurt it. */
function isTooDeep(json: unknown): boolean {
  const open: (readonly [value: unknown, depth: number])[] = [[json, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH) return true;
    for (const member of Object.values(value)) open.push([member, depth + 1]);
  }
  return false;
}
