import type { Refusal } from "../connectors/partner/inbound.ts";
import type { RepIdentity, SystemName } from "../presence/identity.ts";
import type { RepEvent } from "../reconcile/event.ts";
import type { Allowance } from "./allowance.ts";
import { covers, type Kind } from "./integrations/integration.ts";
import type { Registry } from "./integrations/registry.ts";
import { problem } from "./problem.ts";

export type EventGate = (
  partner: SystemName,
  identity: RepIdentity,
  event: RepEvent,
) => Refusal | null;

const KIND_OF: Readonly<Record<RepEvent["type"], Kind>> = {
  "hold.started": "hold",
  "hold.renewed": "hold",
  "hold.ended": "hold",
  "shift.started": "shift",
  "shift.ended": "shift",
  "status.set": "status",
  "status.released": "status",
  "manual.lifted": "override",
};

/** Holds a signed event against what its integration is bound to, as every operation of the API is. */
export function eventGate(registry: Registry, allowance: Allowance): EventGate {
  return (partner, identity, { type }) => {
    const integration = registry.get(partner);
    if (!integration || integration.revoked) return "unbound";
    const waitSeconds = allowance.take(integration.name, integration.quota);
    if (waitSeconds !== null) {
      const headers = { "retry-after": String(waitSeconds) };
      return problem("api-rate-limited", { detail: `Try again in ${waitSeconds} s.`, headers });
    }
    if (!covers(integration, identity)) return "unbound";
    const kind = KIND_OF[type];
    if (!integration.permissions.has("write") || !integration.kinds.has(kind)) {
      const detail = `This integration is not bound to the kind ${kind}.`;
      return problem("api-kind-forbidden", { detail });
    }
    return null;
  };
}
