import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import type { Classification } from "./classify.ts";
import type { Policy } from "./policy.ts";
import { type Endpoint, endpointOf, type Fight, type Rep, withEndpoint } from "./rep.ts";

/** What a system shows anew, whoever did it, and not because of us. */
const CHANGES: ReadonlySet<Classification> = new Set([
  "choice",
  "outranked",
  "agrees",
  "automatic",
  "automatic ended",
  "sign-in",
]);

/**
 * Counts how often a system changes a rep's presence. Nobody changes it twenty times in ten minutes: that is
 * another automation, and following it would feed it. The rep's automatic writes then rest, until the
 * system has been quiet for a while; what was reported (a call, a command) is written all the same.
 *
 * | rule | the system                                       | what follows                            |
 * |------|--------------------------------------------------|-----------------------------------------|
 * | R110 | changed `fightChanges` times in `fightWindowMs`  | a fight begins: no automatic writes     |
 * | R111 | changes again while the fight is on              | counted; who did it is remembered       |
 * | R112 | was quiet for `fightQuietMs`                     | the fight is over, counting starts anew |
 */
export function countChange(
  before: Rep,
  rep: Rep,
  system: SystemName,
  reading: Reading,
  classification: Classification,
  policy: Policy,
): Rep {
  const { fightChanges, fightWindowMs } = policy;
  if (fightChanges === null || !CHANGES.has(classification) || reading.status === null) return rep;
  // The system's own doing (conversations that begin and end) may come thick and fast, and undoes nothing of ours.
  if (reading.automatic === "soft") return rep;
  const { seen, changesMs } = endpointOf(before, system);
  if (classification === "agrees" && seen === reading.status) return rep;
  const atMs = reading.startedAtMs;
  const recent = [...changesMs, atMs].slice(-fightChanges);
  const counted = withEndpoint(rep, system, { changesMs: recent });
  const { fight } = counted;
  if (fight?.system === system) {
    const by = reading.by ?? fight.by;
    return { ...counted, fight: { ...fight, by, lastMs: atMs, changes: fight.changes + 1 } };
  }
  const [sinceMs = atMs] = recent;
  if (fight || recent.length < fightChanges || atMs - sinceMs > fightWindowMs) return counted;
  const between = [reading.status, seen ?? reading.status] as const;
  const begun: Fight = {
    system,
    by: reading.by ?? null,
    between,
    sinceMs,
    lastMs: atMs,
    changes: recent.length,
  };
  return { ...counted, fight: begun };
}

/** When the fight is over if nothing happens until then; epoch milliseconds, `null` without a fight. */
export function fightEndsMs({ fight }: Rep, policy: Policy): number | null {
  return fight && fight.lastMs + policy.fightQuietMs;
}

/** Lets a fight end whose time is over, and forgets what is too old to count. */
export function calmDown(rep: Rep, policy: Policy, nowMs: number): Rep {
  let next = rep;
  const endsMs = fightEndsMs(rep, policy);
  if (rep.fight && endsMs !== null && endsMs <= nowMs) {
    next = withEndpoint({ ...rep, fight: null }, rep.fight.system, { changesMs: [] });
  }
  for (const [name, { changesMs }] of Object.entries(next.systems) as [SystemName, Endpoint][]) {
    const [oldest] = changesMs;
    if (oldest === undefined || nowMs - oldest <= policy.fightWindowMs) continue;
    const recent = changesMs.filter((atMs) => nowMs - atMs <= policy.fightWindowMs);
    next = withEndpoint(next, name, { changesMs: recent });
  }
  return next;
}
