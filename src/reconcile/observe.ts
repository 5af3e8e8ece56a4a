import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import { isRoutable, strength, type Status } from "../presence/status.ts";
import { type Classification, classify, isAnswered, isOutranked, isSettled } from "./classify.ts";
import { choose, intend, satisfy } from "./intent.ts";
import { type Policy, profileOf } from "./policy.ts";
import { type Cause, endpointOf, type Pending, type Rep, withEndpoint, without } from "./rep.ts";
import { targetOf, topOf } from "./resolve.ts";

export type Observed = { readonly rep: Rep; readonly classification: Classification };

/**
 * Takes one reading into account. The classification decides (see `classify`); what follows from each is
 * below. Never fails: a reading that means nothing leaves the rep as she was, but for the fact of the read.
 */
export function observe(
  start: Rep,
  system: SystemName,
  reading: Reading,
  policy: Policy,
): Observed {
  const before = forgetOutlived(start, system, reading, policy);
  const classification = classify(before, system, reading, policy);
  if (classification === "unusable" || classification === "stale") {
    return { rep: before, classification };
  }
  const known = endpointOf(before, system);
  const rep = withEndpoint(before, system, {
    sequence: reading.sequence ?? known.sequence,
    readTick: Math.max(known.readTick, reading.startedTick),
    readAtMs: Math.max(known.readAtMs, reading.startedAtMs),
    native: reading.native,
    absent: reading.status === "Offline",
  });
  const applied = apply(classification, rep, system, reading as UsableReading, policy);
  const settled = withEndpoint(applied, system, {
    pending: stillOpen(applied, system, reading, policy),
  });
  return { rep: rememberNative(settled, system, reading, policy), classification };
}

/** A write of unknown outcome that never turned up in time explains nothing any more. */
function forgetOutlived(rep: Rep, system: SystemName, reading: Reading, policy: Policy): Rep {
  const { pending } = endpointOf(rep, system);
  if (!pending?.unknown || reading.startedAtMs <= pending.sentAtMs + policy.lateMs) return rep;
  return withEndpoint(rep, system, { pending: null });
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

type UsableReading = Reading & { readonly status: Status };
type Step = (rep: Rep, system: SystemName, reading: UsableReading, policy: Policy) => Rep;

function apply(
  classification: Exclude<Classification, "unusable" | "stale">,
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
): Rep {
  const steps: Readonly<Record<typeof classification, Step>> = {
    same,
    echo,
    "late echo": lateEcho,
    agrees,
    settled: (r, s) => withEndpoint(r, s, { pending: null }),
    absorbed,
    outranked: reassert,
    "lease ended": leaseEnded,
    unconfirmed: (r, s, x) => withEndpoint(r, s, { seen: x.status, ...notYet(r, s) }),
    uncovered,
    absent,
    "first sight": firstSight,
    "sign-in": signIn,
    automatic,
    "automatic ended": automaticEnded,
    choice: (r, s, x, p) => chosen(r, s, x, p, causeOf("choice", s, x)),
  };
  return steps[classification](rep, system, reading, policy);
}

function causeOf(kind: Cause["kind"], system: SystemName, reading: UsableReading): Cause {
  return { kind, source: system, status: reading.status, atMs: reading.startedAtMs };
}

/** The system is still there: a call that we feared lost with its client goes on. */
function same(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const overlay = rep.overlays[system];
  if (!overlay || overlay.untilMs === null || reading.status !== overlay.status) return rep;
  return { ...rep, overlays: { ...rep.overlays, [system]: { ...overlay, untilMs: null } } };
}

/** Our own write, seen: no intent follows. An older write that lands late must be written over. */
function echo(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const { pending, tried, shown } = endpointOf(rep, system);
  if (!pending) return rep;
  const next = withEndpoint(rep, system, {
    seen: reading.status,
    health: "ok",
    failures: 0,
    cover: pending.cover,
    covering: pending.status,
    leaseUntilMs: pending.leaseUntilMs,
    shown: Math.max(shown, pending.intent),
    pending:
      isAnswered(pending, reading) || pending.unknown ? null : { ...pending, confirmed: true },
    tried: pending.intent < rep.intent ? Math.min(tried, rep.intent - 1) : pending.intent,
  });
  return reading.automatic ? next : dropOverlay(next, system, reading);
}

/** The call that looked like our session was hers, and is over; our own write is still on its way. */
function notYet(rep: Rep, system: SystemName): Partial<Rep["systems"][SystemName]> {
  const { pending } = endpointOf(rep, system);
  const sent = pending && { ...pending, confirmed: false };
  return sent?.ackTick == null
    ? { pending: sent, cover: "none", covering: null }
    : { pending: sent };
}

function lateEcho(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const { late, pending, tried } = endpointOf(rep, system);
  const landed = late.findIndex((write) => write.status === reading.status);
  const cover = late[landed]?.cover ?? "none";
  const target = targetOf(rep, system, policy);
  const next = withEndpoint(rep, system, {
    seen: reading.status,
    late: late.toSpliced(landed, 1),
    cover,
    covering: cover === "none" ? null : reading.status,
    pending: pending && { ...pending, overtaken: true },
    tried: reading.status === target ? tried : Math.min(tried, rep.intent - 1),
  });
  // Whatever put it there: a call that does not show any more is over.
  return reading.automatic ? next : dropOverlay(next, system, reading);
}

/** What left before the intent arose proves nothing about it: Dynamics would be released too early. */
function agrees(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const { pending, tried, shown } = endpointOf(rep, system);
  const fresh = reading.startedTick >= rep.intentTick;
  return withEndpoint(rep, system, {
    seen: reading.status,
    health: "ok",
    tried: pending || !fresh ? tried : rep.intent,
    shown: pending ? shown : rep.intent,
  });
}

/** Accepted, and without effect: Teams shows something stronger. Not tried again until something changes. */
function absorbed(rep: Rep, system: SystemName): Rep {
  const { pending, cover, covering } = endpointOf(rep, system);
  return withEndpoint(rep, system, {
    pending: null,
    health: "absorbed",
    cover: pending?.withdraws ? "none" : cover,
    covering: pending?.withdraws ? null : covering,
  });
}

/** The system must be written (again) to show what already stands; no new intent. */
function reassert(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const { tried } = endpointOf(rep, system);
  return withEndpoint(rep, system, {
    seen: reading.status,
    tried: Math.min(tried, rep.intent - 1),
  });
}

function leaseEnded(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const next = withEndpoint(rep, system, { cover: "none", covering: null, leaseUntilMs: null });
  return reassert(next, system, reading);
}

/**
 * What lay under our cover comes to light. It was there before the choice that made us withdraw, so a soft
 * state does not override that choice; a call does, because she is talking.
 */
function uncovered(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const { pending, seen, tried } = endpointOf(rep, system);
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
  if (!reading.automatic) return next;
  // Beneath it lies what the withdrawal was to show, not the cover that we took away.
  const over = pending?.status ?? seen;
  return lay(next, system, reading, over, reading.automatic === "soft" ? 0 : next.tick + 1, policy);
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

function dropOverlay(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  if (!rep.overlays[system]) return rep;
  const next = { ...rep, overlays: without(rep.overlays, system) };
  return intend(next, causeOf("automatic ended", system, reading));
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

function absent(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
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
  const base = { ...next.base, status: "Available" as const, origin: null, natives: {} };
  return satisfy(
    { ...next, base: { ...base, tick: next.tick, intent: next.intent } },
    system,
    policy,
  );
}

/**
 * Nothing was known of this system. What is known of the others is joined with it: one write at most. Against
 * a choice that was seen being made, an old Away or Be right back that comes to light counts for nothing.
 */
function firstSight(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  if (reading.automatic) return automatic(rep, system, reading, policy);
  const target = targetOf(rep, system, policy);
  const { base } = rep;
  const wasChosen = base.atMs > 0 && strength(reading.status) < strength("Busy");
  const stronger = strength(reading.status) > strength(base.status) && !wasChosen;
  if (base.origin === null || stronger) {
    return chosen(rep, system, reading, policy, causeOf("first sight", system, reading));
  }
  return reading.status === target ? agrees(rep, system, reading) : reassert(rep, system, reading);
}

/**
 * Signing in brings a default presence, which is no choice against a status that protects her elsewhere;
 * against anything weaker, and against the end of the last shift, being back at work counts.
 */
function signIn(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
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
 * The system changed by itself. A state that protects her lies over the base; one that does not (the
 * engine says Available again) only ends what it had laid there itself.
 */
function automatic(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
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
 * anything different is what she wants now. Where the base came from this system, the system is right.
 */
function automaticEnded(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const overlay = rep.overlays[system];
  const cause = causeOf("automatic ended", system, reading);
  const bare = {
    ...withEndpoint(rep, system, { seen: reading.status }),
    overlays: without(rep.overlays, system),
  };
  if (overlay?.over === null) return firstSight(intend(bare, cause), system, reading, policy);
  const q = profileOf(policy, system).shows[rep.base.status];
  const ours = rep.base.origin === system;
  const asBefore = reading.automatic !== null || overlay?.over === reading.status;
  if (reading.status === q || (!ours && asBefore)) {
    return satisfy(intend(bare, cause), system, policy);
  }
  return chosen(bare, system, reading, policy, cause);
}

/** She chose it: it becomes the base, unless a crossing choice elsewhere outranks it. */
function chosen(
  rep: Rep,
  system: SystemName,
  reading: UsableReading,
  policy: Policy,
  cause: Cause,
): Rep {
  const { pending, cover, covering } = endpointOf(rep, system);
  // Her choice took the place of our preferred status: should she choose the same one day, it will be hers.
  const replaced = cover === "preferred" && covering !== reading.status;
  const read = withEndpoint(rep, system, {
    seen: reading.status,
    health: "ok",
    pending: pending && { ...pending, overtaken: true },
    ...(replaced ? { cover: "none", covering: null, leaseUntilMs: null } : {}),
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

/**
 * A settled write no longer explains anything. An unsettled one stays, whatever was read meanwhile: the
 * read may have been older than the write, and its echo must still be recognised when it comes.
 */
function stillOpen(rep: Rep, system: SystemName, reading: Reading, policy: Policy): Pending | null {
  const { pending } = endpointOf(rep, system);
  if (!pending || isSettled(pending, reading, profileOf(policy, system).settleMs)) return null;
  return pending;
}

/** While nothing lies on top, what the system shows for the base is what it must be given back later. */
function rememberNative(rep: Rep, system: SystemName, reading: Reading, policy: Policy): Rep {
  const profile = profileOf(policy, system);
  const { pending } = endpointOf(rep, system);
  const shown = profile.shows[rep.base.status];
  if (profile.absorbing || pending || reading.status !== shown || topOf(rep)) return rep;
  if (rep.base.natives[system] === reading.native) return rep;
  const natives = { ...rep.base.natives, [system]: reading.native };
  return { ...rep, base: { ...rep.base, natives } };
}
