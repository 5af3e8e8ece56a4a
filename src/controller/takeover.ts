import type { SystemName } from "../presence/identity.ts";
import { recover } from "../reconcile/delivery.ts";
import { plan } from "../reconcile/plan.ts";
import type { Policy } from "../reconcile/policy.ts";
import { completed, type Pending, type Rep } from "../reconcile/rep.ts";
import type { Slot } from "./slot.ts";

/** Longer than any write waits for its answers, epoch milliseconds apart: by then it has one, or never will. */
const ANSWER_MS = 45_000;

/**
 * A rep as somebody stored her, who is not here any more: what became of every write that was under way, nobody
 * knows.
 */
export function taken(stored: Rep, policy: Policy, nowMs: number): Rep {
  return recover(known(stored, policy), policy, nowMs);
}

/** Nothing is to be read, written or waited for, and nothing ends by itself: she needs no turn until there is news. */
export function isSettled(rep: Rep, policy: Policy, nowMs: number): boolean {
  const next = plan(rep, policy, nowMs);
  return (
    next.rep === rep && next.recheckAtMs === null && next.reads.length + next.writes.length === 0
  );
}

/** A rep as another instance stored her, who is alive: what she has under way is left to her. */
export function known(stored: Rep, policy: Policy): Rep {
  return completed(
    stored,
    policy.systems.map(({ name }) => name),
  );
}

/** The rep, but for writes that another instance sent and never said what became of: it died, and nobody knows. */
export function withoutAbandoned(slot: Slot, rep: Rep, policy: Policy, nowMs: number): Rep {
  const abandoned = new Set(
    elsewhere(slot, rep)
      .filter(([, { sentAtMs }]) => sentAtMs + ANSWER_MS <= nowMs)
      .map(([system]) => system),
  );
  if (abandoned.size === 0) return rep;
  const systems = policy.systems.filter(({ name }) => abandoned.has(name));
  return recover(rep, { ...policy, systems }, nowMs);
}

/** How long to wait until what another instance has under way must have come to an end; `null`: nothing is. */
export function patienceMs(slot: Slot, rep: Rep): number | null {
  return elsewhere(slot, rep).length > 0 ? ANSWER_MS : null;
}

/** The writes under way that have no answer, and that this instance has not sent. */
function elsewhere(slot: Slot, rep: Rep): readonly (readonly [SystemName, Pending])[] {
  return (Object.keys(rep.systems) as SystemName[]).flatMap((system) => {
    const pending = rep.systems[system]?.pending;
    const isOpen = pending && pending.ackTick === null && !pending.unknown;
    const isHere =
      slot.flying.has(system) || slot.answers.some(({ write }) => write.system === system);
    return isOpen && !isHere ? [[system, pending] as const] : [];
  });
}
