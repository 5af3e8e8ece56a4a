import type { SystemName } from "../presence/identity.ts";
import { isRoutable, type Status, strength } from "../presence/status.ts";
import { agrees, causeOf, chosen, reassert, type UsableReading } from "./choice.ts";
import { intend, satisfy } from "./intent.ts";
import { type Policy, profileOf } from "./policy.ts";
import { endpointOf, type Rep, withEndpoint, without } from "./rep.ts";
import { targetOf } from "./resolve.ts";

/**
 * The system changed by itself. A state that protects her lies over the base; one that does not (the
 * engine says Available again) only ends what it had laid there itself.
 */
export function automatic(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
): Rep {
  const { seen } = endpointOf(rep, system);
  const read = withEndpoint(rep, system, { seen: reading.status });
  if (reading.automatic === "soft" && isRoutable(reading.status)) {
    return automaticEnded(read, system, reading, policy);
  }
  const known = rep.overlays[system];
  const over = known ? known.over : seen;
  return lay(read, system, reading, over, read.tick + 1, policy);
}

/**
 * A state that the system showed by itself is over. Back to what was there before, it changes nothing else;
 * anything different is what she wants now, and so is whatever follows Inactive (R309). Where the base came from this
 * system, the system is right.
 */
export function automaticEnded(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
): Rep {
  const overlay = rep.overlays[system];
  const cause = causeOf("automatic ended", system, reading);
  const bare = {
    ...withEndpoint(rep, system, { seen: reading.status }),
    overlays: without(rep.overlays, system),
  };
  if (overlay?.over === null) return firstSight(intend(bare, cause), system, reading, policy);
  const { shows, absorbing } = profileOf(policy, system);
  const q = shows[rep.base.status];
  const ours = rep.base.origin === system;
  // Whom Dynamics made Inactive only she herself makes active again, and what she takes then she chooses.
  const hers = overlay?.status === "Away" && !absorbing;
  const asBefore = reading.automatic !== null || (overlay?.over === reading.status && !hers);
  if (reading.status === q || (!ours && asBefore)) {
    return satisfy(intend(bare, cause), system, policy);
  }
  return chosen(bare, system, reading, policy, cause);
}

/**
 * Nothing was known of this system. What is known of the others is joined with it: one write at most. Against
 * a choice that was seen being made, an old Away or Be right back that comes to light counts for nothing.
 */
export function firstSight(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
): Rep {
  if (reading.automatic) return automatic(rep, system, reading, policy);
  const target = targetOf(rep, system, policy);
  const { base } = rep;
  const wasChosen = base.atMs > 0 && strength(reading.status) < strength("Busy");
  const stronger = strength(reading.status) > strength(base.status) && !wasChosen;
  if (base.origin === null || stronger) {
    return chosen(rep, system, reading, policy, causeOf("first sight", system, reading));
  }
  return reading.status === target
    ? agrees(rep, system, reading, policy)
    : reassert(rep, system, reading);
}

/**
 * What lay under our cover comes to light. If she chose something since we covered her, it may be older than that
 * choice, so a soft state does not override it; a call does, because she is talking. If she did not (what ended was a
 * reported call, or the engine's count), it began since, and counts.
 */
export function uncovered(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
): Rep {
  const { pending, seen, tried, coveredSinceMs } = endpointOf(rep, system);
  const open = pending && pending.ackTick === null && !pending.unknown;
  const bare = isRoutable(reading.status) && reading.status !== targetOf(rep, system, policy);
  const next = withEndpoint(rep, system, {
    seen: reading.status,
    pending: open ? { ...pending, confirmed: true } : null,
    cover: "none",
    covering: null,
    health: reading.status === targetOf(rep, system, policy) ? "ok" : "absorbed",
    // What should have come to light is not there any more: it is ours to show.
    tried: bare ? Math.min(tried, rep.intent - 1) : tried,
  });
  // A call or a meeting that was seen before would show.
  if (!reading.automatic) return dropOverlay(next, system, reading);
  // Beneath it lies what the withdrawal was to show, not the cover that we took away.
  const over = pending?.status ?? seen;
  const mayBeOlder = reading.automatic === "soft" && rep.base.atMs > coveredSinceMs;
  return lay(next, system, reading, over, mayBeOlder ? 0 : next.tick + 1, policy);
}

export function dropOverlay(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  if (!rep.overlays[system]) return rep;
  const next = { ...rep, overlays: without(rep.overlays, system) };
  return intend(next, causeOf("automatic ended", system, reading));
}

/** Puts an overlay on the rep and makes that an intent. */
function lay(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  over: Status | null,
  tick: number,
  policy: Policy,
): Rep {
  const next = intend(rep, causeOf("automatic", system, reading));
  const overlay = {
    status: reading.status,
    kind: reading.automatic ?? ("soft" as const),
    tick,
    intent: next.intent,
    atMs: reading.startedAtMs,
    over,
    untilMs: null,
  };
  return satisfy({ ...next, overlays: { ...next.overlays, [system]: overlay } }, system, policy);
}
