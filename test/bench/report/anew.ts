import { isDeepStrictEqual } from "node:util";
import type { Report } from "./page.ts";

/**
 * The report that is there, with what was measured now in the places of what it said. Each ratio is of one section, so
 * sections of several runs may stand beside each other; of several machines they may not.
 */
export function withAnew(before: Report, now: Report): Report {
  if (!isDeepStrictEqual(before.machine, now.machine) || before.rounds !== now.rounds) {
    throw new Error("the other sections were measured on another machine, or in other rounds");
  }
  const missing = now.results.find(({ id }) => before.results.every((one) => one.id !== id));
  if (missing) throw new Error(`the report that is there has no section ${missing.id}`);
  const measured = new Map(now.results.map((result) => [result.id, result]));
  const anew = { ...before.anew };
  for (const id of measured.keys()) anew[id] = now.date;
  return {
    ...before,
    anew,
    results: before.results.map((result) => measured.get(result.id) ?? result),
    failures: [...before.failures, ...now.failures],
  };
}
