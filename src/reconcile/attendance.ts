import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import { strength } from "../presence/status.ts";
import { causeOf, chosen, reassert, type UsableReading } from "./choice.ts";
import { isChosen, isSettled } from "./classify.ts";
import { intend, satisfy } from "./intent.ts";
import { type Policy, profileOf } from "./policy.ts";
import {
  baseOf,
  type Cause,
  type Disconnection,
  type Endpoint,
  endpointOf,
  type Pending,
  type Rep,
  withEndpoint,
  without,
} from "./rep.ts";
import { targetOf } from "./resolve.ts";

/**
 * A client that is gone is not signed out yet: Dynamics shows Offline at once, and gives back what was there to
 * a rep who returns within two and a half minutes (Microsoft: "Manage your presence status").
 *
 * | rule | Dynamics shows                                    | what follows                                     |
 * |------|---------------------------------------------------|--------------------------------------------------|
 * | R310 | Offline, and she did not choose it                | base and overlays stay; nothing is written there |
 * | R310 | what she left, within the grace                   | nothing was chosen: what is wanted is written    |
 * | R310 | Offline to the end of the grace                   | she is signed out (R6)                           |
 * | R6   | Offline that she chose, or from the start         | she is signed out, at once                       |
 * | R9   | anything else within the grace, all after it      | she signs in                                     |
 */
export function disconnection(
  { seen, native, disconnected }: Endpoint,
  system: SystemName,
  reading: Reading,
  policy: Policy,
): Disconnection | null {
  if (profileOf(policy, system).absence === "ignored" || reading.status !== "Offline") return null;
  if (reading.disconnected === false) return null;
  if (disconnected || seen === null || seen === "Offline") return disconnected;
  return { status: seen, native, untilMs: reading.startedAtMs + policy.reconnectMs };
}

/** Says of everybody whose time to come back is over that she is signed out. */
export function endAbsences(rep: Rep, policy: Policy, nowMs: number): Rep {
  return policy.systems.reduce((next, { name }) => {
    const { disconnected } = endpointOf(next, name);
    if (!disconnected || disconnected.untilMs > nowMs) return next;
    const cause: Cause = { kind: "sign-out", source: name, status: "Offline", atMs: nowMs };
    return signedOut(next, name, cause, policy);
  }, rep);
}

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
  const offline = withEndpoint(quiet, system, { seen: "Offline", health: "ok" });
  const doubtful =
    pending && (pending.unknown || (settled && endpointOf(rep, system).disconnected));
  const gone = doubtful ? setAside(offline, system, pending, policy) : offline;
  const { disconnected } = endpointOf(gone, system);
  if (disconnected && reading.startedAtMs < disconnected.untilMs) return gone;
  return signedOut(gone, system, causeOf("sign-out", system, reading), policy);
}

/** What she chose there, and what the system showed there by itself, is withdrawn with her. */
function signedOut(rep: Rep, system: SystemName, cause: Cause, policy: Policy): Rep {
  const gone = withEndpoint(rep, system, { disconnected: null, own: null });
  const left = rep.base.origin === system && rep.base.status !== "Offline";
  if (!left && !rep.overlays[system]) return gone;
  const next = intend({ ...gone, overlays: without(gone.overlays, system) }, cause);
  if (!left) return satisfy(next, system, policy);
  const { tick, intent } = next;
  const base = baseOf({ status: "Available", tick, intent, atMs: rep.base.atMs });
  return satisfy({ ...next, base }, system, policy);
}

/** She is back as she was. What was decided meanwhile is still to be written, and what was on its way is in doubt. */
export function returned(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
): Rep {
  const { pending } = endpointOf(rep, system);
  const next = withEndpoint(rep, system, {
    seen: reading.status,
    health: "ok",
    pending: pending && { ...pending, overtaken: true },
  });
  const agrees = reading.status === targetOf(next, system, policy);
  return agrees ? next : reassert(next, system, reading);
}

/**
 * Signing in brings a default presence, which is no choice against a status that protects her elsewhere;
 * against anything weaker, and against the end of the last shift, being back at work counts.
 */
export function signIn(gone: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const cause = causeOf("sign-in", system, reading);
  const rep = { ...gone, overlays: without(gone.overlays, system) };
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
  const bare = pending.withdraws && (status === covering || !isChosen(status));
  return withEndpoint(rep, system, {
    pending: null,
    seen: bare ? "Available" : status,
    cover,
    covering: cover === "none" ? null : status,
    leaseUntilMs,
    tried: intent < rep.intent ? Math.min(tried, rep.intent - 1) : tried,
  });
}

/**
 * She is gone before it could be seen: nobody will ask for it again, but it may still turn up for a while, at the
 * latest when she is back.
 */
function setAside(rep: Rep, system: SystemName, pending: Pending, policy: Policy): Rep {
  const { late, disconnected } = endpointOf(rep, system);
  const { status, cover, clears, sentAtMs } = pending;
  const expiresAtMs = Math.max(sentAtMs + policy.lateMs, disconnected?.untilMs ?? 0);
  return withEndpoint(rep, system, {
    pending: null,
    late: [...late, { status, cover, clears, expiresAtMs }],
  });
}
