import { lengthWords, say, statusWords, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Button,
  type Card,
  card,
  column,
  columns,
  type Element,
  footer,
  heading,
  plain,
  type Refresh,
  row,
  sign,
  small,
  statusText,
  text,
  time,
} from "./element.ts";
import type { OriginView, RepView, SystemView } from "./view.ts";

export type Showing = {
  readonly words: Words;
  readonly nowMs: number;
  readonly buttons: readonly Button[];
  readonly refresh?: Refresh | null;
  /** True where others are present who do not see what this viewer sees. */
  readonly onlyForYou: boolean;
};

/** One rep: her one status first, then why, what each system shows, what lies over it, and how old all this is. */
export function repCard(view: RepView, showing: Showing): Card {
  const { words, nowMs, buttons, refresh = null, onlyForYou } = showing;
  const summary = `${view.name}: ${statusWords(words, view.status)}`;
  return card(
    words,
    [
      repHead(view, words, nowMs),
      text(why(view, words), { spacing: "Small" }),
      ...warnings(view, words),
      box(
        view.systems.map((system) => systemRow(system, words, nowMs)),
        { separator: true, spacing: "Medium" },
      ),
      ...details(view, words),
      footer(words, view.asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { refresh, summary },
  );
}

/** The sign, the name, the status and since when. */
export function repHead(view: RepView, words: Words, nowMs: number): Element {
  const { sinceMs } = view;
  const since =
    sinceMs === null
      ? say(words, "sinceUnknown")
      : say(words, "since", { time: time(sinceMs), length: lengthWords(words, nowMs - sinceMs) });
  return columns([
    column("auto", [sign(view.status, { size: "ExtraLarge" })], {
      verticalContentAlignment: "Center",
    }),
    column("stretch", [
      heading(plain(view.name)),
      statusText(words, view.status, { weight: "Bolder", spacing: "None" }),
      small(since),
    ]),
  ]);
}

function originWords(origin: OriginView, words: Words): string {
  if (origin.kind === "nothing chosen") return say(words, "nothingChosen");
  return say(words, "chosenIn", { where: plain(origin.where) });
}

/** Why she shows what she shows, in one sentence. */
export function why({ status, origin, beneath }: RepView, words: Words): string {
  const name = statusWords(words, status);
  if (origin.kind === "chosen" || origin.kind === "nothing chosen") {
    return `${name}: ${originWords(origin, words)}`;
  }
  const phrase = origin.kind === "shown" ? "showsByItself" : "reports";
  const top = say(words, phrase, { status: name, where: plain(origin.where) });
  if (beneath === null) return top;
  const from = originWords(beneath.origin, words);
  const returns = say(words, "returnsAfter", { status: statusWords(words, beneath.status), from });
  return `${top}; ${returns}`;
}

function warnings({ paused, overridden }: RepView, words: Words): readonly Element[] {
  const lines = [
    ...(paused ? [say(words, "paused")] : []),
    ...(overridden === null
      ? []
      : [
          say(words, "overrideUntil", {
            source: plain(overridden.source),
            time: overridden.untilMs === null ? "…" : time(overridden.untilMs),
          }),
        ]),
  ];
  return lines.map((line) => box([text(line)], { style: "warning", spacing: "Small" }));
}

const NOTES = {
  "in step": "inStep",
  differs: "disagrees",
  underway: "underway",
  absorbed: "absorbed",
  rejected: "rejected",
  "signed out": "signedOut",
  covered: "covered",
} as const;

function systemRow(system: SystemView, words: Words, nowMs: number): Element {
  const { name, status, note, readAtMs } = system;
  const age = lengthWords(words, nowMs - readAtMs);
  const read = readAtMs === 0 ? say(words, "neverRead") : say(words, "readAgo", { length: age });
  const shown = status === null ? text("–") : statusText(words, status, { weight: "Bolder" });
  const said = readAtMs === 0 ? read : `${say(words, NOTES[note])} · ${read}`;
  return columns(
    [
      column("104px", [text(plain(name), { isSubtle: true })]),
      column("stretch", [shown, small(said)]),
    ],
    { spacing: "Small" },
  );
}

function details({ layers, nextShiftMs }: RepView, words: Words): readonly Element[] {
  const over = layers.map(({ status, source, untilMs }) => {
    const name = statusWords(words, status);
    const says =
      untilMs === null
        ? `${name} · ${plain(source)}`
        : say(words, "holdUntil", { status: name, source: plain(source), time: time(untilMs) });
    return row(say(words, "holds"), says);
  });
  const shift = nextShiftMs === null ? say(words, "shiftUnknown") : time(nextShiftMs);
  return [...over, row(say(words, "shiftEdge"), shift)];
}
