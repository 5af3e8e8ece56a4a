import { randomUUID } from "node:crypto";
import type { TokenUser } from "../entra/entra.ts";
import { refuse } from "../graph/refusal.ts";
import type { EmulatorResponse } from "../listener.ts";
import { refuseUnproven } from "./handshake.ts";
import { readChange, readCreation, type Wanted } from "./new-subscription.ts";
import type { Push } from "./push.ts";
import type { Subscription } from "./subscription.ts";

/** Who asks: an application, in somebody's name or in its own. */
export type Owner = { readonly appId: string; readonly user: TokenUser | null };

/**
 * Creates a subscription: the body is checked, every endpoint proves itself, and only then is looked
 * whether the application already has one in this person's name (the order of the last two is a guess).
 */
export async function createSubscription(
  push: Push,
  body: unknown,
  appId: string,
  user: TokenUser,
  base: string,
): Promise<EmulatorResponse> {
  const wanted = readCreation(body, push.settings, push.now());
  if ("status" in wanted) return wanted;
  const urls = [wanted.notificationUrl, wanted.lifecycleNotificationUrl];
  const unproven = await prove(push, urls);
  if (unproven) return unproven;
  const nowMs = push.now();
  const existing = push.subscriptions.ofOwner(appId, user.oid);
  if (existing) return refuseSecond(existing, wanted);
  if (push.subscriptions.all().length >= push.settings.tenantQuota) {
    // The page says no more than that the error message explains which limit it is.
    return refuse(403, "Forbidden", "The tenant has reached its limit of subscriptions.");
  }
  const subscription: Subscription = {
    ...wanted,
    id: randomUUID(),
    appId,
    creatorId: user.oid,
    createdAtMs: nowMs,
    tokenExpiresAtMs: nowMs + user.expiresInMs,
    nextReauthorizationMs: nowMs + push.settings.reauthorizationEveryMs,
    isSilent: false,
    isRemoved: false,
  };
  push.add(subscription);
  return { status: 201, json: { ...context(base), ...present(subscription, true) } };
}

/** Both texts with Microsoft's own spelling: of Graph for the same list, of the presence service for any other. */
function refuseSecond(existing: Subscription, wanted: Wanted): EmulatorResponse {
  if (existing.resource === wanted.resource) {
    const message = `Subscription Id ${existing.id} already exists for the requested combination`;
    return refuse(409, "Conflict", message);
  }
  return refuse(
    409,
    "ExtensionError",
    "Operation: Create; Exception: [Status Code: Conflict; Reason: A subscripton already exists. It must be deleted before a another can be made.]",
  );
}

/** "List subscriptions": a person sees hers of this app, an application acting for itself all of the app's. */
export function listSubscriptions(
  push: Push,
  owner: Owner,
  query: URLSearchParams,
  base: string,
): EmulatorResponse {
  const unsupported = [...query.keys()].find((name) => name !== "$skiptoken");
  if (unsupported !== undefined) {
    return refuse(400, "InvalidRequest", `The query option '${unsupported}' is not supported.`);
  }
  const start = Number(query.get("$skiptoken") ?? 0);
  const end = start + push.settings.pageSize;
  const all = push.subscriptions.all().filter((each) => isVisible(each, owner));
  const next =
    end < all.length ? { "@odata.nextLink": `${base}/subscriptions?$skiptoken=${end}` } : {};
  const value = all.slice(start, end).map((each) => present(each, false));
  return {
    status: 200,
    json: { "@odata.context": `${base}/$metadata#subscriptions`, value, ...next },
  };
}

export function getSubscription(
  push: Push,
  id: string,
  owner: Owner,
  base: string,
): EmulatorResponse {
  const subscription = find(push, id, owner);
  if (!subscription) return missing();
  return { status: 200, json: { ...context(base), ...present(subscription, false) } };
}

/** "Update subscription": renews, moves to another URL, or brings another certificate. */
export async function updateSubscription(
  push: Push,
  id: string,
  body: unknown,
  owner: Owner,
  base: string,
): Promise<EmulatorResponse> {
  if (!find(push, id, owner)) return missing();
  const change = readChange(body, push.settings, push.now());
  if ("status" in change) return change;
  const urlsOf = ({ notificationUrl, lifecycleNotificationUrl }: Subscription) => [
    change.notificationUrl ?? notificationUrl,
    lifecycleNotificationUrl,
  ];
  const refused = await proveAgain(push, id, owner, change.notificationUrl !== null, urlsOf);
  if (refused) return refused;
  const subscription = find(push, id, owner);
  if (!subscription) return missing();
  subscription.notificationUrl = change.notificationUrl ?? subscription.notificationUrl;
  subscription.expiresAtMs = change.expiresAtMs ?? subscription.expiresAtMs;
  if (change.encryptionCertificate !== null) {
    subscription.encryptionCertificate = change.encryptionCertificate;
    subscription.encryptionCertificateId = change.encryptionCertificateId;
  }
  renewToken(push, subscription, owner);
  return { status: 200, json: { ...context(base), ...present(subscription, true) } };
}

/** "subscription: reauthorize": a newer token without a longer life. */
export async function reauthorizeSubscription(
  push: Push,
  id: string,
  owner: Owner,
): Promise<EmulatorResponse> {
  if (!find(push, id, owner)) return missing();
  const refused = await proveAgain(push, id, owner, false, (each) => [
    each.notificationUrl,
    each.lifecycleNotificationUrl,
  ]);
  if (refused) return refused;
  const subscription = find(push, id, owner);
  if (!subscription) return missing();
  renewToken(push, subscription, owner);
  return { status: 204 };
}

export function deleteSubscription(push: Push, id: string, owner: Owner): EmulatorResponse {
  if (!find(push, id, owner)) return missing();
  push.subscriptions.remove(id);
  return { status: 204 };
}

async function proveAgain(
  push: Push,
  id: string,
  owner: Owner,
  isMoving: boolean,
  urlsOf: (subscription: Subscription) => readonly (string | null)[],
): Promise<EmulatorResponse | null> {
  const subscription = find(push, id, owner);
  if (!subscription || !(isMoving || push.settings.validateOnRenew)) return null;
  return prove(push, urlsOf(subscription));
}

async function prove(
  push: Push,
  urls: readonly (string | null)[],
): Promise<EmulatorResponse | null> {
  const failure = push.takeHandshakeFailure();
  const { network, settings, log } = push;
  const asked = urls.filter((url) => url !== null);
  return refuseUnproven(asked, { network, settings, log, nowMs: push.now(), failure });
}

function renewToken(push: Push, subscription: Subscription, { user }: Owner): void {
  const nowMs = push.now();
  if (user) subscription.tokenExpiresAtMs = nowMs + user.expiresInMs;
  subscription.nextReauthorizationMs = nowMs + push.settings.reauthorizationEveryMs;
  push.release(subscription);
}

function find(push: Push, id: string, owner: Owner): Subscription | undefined {
  const subscription = push.subscriptions.find(id);
  return subscription && isVisible(subscription, owner) ? subscription : undefined;
}

function isVisible({ appId, creatorId }: Subscription, owner: Owner): boolean {
  return appId === owner.appId && (owner.user === null || creatorId === owner.user.oid);
}

/** The documents give the status; the text is worded here. */
function missing(): EmulatorResponse {
  return refuse(404, "ResourceNotFound", "The object was not found.");
}

function context(base: string) {
  return { "@odata.context": `${base}/$metadata#subscriptions/$entity` };
}

/** The resource as Graph shows it. Only the answer to its own writer repeats `clientState`. */
function present(subscription: Subscription, isWriter: boolean) {
  const { id, resource, appId, creatorId, notificationUrl, lifecycleNotificationUrl } =
    subscription;
  return {
    id,
    resource,
    applicationId: appId,
    changeType: "updated",
    clientState: isWriter ? subscription.clientState : null,
    notificationUrl,
    notificationQueryOptions: null,
    lifecycleNotificationUrl,
    expirationDateTime: dateText(subscription.expiresAtMs),
    creatorId,
    includeResourceData: subscription.includeResourceData,
    latestSupportedTlsVersion: "v1_2",
    encryptionCertificate: "",
    encryptionCertificateId: subscription.encryptionCertificateId,
    notificationUrlAppId: subscription.notificationUrlAppId,
    notificationContentType: "application/json",
  };
}

/** Graph writes seven digits of a second. */
function dateText(atMs: number): string {
  return new Date(atMs).toISOString().replace("Z", "0000Z");
}
