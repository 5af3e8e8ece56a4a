import type { SystemName } from "../presence/identity.ts";
import { plan, type Plan } from "../reconcile/plan.ts";
import type { Policy } from "../reconcile/policy.ts";
import { endpointOf, type Rep, withEndpoint } from "../reconcile/rep.ts";
import type { Slot } from "./slot.ts";

/**
 * Plans until every write of the plan may leave, and says what is to be read meanwhile. A system that is not
 * ready for a write (not read just now, or its turn has not come) is left alone; the others are not.
 */
export function decide(
  slot: Slot,
  rep: Rep,
  policy: Policy,
  nowMs: number,
): { readonly next: Plan; readonly reads: SystemName[] } {
  const reads = new Set([...slot.hinted].filter((system) => !slot.reading.has(system)));
  const unready = slot.unready();
  for (;;) {
    const next = planWithout(unready, slot, rep, policy, nowMs);
    const unread = next.writes.filter(({ system }) => !slot.isFresh(system, nowMs));
    const early = next.writes.filter((write) => !unread.includes(write));
    const waiting = early.filter((write) => !slot.turns.has(write));
    const toRead = [...next.reads, ...unread.map(({ system }) => system)];
    if (toRead.length + waiting.length === 0) {
      const written = next.writes.map(({ system }) => system);
      slot.turns.giveBackAllBut(new Set([...written, ...reads, ...slot.reading]));
      return { next, reads: [...reads] };
    }
    for (const system of toRead) reads.add(system);
    for (const system of toRead) unready.add(system);
    for (const { system } of waiting) unready.add(system);
  }
}

/**
 * The plan, but for the systems that are not ready: about those nothing is decided, as if a retry there were
 * not due yet. They are in the returned rep as they were, and make nobody wait for a time. Nor is anybody's patience
 * at its end that waited while no process was there, or what it read could not be stored: it counts from `sinceMs`.
 * And where a reading is lost, nobody takes the system for released: others wait as if it were not done yet.
 */
function planWithout(
  unready: ReadonlySet<SystemName>,
  { lost, sinceMs }: Pick<Slot, "lost" | "sinceMs">,
  rep: Rep,
  policy: Policy,
  nowMs: number,
): Plan {
  let shadow: Rep = { ...rep, intentAtMs: Math.max(rep.intentAtMs, sinceMs) };
  for (const system of unready) {
    const { tried } = endpointOf(rep, system);
    shadow = withEndpoint(shadow, system, {
      retryAtMs: Number.POSITIVE_INFINITY,
      tried: lost.has(system) ? Math.min(tried, rep.intent - 1) : tried,
    });
  }
  const next = plan(shadow, policy, nowMs);
  const isSame = next.rep.intent === rep.intent;
  let planned = isSame ? { ...next.rep, intentAtMs: rep.intentAtMs } : next.rep;
  for (const system of unready) {
    const { retryAtMs, tried } = endpointOf(rep, system);
    planned = withEndpoint(planned, system, { retryAtMs, ...(lost.has(system) ? { tried } : {}) });
  }
  const { recheckAtMs } = next;
  return {
    ...next,
    rep: planned,
    reads: next.reads.filter((system) => !unready.has(system)),
    recheckAtMs: recheckAtMs !== null && Number.isFinite(recheckAtMs) ? recheckAtMs : null,
  };
}
