import type { SystemName } from "../presence/identity.ts";
import { type Policy, profileOf } from "./policy.ts";
import {
  type Endpoint,
  endpointOf,
  type LateWrite,
  type Pending,
  type Rep,
  withEndpoint,
} from "./rep.ts";

/**
 * What became of a write, as far as its answer tells.
 * `accepted`: answered 2xx; whether anything changed, only a later read tells.
 * `refused`: surely not applied, and trying again for this intent is no use, unless she was not there (R51).
 * `deferred`: surely not applied, worth trying later (throttled, no connection).
 * `unknown`: it may or may not have arrived.
 */
export const OUTCOMES = ["accepted", "refused", "deferred", "unknown"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Takes the answer to the pending write of `intent` into account. Nothing is predicted from an acceptance
 * but the lease: what the system shows is read. An answer to a write that is no longer pending is dropped.
 */
export function deliver(
  rep: Rep,
  system: SystemName,
  intent: number,
  outcome: Outcome,
  policy: Policy,
  nowMs: number,
): Rep {
  const endpoint = endpointOf(rep, system);
  const { pending } = endpoint;
  if (!pending || pending.intent !== intent || pending.ackTick !== null) return rep;
  const failures = endpoint.failures + 1;
  // An older write may have landed after the newest intent was found satisfied: look at it again.
  const tried = Math.min(endpoint.tried, pending.intent < rep.intent ? rep.intent - 1 : rep.intent);
  const retryAtMs = nowMs + backOffMs(policy, failures);
  switch (outcome) {
    case "accepted": {
      const sure = pending.confirmed && !pending.overtaken && pending.cover !== "session";
      const tick = rep.tick + 1;
      return withEndpoint({ ...rep, tick }, system, {
        // What was seen before the answer may have been hers: a call, or the same choice. Look again.
        pending: sure ? null : { ...pending, ackTick: tick, ackAtMs: nowMs },
        // Until a read says otherwise, what we put there lies there: it must be taken away again.
        cover: pending.withdraws ? endpoint.cover : pending.cover,
        covering: pending.withdraws ? endpoint.covering : pending.status,
        coveredSinceMs: endpoint.cover === "none" ? pending.sentAtMs : endpoint.coveredSinceMs,
        // A renewal counts from the read that shows it: until then the old lease may still run out.
        leaseUntilMs: endpoint.leaseUntilMs ?? pending.leaseUntilMs,
        tried,
        failures: 0,
        retryAtMs: 0,
        ...(pending.confirmed && pending.withdraws && !pending.overtaken
          ? { cover: "none" as const, covering: null }
          : {}),
      });
    }
    case "refused": {
      const failed = withEndpoint(rep, system, { pending: null, health: "rejected" });
      // Where she signs in she may have been gone for a moment, and be back before anybody reads that.
      const isFinal = endpoint.refused?.intent === intent;
      if (isFinal || profileOf(policy, system).absence === "ignored") return failed;
      const tick = rep.tick + 1;
      return withEndpoint({ ...failed, tick }, system, {
        refused: { intent, tick, atMs: nowMs },
        tried: Math.min(endpoint.tried, intent - 1),
      });
    }
    case "deferred":
      return withEndpoint(rep, system, {
        pending: null,
        tried: Math.min(endpoint.tried, pending.intent - 1),
        failures,
        retryAtMs,
      });
    case "unknown": {
      // If it did not arrive, what we put there before still lies there; if it did, a read will say so.
      const older = pending.cover === "preferred" && endpoint.cover !== "none";
      const kept = pending.withdraws || older;
      // A session looks like a call: what was seen before the answer may have been hers, and is no sign of our write.
      const doubtful = pending.confirmed && pending.cover === "session";
      const arrived = pending.confirmed && !doubtful;
      return withEndpoint(rep, system, {
        late: arrived ? lateHalf(endpoint, pending, policy) : endpoint.late,
        seen: doubtful ? pending.over : endpoint.seen,
        pending: arrived ? null : { ...pending, unknown: true, confirmed: false },
        tried: arrived ? tried : Math.min(endpoint.tried, pending.intent - 1),
        cover: kept ? endpoint.cover : pending.cover,
        covering: kept ? endpoint.covering : pending.status,
        failures,
        retryAtMs,
      });
    }
    default:
      return outcome satisfies never;
  }
}

/** What a write was to show was seen before its answer was lost; what it was to take away may still be taken later. */
function lateHalf({ late }: Endpoint, pending: Pending, policy: Policy): readonly LateWrite[] {
  const { clears, cover, sentAtMs } = pending;
  if (!clears || cover === "none") return late;
  return [...late, { status: null, cover, clears, expiresAtMs: sentAtMs + policy.lateMs }];
}

/** After a restart nobody knows what became of the writes that were in flight: only a read can tell. */
export function recover(rep: Rep, policy: Policy, nowMs: number): Rep {
  let next = rep;
  for (const { name } of policy.systems) {
    const pending = next.systems[name]?.pending;
    if (pending && pending.ackTick === null) {
      next = deliver(next, name, pending.intent, "unknown", policy, nowMs);
      next = withEndpoint(next, name, { failures: 0, retryAtMs: 0 });
    }
  }
  return next;
}

/** Doubles with every failure in a row, within the policy's bounds. Milliseconds. */
export function backOffMs(policy: Policy, failures: number): number {
  return Math.min(policy.retryMaxMs, policy.retryFirstMs * 2 ** Math.min(failures - 1, 20));
}
