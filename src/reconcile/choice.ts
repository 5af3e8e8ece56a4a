import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import type { Status } from "../presence/status.ts";
import { isOutranked } from "./classify.ts";
import { choose, intend, satisfy } from "./intent.ts";
import type { Policy } from "./policy.ts";
import { type Cause, type Endpoint, endpointOf, type Rep, withEndpoint } from "./rep.ts";
import { isSatisfied, targetOf } from "./resolve.ts";

/** A reading that says something. */
export type UsableReading = Reading & { readonly status: Status };

export function causeOf(kind: Cause["kind"], system: SystemName, reading: UsableReading): Cause {
  return { kind, source: system, status: reading.status, atMs: reading.startedAtMs };
}

/** She chose it: it becomes the base, unless a crossing choice elsewhere outranks it. */
export function chosen(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
  cause: Cause,
): Rep {
  const { pending } = endpointOf(rep, system);
  const read = withEndpoint(rep, system, {
    seen: reading.status,
    health: "ok",
    pending: pending && { ...pending, overtaken: true },
    ...coverBeneath(endpointOf(rep, system), reading),
  });
  if (isOutranked(rep, system, reading.status, reading, policy)) {
    return reassert(intend(read, cause), system, reading);
  }
  return satisfy(
    choose(read, { status: reading.status, origin: system, native: reading.native }, cause, policy),
    system,
    policy,
  );
}

/** Another status in the place of our preferred one is hers: should she choose the same one day, it will be hers, too. */
function coverBeneath(
  { cover, covering }: Endpoint,
  { status }: UsableReading,
): Partial<Pick<Endpoint, "cover" | "covering" | "leaseUntilMs">> {
  const isReplaced = cover === "preferred" && covering !== status;
  return isReplaced ? { cover: "none", covering: null, leaseUntilMs: null } : {};
}

/** The system must be written (again) to show what already stands; no new intent. */
export function reassert(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const { tried } = endpointOf(rep, system);
  return withEndpoint(rep, system, {
    seen: reading.status,
    tried: Math.min(tried, rep.intent - 1),
  });
}

/**
 * What left before the intent arose proves nothing about it: Dynamics would be released too early. And where
 * something of ours is left beneath, there is still something to do.
 */
export function agrees(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const { pending, tried, shown } = endpointOf(rep, system);
  const isFresh = reading.startedTick >= rep.intentTick;
  const next = withEndpoint(rep, system, {
    seen: reading.status,
    health: "ok",
    shown: pending ? shown : rep.intent,
    ...coverBeneath(endpointOf(rep, system), reading),
  });
  if (pending || !isFresh) return next;
  const isDone = isSatisfied(next, system, targetOf(next, system, policy), policy);
  return withEndpoint(next, system, {
    tried: isDone ? rep.intent : Math.min(tried, rep.intent - 1),
  });
}
