import type { Mappings, Meaning } from "./mapping.ts";
import { STATUSES } from "./status.ts";

/** One cell of a policy: where it stands, and what it says. */
export type Cell = { readonly where: string; readonly says: string };

const meant = (meaning: Meaning | undefined): string => meaning?.status ?? "nothing";

/** Everything that a policy file can change, in its own words. */
export function cellsOf({ teams, dynamics, presences, capacityBusy }: Mappings): readonly Cell[] {
  const read = (system: string, reads: Readonly<Record<string, Meaning>>): readonly Cell[] =>
    Object.entries(reads).map(([state, meaning]) => {
      return { where: `${system}.reads.${state}`, says: meant(meaning) };
    });
  return [
    ...read("teams", teams.reads),
    ...STATUSES.map((to) => ({ where: `teams.writes.${to}`, says: teams.writes[to] })),
    ...read("dynamics", dynamics.reads),
    ...STATUSES.map((to) => ({ where: `dynamics.writes.${to}`, says: dynamics.writes[to] })),
    ...Object.entries(presences.reads).map(([id, status]) => {
      return { where: `dynamics.presences.${id}`, says: status ?? "nothing" };
    }),
    ...STATUSES.flatMap((status) => {
      const id = presences.sets[status];
      return id === undefined ? [] : [{ where: `dynamics.sets.${status}`, says: id }];
    }),
    { where: "dynamics.capacityBusy", says: capacityBusy },
  ];
}

export type ChangedCell = {
  readonly where: string;
  /** `null`: the other one does not say. */
  readonly from: string | null;
  readonly to: string | null;
};

/** What `to` says otherwise than `from`. */
export function changedCells(from: Mappings, to: Mappings): readonly ChangedCell[] {
  const [before, after] = [from, to].map(
    (mappings) => new Map(cellsOf(mappings).map(({ where, says }) => [where, says])),
  );
  const all = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])];
  return all
    .map((where) => ({
      where,
      from: before?.get(where) ?? null,
      to: after?.get(where) ?? null,
    }))
    .filter((cell) => cell.from !== cell.to);
}
