import type { Machine } from "./machine.ts";
import type { Result, Target } from "./result.ts";
import { figure } from "./statistics.ts";

/** A section that gave no result, and why. */
export type Failure = { readonly id: string; readonly why: string };

export type Report = {
  readonly machine: Machine;
  /** The day, as 2026-11-21. */
  readonly date: string;
  readonly rounds: number;
  readonly minutes: number;
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
  /** Sections that were measured again by themselves, and on which day. */
  readonly anew?: Readonly<Record<string, string>>;
};

/** The page that `npm run bench` writes. Nobody else writes in it. */
export function pageOf(report: Report): string {
  const { machine, date, rounds, minutes, results, failures, anew = {} } = report;
  const { cores, processor, memoryGb, system, node } = machine;
  const targets = results.flatMap((result) => result.targets);
  return `${[
    "# What Lockstep costs, measured",
    "<!-- Written by `npm run bench`; do not edit. -->",
    `Measured on ${date} in ${figure(minutes)} minutes: ${cores} cores (${processor}), ${memoryGb} GB of memory, ${system}, Node ${node}. Every figure is the median of ${rounds} rounds in which the contestants take turns, or says otherwise. The load and the emulated cloud share the cores with whoever is measured, so trust the ratios: both sides of each were measured in the same round. bench.json has all figures.`,
    ...Object.entries(anew).map(([id, day]) => `The section "${id}" was measured anew on ${day}.`),
    "## Targets",
    targetTable(targets),
    ...failures.map(({ id, why }) => `**The section "${id}" gave no result:** ${why}`),
    ...results.map(sectionOf),
  ].join("\n\n")}\n`;
}

/** The targets alone, as they are printed at the end of a run. */
export function targetTable(targets: readonly Target[]): string {
  return tableOf(
    ["target", "wanted", "measured", ""],
    targets.map(({ what, wanted, measured, met }) => [
      what,
      wanted,
      figure(measured),
      met === null ? "not measured" : met ? "met" : "**missed**",
    ]),
  );
}

function sectionOf({ title, how, table, charts, notes, id }: Result): string {
  return [
    `## ${title}`,
    how,
    tableOf(table.columns, table.rows),
    ...charts.map((chart, index) => `![${chart.title}](bench/${chartName(id, index)})`),
    ...notes,
  ].join("\n\n");
}

export function chartName(id: string, index: number): string {
  return index === 0 ? `${id}.svg` : `${id}-${index + 1}.svg`;
}

function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}
