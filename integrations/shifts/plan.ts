/** A stretch of time in which somebody works, or does something else that is planned. */
export type PlannedShift = {
  /** Stable over re-reads of the plan, so that a change replaces what was planned before. */
  readonly id: string;
  /** Whom the plan means, in its own words: an Entra object id, a user name, a number. */
  readonly person: string;
  readonly fromMs: number;
  readonly untilMs: number;
};

/** What a plan could not be read for: a line or an id, and why. Never who. */
export type PlanProblem = { readonly where: string; readonly says: string };

export type Plan = {
  readonly shifts: readonly PlannedShift[];
  readonly problems: readonly PlanProblem[];
};

/** The shift, or why there is none. */
export function shiftOf(
  given: {
    readonly id: string;
    readonly person: string;
    readonly from: string;
    readonly until: string;
  },
  where: string,
): PlannedShift | PlanProblem {
  const { id, person, from, until } = given;
  const [fromMs, untilMs] = [instant(from), instant(until)];
  if (person === "") return { where, says: "it names nobody" };
  if (fromMs === null || untilMs === null) {
    return { where, says: "a time is not like 2026-11-20T09:00:00Z, with its zone" };
  }
  if (untilMs <= fromMs) return { where, says: "it ends before it begins" };
  return { id, person, fromMs, untilMs };
}

export function collected(found: readonly (PlannedShift | PlanProblem)[]): Plan {
  return {
    shifts: found.filter((one) => "fromMs" in one),
    problems: found.filter((one): one is PlanProblem => "where" in one),
  };
}

/** RFC 3339 with a zone: a time without one would be another time on another computer. */
function instant(text: string): number | null {
  const isWhole = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/i.test(text);
  const ms = isWhole ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
