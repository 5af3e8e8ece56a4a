import { cellsOf, type ChangedCell } from "../../presence/cells.ts";
import { nameOf, type RepId } from "../../presence/identity.ts";
import type { Mappings } from "../../presence/mapping.ts";
import type { Moment, Span } from "../../replay/compare.ts";
import { type Answer, isDifferent, type Sum, summed } from "../../replay/replay.ts";
import { textTable } from "../text-table.ts";

const WIDTH = 130;
const MOST_REPS = 20;
const MOST_MOMENTS = 5;

export type Replay = {
  readonly span: Span;
  readonly changes: readonly ChangedCell[];
  readonly answers: readonly { readonly rep: RepId; readonly answer: Answer }[];
};

/** Every cell, and which of them say something else than the policy `beside` it. */
export function showText(
  mappings: Mappings,
  changes: readonly ChangedCell[],
  beside: string,
): string {
  const changed = new Map(changes.map(({ where, from }) => [where, from]));
  const lines = cellsOf(mappings).map(({ where, says }) => {
    const before = changed.get(where);
    const note = before === undefined ? "" : `${beside}: ${before ?? "not agreed"}`;
    return [where, says, note];
  });
  const laws = "The laws L1 to L5 hold: the policy would be taken.";
  return [textTable(lines, { width: WIDTH }), "", changesText(changes, beside), laws].join("\n");
}

function changesText(changes: readonly ChangedCell[], beside: string): string {
  if (changes.length === 0) return `It is the same as ${beside}.`;
  const lines = changes.map(({ where, from, to }) => {
    return `  ${where}: ${to ?? "not agreed"} instead of ${from ?? "not agreed"}`;
  });
  return [`It differs from ${beside} in ${changes.length}:`, ...lines].join("\n");
}

export function replayText({ span, changes, answers }: Replay): string {
  const sum = summed(answers.map(({ answer }) => answer));
  const different = mostDifferent(answers);
  const times = `${timeOf(span.fromMs)} to ${timeOf(span.untilMs)}`;
  const moments = different
    .slice(0, MOST_REPS)
    .flatMap(({ rep, answer }) => momentsText(rep, answer.moments));
  return [
    changesText(changes, "the policy in force"),
    "",
    `${answers.length} reps, ${times}; ${different.length} of them differ.`,
    textTable([["", "in force", "the file"], ...figures(sum)], { width: WIDTH }),
    ...(different.length === 0 ? [] : ["", "The reps who differ most:", repTable(different)]),
    ...(moments.length === 0 ? [] : ["", "When they begin to differ:", ...moments]),
    "",
    trustText(sum),
  ].join("\n");
}

type Answered = Replay["answers"][number];

function mostDifferent(answers: readonly Answered[]): readonly Answered[] {
  const otherwise = ({ answer }: Answered): number =>
    [...answer.otherwiseMs.values()].reduce((all, ms) => all + ms, 0);
  return answers
    .filter(({ answer }) => isDifferent(answer))
    .toSorted((one, two) => otherwise(two) - otherwise(one));
}

function figures({ writes, otherwiseMs, routableMs }: Sum): readonly (readonly string[])[] {
  return [
    ...[...writes].map(([system, { inForce, other }]) => {
      return [`writes to ${nameOf(system)}`, String(inForce), String(other)];
    }),
    ["seconds routable", seconds(routableMs.inForce), seconds(routableMs.other)],
    ...[...otherwiseMs].map(([system, ms]) => {
      return [`seconds in which ${nameOf(system)} shows something else`, "", seconds(ms)];
    }),
  ];
}

function repTable(answers: readonly Answered[]): string {
  const shown = answers.slice(0, MOST_REPS);
  const systems = [...(shown[0]?.answer.writes.keys() ?? [])];
  const heads = systems.flatMap((system) => [`writes ${nameOf(system)}`, `${nameOf(system)} else`]);
  const lines = shown.map(({ rep, answer }) => [
    rep,
    ...systems.flatMap((system) => {
      const { inForce = 0, other = 0 } = answer.writes.get(system) ?? {};
      return [`${inForce} → ${other}`, `${seconds(answer.otherwiseMs.get(system) ?? 0)} s`];
    }),
    `${seconds(answer.routableMs.inForce)} → ${seconds(answer.routableMs.other)} s`,
  ]);
  return textTable([["rep", ...heads, "routable"], ...lines], { width: WIDTH });
}

function momentsText(rep: RepId, moments: readonly Moment[]): readonly string[] {
  return moments.slice(0, MOST_MOMENTS).flatMap((moment) => {
    const { atMs, system, inForce, other, inForceSays, otherSays } = moment;
    return [
      `${timeOf(atMs)} ${rep}: ${nameOf(system)} shows ${other} instead of ${inForce}`,
      `  the file: ${otherSays}`,
      `  in force: ${inForceSays}`,
    ];
  });
}

/** What the replay rests on, and what it does not know. */
function trustText({ trust }: Sum): string {
  const { decisions, reproduced, guessed, unsure, fights } = trust;
  const gaps: readonly (readonly [number, string])[] = [
    [
      guessed,
      "reports of calls by an older release do not say which call: one at a time of each sender is assumed",
    ],
    [unsure, "readings do not say which state it was: they mean what they meant"],
    [fights, "fights with another automation were recorded by their beginning and end only"],
  ];
  return [
    `The policy in force, replayed, comes to ${reproduced} of the ${decisions} recorded decisions.`,
    ...gaps.filter(([count]) => count > 0).map(([count, says]) => `${count} ${says}.`),
    "Assumed: people and systems do again what they did by themselves; every write is accepted at once and shows when one was recorded to,",
    "else after half a second. What an entry of ours hid was not seen and is not in it. `cli policy --help` says more.",
  ].join("\n");
}

export function replayJson({ span, changes, answers }: Replay): unknown {
  const plain = ({ writes, otherwiseMs, routableMs, trust }: Sum) => ({
    writes: Object.fromEntries(writes),
    otherwiseSeconds: Object.fromEntries(
      [...otherwiseMs].map(([system, ms]) => [system, Math.round(ms / 1_000)]),
    ),
    routableSeconds: {
      inForce: Math.round(routableMs.inForce / 1_000),
      other: Math.round(routableMs.other / 1_000),
    },
    trust,
  });
  return {
    ...span,
    changes,
    together: plain(summed(answers.map(({ answer }) => answer))),
    reps: answers
      .filter(({ answer }) => isDifferent(answer))
      .map(({ rep, answer }) => {
        return { rep, ...plain(answer), moments: answer.moments.slice(0, MOST_MOMENTS) };
      }),
  };
}

const seconds = (ms: number): string => String(Math.round(ms / 1_000));
const timeOf = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
