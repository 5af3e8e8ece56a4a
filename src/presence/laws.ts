import { isRoutable, STATUSES, type Status } from "./status.ts";

/** A system's projection q: the status that each written status reads back as; `null` if unreadable. */
export type Projection = Readonly<Record<Status, Status | null>>;

type Law = "L1" | "L2" | "L3" | "L5";

/** A law that a mapping breaks, with the status that shows it: a sentence an administrator can act on. */
export type Counterexample = { readonly law: Law; readonly status: Status; readonly says: string };

/**
 * Looks for a counterexample to the mapping laws in every pair of systems. An empty answer means that no
 * chain of writes can turn a busy rep routable, and that copying back and forth stops after one round.
 *
 * L1 every status has a readable projection ·
 * L2 q(q(c)) = q(c): writing what was read changes nothing ·
 * L3 q(c) routable ⇒ c routable: a write never makes a busy rep look free ·
 * L4 is about `join` (status.ts), which no policy can change ·
 * L5 for systems a, b: a status copied a → b → a once stays what it became: two systems do not play ping-pong.
 */
export function findCounterexamples(
  projections: Readonly<Record<string, Projection>>,
): readonly Counterexample[] {
  const found: Counterexample[] = [];
  const systems = Object.entries(projections);
  for (const [system, q] of systems) found.push(...brokenAlone(system, q));
  if (found.length > 0) return found;
  for (const [a, qa] of systems) {
    for (const [b, qb] of systems) {
      if (a !== b)
        found.push(...brokenTogether(a, qa as TotalProjection, b, qb as TotalProjection));
    }
  }
  return found;
}

type TotalProjection = Readonly<Record<Status, Status>>;

function brokenAlone(system: string, q: Projection): Counterexample[] {
  const found: Counterexample[] = [];
  for (const status of STATUSES) {
    const shown = q[status];
    if (shown === null) {
      const says = `${status} is written to ${system} as something that cannot be read back`;
      found.push({ law: "L1", status, says });
      continue;
    }
    if (isRoutable(shown) && !isRoutable(status)) {
      const says = `${status} would look ${shown} in ${system}, so work would reach somebody who is ${status}`;
      found.push({ law: "L3", status, says });
    }
    if (q[shown] !== shown) {
      const says = `${status} shows as ${shown} in ${system}, but ${shown} is written there as ${q[shown] ?? "nothing readable"}`;
      found.push({ law: "L2", status, says });
    }
  }
  return found;
}

function brokenTogether(
  a: string,
  qa: TotalProjection,
  b: string,
  qb: TotalProjection,
): Counterexample[] {
  const found: Counterexample[] = [];
  for (const status of STATUSES) {
    const once = qa[qb[qa[status]]];
    const twice = qa[qb[once]];
    if (once !== twice) {
      const says = `${status} copied ${a} → ${b} → ${a} becomes ${once}, and ${twice} the next time round`;
      found.push({ law: "L5", status, says });
    }
  }
  return found;
}
