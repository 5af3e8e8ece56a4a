import type { StoredHistoryEntry } from "../../src/engine/engine.ts";
import type { Side } from "./meaning.ts";
import type { Person, Witness } from "./witness.ts";

/** By how many milliseconds things came later around a moment than they do on a machine that is not busy. */
export type Lateness = (atMs: number) => number;

export const PUNCTUAL: Lateness = () => 0;

/** Things that happened so close to each other were late for the same reason. */
const NEAR_MS = 3_000;
/** After this the service gives a request up. */
const LONGEST_MS = 10_000;

const SIDES: readonly Side[] = ["teams", "dynamics"];

/**
 * How long writes were on their way: from the record that the service makes of each before it leaves, to the
 * system's own journal. On two cores that run other tests as well it may take seconds, and then nobody can know
 * within a second what stood where when a write was decided on.
 */
export function latenessOf(
  world: { readonly people: readonly Person[]; readonly witness: Pick<Witness, "writesTo"> },
  history: readonly StoredHistoryEntry[],
): Lateness {
  const { people, witness } = world;
  const recorded = Map.groupBy(
    history.filter(({ kind }) => kind === "write"),
    ({ rep, detail }) => `${detail["system"]} ${rep}`,
  );
  const flights = people.flatMap((person) =>
    SIDES.flatMap((side) => {
      const left = recorded.get(`${side} ${person.dynamics}`) ?? [];
      return witness.writesTo(person, side).flatMap(({ atMs: toMs }) => {
        const from = left.findLast(({ atMs }) => atMs <= toMs);
        return from ? [{ fromMs: from.atMs, toMs }] : [];
      });
    }),
  );
  const known = new Map<number, number>();
  return (atMs) => {
    const late = known.get(atMs) ?? longestOf(flights, atMs);
    known.set(atMs, late);
    return late;
  };
}

type Flight = { readonly fromMs: number; readonly toMs: number };

function longestOf(flights: readonly Flight[], atMs: number): number {
  const isNear = ({ fromMs, toMs }: Flight): boolean =>
    fromMs <= atMs + NEAR_MS && toMs >= atMs - NEAR_MS;
  return flights
    .filter(isNear)
    .reduce((most, { fromMs, toMs }) => Math.max(most, Math.min(toMs - fromMs, LONGEST_MS)), 0);
}
