import type { HoldId, SystemName } from "../presence/identity.ts";
import type { Status } from "../presence/status.ts";
import type { Policy } from "./policy.ts";
import { calmDown } from "./fight.ts";
import {
  baseOf,
  type Cause,
  endpointOf,
  type Hold,
  type Rep,
  withEndpoint,
  without,
} from "./rep.ts";
import { isSatisfied, targetOf } from "./resolve.ts";

const HOUR_MS = 3_600_000;

/** Every change of what is wanted passes here: the intent's number rises, and the cause is kept. */
export function intend(rep: Rep, cause: Cause): Rep {
  const tick = rep.tick + 1;
  return {
    ...rep,
    tick,
    intent: rep.intent + 1,
    intentTick: tick,
    intentAtMs: cause.atMs,
    cause,
  };
}

/** A system that shows the newest intent already needs no write for it. */
export function satisfy(rep: Rep, system: SystemName, policy: Policy): Rep {
  if (!isSatisfied(rep, system, targetOf(rep, system, policy), policy)) return rep;
  return withEndpoint(rep, system, { tried: rep.intent, shown: rep.intent });
}

export type Choice = {
  readonly status: Status;
  /** The system in which it was made, or the partner or role that commanded it. */
  readonly origin: SystemName;
  /** The origin's own value, if it has one worth restoring. */
  readonly native: string | null;
  /** Somebody else chose for her: it can be taken back, and ends by itself at `untilMs` if that is a time. */
  readonly command?: { readonly untilMs: number | null };
};

/**
 * Makes an explicit choice the base. A meeting that began elsewhere a moment ago, and that the place of the
 * choice has not been shown, counts as the younger of the two: the less available wins, in either order.
 */
export function choose(rep: Rep, choice: Choice, cause: Cause, policy: Policy): Rep {
  const next = intend(rep, cause);
  const crossing = Object.entries(rep.overlays).filter(([name, overlay]) => {
    const shownHere = rep.systems[choice.origin]?.shown ?? overlay.intent;
    const young = cause.atMs - overlay.atMs <= policy.concurrentMs;
    return name !== choice.origin && overlay.kind === "soft" && young && shownHere < overlay.intent;
  });
  const overlays = { ...next.overlays };
  for (const [name, overlay] of crossing) {
    overlays[name as SystemName] = { ...overlay, tick: next.tick + 1 };
  }
  return {
    ...next,
    tick: crossing.length > 0 ? next.tick + 1 : next.tick,
    overlays: crossing.length > 0 ? overlays : next.overlays,
    base: {
      status: choice.status,
      origin: choice.origin,
      tick: next.tick,
      intent: next.intent,
      // Nobody knows how old a status is that is seen for the first time: it crosses with nothing.
      atMs: cause.kind === "first sight" ? 0 : cause.atMs,
      natives: choice.native === null ? {} : { [choice.origin]: choice.native },
      untilMs: choice.command?.untilMs ?? null,
      before: choice.command ? (rep.base.before ?? rep.base) : null,
    },
  };
}

/**
 * Takes back what somebody else chose for her: what she had chosen before is wanted again, as old as it was, so
 * that a meeting which began since still lies over it. Without such a command nothing changes.
 */
export function takeBack(rep: Rep, cause: Cause): Rep {
  const { before } = rep.base;
  if (!before) return rep;
  return { ...intend(rep, cause), base: { ...before, untilMs: null, before: null } };
}

/**
 * Her manual status gives way, on her own word or a supervisor's, as if she had reset it in the system: what lies over
 * it shows there, and Available when that is over. The new base is no younger than the old one, so that whatever began
 * since still lies over it; but it is a new choice, or the system would not be asked to clear what hides it.
 */
export function lift(rep: Rep, origin: SystemName, cause: Cause): Rep {
  const next = intend(rep, cause);
  const { tick } = rep.base;
  const base = baseOf({ status: "Available", tick, intent: next.intent, atMs: cause.atMs });
  return { ...next, base: { ...base, origin } };
}

/**
 * Starts a hold, or renews it: the same id again moves its end, and only another status is a new intent.
 * Idempotent, so a partner may repeat itself as often as it likes.
 */
export function putHold(
  rep: Rep,
  id: HoldId,
  hold: { readonly source: SystemName; readonly status: Status; readonly untilMs: number },
  cause: Cause,
): Rep {
  const known = rep.holds[id];
  if (known?.status === hold.status) {
    return { ...rep, holds: { ...rep.holds, [id]: { ...known, untilMs: hold.untilMs } } };
  }
  const next = intend(rep, cause);
  const put: Hold = { ...hold, tick: next.tick, sinceMs: known?.sinceMs ?? cause.atMs };
  return { ...next, holds: { ...next.holds, [id]: put } };
}

/** Ends a hold. One that is not there, or no longer, changes nothing. */
export function releaseHold(rep: Rep, id: HoldId, cause: Cause): Rep {
  if (!rep.holds[id]) return rep;
  return intend({ ...rep, holds: without(rep.holds, id) }, cause);
}

/** Ends every reported hold, as a command may ask for. */
export function endHolds(rep: Rep, nowMs: number): Rep {
  return (Object.entries(rep.holds) as [HoldId, Hold][]).reduce(
    (next, [id, { source, status }]) =>
      releaseHold(next, id, { kind: "hold ended", source, status, atMs: nowMs }),
    rep,
  );
}

/**
 * Lets everything end whose time is over: holds without a heartbeat, calls of a vanished client, a fight that
 * nobody goes on with.
 */
export function expire(rep: Rep, policy: Policy, nowMs: number): Rep {
  let next = calmDown(rep, policy, nowMs);
  for (const [id, hold] of Object.entries(rep.holds) as [HoldId, Hold][]) {
    if (hold.untilMs > nowMs) continue;
    const { source, status } = hold;
    next = releaseHold(next, id, { kind: "hold expired", source, status, atMs: nowMs });
  }
  const { base } = next;
  if (base.untilMs !== null && base.untilMs <= nowMs) {
    const source = base.origin ?? "";
    next = takeBack(next, { kind: "command ended", source, status: base.status, atMs: nowMs });
  }
  for (const [name, overlay] of Object.entries(rep.overlays)) {
    if (overlay.untilMs === null || overlay.untilMs > nowMs) continue;
    const source = name as SystemName;
    // Should the call turn out to go on, its next reading is a call that begins.
    const last = endpointOf(next, source).seen;
    const seen = last === overlay.status ? (overlay.over ?? last) : last;
    next = intend(
      withEndpoint({ ...next, overlays: without(next.overlays, source) }, source, { seen }),
      { kind: "automatic ended", source, status: overlay.status, atMs: nowMs },
    );
  }
  const writesMs = next.writesMs.filter((atMs) => atMs > nowMs - HOUR_MS);
  return writesMs.length < next.writesMs.length ? { ...next, writesMs } : next;
}
