import { DYNAMICS, type SystemName } from "../presence/identity.ts";
import { isRoutable } from "../presence/status.ts";
import type { Decided } from "./record.ts";
import type { Change, Run } from "./run.ts";

/** A time at which two policies begin to show different things in a system. */
export type Moment = {
  readonly atMs: number;
  readonly system: SystemName;
  readonly inForce: string;
  readonly other: string;
  /** How the system came to show each. */
  readonly inForceSays: string;
  readonly otherSays: string;
};

/** A figure of the policy in force, and of the other one. */
type Pair = { readonly inForce: number; readonly other: number };

/** What would have been different, since `fromMs` and before `untilMs`. */
export type Difference = {
  readonly writes: ReadonlyMap<SystemName, Pair>;
  /** For how long each system would have shown something else. Milliseconds. */
  readonly otherwiseMs: ReadonlyMap<SystemName, number>;
  /** For how long Dynamics shows Available. Milliseconds. */
  readonly routableMs: Pair;
  /** Oldest first. */
  readonly moments: readonly Moment[];
};

export type Span = { readonly fromMs: number; readonly untilMs: number };

export function compare(
  inForce: Run,
  other: Run,
  systems: readonly SystemName[],
  span: Span,
): Difference {
  const steps = new Map(systems.map((system) => [system, together(inForce, other, system, span)]));
  const moments = [...steps].flatMap(([system, all]) => momentsOf(system, all));
  return {
    writes: new Map(
      systems.map((system) => [
        system,
        { inForce: written(inForce, system, span), other: written(other, system, span) },
      ]),
    ),
    otherwiseMs: new Map(
      [...steps].map(([system, all]) => [system, total(all.filter(isOtherwise))]),
    ),
    routableMs: {
      inForce: total((steps.get(DYNAMICS) ?? []).filter(({ a }) => isFree(a))),
      other: total((steps.get(DYNAMICS) ?? []).filter(({ b }) => isFree(b))),
    },
    moments: moments.toSorted((one, two) => one.atMs - two.atMs),
  };
}

/** A time in which neither policy changes what a system shows. */
type Step = {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly a: Change | null;
  readonly b: Change | null;
};

function together(a: Run, b: Run, system: SystemName, { fromMs, untilMs }: Span): readonly Step[] {
  const [as, bs] = [a.shown.get(system) ?? [], b.shown.get(system) ?? []];
  const inside = [...as, ...bs].map(({ atMs }) => atMs).filter((at) => at > fromMs && at < untilMs);
  const edges = [...new Set([fromMs, ...inside, untilMs])].toSorted((one, two) => one - two);
  const [atA, atB] = [walker(as), walker(bs)];
  return edges.slice(0, -1).map((from, at) => {
    return { fromMs: from, untilMs: edges[at + 1] ?? from, a: atA(from), b: atB(from) };
  });
}

/** What was shown at times that only grow. */
function walker(changes: readonly Change[]): (atMs: number) => Change | null {
  let next = 0;
  return (atMs) => {
    while ((changes[next]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) next += 1;
    return changes[next - 1] ?? null;
  };
}

const isOtherwise = ({ a, b }: Step): boolean => a?.is !== b?.is;
const isFree = (shown: Change | null): boolean =>
  shown !== null && shown.status !== null && isRoutable(shown.status);
const total = (steps: readonly Step[]): number =>
  steps.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0);

function written({ writes }: Run, system: SystemName, { fromMs, untilMs }: Span): number {
  return writes.filter(
    (write) => write.system === system && write.atMs >= fromMs && write.atMs < untilMs,
  ).length;
}

function momentsOf(system: SystemName, steps: readonly Step[]): readonly Moment[] {
  return steps.flatMap((step, at) => {
    const before = steps[at - 1];
    if (!isOtherwise(step) || (before && isOtherwise(before))) return [];
    const { a, b, fromMs } = step;
    if (!a || !b) return [];
    const shows = { inForce: a.is, other: b.is, inForceSays: a.says, otherSays: b.says };
    return [{ atMs: fromMs, system, ...shows }];
  });
}

/**
 * How many of the recorded decisions a replay comes to as well, in the same order: the same status, from a cause of the
 * same kind and source. It says how far the replay can be trusted.
 */
export function reproduced(recorded: readonly Decided[], replayed: readonly Decided[]): number {
  const keyOf = ({ status, cause }: Decided): string => `${status} ${cause.kind} ${cause.source}`;
  const left = recorded.map(keyOf);
  let [from, found] = [0, 0];
  for (const key of replayed.map(keyOf)) {
    const at = left.indexOf(key, from);
    // Far ahead is another one of the same kind: to jump there would lose all in between.
    if (at === -1 || at - from > NEAR) continue;
    from = at + 1;
    found += 1;
  }
  return found;
}

const NEAR = 5;
