import type { ChartColor, IDonutChart } from "@microsoft/teams.cards";
import { type Status, STATUSES } from "../../presence/status.ts";
import { lengthWords, say, statusWords, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Card,
  card,
  colorOf,
  column,
  columns,
  type Element,
  footer,
  heading,
  plain,
  sign,
  small,
  statusText,
  text,
} from "./element.ts";
import type { Showing } from "./rep-card.ts";
import type { PersonView, TeamView } from "./view.ts";

/** A list that is longer is no answer to "who"; it says how many more there are. */
const MOST_PEOPLE = 15;
const MOST_WAITING = 5;

/** Who can take work now, longest available first. */
export function availableCard(
  people: readonly PersonView[],
  total: number,
  queue: string | null,
  asOfMs: number,
  showing: Showing,
): Card {
  const { words, nowMs, buttons, refresh = null, onlyForYou } = showing;
  const title = say(words, "availableTitle");
  const where = queue === null ? title : `${title} · ${plain(queue)}`;
  const list =
    people.length === 0
      ? [text(say(words, "availableNone"), { isSubtle: true })]
      : people.slice(0, MOST_PEOPLE).map((person) => personRow(person, words, nowMs));
  const more = people.length - MOST_PEOPLE;
  return card(
    words,
    [
      titled(where, say(words, "availableCount", { n: people.length, total })),
      box(list, { separator: true }),
      ...(more > 0 ? [small(say(words, "availableMore", { n: more }))] : []),
      footer(words, asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { refresh, summary: `${where}: ${people.length}` },
  );
}

function titled(title: string, figure: string): Element {
  return columns([
    column("stretch", [heading(title)]),
    column("auto", [text(figure, { size: "Large", isSubtle: true, wrap: false })], {
      verticalContentAlignment: "Center",
    }),
  ]);
}

function personRow({ name, status, sinceMs, inStep }: PersonView, words: Words, nowMs: number) {
  const length = sinceMs === null ? "" : lengthWords(words, nowMs - sinceMs);
  // In a list of people who are available that need not be said of each.
  const shows = status === "Available" ? [] : [statusWords(words, status)];
  const right = [...shows, length].filter((part) => part !== "").join(" · ");
  return columns(
    [
      // As wide for each sign, so that the names begin at one line.
      column("22px", [sign(status)], { verticalContentAlignment: "Center" }),
      column("stretch", [text(`${plain(name)}${inStep ? "" : " ⚠"}`)]),
      column("auto", [small(right, { horizontalAlignment: "Right", wrap: false })], {
        verticalContentAlignment: "Center",
      }),
    ],
    { spacing: "Small" },
  );
}

/** The team: how many show what, as a chart where the client draws one, and who has been away the longest. */
export function teamCard(view: TeamView, title: string, showing: Showing): Card {
  const { words, nowMs, buttons, refresh = null, onlyForYou } = showing;
  const { people, counts, outOfStep, asOfMs } = view;
  const unavailable = people
    .filter(
      ({ status, sinceMs }) => status !== "Available" && status !== "Offline" && sinceMs !== null,
    )
    .toSorted((a, b) => (a.sinceMs ?? 0) - (b.sinceMs ?? 0))
    .slice(0, MOST_WAITING);
  return card(
    words,
    [
      titled(title, say(words, "teamOf", { n: people.length })),
      chart(counts, words),
      tiles(counts, words),
      ...(outOfStep === 0
        ? []
        : [box([text(say(words, "teamStuck", { n: outOfStep }))], { style: "warning" })]),
      ...(unavailable.length === 0
        ? []
        : [
            text(say(words, "longest"), { weight: "Bolder", spacing: "Medium" }),
            box(
              unavailable.map((person) => personRow(person, words, nowMs)),
              { spacing: "Small" },
            ),
          ]),
      footer(words, asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { refresh, summary: `${title}: ${counts.Available}/${people.length}` },
  );
}

/** How many show what, for everybody in a channel: figures only, no names. It is edited as they change. */
export function boardCard(
  view: Omit<TeamView, "people">,
  total: number,
  showing: Omit<Showing, "onlyForYou">,
): Card {
  const { words, buttons } = showing;
  const { counts, outOfStep, asOfMs } = view;
  const title = say(words, "boardTitle");
  return card(
    words,
    [
      titled(title, say(words, "availableCount", { n: counts.Available, total })),
      chart(counts, words),
      tiles(counts, words),
      ...(outOfStep === 0
        ? []
        : [box([text(say(words, "teamStuck", { n: outOfStep }))], { style: "warning" })]),
      small(say(words, "boardEdits"), { spacing: "Medium" }),
      footer(words, asOfMs, false),
      ...actions(buttons),
    ],
    { summary: `${title}: ${counts.Available}/${total}` },
  );
}

/** Every status that somebody shows, with how many: as large figures, three in a line. */
function tiles(counts: Readonly<Record<Status, number>>, words: Words): Element {
  const shown = STATUSES.filter((status) => counts[status] > 0);
  const lines = Array.from({ length: Math.ceil(shown.length / 3) }, (_, line) =>
    columns(
      [0, 1, 2].map((at) => {
        const status = shown[line * 3 + at];
        if (status === undefined) return column("stretch", []);
        return column("stretch", [
          statusText(words, status, { size: "Small", spacing: "None" }),
          text(String(counts[status]), { size: "ExtraLarge", weight: "Bolder", spacing: "None" }),
        ]);
      }),
      { spacing: "Small" },
    ),
  );
  return box(lines, { spacing: "Small" });
}

const SLICES: Readonly<Record<Status, ChartColor>> = {
  Available: "good",
  BeRightBack: "categoricalMarigold",
  Away: "warning",
  Busy: "attention",
  InAMeeting: "categoricalPurple",
  DoNotDisturb: "divergingMaroon",
  InACall: "categoricalRed",
  Offline: "neutral",
};

/** How many signs the band of a client without charts is wide. */
const BAND_SIGNS = 22;

/** A chart where the client draws charts, and elsewhere a band in which each status is as wide as it is common. */
function chart(counts: Readonly<Record<Status, number>>, words: Words): IDonutChart {
  const shown = STATUSES.filter((status) => counts[status] > 0);
  const total = shown.reduce((sum, status) => sum + counts[status], 0);
  const inlines = shown.map((status) => ({
    type: "TextRun" as const,
    text: "█".repeat(Math.max(1, Math.round((BAND_SIGNS * counts[status]) / total))),
    ...colorOf(status),
  }));
  return {
    type: "Chart.Donut",
    data: shown.map((status) => ({
      legend: statusWords(words, status),
      value: counts[status],
      color: SLICES[status],
    })),
    fallback: { type: "RichTextBlock", inlines },
  };
}
