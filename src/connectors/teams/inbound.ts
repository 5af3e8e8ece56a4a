import { createHash, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Answer, InboundRequest, Route } from "../../http/route.ts";
import type { TeamsUserId } from "../../presence/identity.ts";
import { openContent } from "./encrypted-content.ts";
import type { Handshake } from "./handshake.ts";
import { decodeDelivery, type Delivery, type Notification } from "./notification.ts";
import type { LifecycleEvent } from "./subscription.ts";

/** What became of one notification, or of a whole delivery. Counted, never answered. */
export type NotificationResult =
  | "change"
  | "lifecycle"
  | "malformed"
  | "overload"
  | "unknown-subscription"
  | "wrong-client-state"
  | "other-tenant"
  | "bad-token"
  | "unopenable";

export type TeamsInboundOptions = {
  readonly handshake: Handshake;
  /** The secret and tenant of a subscription of ours; `null` for any other. */
  readonly secretOf: (
    subscriptionId: string,
  ) => { readonly clientState: string; readonly tenantId: string } | null;
  /** The private key of a certificate of ours; `null` for any other. */
  readonly privateKey: (encryptionCertificateId: string) => KeyObject | null;
  /** Whether Graph's change notifications were given this token for us. Never rejects. */
  readonly verifyToken: (token: string) => Promise<boolean>;
  readonly announced: (subscriptionId: string, user: TeamsUserId) => void;
  readonly lifecycle: (subscriptionId: string, says: LifecycleEvent) => void;
  readonly count: (result: NotificationResult) => void;
};

const MAX_BYTES = 1024 * 1024;
/** Deliveries that wait to be looked at; more than this is no Graph. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

const ACCEPTED: Answer = { status: 202 };

/**
 * `POST /webhooks/graph` and `POST /webhooks/graph/lifecycle`. Graph calls an endpoint slow, and then delays or
 * drops what is meant for it, if it takes seconds; and a refusal would tell a forger what to mend. So whatever
 * comes is answered 202 before it is looked at. Only the handshake wants an answer of its own.
 *
 * A notification counts if it names a subscription of ours, carries that subscription's secret, and does not name
 * another tenant. Encrypted content is opened only if every token of the delivery proves to be of Graph; without
 * a token, or without the key, it is left closed, and the rest is a hint like any other. With a bad token the
 * delivery is discarded, and with a bad signature the notification.
 */
export function createTeamsInbound(options: TeamsInboundOptions): readonly Route[] {
  const { handshake, count } = options;
  let waitingBytes = 0;

  const take = async (body: Buffer): Promise<void> => {
    const delivery = decodeDelivery(body);
    if ("fault" in delivery) {
      count("malformed");
      return;
    }
    for (let left = delivery.malformed; left > 0; left -= 1) count("malformed");
    const ours = delivery.notifications.flatMap((one) => {
      const refusal = refuse(one, options);
      if (refusal === null) return one;
      count(refusal);
      return [];
    });
    const trust = await trustIn({ ...delivery, notifications: ours }, options);
    if (trust === "bad-token") count(trust);
    else for (const one of ours) count(pass(one, trust, options));
  };

  const handle = async (request: InboundRequest): Promise<Answer> => {
    const { body, query } = request;
    const token = query.get("validationToken");
    if (token !== null) return shakeHands(token);
    if (waitingBytes + body.length > MAX_WAITING_BYTES) {
      count("overload");
      return ACCEPTED;
    }
    waitingBytes += body.length;
    const afterwards = (): void => {
      void take(body).finally(() => {
        waitingBytes -= body.length;
      });
    };
    return { ...ACCEPTED, afterwards };
  };

  const shakeHands = (token: string): Answer => {
    const text = handshake.answer(token);
    return text === null
      ? { status: 400, json: { code: "bad-request" }, reason: "handshake-unexpected" }
      : { status: 200, headers: UNSCRIPTED, text };
  };

  return ["/webhooks/graph", "/webhooks/graph/lifecycle"].map((path) => ({
    method: "POST",
    path,
    maxBytes: MAX_BYTES,
    contentTypes: ["application/json", "text/plain"],
    handle,
  }));
}

/** Should a browser ever show the answer, it is text in a box. */
const UNSCRIPTED = {
  "content-security-policy": "default-src 'none'; sandbox",
  "cache-control": "no-store",
};

function refuse(
  { subscriptionId, clientState, tenantId }: Notification,
  { secretOf }: TeamsInboundOptions,
): NotificationResult | null {
  const secret = secretOf(subscriptionId);
  if (secret === null) return "unknown-subscription";
  if (!isSame(clientState ?? "", secret.clientState)) return "wrong-client-state";
  return tenantId === null || tenantId === secret.tenantId ? null : "other-tenant";
}

/** `closed`: nothing vouches for what is encrypted, so it stays closed. */
async function trustIn(
  { notifications, tokens }: Delivery,
  { verifyToken }: TeamsInboundOptions,
): Promise<"open" | "closed" | "bad-token"> {
  const isEncrypted = notifications.some((one) => one.kind === "change" && one.encrypted !== null);
  if (!isEncrypted || tokens.length === 0) return "closed";
  const verdicts = await Promise.all(tokens.map(verifyToken));
  return verdicts.every(Boolean) ? "open" : "bad-token";
}

function pass(
  notification: Notification,
  trust: "open" | "closed",
  { privateKey, announced, lifecycle }: TeamsInboundOptions,
): NotificationResult {
  const { subscriptionId } = notification;
  if (notification.kind === "lifecycle") {
    lifecycle(subscriptionId, notification.says);
    return "lifecycle";
  }
  const { encrypted, user } = notification;
  let named = user;
  if (encrypted !== null && trust === "open") {
    const key = privateKey(encrypted.encryptionCertificateId);
    const opened = key && openContent(encrypted, key);
    if (opened?.ok === false) return "unopenable";
    named = opened?.user ?? user;
  }
  if (named === null) return "unopenable";
  announced(subscriptionId, named);
  return "change";
}

/** Digests of equal length are compared, so that time tells neither the content nor the length. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
