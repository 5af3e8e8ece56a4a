import type { SystemName } from "../presence/identity.ts";
import { isRoutable, type Status } from "../presence/status.ts";
import { endAbsences } from "./attendance.ts";
import { fightEndsMs } from "./fight.ts";
import { expire } from "./intent.ts";
import type { Policy, SystemProfile } from "./policy.ts";
import {
  type Cause,
  type Cover,
  type Endpoint,
  endpointOf,
  type LateWrite,
  type Pending,
  type Rep,
  withEndpoint,
} from "./rep.ts";
import { coverFor, coverOf, isSatisfied, liftsManual, statusOf, targetOf } from "./resolve.ts";

const MINUTE_MS = 60_000;

/** Causes that somebody told us, each accepted once: they cannot be an echo, so they spend no budget. */
const TOLD: ReadonlySet<Cause["kind"]> = new Set([
  "hold",
  "hold ended",
  "hold expired",
  "command",
  "command ended",
  "manual lifted",
  "shift",
  "paused",
  "resumed",
]);

/** One write to send. It is already recorded as pending in the plan's rep: persist that first, then send. */
export type Write = {
  readonly system: SystemName;
  readonly intent: number;
  /** The status meant; the connector knows how to carry it. */
  readonly status: Status;
  /** The class that a read shows if it takes effect. */
  readonly shows: Status;
  /** The system's own value to restore, for example a custom presence's id. */
  readonly native: string | null;
  /** What of ours lies there now, and what shall lie there afterwards. */
  readonly from: Cover;
  readonly to: Cover;
  /** A session of ours may lie there, seen or not: a withdrawal takes it as well. */
  readonly session: boolean;
  /** A later explicit choice stands behind this write: an older manual status of hers gives way. */
  readonly lifts: boolean;
  readonly renewal: boolean;
  /** Makes the rep less available: overtakes writes that do not whenever a limit bites. */
  readonly protective: boolean;
  readonly cause: Cause;
};

export type Plan = {
  readonly rep: Rep;
  readonly reads: readonly SystemName[];
  readonly writes: readonly Write[];
  /** When to look again even if nothing happens; `null`: no need. */
  readonly recheckAtMs: number | null;
  /** True when a write rests: the budget is spent, or another automation is being fought with. */
  readonly held: boolean;
};

/** What one system needs. `wait` carries the time of the next look, `null` when something else will wake us. */
type Step =
  | { readonly kind: "nothing" | "read" | "absent" }
  | { readonly kind: "satisfied" }
  | { readonly kind: "wait"; readonly atMs: number | null }
  | { readonly kind: "write"; readonly target: Status; readonly renewal: boolean };

/**
 * What to do next for one rep. By the first row that fits, for each system, protective before permissive:
 *
 * | rule | the system                                               | step                                |
 * |------|----------------------------------------------------------|-------------------------------------|
 * | R30  | has a write in flight                                    | wait; read it when it has settled   |
 * | R31  | has a write of unknown outcome, retry not due            | wait                                |
 * | R32  | was tried for this intent, lease fresh                   | nothing                             |
 * | R33  | the rep is signed out there                              | nothing, until she is back          |
 * | R51  | refused this intent less than its settling time ago      | wait                                |
 * | R34  | was not read since this intent arose, or was refused     | read                                |
 * | R35  | shows what it should, nothing of ours left over          | satisfied                           |
 * | R36  | releases last, and another system is not released yet    | wait for it                         |
 * | R37  | the budget is spent: the last write is kept for protecting | held                              |
 * | R110 | another automation keeps changing a system               | held                                |
 * | R38  | otherwise                                                | write, once, recorded before it is sent |
 *
 * Idempotent until the rep changes: planning the returned rep again yields no further write.
 */
export function plan(before: Rep, policy: Policy, nowMs: number): Plan {
  let rep = endAbsences(expire(before, policy, nowMs), policy, nowMs);
  const reads: SystemName[] = [];
  const writes: Write[] = [];
  let recheckAtMs = nextExpiry(rep, policy);
  let held = false;
  const wake = (atMs: number | null): void => {
    if (atMs !== null) recheckAtMs = Math.min(recheckAtMs ?? atMs, atMs);
  };

  for (const profile of inOrder(policy)) {
    const { name } = profile;
    const step = nextStep(rep, profile, policy, nowMs);
    if (step.kind === "read") reads.push(name);
    if (step.kind === "wait") wake(step.atMs);
    if (step.kind === "satisfied") {
      rep = satisfied(rep, name, policy, nowMs);
      wake(renewalDueMs(rep, profile));
    }
    if (step.kind === "nothing") wake(renewalDueMs(rep, profile));
    if (step.kind !== "write") continue;
    const told = rep.cause !== null && TOLD.has(rep.cause.kind);
    const protects = isProtective(step.target, endpointOf(rep, name));
    if (!told && (rep.fight || !mayWrite(rep, protects, policy, nowMs))) {
      if (!rep.fight && rep.heldUntilMs <= nowMs) {
        rep = { ...rep, heldUntilMs: nowMs + policy.heldMs };
      }
      held = true;
      wake(fightEndsMs(rep, policy) ?? rep.heldUntilMs);
      continue;
    }
    const [next, write] = record(rep, profile, step, policy, nowMs);
    rep = next;
    writes.push(write);
  }
  return { rep, reads, writes, recheckAtMs, held };
}

/** Systems that release last come last, so that one pass sees what the others still need. */
function inOrder(policy: Policy): readonly SystemProfile[] {
  return [...policy.systems].sort((a, b) => Number(a.releasesLast) - Number(b.releasesLast));
}

function nextStep(rep: Rep, profile: SystemProfile, policy: Policy, nowMs: number): Step {
  const endpoint = endpointOf(rep, profile.name);
  const { pending } = endpoint;
  if (pending && !pending.unknown) {
    const settledAtMs = pending.ackAtMs === null ? null : pending.ackAtMs + profile.settleMs;
    if (settledAtMs !== null && settledAtMs <= nowMs) return { kind: "read" };
    return { kind: "wait", atMs: settledAtMs };
  }
  if (endpoint.retryAtMs > nowMs) return { kind: "wait", atMs: endpoint.retryAtMs };
  const renewal = renewalIsDue(rep, profile, policy, nowMs);
  if (endpoint.tried >= rep.intent && !pending && !renewal) return { kind: "nothing" };
  if (endpoint.absent && profile.absence === "withdraws") return { kind: "absent" };
  const refused = endpoint.refused?.intent === rep.intent ? endpoint.refused : null;
  const againAtMs = refused === null ? nowMs : refused.atMs + profile.settleMs;
  if (againAtMs > nowMs) return { kind: "wait", atMs: againAtMs };
  const sinceTick = refused?.tick ?? rep.intentTick;
  if (endpoint.readTick < sinceTick || endpoint.seen === null) return { kind: "read" };
  const target = targetOf(rep, profile.name, policy);
  if (isSatisfied(rep, profile.name, target, policy) && !renewal) {
    return { kind: "satisfied" };
  }
  // Where the system shows the cause itself, that is what our own entry covers.
  const shown = target ?? rep.overlays[profile.name]?.status ?? endpoint.seen;
  if (releasesTooEarly(rep, profile, shown, policy, nowMs)) {
    return { kind: "wait", atMs: rep.intentAtMs + policy.releasePatienceMs };
  }
  return { kind: "write", target: shown, renewal };
}

/**
 * Teams first: our own cover there may hide a call of hers. Only when it is gone and Teams was read again is
 * Dynamics told that she is free. A system that cannot be reached is waited for, but not for ever.
 */
function releasesTooEarly(
  rep: Rep,
  profile: SystemProfile,
  target: Status,
  policy: Policy,
  nowMs: number,
): boolean {
  const { seen } = endpointOf(rep, profile.name);
  const releases = isRoutable(target) && seen !== null && !isRoutable(seen);
  if (!profile.releasesLast || !releases) return false;
  if (nowMs >= rep.intentAtMs + policy.releasePatienceMs) return false;
  return policy.systems.some((other) => {
    if (other.releasesLast) return false;
    const { pending, tried } = endpointOf(rep, other.name);
    return pending !== null || tried < rep.intent;
  });
}

/** Nothing to write. A write of unknown outcome is remembered by its class, in case it still arrives. */
function satisfied(rep: Rep, name: SystemName, policy: Policy, nowMs: number): Rep {
  return withEndpoint(rep, name, {
    tried: rep.intent,
    shown: rep.intent,
    pending: null,
    late: lateAfter(endpointOf(rep, name), policy, nowMs),
  });
}

/** One entry for each write, equal ones too: seeing one arrive says nothing about the other. */
function lateAfter(
  { pending, late }: Endpoint,
  policy: Policy,
  nowMs: number,
): readonly LateWrite[] {
  if (!pending) return late;
  const { status, cover, clears } = pending;
  return [...late, { status, cover, clears, expiresAtMs: nowMs + policy.lateMs }];
}

/**
 * A session that was to take the place of our entry, in two requests, of which perhaps only the first arrived: what
 * it was written over still shows, so our entry still lies there, hides the session, and has to go this time.
 */
function withCut(rep: Rep, name: SystemName): Rep {
  const { pending, seen } = endpointOf(rep, name);
  if (!pending?.unknown || !pending.clears || pending.cover !== "session") return rep;
  return pending.over === seen
    ? withEndpoint(rep, name, { cover: "preferred", covering: seen })
    : rep;
}

function record(
  before: Rep,
  profile: SystemProfile,
  step: { readonly target: Status; readonly renewal: boolean },
  policy: Policy,
  nowMs: number,
): [Rep, Write] {
  const { name } = profile;
  const rep = withCut(before, name);
  const { seen } = endpointOf(rep, name);
  const from = coverOf(endpointOf(rep, name));
  const to = coverFor(rep, name, targetOf(rep, name, policy), policy);
  const meant = meantStatus(rep, profile, step.target);
  const leaseMs = profile.leaseMs[meant];
  const { sessionUntilMs } = endpointOf(rep, name);
  const sends = to === "session" || profile.covers[meant] === "session";
  // It may arrive late, and lasts from then on.
  const lastsUntilMs = nowMs + policy.lateMs + (profile.sessionMs ?? 0);
  const pending: Pending = {
    intent: rep.intent,
    status: step.target,
    meant,
    over: seen,
    cover: to,
    withdraws: profile.absorbing && to === "none",
    clears: (from !== to && from !== "none") || (to !== "preferred" && liftsManual(rep, name)),
    sentAtMs: nowMs,
    leaseUntilMs: to === "none" || leaseMs === null ? null : nowMs + leaseMs,
    ackTick: null,
    ackAtMs: null,
    unknown: false,
    confirmed: false,
    overtaken: false,
  };
  const replacesHers = profile.absorbing && (to === "preferred" || liftsManual(rep, name));
  const next = withEndpoint(rep, name, {
    pending,
    tried: rep.intent,
    late: lateAfter(endpointOf(rep, name), policy, nowMs),
    ...(sends ? { sessionUntilMs: Math.max(sessionUntilMs, lastsUntilMs) } : {}),
    ...(replacesHers ? { own: { status: rep.base.status, native: "" } } : {}),
  });
  const cause = rep.cause ?? {
    kind: "first sight",
    source: name,
    status: statusOf(rep),
    atMs: nowMs,
  };
  const write: Write = {
    system: name,
    intent: rep.intent,
    status: meant,
    shows: step.target,
    native: rep.base.natives[name] ?? null,
    from,
    to,
    session: sessionUntilMs > nowMs,
    lifts: liftsManual(rep, name),
    renewal: step.renewal,
    protective: isProtective(step.target, endpointOf(rep, name)),
    cause,
  };
  const own = rep.paused && !profile.absorbing ? (endpointOf(rep, name).own?.native ?? null) : null;
  const restored = step.target === profile.shows[rep.base.status] ? write.native : null;
  const free = step.renewal || TOLD.has(cause.kind);
  const counted = free ? next : { ...next, writesMs: [...next.writesMs, nowMs] };
  return [counted, { ...write, native: own ?? restored }];
}

/** The finest status whose projection is the target: the top's or the base's own, else the class itself. */
function meantStatus(rep: Rep, profile: SystemProfile, target: Status): Status {
  const wanted = statusOf(rep);
  if (profile.shows[wanted] === target) return wanted;
  return profile.shows[rep.base.status] === target ? rep.base.status : target;
}

function isProtective(target: Status, { seen }: Endpoint): boolean {
  return !isRoutable(target) && (seen === null || isRoutable(seen));
}

/** The last write of the budget is kept for one that protects: who cannot be followed is left busy, not routed. */
function mayWrite(rep: Rep, protects: boolean, policy: Policy, nowMs: number): boolean {
  const lastMinute = rep.writesMs.filter((atMs) => atMs > nowMs - MINUTE_MS).length;
  const left = Math.min(
    policy.writesPerMinute - lastMinute,
    policy.writesPerHour - rep.writesMs.length,
  );
  return protects ? left > 0 : left > 1 && rep.heldUntilMs <= nowMs;
}

/** Half of the lease is left when it is renewed; a shift end's Offline runs out by itself. */
function renewalDueMs(rep: Rep, profile: SystemProfile): number | null {
  const endpoint = endpointOf(rep, profile.name);
  const { covering, leaseUntilMs } = endpoint;
  if (coverOf(endpoint) === "none" || covering === null || leaseUntilMs === null) return null;
  if (covering === "Offline") return null;
  return leaseUntilMs - (profile.leaseMs[covering] ?? 0) / 2;
}

function renewalIsDue(rep: Rep, profile: SystemProfile, policy: Policy, nowMs: number): boolean {
  const dueMs = renewalDueMs(rep, profile);
  if (dueMs === null || dueMs > nowMs) return false;
  return targetOf(rep, profile.name, policy) === endpointOf(rep, profile.name).covering;
}

function nextExpiry(rep: Rep, policy: Policy): number | null {
  const ends = [
    ...[fightEndsMs(rep, policy), rep.base.untilMs].filter((atMs) => atMs !== null),
    ...Object.values(rep.systems).flatMap(({ disconnected }) => disconnected?.untilMs ?? []),
    ...Object.values(rep.holds).map((hold) => hold.untilMs),
    ...Object.values(rep.overlays).flatMap((overlay) => overlay.untilMs ?? []),
  ];
  return ends.length > 0 ? Math.min(...ends) : null;
}
