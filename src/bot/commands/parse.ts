import { type Status, STATUSES } from "../../presence/status.ts";
import type { Command, CommandName } from "./command.ts";
import { compile, exampleOf, type Slots } from "./pattern.ts";
import { readClockTime, readUntil } from "./time.ts";
import type { Phrase, Words } from "./words.ts";

export type Parsed =
  | { readonly ok: true; readonly command: Command }
  /** A command was meant, but one word of it makes no sense: which, so that it can be said. */
  | { readonly ok: false; readonly wrong: "at" | "until"; readonly given: string }
  /** Nothing fits. What comes close, ready to be sent as it is; or nothing. */
  | { readonly ok: false; readonly wrong: "everything"; readonly suggestions: readonly string[] };

/** Longer than any command; a longer text is not looked at, so that no pattern can be made slow. */
const LONGEST = 300;
const MOST_SUGGESTIONS = 3;

/** Fixed texts first, then what has the most fixed words: `show my team` is no rep called "my team". */
const ORDER: readonly CommandName[] = [
  "help",
  "health",
  "policy",
  "me",
  "team",
  "board",
  "queues",
  "lookups",
  "export",
  "erase",
  "pause",
  "resume",
  "alerts",
  "digest",
  "set",
  "notify",
  "history",
  "available",
  "release",
  "why",
  "queue",
  "status",
];

type Compiled = { readonly name: CommandName; readonly pattern: RegExp };
const compiled = new WeakMap<Words, readonly Compiled[]>();

function patternsOf(words: Words): readonly Compiled[] {
  const known = compiled.get(words);
  if (known) return known;
  const fresh = ORDER.flatMap((name) =>
    words.patterns[name].map((template) => ({ name, pattern: compile(template, words) })),
  );
  compiled.set(words, fresh);
  return fresh;
}

/** Without the mention of the bot, without courtesies and closing marks, with single spaces. */
function normalize(text: string, words: Words): string {
  // Some keyboards send an umlaut as a letter and its dots.
  let rest = text
    .normalize("NFC")
    .replaceAll(/<at\b[^>]*>.*?<\/at>/gisu, " ")
    .replaceAll(/&nbsp;|\s+/gu, " ")
    .replaceAll(/[‘’]/gu, "'")
    .trim();
  for (;;) {
    const before = rest;
    rest = rest.replace(/^[\s,;:!]+|[\s,;:.?!。、？！]+$/gu, "");
    const lower = rest.toLowerCase();
    for (const courtesy of words.courtesies) {
      if (lower.startsWith(`${courtesy} `) || lower.startsWith(`${courtesy},`)) {
        rest = rest.slice(courtesy.length + 1);
        break;
      }
      if (lower.endsWith(` ${courtesy}`)) {
        rest = rest.slice(0, -courtesy.length - 1);
        break;
      }
    }
    if (rest === before) return rest;
  }
}

/**
 * Reads what was typed, in the first of `languages` that understands it. The whole text must fit a pattern. Total:
 * whatever is typed, it says what was meant, or what might have been.
 */
export function parse(text: string, languages: readonly Words[]): Parsed {
  for (const words of languages) {
    const typed = normalize(text, words);
    if (typed === "") return { ok: true, command: { name: "help" } };
    if (typed.length > LONGEST) break;
    for (const { name, pattern } of patternsOf(words)) {
      const match = pattern.exec(typed);
      if (match) return commandOf(name, match.groups ?? {}, words);
    }
  }
  return { ok: false, wrong: "everything", suggestions: suggestionsFor(text, languages) };
}

/** The status that people call by this name, in any case. */
function statusNamed(text: string, words: Words): Status | null {
  const wanted = text.trim().replaceAll(/\s+/gu, " ").toLowerCase();
  const isCalled = (status: Status): boolean =>
    [status, ...words.statusNames[status]].some((name) => name.toLowerCase() === wanted);
  return STATUSES.find(isCalled) ?? null;
}

function commandOf(name: CommandName, slots: Slots, words: Words): Parsed {
  const { rep = "", queue, target = "" } = slots;
  const at = slots.at === undefined ? null : readClockTime(slots.at);
  // Without a time another thing would be meant: the whole day, or no digest any more.
  if (slots.at !== undefined && at === null) return { ok: false, wrong: "at", given: slots.at };
  switch (name) {
    case "status":
    case "why":
    case "release":
      return { ok: true, command: { name, rep } };
    case "available":
      return { ok: true, command: { name, queue: queue ?? null } };
    case "queue":
      return { ok: true, command: { name, queue: queue ?? "" } };
    case "notify":
      return { ok: true, command: { name, target } };
    case "history": {
      const day = words.yesterday.includes(slots.day?.toLowerCase() ?? "") ? "yesterday" : "today";
      return { ok: true, command: { name, rep, day, at } };
    }
    case "digest":
      return { ok: true, command: { name, at } };
    case "set": {
      const status = statusNamed(slots.status ?? "", words) ?? "Busy";
      const until = slots.until === undefined ? null : readUntil(slots.until, words);
      if (slots.until !== undefined && until === null) {
        return { ok: false, wrong: "until", given: slots.until };
      }
      return { ok: true, command: { name, rep, status, until, reason: slots.reason ?? null } };
    }
    default:
      return { ok: true, command: { name } };
  }
}

/** What the help shows together, in the order of how often it is wanted. */
const HELP = {
  helpAsk: ["status", "available", "team", "why", "history", "queue", "queues", "health", "policy"],
  helpAct: ["set", "release"],
  helpBeTold: ["notify", "board", "digest", "alerts"],
  helpYours: ["me", "pause", "resume", "lookups", "export", "erase"],
} as const satisfies Partial<Record<Phrase, readonly CommandName[]>>;

/** Every command with the shortest way to say it, as the help shows it. */
export function helpGroups(words: Words): readonly HelpGroup[] {
  const titles = Object.keys(HELP) as (keyof typeof HELP)[];
  return titles.map((title) => ({
    title,
    commands: HELP[title].flatMap((name) => exampleFor(name, words)),
  }));
}

export type HelpGroup = {
  readonly title: Phrase;
  readonly commands: readonly { readonly name: CommandName; readonly example: string }[];
};

function exampleFor(name: CommandName, words: Words): HelpGroup["commands"] {
  const [template] = words.patterns[name];
  return template === undefined ? [] : [{ name, example: exampleOf(template, words) }];
}

/** The same text with its first word mended, where that word is nearly the first word of a command. */
function suggestionsFor(text: string, languages: readonly Words[]): readonly string[] {
  const found = new Map<string, number>();
  for (const words of languages) {
    const typed = normalize(text, words).slice(0, LONGEST);
    const [first = "", ...rest] = typed.split(" ");
    for (const { example } of ORDER.flatMap((name) => exampleFor(name, words))) {
      const [keyword = "", ...slots] = example.split(" ");
      const away = distance(first.toLowerCase(), keyword.toLowerCase());
      if (away === 0 || away > Math.max(1, Math.floor(keyword.length / 3))) continue;
      const says = slots.length > 0 && rest.length > 0 ? [keyword, ...rest].join(" ") : example;
      found.set(says, Math.min(away, found.get(says) ?? away));
    }
  }
  const nearest = [...found].toSorted(([, a], [, b]) => a - b);
  return nearest.slice(0, MOST_SUGGESTIONS).map(([says]) => says);
}

/** How many letters must be added, dropped, replaced or swapped with their neighbour to get from one to the other. */
export function distance(a: string, b: string): number {
  const from = Array.from(a);
  const to = Array.from(b);
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? Infinity) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length] ?? 0;
}
