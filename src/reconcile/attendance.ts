import type { SystemName } from "../presence/identity.ts";
import { strength } from "../presence/status.ts";
import { causeOf, chosen, type UsableReading } from "./choice.ts";
import { isSettled } from "./classify.ts";
import { intend, satisfy } from "./intent.ts";
import { type Policy, profileOf } from "./policy.ts";
import { baseOf, endpointOf, type Pending, type Rep, withEndpoint, without } from "./rep.ts";

export function absent(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const profile = profileOf(policy, system);
  const { pending } = endpointOf(rep, system);
  const settled = pending && isSettled(pending, reading, profile.settleMs);
  const quiet = settled ? beneath(rep, system, pending) : rep;
  if (profile.absence === "ignored") {
    const overlay = rep.overlays[system];
    if (!overlay || overlay.untilMs !== null) return quiet;
    const untilMs = reading.startedAtMs + policy.absenceGraceMs;
    return { ...quiet, overlays: { ...quiet.overlays, [system]: { ...overlay, untilMs } } };
  }
  const gone = setAside(
    withEndpoint(quiet, system, { seen: "Offline", health: "ok" }),
    system,
    policy,
  );
  const left = rep.base.origin === system && rep.base.status !== "Offline";
  if (!left && !rep.overlays[system]) return gone;
  const next = intend(
    { ...gone, overlays: without(gone.overlays, system) },
    causeOf("sign-out", system, reading),
  );
  if (!left) return satisfy(next, system, policy);
  const { tick, intent } = next;
  const base = baseOf({ status: "Available", tick, intent, atMs: rep.base.atMs });
  return satisfy({ ...next, base }, system, policy);
}

/**
 * Signing in brings a default presence, which is no choice against a status that protects her elsewhere;
 * against anything weaker, and against the end of the last shift, being back at work counts.
 */
export function signIn(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const cause = causeOf("sign-in", system, reading);
  const { base } = rep;
  const guarded =
    base.origin !== null &&
    base.origin !== system &&
    base.status !== "Offline" &&
    strength(base.status) >= strength("Busy") &&
    strength(reading.status) < strength(base.status);
  if (!guarded) return chosen(rep, system, reading, policy, cause);
  const next = intend(withEndpoint(rep, system, { seen: reading.status }), cause);
  return satisfy(next, system, policy);
}

/**
 * Behind a closed client nobody can read what a write did, but what was accepted lies there: when she is
 * back, seeing it is no choice of hers.
 */
function beneath(rep: Rep, system: SystemName, pending: Pending): Rep {
  const { status, cover, leaseUntilMs, intent } = pending;
  const { tried, covering } = endpointOf(rep, system);
  const bare = pending.withdraws && status === covering;
  return withEndpoint(rep, system, {
    pending: null,
    seen: bare ? "Available" : status,
    cover,
    covering: cover === "none" ? null : status,
    leaseUntilMs,
    tried: intent < rep.intent ? Math.min(tried, rep.intent - 1) : tried,
  });
}

/** She is gone before it could be seen: nobody will ask for it again, but it may still turn up for a while. */
function setAside(rep: Rep, system: SystemName, policy: Policy): Rep {
  const { pending, late } = endpointOf(rep, system);
  if (!pending?.unknown) return rep;
  const { status, cover, sentAtMs } = pending;
  const expiresAtMs = sentAtMs + policy.lateMs;
  return withEndpoint(rep, system, {
    pending: null,
    late: [...late, { status, cover, expiresAtMs }],
  });
}
