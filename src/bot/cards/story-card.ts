import { say, statusWords, type Words } from "../commands/words.ts";
import type { Status } from "../../presence/status.ts";
import {
  actions,
  box,
  type Card,
  card,
  column,
  columns,
  dayAndTime,
  type Element,
  footer,
  heading,
  plain,
  small,
  text,
  time,
} from "./element.ts";
import { maskRows, overrideBox, repHead, type Showing, why } from "./rep-card.ts";
import type { EntryView, RepView } from "./view.ts";

/** More would not be read, and a card of Teams ends at 28 KB. */
const MOST_ENTRIES = 12;

/** Why a rep shows what she shows: one sentence, and the chain of what happened, newest first. */
export function whyCard(view: RepView, chain: readonly EntryView[], showing: Showing): Card {
  const { words, nowMs, buttons, onlyForYou } = showing;
  const status = statusWords(words, view.status);
  const title = say(words, "whyTitle", { name: plain(view.name), status });
  return card(
    words,
    [
      repHead(view, words, nowMs),
      text(why(view, words), { weight: "Bolder" }),
      ...overrideBox(view, showing),
      ...maskRows(view, words, nowMs),
      small(say(words, "whyChain"), { spacing: "Medium" }),
      ...chainOf(chain, words),
      footer(words, view.asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { summary: title },
  );
}

export type Told = {
  readonly name: string;
  readonly day: string;
  readonly entries: readonly EntryView[];
  /** What she showed at the moment that was asked for, if one was. */
  readonly moment: { readonly atMs: number; readonly status: Status | null } | null;
  readonly asOfMs: number;
};

/** What happened to a rep on one day, in order. */
export function historyCard(told: Told, showing: Showing): Card {
  const { words, buttons, onlyForYou } = showing;
  const title = say(words, "historyTitle", { name: plain(told.name), day: told.day });
  const { moment } = told;
  const asked =
    moment === null
      ? []
      : [
          text(
            say(words, "statusThen", {
              time: time(moment.atMs),
              status:
                moment.status === null ? say(words, "unknown") : statusWords(words, moment.status),
            }),
            { weight: "Bolder" },
          ),
        ];
  const shown =
    told.entries.length === 0
      ? [text(say(words, "historyEmpty"), { isSubtle: true })]
      : story(told.entries, words);
  return card(
    words,
    [
      heading(title),
      ...asked,
      ...shown,
      footer(words, told.asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { summary: title },
  );
}

/** The newest entries, newest first. */
function chainOf(chain: readonly EntryView[], words: Words): readonly Element[] {
  return chain.length === 0
    ? [text(say(words, "historyEmpty"), { isSubtle: true })]
    : [box(chain.slice(-MOST_ENTRIES).toReversed().map(entryRow), { separator: true })];
}

const entryRow = ({ atMs, says }: EntryView): Element =>
  columns(
    [
      column("76px", [small(time(atMs))]),
      column("stretch", [text(plain(says), { spacing: "None" })]),
    ],
    { spacing: "Small" },
  );

/** The last entries, each with its time; how many were left out is said. */
function story(entries: readonly EntryView[], words: Words): readonly Element[] {
  const shown = entries.slice(-MOST_ENTRIES);
  const left = entries.length - shown.length;
  const more = left > 0 ? [small(say(words, "historyMore", { n: left }))] : [];
  return [...more, box(shown.map(entryRow), { separator: true })];
}

/** Who looked a rep up or set her status, and when. */
export function lookupsCard(rows: readonly EntryView[], asOfMs: number, showing: Showing): Card {
  const { words, onlyForYou, buttons } = showing;
  const title = say(words, "lookupsTitle");
  const shown =
    rows.length === 0
      ? [text(say(words, "lookupsNone"), { isSubtle: true })]
      : rows
          .slice(-MOST_ENTRIES)
          .toReversed()
          .map(({ atMs, says }) => box([text(plain(says)), small(dayAndTime(atMs))]));
  return card(
    words,
    [heading(title), ...shown, footer(words, asOfMs, onlyForYou), ...actions(buttons)],
    { summary: title },
  );
}
