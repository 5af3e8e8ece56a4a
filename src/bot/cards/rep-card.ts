import { lengthWords, say, statusWords, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Button,
  type Card,
  card,
  column,
  columns,
  dayAndTime,
  type Element,
  footer,
  heading,
  moment,
  plain,
  type Refresh,
  row,
  sign,
  small,
  statusText,
  text,
  time,
} from "./element.ts";
import type { DetailView, OriginView, RepView, ShiftView, SystemView } from "./view.ts";

export type Showing = {
  readonly words: Words;
  readonly nowMs: number;
  readonly buttons: readonly Button[];
  readonly refresh?: Refresh | null;
  /** The one click that has syncing go on, for who may: where she paused it, or set something by hand that hides more. */
  readonly lift?: Button | null;
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
      ...warnings(view, showing),
      ...overrideBox(view, showing),
      box(
        view.systems.map((system) => systemRow(system, words, nowMs)),
        { separator: true, spacing: "Medium" },
      ),
      ...details(view, words, nowMs),
      footer(words, view.asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { refresh, summary },
  );
}

/** The sign, the name, the status and since when. */
export function repHead(view: RepView, words: Words, nowMs: number): Element {
  const { sinceMs } = view;
  const since = sinceMs === null ? say(words, "sinceUnknown") : sinceWords(sinceMs, words, nowMs);
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

function sinceWords(sinceMs: number, words: Words, nowMs: number): string {
  const length = lengthWords(words, nowMs - sinceMs);
  return say(words, "since", { time: moment(sinceMs, nowMs), length });
}

/** Who is no system: the bot's own names for them, in the reader's language. */
const ROLES = { "a manager": "roleManager", "the rep herself": "roleSelf" } as const;

/** A system, a partner or a person's role, as the reader calls it. */
function sourceWords(source: string, words: Words): string {
  const role = Object.entries(ROLES).find(([name]) => name === source)?.[1];
  return role === undefined ? plain(source) : say(words, role);
}

function originWords(origin: OriginView, words: Words): string {
  if (origin.kind === "nothing chosen") return say(words, "nothingChosen");
  if (origin.kind === "set") return say(words, "setBy", { role: sourceWords(origin.where, words) });
  return say(words, "chosenIn", { where: plain(origin.where) });
}

/** Why she shows what she shows, in one sentence. */
export function why({ status, origin, beneath }: RepView, words: Words): string {
  const name = statusWords(words, status);
  if (origin.kind !== "shown" && origin.kind !== "reported") {
    return `${name}: ${originWords(origin, words)}`;
  }
  const phrase = origin.kind === "shown" ? "showsByItself" : "reports";
  const top = say(words, phrase, { status: name, where: sourceWords(origin.where, words) });
  if (beneath === null) return top;
  const from = originWords(beneath.origin, words);
  const returns = say(words, "returnsAfter", { status: statusWords(words, beneath.status), from });
  return `${top}; ${returns}`;
}

function warnings(
  { paused, overridden }: RepView,
  { words, lift = null }: Showing,
): readonly Element[] {
  const resume = paused && lift ? actions([lift]) : [];
  const lines = [
    ...(paused ? [[text(say(words, "paused")), ...resume]] : []),
    ...(overridden === null
      ? []
      : [
          [
            text(
              say(words, "overrideUntil", {
                source: sourceWords(overridden.source, words),
                time: overridden.untilMs === null ? "…" : time(overridden.untilMs),
              }),
            ),
          ],
        ]),
  ];
  return lines.map((line) => box(line, { style: "warning", spacing: "Small" }));
}

/** What she set by hand hides something: what, until when, and the one click that ends it. */
export function overrideBox({ manual }: RepView, showing: Showing): readonly Element[] {
  if (manual === null) return [];
  const { words, nowMs, lift = null } = showing;
  const { status, hides, sinceMs, endsMs } = manual;
  const where = plain(manual.where);
  const values = { status: statusWords(words, status), hides: statusWords(words, hides), where };
  const since = sinceMs === null ? [] : [sinceWords(sinceMs, words, nowMs)];
  const ends =
    endsMs === null
      ? say(words, "manualEndUnknown", { where })
      : say(words, "manualEnds", { where, time: moment(endsMs, nowMs) });
  return [
    box(
      [
        text(say(words, "manualHides", values)),
        small([...since, ends].join(" · ")),
        ...actions(lift === null ? [] : [lift]),
      ],
      { style: "warning", spacing: "Small" },
    ),
  ];
}

/** Of each system that an entry of ours covers: what is not known because of that, since when. */
export function maskRows(view: RepView, words: Words, nowMs: number): readonly Element[] {
  return view.systems.flatMap(({ name, mask }) =>
    mask === null ? [] : [row(plain(name), maskWords(mask, words, nowMs))],
  );
}

function maskWords(mask: NonNullable<SystemView["mask"]>, words: Words, nowMs: number): string {
  const { sinceMs, covering } = mask;
  const values = { time: moment(sinceMs, nowMs), status: statusWords(words, covering) };
  return say(words, "masked", values);
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
  const { name, status, note, readAtMs, mask } = system;
  const age = lengthWords(words, nowMs - readAtMs);
  const read = readAtMs === 0 ? say(words, "neverRead") : say(words, "readAgo", { length: age });
  const shown = status === null ? text("–") : statusText(words, status, { weight: "Bolder" });
  const said = readAtMs === 0 ? read : `${say(words, NOTES[note])} · ${read}`;
  return columns(
    [
      column("104px", [text(plain(name), { isSubtle: true })]),
      column("stretch", [
        shown,
        small(said),
        ...(mask === null ? [] : [small(maskWords(mask, words, nowMs))]),
      ]),
    ],
    { spacing: "Small" },
  );
}

/** Its limits go with it: it tells when she signed in, not since when she shows what she shows. */
function contactCentre(detail: DetailView | null, words: Words, nowMs: number): readonly Element[] {
  if (detail === null) return [];
  const { presence, signedInAtMs, browserSessions, asOfMs } = detail;
  const says = [
    plain(presence),
    ...(signedInAtMs === null ? [] : [say(words, "signedInAt", { time: time(signedInAtMs) })]),
    ...(browserSessions > 1 ? [say(words, "inBrowsers", { count: String(browserSessions) })] : []),
  ];
  const note = say(words, "askedInHerName", { length: lengthWords(words, nowMs - asOfMs) });
  return [row(say(words, "contactCentre"), says.filter(Boolean).join(" · "), note)];
}

function details(
  { layers, nextShift, detail }: RepView,
  words: Words,
  nowMs: number,
): readonly Element[] {
  const over = layers.map(({ status, source, untilMs }) => {
    const name = statusWords(words, status);
    const by = sourceWords(source, words);
    const says =
      untilMs === null
        ? `${name} · ${by}`
        : say(words, "holdUntil", { status: name, source: by, time: time(untilMs) });
    return row(say(words, "holds"), says);
  });
  const shift = row(say(words, "shiftEdge"), shiftWords(nextShift, words, nowMs));
  return [...over, ...contactCentre(detail, words, nowMs), shift];
}

/** Further away than this it may be another day's. */
const TODAY_MS = 12 * 3_600_000;

function shiftWords(next: ShiftView | null, words: Words, nowMs: number): string {
  if (next === null) return say(words, "shiftUnknown");
  const { begins, atMs } = next;
  const at = atMs - nowMs > TODAY_MS ? dayAndTime(atMs) : time(atMs);
  return say(words, begins ? "shiftBegins" : "shiftEnds", { time: at });
}
