import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import { isRoutable } from "../presence/status.ts";
import { hides } from "../reconcile/observe.ts";
import { type Policy, profileOf } from "../reconcile/policy.ts";
import { endpointOf, type Rep } from "../reconcile/rep.ts";

/**
 * Whether a sweep's reading can change anything about a rep. Most of a sweep confirms what is known: that
 * costs nothing but this comparison. In doubt it is news: a rep processed in vain is left as she was.
 */
export function isNews(rep: Rep, system: SystemName, reading: Reading, policy: Policy): boolean {
  const { seen, pending, late, tried, absent, native } = endpointOf(rep, system);
  const { status } = reading;
  if (status === null) return false;
  if (absent !== (status === "Offline") || pending) return true;
  if (status !== seen && !absent) return true;
  // A write that cannot arrive any more is forgotten by the first read that could have shown it.
  const isOver = late.some(({ expiresAtMs }) => expiresAtMs <= reading.startedAtMs);
  if (isOver && !hides(system, reading, policy)) return true;
  if (absent && profileOf(policy, system).absence === "withdraws") return false;
  return tried < rep.intent || native !== reading.native || rep.overlays[system]?.untilMs != null;
}

/** Whether time alone may make news of what is none now. */
export const mayAge = (rep: Rep, system: SystemName): boolean =>
  endpointOf(rep, system).late.length > 0;

/** True for news that somebody must be protected from: she was free, and is no more. */
export function isAlarming(rep: Rep, system: SystemName, { status }: Reading): boolean {
  const { seen } = endpointOf(rep, system);
  return seen !== null && isRoutable(seen) && status !== null && !isRoutable(status);
}
