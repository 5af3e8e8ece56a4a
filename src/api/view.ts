import type { RepDocument } from "../engine/engine.ts";
import type { HoldId, SystemName } from "../presence/identity.ts";
import { isRoutable } from "../presence/status.ts";
import { describeEndpoint, explainRep, maskOf, overrideOf } from "../reconcile/explain.ts";
import type { Policy } from "../reconcile/policy.ts";
import { statusOf } from "../reconcile/resolve.ts";
import type { Integration } from "./integrations/integration.ts";
import type { RepView } from "./schemas.ts";

/** How a caller's own id of a hold stands among those of everybody. */
export const prefixOf = (name: SystemName): string => `${name}:`;

/**
 * A rep as an integration sees her. Ids and details of holds that others reported are left out: they may be a
 * caller's number.
 */
export function viewOf(
  { identity, rep }: RepDocument,
  policy: Policy,
  integration: Integration,
  detailOf: (hold: HoldId) => string | null,
): RepView {
  const prefix = prefixOf(integration.name);
  const status = statusOf(rep);
  const holds = (Object.keys(rep.holds) as HoldId[]).flatMap((id) => {
    const hold = rep.holds[id];
    if (!hold) return [];
    const { source, sinceMs, untilMs } = hold;
    const own = source === integration.name && id.startsWith(prefix);
    const shown = { id: own ? id.slice(prefix.length) : null, detail: own ? detailOf(id) : null };
    return [{ ...shown, source, status: hold.status, sinceMs, untilMs }];
  });
  const systems = (Object.keys(rep.systems) as SystemName[]).map((name) => {
    const mask = maskOf(rep, name);
    return [
      name,
      {
        shows: rep.systems[name]?.seen ?? null,
        says: describeEndpoint(rep, name, policy),
        hidden: mask && { sinceMs: mask.sinceMs, by: mask.covering },
      },
    ];
  });
  const override = overrideOf(rep, policy);
  const { base } = rep;
  return {
    rep: identity.rep,
    teamsUserId: identity.teamsUserId,
    status,
    available: isRoutable(status) && rep.paused === null,
    base: {
      status: base.status,
      source: base.origin,
      sinceMs: base.atMs,
      untilMs: base.untilMs,
    },
    holds,
    systems: Object.fromEntries(systems) as RepView["systems"],
    override: override && {
      system: override.system,
      status: override.status,
      hides: override.hides,
      endsMs: override.endsMs,
    },
    why: explainRep(rep),
    paused: rep.paused !== null,
    sinceMs: rep.intentAtMs,
  };
}
