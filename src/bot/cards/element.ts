import type {
  IActionSet,
  IAdaptiveCard,
  IColumn,
  IColumnSet,
  IContainer,
  IExecuteAction,
  ITextBlock,
  TextColor,
} from "@microsoft/teams.cards";
import type { Status } from "../../presence/status.ts";
import { say, statusWords, type Words } from "../commands/words.ts";

export type Card = IAdaptiveCard;
export type Element = NonNullable<IAdaptiveCard["body"]>[number];

/** What a button sends: what to do, and a sealed reference to whom and where (src/bot/seal.ts). */
export type Button = {
  readonly title: string;
  readonly verb: string;
  readonly ref: string;
  readonly primary?: boolean;
  /** Sends what was put into the card along, and asks for what is missing. */
  readonly submits?: boolean;
};

/** Who sees which card: everybody the base, those named the view that the refresh brings. */
export type Refresh = Button & { readonly userIds: readonly string[] };

/** Teams takes 60 users at most; a card that names none is never refreshed by itself. */
const MOST_VIEWERS = 60;

/** Text that people wrote, with nothing in it that a card would take for markup or a date function. */
export function plain(text: string): string {
  return text.replaceAll(/[\\`*_~[\]]/g, String.raw`\$&`).replaceAll("{{", "{ {");
}

/** A moment on the reader's own clock, which only her client knows. */
export function time(atMs: number): string {
  return `{{TIME(${new Date(atMs).toISOString().slice(0, 19)}Z)}}`;
}

/** The same with its day, for what may not be today. */
export function dayAndTime(atMs: number): string {
  const iso = `${new Date(atMs).toISOString().slice(0, 19)}Z`;
  return `{{DATE(${iso},SHORT)}} {{TIME(${iso})}}`;
}

const TODAY_MS = 12 * 3_600_000;

/** The time alone while it says enough: nobody takes yesterday's 10:30 for today's. */
export function moment(atMs: number, nowMs: number): string {
  return Math.abs(nowMs - atMs) < TODAY_MS ? time(atMs) : dayAndTime(atMs);
}

export function text(says: string, more: Partial<ITextBlock> = {}): ITextBlock {
  return { type: "TextBlock", text: says, wrap: true, ...more };
}

export function small(says: string, more: Partial<ITextBlock> = {}): ITextBlock {
  return text(says, { size: "Small", isSubtle: true, spacing: "None", ...more });
}

export function heading(says: string, more: Partial<ITextBlock> = {}): ITextBlock {
  return text(says, { size: "Large", weight: "Bolder", style: "heading", ...more });
}

/** A column's width is `auto`, `stretch`, a weight, or pixels such as `96px`. */
export function column(
  width: string | number,
  items: readonly Element[],
  more: Partial<IColumn> = {},
): IColumn {
  return { type: "Column", width, items: [...items], ...more };
}

export function columns(cells: readonly IColumn[], more: Partial<IColumnSet> = {}): IColumnSet {
  return { type: "ColumnSet", columns: [...cells], ...more };
}

export function box(
  items: readonly Element[],
  more: Partial<IContainer> = {},
): IContainer & { readonly type: "Container" } {
  return { type: "Container", items: [...items], ...more };
}

/** A line that says what a thing is, and what it says; it stays readable at the width of a phone. */
export function row(label: string, value: string, note: string | null = null): IColumnSet {
  const value_ = text(value, { spacing: "None" });
  return columns(
    [
      column("104px", [text(label, { isSubtle: true })]),
      column("stretch", note === null ? [value_] : [value_, small(note)]),
    ],
    { spacing: "Small" },
  );
}

const COLORS: Readonly<Record<Status, TextColor>> = {
  Available: "Good",
  BeRightBack: "Warning",
  Away: "Warning",
  Busy: "Attention",
  InAMeeting: "Attention",
  DoNotDisturb: "Attention",
  InACall: "Attention",
  Offline: "Default",
};

/** Not by colour alone: the sign differs where the meaning does. */
const SIGNS: Readonly<Record<Status, string>> = {
  Available: "●",
  BeRightBack: "◐",
  Away: "◐",
  Busy: "■",
  InAMeeting: "■",
  DoNotDisturb: "■",
  InACall: "■",
  Offline: "○",
};

export function colorOf(status: Status): { readonly color: TextColor; readonly isSubtle: boolean } {
  return { color: COLORS[status], isSubtle: status === "Offline" };
}

export function sign(status: Status, more: Partial<ITextBlock> = {}): ITextBlock {
  return text(SIGNS[status], { ...colorOf(status), wrap: false, ...more });
}

/** A status by name, in its colour. */
export function statusText(
  words: Words,
  status: Status,
  more: Partial<ITextBlock> = {},
): ITextBlock {
  return text(statusWords(words, status), { ...colorOf(status), ...more });
}

/** Clients without Action.Execute send the same data as a message instead. */
function execute({ title, verb, ref, primary, submits }: Button): IExecuteAction {
  // What goes back from a form must not wait for the form to be filled in.
  const associatedInputs = submits ? "auto" : "none";
  return {
    type: "Action.Execute",
    title,
    verb,
    data: { ref },
    associatedInputs,
    ...(primary ? { style: "positive" as const } : {}),
    fallback: { type: "Action.Submit", title, data: { verb, ref }, associatedInputs },
  };
}

/** What fits side by side on a phone, with "…" beside it, behind which the others wait. */
const MOST_BUTTONS = 3;
const MOST_LETTERS = 24;

/** How much room a title takes, in Latin letters: a Japanese one is twice as wide. */
const lettersOf = (title: string): number =>
  title.length + (title.match(/[\u2e80-\uffef]/gu)?.length ?? 0);

export function actions(buttons: readonly Button[]): readonly IActionSet[] {
  if (buttons.length === 0) return [];
  let letters = 0;
  const all = buttons.map((button, at) => {
    letters += lettersOf(button.title);
    const fits = at === 0 || (at < MOST_BUTTONS && letters <= MOST_LETTERS);
    return fits ? execute(button) : { ...execute(button), mode: "secondary" as const };
  });
  return [{ type: "ActionSet", spacing: "Medium", actions: all }];
}

/** The last line of a card that shows facts: of when they are, and for whom. */
export function footer(words: Words, asOfMs: number, onlyForYou: boolean): ITextBlock {
  const asOf = say(words, "asOf", { time: time(asOfMs) });
  const says = onlyForYou ? `${asOf} · ${say(words, "onlyForYou")}` : asOf;
  return small(says, { spacing: "Medium" });
}

export function card(
  words: Words,
  body: readonly Element[],
  more: { readonly refresh?: Refresh | null; readonly summary?: string } = {},
): Card {
  const { refresh = null, summary } = more;
  return {
    type: "AdaptiveCard",
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    version: "1.5",
    lang: words.language,
    body: [...body],
    ...(summary === undefined ? {} : { fallbackText: summary, speak: summary }),
    ...(refresh === null
      ? {}
      : {
          refresh: {
            action: execute(refresh),
            userIds: refresh.userIds.slice(0, MOST_VIEWERS),
          },
        }),
  };
}
