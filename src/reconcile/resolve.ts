import type { SystemName } from "../presence/identity.ts";
import { isRoutable, join, strength, type Status } from "../presence/status.ts";
import { type Policy, profileOf } from "./policy.ts";
import { type Cover, type Endpoint, endpointOf, type Rep } from "./rep.ts";

/** What lies over the base, if anything. `system` is set when a system shows it by itself. */
export type Top = {
  readonly status: Status;
  readonly kind: "hold" | "soft";
  readonly source: SystemName;
  readonly system: SystemName | null;
  readonly tick: number;
};

/**
 * What the rep's one status is and what stands on top of her base, by precedence:
 *
 * | rule | top                                              | wins over                            |
 * |------|--------------------------------------------------|--------------------------------------|
 * | R20  | the strongest hold: reported calls, calls seen    | everything, a shift end included     |
 * | R21  | the strongest soft overlay younger than the base, | the base, unless that is Offline     |
 * |      | or of the system that the base came from          |                                      |
 * | R22  | nothing: the base, the last explicit choice       |                                      |
 */
export function topOf(rep: Rep): Top | null {
  let top = null as Top | null;
  const offer = (candidate: Top): void => {
    if (!top || strength(candidate.status) > strength(top.status)) top = candidate;
  };
  for (const hold of Object.values(rep.holds)) {
    offer({ ...hold, kind: "hold", system: null });
  }
  for (const [name, overlay] of Object.entries(rep.overlays)) {
    const system = name as SystemName;
    if (overlay.kind === "hold") offer({ ...overlay, source: system, system });
  }
  if (top || rep.base.status === "Offline") return top;
  // Only soft overlays are left.
  for (const [name, overlay] of Object.entries(rep.overlays)) {
    const system = name as SystemName;
    const counts = rep.base.origin === system || overlay.tick > rep.base.tick;
    if (counts) offer({ ...overlay, source: system, system });
  }
  return top;
}

/**
 * What lies on top as far as `system` is to show it: what another system keeps to itself (R311) would only cover here
 * what nobody could then see.
 */
export function topFor(rep: Rep, system: SystemName, policy: Policy): Top | null {
  const top = topOf(rep);
  if (!top || top.kind !== "soft" || top.system === null || top.system === system) return top;
  return profileOf(policy, top.system).keepsToItself?.includes(top.status) ? null : top;
}

/** The rep's one status: what every system should agree on, each through its own projection. */
export function statusOf(rep: Rep): Status {
  return topOf(rep)?.status ?? rep.base.status;
}

/**
 * The class that `system` should show, or `null` where it already shows the cause itself.
 *
 * | rule | situation                                                     | target                         |
 * |------|---------------------------------------------------------------|--------------------------------|
 * | R23  | nothing on top                                                | q(base)                        |
 * | R311 | the top is what another system keeps to itself                | q(base)                        |
 * | R24  | this system shows the top by itself                           | leave it alone                 |
 * | R25  | the rep chose a protective base *here*, and the top is soft   | q(base): automation never      |
 * |      | or older than her choice                                      | replaces what she chose        |
 * | R26  | a call over a base from elsewhere                             | the less available of the two, |
 * |      |                                                               | as this system shows them      |
 * | R27  | a call over a shift end, or over a base of the call's system  | q(call)                        |
 * | R113 | the rep is paused                                             | what it shows without us       |
 */
export function targetOf(rep: Rep, system: SystemName, policy: Policy): Status | null {
  if (rep.paused) return pausedTarget(rep, system, policy);
  const { shows } = profileOf(policy, system);
  const base = shows[rep.base.status];
  const top = topFor(rep, system, policy);
  if (!top) return base;
  if (top.system === system) return null;
  const choseHere = rep.base.origin === system && !isRoutable(base);
  if (choseHere && (top.kind === "soft" || rep.base.tick > top.tick)) return base;
  const over = shows[top.status];
  if (rep.base.status === "Offline" || rep.base.origin === top.system) return over;
  return join(over, base);
}

/** What a system of a paused rep should show (pause.ts); `null`: it is left alone. */
function pausedTarget(rep: Rep, system: SystemName, policy: Policy): Status | null {
  const profile = profileOf(policy, system);
  const endpoint = endpointOf(rep, system);
  if (profile.absorbing) return coverOf(endpoint) === "none" ? null : profile.shows.Available;
  if (rep.overlays[system] || topOf(rep)?.kind === "hold") return null;
  return endpoint.own?.status ?? null;
}

/**
 * What of ours should lie in the system while it shows `target`. Nothing, where the rep's own choice shows, or
 * would show as soon as our session is gone: a cover over it would hide when she changes it. But where a
 * write of ours replaced her own choice, only we can put it back (R315). Nothing either, where she is paused.
 */
export function coverFor(
  rep: Rep,
  system: SystemName,
  target: Status | null,
  policy: Policy,
): Cover {
  if (target === null || rep.paused) return "none";
  const profile = profileOf(policy, system);
  const endpoint = endpointOf(rep, system);
  const top = topFor(rep, system, policy);
  const ownBase = rep.base.origin === system && target === profile.shows[rep.base.status];
  const hers = ownBase && (!top || profile.shows[top.status] !== target);
  const cover = coverOf(endpoint);
  const lies = cover === "session" ? endpoint.own === null : cover === "none";
  if (hers && lies && (cover === "session" || endpoint.seen === target)) return "none";
  return profile.covers[target];
}

/**
 * What of ours lies there for certain. A preferred status of ours that the system does not show is gone:
 * it ran out, or she replaced it by her own, and hers is not ours to clear.
 */
export function coverOf({ cover, covering, seen }: Endpoint): Cover {
  return cover === "preferred" && covering !== seen ? "none" : cover;
}

/**
 * True when a later Available elsewhere asks for an older manual status here to be lifted. Once per choice:
 * if it did not help, something stronger than a manual status is showing.
 */
export function liftsManual(rep: Rep, system: SystemName): boolean {
  const { base } = rep;
  if (rep.paused) return false;
  if (!isRoutable(base.status) || base.origin === null || base.origin === system) return false;
  return endpointOf(rep, system).tried < base.intent;
}

/** True when the system shows what it should, or all that we could still do there is done. */
export function isSatisfied(
  rep: Rep,
  system: SystemName,
  target: Status | null,
  policy: Policy,
): boolean {
  const { seen } = endpointOf(rep, system);
  const cover = coverOf(endpointOf(rep, system));
  const wanted = coverFor(rep, system, target, policy);
  if (wanted === "none" && cover !== "none") return false;
  // Beneath what she sees our session waits to be seen: it would look like a call of hers.
  if (wanted === "preferred" && cover === "session") return false;
  if (target === null || seen === target) return true;
  const nothingToWithdraw = profileOf(policy, system).absorbing && wanted === "none";
  return nothingToWithdraw && !liftsManual(rep, system);
}
