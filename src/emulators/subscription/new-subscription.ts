import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { refuse } from "../graph/refusal.ts";
import type { EmulatorResponse } from "../listener.ts";
import type { PushSettings } from "./settings.ts";

const MINUTE_MS = 60_000;
// "subscription resource type": presence lives 60 minutes at most; under 45 minutes becomes 45.
const MAX_LIFE_MINUTES = 60;
const MIN_LIFE_MINUTES = 45;
// "Get change notifications for presence": 650 users in one subscription.
const MAX_IDS = 650;
const MAX_TEXT = 128;
const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const text = z.string().nullish();
const certificate = { encryptionCertificate: text, encryptionCertificateId: text };

const Creation = z.object({
  changeType: text,
  notificationUrl: text,
  lifecycleNotificationUrl: text,
  resource: text,
  expirationDateTime: text,
  clientState: text,
  includeResourceData: z.boolean().nullish(),
  notificationUrlAppId: text,
  ...certificate,
  vapidPublicKey: z.unknown().optional(),
  webPushEncryption: z.unknown().optional(),
});

const Change = z.strictObject({
  expirationDateTime: text,
  notificationUrl: text,
  ...certificate,
});

/** What a creation asks for, once nothing is wrong with it. */
export type Wanted = {
  readonly resource: string;
  readonly userIds: ReadonlySet<string>;
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl: string | null;
  readonly clientState: string | null;
  readonly includeResourceData: boolean;
  readonly notificationUrlAppId: string | null;
  readonly encryptionCertificate: string | null;
  readonly encryptionCertificateId: string | null;
  readonly expiresAtMs: number;
};

/**
 * Checks the body of a creation ("Create subscription", "Get change notifications for presence"). The
 * statuses are documented; of the texts only the one about the expiry and the conflict's are reported,
 * the others are worded here.
 */
export function readCreation(
  body: unknown,
  settings: PushSettings,
  nowMs: number,
): Wanted | EmulatorResponse {
  const parsed = Creation.safeParse(body);
  if (!parsed.success) return malformed(parsed.error);
  const { changeType, notificationUrl, resource, expirationDateTime, ...rest } = parsed.data;
  for (const [name, value] of Object.entries({
    changeType,
    notificationUrl,
    resource,
    expirationDateTime,
  })) {
    if (!value) return invalid(`The property '${name}' is required.`);
  }
  if (changeType !== "updated") {
    return invalid(`The changeType '${changeType}' is not supported for presence.`);
  }
  const lifecycleNotificationUrl = rest.lifecycleNotificationUrl ?? null;
  for (const url of [notificationUrl, lifecycleNotificationUrl]) {
    if (url != null && !isHttps(url)) return invalid("The notification URL must use https.");
  }
  if (rest.vapidPublicKey !== undefined || rest.webPushEncryption !== undefined) {
    return invalid("Web push properties are not valid for a webhook subscription.");
  }
  const clientState = rest.clientState ?? null;
  if ((clientState ?? "").length > MAX_TEXT) {
    return invalid(`The clientState must not exceed ${MAX_TEXT} characters.`);
  }
  const userIds = readResource(resource ?? "");
  if (typeof userIds === "string") return invalid(userIds);
  const encryptionCertificate = rest.encryptionCertificate || null;
  const encryptionCertificateId = rest.encryptionCertificateId || null;
  const includeResourceData = rest.includeResourceData ?? false;
  if (includeResourceData && (!encryptionCertificate || !encryptionCertificateId)) {
    return invalid(
      "encryptionCertificate and encryptionCertificateId are required when includeResourceData is true.",
    );
  }
  const badCertificate = refuseCertificate(encryptionCertificate, encryptionCertificateId, nowMs);
  if (badCertificate) return badCertificate;
  const expiresAtMs = readExpiry(expirationDateTime ?? "", settings, nowMs);
  if (typeof expiresAtMs !== "number") return expiresAtMs;
  return {
    resource: resource ?? "",
    userIds,
    notificationUrl: notificationUrl ?? "",
    lifecycleNotificationUrl,
    clientState,
    includeResourceData,
    notificationUrlAppId: rest.notificationUrlAppId ?? null,
    encryptionCertificate,
    encryptionCertificateId,
    expiresAtMs,
  };
}

export type WantedChange = {
  readonly expiresAtMs: number | null;
  readonly notificationUrl: string | null;
  readonly encryptionCertificate: string | null;
  readonly encryptionCertificateId: string | null;
};

/** Checks the body of a change ("Update subscription"): the list of users, above all, cannot be changed. */
export function readChange(
  body: unknown,
  settings: PushSettings,
  nowMs: number,
): WantedChange | EmulatorResponse {
  const parsed = Change.safeParse(body);
  if (!parsed.success) return malformed(parsed.error);
  const { expirationDateTime, notificationUrl = null } = parsed.data;
  const encryptionCertificate = parsed.data.encryptionCertificate || null;
  const encryptionCertificateId = parsed.data.encryptionCertificateId || null;
  if (notificationUrl !== null && !isHttps(notificationUrl)) {
    return invalid("The notification URL must use https.");
  }
  const refused = refuseCertificate(encryptionCertificate, encryptionCertificateId, nowMs);
  if (refused) return refused;
  const expiresAtMs = expirationDateTime ? readExpiry(expirationDateTime, settings, nowMs) : null;
  if (expiresAtMs !== null && typeof expiresAtMs !== "number") return expiresAtMs;
  return { expiresAtMs, notificationUrl, encryptionCertificate, encryptionCertificateId };
}

/** The two published forms: one user in the path, or a list of them in a filter, quoted or not. */
function readResource(resource: string): ReadonlySet<string> | string {
  const [path = "", query] = resource.replace(/^\//, "").split("?", 2);
  const single = /^communications\/presences\/([^/]+)$/i.exec(path)?.[1];
  if (single !== undefined && query === undefined) return readIds([single]);
  if (!/^communications\/presences$/i.test(path) || query === undefined) {
    return `The resource '${path}' is not supported.`;
  }
  const parameters = new URLSearchParams(query);
  const unsupported = [...parameters.keys()].find((name) => name !== "$filter");
  if (unsupported !== undefined) return `The query option '${unsupported}' is not supported.`;
  const list = /^\s*id\s+in\s*\(([^()]*)\)\s*$/i.exec(parameters.get("$filter") ?? "")?.[1];
  if (list === undefined) return "The filter must be: id in ('{id}','{id}',...).";
  return readIds(list.split(",").map((id) => id.trim().replace(/^'(.*)'$/, "$1")));
}

function readIds(ids: readonly string[]): ReadonlySet<string> | string {
  const wrong = ids.find((id) => !GUID.test(id));
  if (wrong !== undefined) return `'${wrong}' is not a valid user id.`;
  if (ids.length > MAX_IDS) return `A subscription can watch ${MAX_IDS} users, not ${ids.length}.`;
  return new Set(ids.map((id) => id.toLowerCase()));
}

function readExpiry(
  expiry: string,
  settings: PushSettings,
  nowMs: number,
): number | EmulatorResponse {
  const wantedMs = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/i.test(expiry) ? expiry : `${expiry}Z`);
  if (Number.isNaN(wantedMs)) return invalid("The expirationDateTime is not a date.");
  if (wantedMs <= nowMs) return invalid("The expirationDateTime must be in the future.");
  const maxMs = nowMs + MAX_LIFE_MINUTES * MINUTE_MS;
  if (wantedMs > maxMs && settings.overMaxExpiry === "refuse") {
    return refuse(
      400,
      "ExtensionError",
      `Subscription expiration can only be ${MAX_LIFE_MINUTES} minutes in the future.`,
    );
  }
  return Math.min(maxMs, Math.max(wantedMs, nowMs + MIN_LIFE_MINUTES * MINUTE_MS));
}

function isHttps(url: string): boolean {
  return URL.parse(url)?.protocol === "https:";
}

// "Set up change notifications that include resource data": X.509, RSA of 2048 to 4096 bits.
function refuseCertificate(
  encoded: string | null,
  id: string | null,
  nowMs: number,
): EmulatorResponse | null {
  if ((id ?? "").length > MAX_TEXT) {
    return invalid(`The encryptionCertificateId must not exceed ${MAX_TEXT} characters.`);
  }
  if (encoded === null) return null;
  if (id === null) return invalid("The encryptionCertificate needs an encryptionCertificateId.");
  try {
    const { publicKey, validTo } = new X509Certificate(Buffer.from(encoded, "base64"));
    const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
    const isGood = publicKey.asymmetricKeyType === "rsa" && bits >= 2048 && bits <= 4096;
    if (isGood && Date.parse(validTo) > nowMs) return null;
  } catch {
    // What is no certificate is refused like one of the wrong kind.
  }
  return invalid("The encryptionCertificate is not a valid RSA certificate.");
}

function invalid(message: string): EmulatorResponse {
  return refuse(400, "InvalidRequest", message);
}

function malformed(error: z.ZodError): EmulatorResponse {
  const [issue] = error.issues;
  return invalid(`${issue?.path.join(".") || "The body"}: ${issue?.message ?? "unreadable"}`);
}
