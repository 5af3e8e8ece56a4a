import type { PushSettings } from "./settings.ts";
import type { Subscription } from "./subscription.ts";

/** One thing to tell a subscriber. */
export type Notice = {
  readonly subscription: Subscription;
  readonly atMs: number;
} & (
  | {
      readonly kind: "change";
      readonly userId: string;
      readonly availability: string;
      readonly activity: string;
    }
  | { readonly kind: "lifecycle"; readonly event: string }
);

export type Change = Extract<Notice, { kind: "change" }>;

/**
 * The item of `value` for a change, without the presence itself: since 2024 a basic notification says
 * who changed and not how.
 */
export function describeChange(
  { subscription, userId }: Change,
  tenantId: string,
  settings: PushSettings,
): Readonly<Record<string, unknown>> {
  const { id, clientState } = subscription;
  return {
    subscriptionId: id,
    clientState,
    changeType: "updated",
    resource:
      settings.resourceForm === "filter"
        ? `communications/presences?$filter=id+in+(%27${userId}%27)`
        : `communications/presences/${userId}`,
    subscriptionExpirationDateTime: expiryText(subscription, settings),
    resourceData: {
      "@odata.type": "#Microsoft.Graph.presence",
      "@odata.id": `users/${userId}/presence`,
      id: userId,
    },
    tenantId,
    organizationId: tenantId,
  };
}

export function describeLifecycle(
  { subscription, event }: Extract<Notice, { kind: "lifecycle" }>,
  tenantId: string,
  settings: PushSettings,
): Readonly<Record<string, unknown>> {
  return {
    subscriptionId: subscription.id,
    subscriptionExpirationDateTime: expiryText(subscription, settings),
    tenantId,
    clientState: subscription.clientState,
    lifecycleEvent: event,
  };
}

function expiryText({ expiresAtMs }: Subscription, { expiryZone }: PushSettings): string {
  return new Date(expiresAtMs).toISOString().replace("Z", `0000${expiryZone}`);
}
