import { z } from "zod";
import { command } from "../entra/command.ts";
import { HANDSHAKE_FAILURES } from "./handshake.ts";
import type { Push } from "./push.ts";
import { SPOILABLE } from "./rendering.ts";
import { TOKEN_FAULTS } from "./settings.ts";
import type { Subscription } from "./subscription.ts";

const nothing = z.strictObject({});
const times = z.int().positive().default(1);
const milliseconds = z.number().nonnegative();
const share = z.number().min(0).max(1);
const one = { subscriptionId: z.string() };
/** One subscription, or every one. */
const some = { subscriptionId: z.string().optional() };

const settings = z
  .strictObject({
    overMaxExpiry: z.enum(["refuse", "clamp"]),
    validateOnRenew: z.boolean(),
    validationErrorCode: z.enum(["InvalidRequest", "ValidationError"]),
    validationSuffix: z.string(),
    pageSize: z.int().positive(),
    tenantQuota: z.int().min(0),
    reauthorizationEveryMs: milliseconds,
    delayMinMs: milliseconds,
    delayMaxMs: milliseconds,
    dropShare: share,
    duplicateShare: share,
    reorder: z.boolean(),
    batchSize: z.int().positive(),
    resourceForm: z.enum(["filter", "path"]),
    expiryZone: z.enum(["", "Z"]),
    validationTimeoutMs: z.number().positive(),
    firstTimeoutMs: z.number().positive(),
    retryTimeoutMs: z.number().positive(),
    retryBaseMs: z.number().positive(),
    slowAfterMs: z.number().positive(),
    dropAfterMs: z.number().positive(),
    minimumResponses: z.int().positive(),
    tokenVersion: z.enum(["1.0", "2.0"]),
    tokenIssuer: z.enum(["emulated", "published"]),
    tokenFault: z.enum(TOKEN_FAULTS),
  })
  .partial();

/**
 * The switches of the change-notification service. `push` is the service itself, `catchUp` brings the
 * tenant to the present first, so that what a control does happens after what was due before it.
 */
export function createSubscriptionControl(push: Push, catchUp: () => number) {
  function chosen(subscriptionId: string | undefined): readonly Subscription[] {
    if (subscriptionId === undefined) return push.subscriptions.all();
    const subscription = push.subscriptions.find(subscriptionId);
    if (!subscription) throw new Error(`there is no subscription ${subscriptionId}`);
    return [subscription];
  }

  return {
    subscriptions: command(nothing, () => {
      catchUp();
      return push.subscriptions.all().map(describe);
    }),
    /** The subscription stays alive, and its notifications are lost without a word. */
    silence: command(
      z.strictObject({ ...some, silent: z.boolean().default(true) }),
      ({ subscriptionId, silent }) => {
        catchUp();
        for (const subscription of chosen(subscriptionId)) subscription.isSilent = silent;
      },
    ),
    /** Forgets a subscription without telling anybody. */
    removeSubscription: command(z.strictObject(some), ({ subscriptionId }) => {
      catchUp();
      for (const { id } of chosen(subscriptionId)) push.subscriptions.remove(id);
    }),
    /** Any word can be sent, also one that nobody knows yet; subscriptionRemoved comes true as well. */
    sendLifecycle: command(
      z.strictObject({ ...some, event: z.string(), times }),
      ({ subscriptionId, event, times: count }) => {
        const nowMs = catchUp();
        for (const subscription of chosen(subscriptionId)) {
          for (let sent = 0; sent < count; sent += 1) {
            push.tellLifecycle(subscription, event, nowMs);
          }
          if (event === "subscriptionRemoved") push.subscriptions.remove(subscription.id);
        }
      },
    ),
    /** A notification although nothing has changed, as after a restart on the other side. */
    sendNotification: command(
      z.strictObject({ ...one, userId: z.string(), times }),
      ({ subscriptionId, userId, times: count }) => {
        const atMs = catchUp();
        const shown = { availability: "PresenceUnknown", activity: "PresenceUnknown" };
        for (const subscription of chosen(subscriptionId)) {
          for (let sent = 0; sent < count; sent += 1) {
            push.outbox.add({ kind: "change", subscription, userId, atMs, ...shown });
          }
        }
      },
    ),
    /** Changes how notifications travel and what the documents leave open; what is not named stays. */
    setPush: command(settings, (changed) => {
      const next = { ...push.settings, ...changed };
      if (next.delayMinMs > next.delayMaxMs) throw new Error("delayMinMs exceeds delayMaxMs");
      Object.assign(push.settings, changed);
    }),
    pushSettings: command(nothing, () => ({ ...push.settings })),
    /** The next handshakes fail whatever the endpoint answers; "timeout" is reported from the field on renewals. */
    failHandshakes: command(
      z.strictObject({ times, as: z.enum(HANDSHAKE_FAILURES).default("timeout") }),
      ({ times: count, as }) => push.armHandshakeFailure(as, count),
    ),
    /** The next notifications are spoilt in this part. */
    spoilNotifications: command(
      z.strictObject({ times, part: z.enum(SPOILABLE) }),
      ({ times: count, part }) => push.armSpoilt(part, count),
    ),
    /** Requests to this public origin arrive at `to` on loopback, as through a tunnel. */
    setIngress: command(z.strictObject({ origin: z.url(), to: z.url() }), ({ origin, to }) =>
      push.network.route(origin, to),
    ),
    /** Every request to an endpoint, and every notification that was lost, from `sinceIndex` on. */
    deliveries: command(
      z.strictObject({ sinceIndex: z.int().nonnegative().default(0) }),
      ({ sinceIndex }) => push.log.since(sinceIndex),
    ),
    /** Comes true when nothing is under way and nothing more is due now. */
    deliveriesSettled: command(nothing, async () => {
      catchUp();
      await push.outbox.settled();
    }),
    endpoints: command(nothing, () => push.outbox.states()),
  };
}

function describe(subscription: Subscription) {
  const { userIds, encryptionCertificate: _, ...rest } = subscription;
  return { ...rest, userIds: [...userIds] };
}
