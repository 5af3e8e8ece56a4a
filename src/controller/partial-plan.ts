import type { SystemName } from "../presence/identity.ts";
import { plan, type Plan } from "../reconcile/plan.ts";
import type { Policy } from "../reconcile/policy.ts";
import { endpointOf, type Rep, withEndpoint } from "../reconcile/rep.ts";

/**
 * The plan, but for the systems that are not ready: about those nothing is decided, as if a retry there were
 * not due yet. They are in the returned rep as they were, and make nobody wait for a time.
 */
export function planWithout(
  unready: ReadonlySet<SystemName>,
  rep: Rep,
  policy: Policy,
  nowMs: number,
): Plan {
  let shadow = rep;
  for (const system of unready) {
    shadow = withEndpoint(shadow, system, { retryAtMs: Number.POSITIVE_INFINITY });
  }
  const next = plan(shadow, policy, nowMs);
  let planned = next.rep;
  for (const system of unready) {
    const { retryAtMs } = endpointOf(rep, system);
    planned = withEndpoint(planned, system, { retryAtMs });
  }
  const { recheckAtMs } = next;
  return {
    ...next,
    rep: planned,
    reads: next.reads.filter((system) => !unready.has(system)),
    recheckAtMs: recheckAtMs !== null && Number.isFinite(recheckAtMs) ? recheckAtMs : null,
  };
}
