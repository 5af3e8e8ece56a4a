import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import { isRoutable } from "../presence/status.ts";
import { absent, disconnection, returned, signIn } from "./attendance.ts";
import { agrees, causeOf, chosen, reassert, type UsableReading } from "./choice.ts";
import { type Classification, classify, isAnswered, isSettled, lateWriteOf } from "./classify.ts";
import { automatic, automaticEnded, dropOverlay, firstSight, uncovered } from "./overlay.ts";
import { countChange } from "./fight.ts";
import { type Policy, profileOf } from "./policy.ts";
import {
  type Endpoint,
  endpointOf,
  type LateWrite,
  type Pending,
  type Rep,
  withEndpoint,
} from "./rep.ts";
import { coverOf, targetOf, topOf } from "./resolve.ts";

export type Observed = { readonly rep: Rep; readonly classification: Classification };

/**
 * Takes one reading into account. The classification decides (see `classify`); what follows from each is
 * below. Never fails: a reading that means nothing leaves the rep as she was, but for the fact of the read.
 */
export function observe(
  before: Rep,
  system: SystemName,
  reading: Reading,
  policy: Policy,
): Observed {
  const classification = classify(before, system, reading, policy);
  if (classification === "unusable" || classification === "stale") {
    return { rep: before, classification };
  }
  const known = endpointOf(before, system);
  const rep = withEndpoint(before, system, {
    sequence: reading.sequence ?? known.sequence,
    readTick: Math.max(known.readTick, reading.startedTick),
    native: reading.native,
    absent: reading.status === "Offline",
    refused: reading.status === "Offline" ? null : known.refused,
    disconnected: disconnection(known, system, reading, policy),
  });
  const applied = apply(classification, rep, system, reading as UsableReading, policy);
  const settled = forgetOutlived(
    withEndpoint(applied, system, { pending: stillOpen(applied, system, reading, policy) }),
    system,
    reading,
    policy,
  );
  const remembered = rememberOwn(
    rememberNative(settled, system, reading, policy),
    system,
    reading as UsableReading,
    classification,
    policy,
  );
  const counted = countChange(before, remembered, system, reading, classification, policy);
  return { rep: counted, classification };
}

/**
 * A write of unknown outcome explains nothing any more once a read has shown something else that left when the
 * write could not arrive any more. Time alone does not do: as long as nobody looks, or a closed client shows
 * nothing, it may lie there.
 */
function forgetOutlived(rep: Rep, system: SystemName, reading: Reading, policy: Policy): Rep {
  const { late, pending } = endpointOf(rep, system);
  if (hides(system, reading, policy)) return rep;
  const live = late.filter(({ expiresAtMs }) => expiresAtMs > reading.startedAtMs);
  const isOutlived = pending?.unknown && reading.startedAtMs > pending.sentAtMs + policy.lateMs;
  if (live.length === late.length && !isOutlived) return rep;
  return withEndpoint(rep, system, { late: live, ...(isOutlived ? { pending: null } : {}) });
}

/** A closed client: what was written lies there all the same. */
export function hides(system: SystemName, { status }: Reading, policy: Policy): boolean {
  return status === "Offline" && profileOf(policy, system).absence === "ignored";
}

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
    settled: (r) => r,
    absorbed,
    outranked: reassert,
    "lease ended": leaseEnded,
    unconfirmed,
    uncovered,
    absent,
    "first sight": firstSight,
    returned,
    "sign-in": signIn,
    automatic,
    "automatic ended": automaticEnded,
    choice: (r, s, x, p) => chosen(r, s, x, p, causeOf("choice", s, x)),
  };
  return steps[classification](rep, system, reading, policy);
}

/** The system is still there: a call that we feared lost with its client goes on. */
function same(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const overlay = rep.overlays[system];
  if (!overlay || reading.status !== overlay.status) return rep;
  return { ...rep, overlays: { ...rep.overlays, [system]: { ...overlay, untilMs: null } } };
}

/** Our own write, seen: no intent follows. An older write that lands late must be written over. */
function echo(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const { pending, late, tried, shown, cover, coveredSinceMs, own } = endpointOf(rep, system);
  if (!pending) return rep;
  const { status, cover: covers, clears, sentAtMs } = pending;
  const aside = { status, cover: covers, clears, expiresAtMs: sentAtMs + policy.lateMs };
  const next = withEndpoint(rep, system, {
    late: pending.unknown ? [...late, ...halfOf(aside, endpointOf(rep, system), reading)] : late,
    coveredSinceMs: cover === "none" ? pending.sentAtMs : coveredSinceMs,
    seen: reading.status,
    health: "ok",
    failures: 0,
    cover: pending.cover,
    covering: pending.status,
    leaseUntilMs: pending.leaseUntilMs,
    own: tookHers(rep, system, pending) ? { status: rep.base.status, native: "" } : own,
    shown: Math.max(shown, pending.intent),
    pending:
      isAnswered(pending, reading) || pending.unknown ? null : { ...pending, confirmed: true },
    tried: pending.intent < rep.intent ? Math.min(tried, rep.intent - 1) : pending.intent,
  });
  return reading.automatic ? next : dropOverlay(next, system, reading);
}

/**
 * She chose something here between the two requests of a write. The second, which was to clear what lay over our
 * session, has cleared that: else it would show, and not the session (R315).
 */
function tookHers(rep: Rep, system: SystemName, { clears, cover, overtaken }: Pending): boolean {
  return clears && overtaken && cover === "session" && rep.base.origin === system;
}

/**
 * The call that looked like our session was hers, and is over; our own write is still on its way. Or nobody knows
 * whether it arrived: whosever call it is that shows, the write is repeated.
 */
function unconfirmed(rep: Rep, system: SystemName, { status }: UsableReading): Rep {
  const { pending } = endpointOf(rep, system);
  if (!pending || pending.status === status) return rep;
  const sent = { pending: { ...pending, confirmed: false }, seen: status };
  return withEndpoint(rep, system, {
    ...sent,
    ...(pending.ackTick === null ? { cover: "none" as const, covering: null } : {}),
  });
}

function lateEcho(rep: Rep, system: SystemName, reading: UsableReading, policy: Policy): Rep {
  const { late, pending, seen, tried } = endpointOf(rep, system);
  const landed = lateWriteOf(endpointOf(rep, system), reading, profileOf(policy, system));
  const write = late[landed];
  const cover = write?.status === reading.status ? write.cover : "none";
  const remains =
    write && seen === reading.status
      ? [{ ...write, assumed: true as const }]
      : halfOf(write, endpointOf(rep, system), reading);
  const target = targetOf(rep, system, policy);
  const next = withEndpoint(rep, system, {
    seen: reading.status,
    late: late.toSpliced(landed, 1, ...remains),
    cover,
    covering: cover === "none" ? null : reading.status,
    pending: pending && { ...pending, overtaken: true },
    tried: reading.status === target ? tried : Math.min(tried, rep.intent - 1),
  });
  // Whatever put it there: a call that does not show any more is over.
  return reading.automatic ? next : dropOverlay(next, system, reading);
}

/**
 * What it was to show was seen; what it was to take away may be taken away later still, unless that is just what
 * was seen.
 */
function halfOf(
  write: LateWrite | undefined,
  endpoint: Endpoint,
  reading: UsableReading,
): readonly LateWrite[] {
  if (!write?.clears || write.status !== reading.status) return [];
  const bared = coverOf(endpoint) !== "none" && endpoint.seen !== reading.status;
  return write.cover === "none" && bared ? [] : [{ ...write, status: null }];
}

/**
 * Accepted, and without effect: Teams shows something stronger. Not tried again until something changes. Nobody will
 * see a session beneath her own status, so what was accepted counts as its lease (R357).
 */
function absorbed(rep: Rep, system: SystemName): Rep {
  const { pending, cover, covering, leaseUntilMs } = endpointOf(rep, system);
  const isHidden = cover === "session" && pending?.cover === "session";
  return withEndpoint(rep, system, {
    pending: null,
    leaseUntilMs: isHidden ? pending.leaseUntilMs : leaseUntilMs,
    health: "absorbed",
    cover: pending?.withdraws ? "none" : cover,
    covering: pending?.withdraws ? null : covering,
  });
}

function leaseEnded(rep: Rep, system: SystemName, reading: UsableReading): Rep {
  const next = withEndpoint(rep, system, { cover: "none", covering: null, leaseUntilMs: null });
  return dropOverlay(reassert(next, system, reading), system, reading);
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

const HERS: ReadonlySet<Classification> = new Set([
  "first sight",
  "sign-in",
  "choice",
  "outranked",
  "agrees",
  "automatic",
  "automatic ended",
]);

/**
 * What a write of ours would replace for good is remembered, so that she gets it back when we let go of her: her
 * choice, or the default presence that signing in brought. Not what the engine protects her with for a while.
 */
function rememberOwn(
  rep: Rep,
  system: SystemName,
  { status, native, automatic: isAutomatic }: UsableReading,
  classification: Classification,
  policy: Policy,
): Rep {
  if (profileOf(policy, system).absorbing) {
    const isHers = HERS.has(classification) && !isAutomatic;
    return isHers ? withEndpoint(rep, system, { own: null }) : rep;
  }
  if (!HERS.has(classification) || (isAutomatic && !isRoutable(status))) return rep;
  return withEndpoint(rep, system, { own: { status, native } });
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
