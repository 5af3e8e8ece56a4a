/** One bar of a chart. */
type Bar = { readonly name: string; readonly value: number };

export type Chart = {
  readonly title: string;
  readonly unit: string;
  /** Bars whose values differ by orders of magnitude. */
  readonly logarithmic?: boolean;
  readonly groups: readonly { readonly name: string; readonly bars: readonly Bar[] }[];
};

type Table = {
  readonly columns: readonly string[];
  /** Cells as they are printed. */
  readonly rows: readonly (readonly string[])[];
};

/** What was wanted of a figure, and whether it came true; `null` if it could not be measured here. */
export type Target = {
  readonly what: string;
  readonly wanted: string;
  readonly measured: number | null;
  readonly met: boolean | null;
};

/** What one section of the bench found out. `figures` is everything again, for a program. */
export type Result = {
  readonly id: string;
  readonly title: string;
  /** How it was measured, in sentences. */
  readonly how: string;
  readonly table: Table;
  readonly charts: readonly Chart[];
  readonly targets: readonly Target[];
  /** What is to be known when reading the table. */
  readonly notes: readonly string[];
  readonly figures: unknown;
};

export function atMost(what: string, measured: number, limit: number, unit = "×"): Target {
  return judged(what, `≤ ${limit} ${unit}`, measured, measured <= limit);
}

export function atLeast(what: string, measured: number, limit: number, unit = "×"): Target {
  return judged(what, `≥ ${limit} ${unit}`, measured, measured >= limit);
}

function judged(what: string, wanted: string, measured: number, met: boolean): Target {
  const isMeasured = Number.isFinite(measured);
  return {
    what,
    wanted,
    measured: isMeasured ? measured : null,
    met: isMeasured ? met : null,
  };
}
