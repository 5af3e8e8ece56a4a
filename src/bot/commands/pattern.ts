import { STATUSES } from "../../presence/status.ts";
import { type Slot, SLOTS, type Words } from "./words.ts";

export type Slots = Readonly<Partial<Record<Slot, string>>>;

/** A time of day, loosely; what it is exactly, `time.ts` says. */
const TIME = String.raw`\d{1,2}(?:[:.]\d{2})?\s*(?:[ap]\.?m\.?|uhr|時)?`;
const TOKEN = /(?:\[[^\]]*\]|\([^)]*\)|\{\w+\}|[^\s[({])+/g;
const PART = /\[([^\]]*)\]|\(([^)]*)\)|\{(\w+)\}|([^[({]+)/g;

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

/** Any of these, longest first, so that "in a meeting" is not read as "in". */
function anyOf(names: readonly string[]): string {
  const longestFirst = names.toSorted((a, b) => b.length - a.length);
  return longestFirst.map((name) => escaped(name).replaceAll(" ", String.raw`\s+`)).join("|");
}

function slotPattern(slot: Slot, words: Words): string {
  switch (slot) {
    case "status":
      return anyOf(STATUSES.flatMap((status) => words.statusNames[status]));
    case "day":
      return anyOf([...words.today, ...words.yesterday]);
    case "off":
      return anyOf(words.off);
    case "at":
      return TIME;
    case "reason":
      return ".+";
    default:
      return ".+?";
  }
}

const alternatives = (text: string, words: Words): string =>
  text
    .split("|")
    .map((alternative) => sourceOf(alternative, words))
    .join("|");

const isSlot = (name: string): name is Slot => (SLOTS as readonly string[]).includes(name);

function partPattern(part: RegExpMatchArray, words: Words): string {
  const [, optional, group, slot = "", literal = ""] = part;
  if (optional !== undefined) return `(?:${alternatives(optional, words)})?`;
  if (group !== undefined) return `(?:${alternatives(group, words)})`;
  if (isSlot(slot)) return `(?<${slot}>${slotPattern(slot, words)})`;
  return escaped(literal);
}

/**
 * Compiles `set {rep} [to] {status}` into a pattern that must match the whole of what was typed. White space
 * separates tokens and may be of any length; a token that may be left out takes its white space along.
 */
export function compile(template: string, words: Words): RegExp {
  return new RegExp(`^${sourceOf(template, words)}$`, "iu");
}

function sourceOf(template: string, words: Words): string {
  let source = "";
  let separated = true;
  for (const [token] of template.matchAll(TOKEN)) {
    const parts = [...token.matchAll(PART)];
    const optional = parts.length === 1 && parts[0]?.[1] !== undefined;
    const body = parts.map((part) => partPattern(part, words)).join("");
    if (optional) {
      const bare = body.slice(0, -1);
      source += separated ? String.raw`(?:${bare}\s+)?` : String.raw`(?:\s+${bare})?`;
    } else {
      source += separated ? body : String.raw`\s+${body}`;
      separated = false;
    }
  }
  return source;
}

/** The shortest way to say it, with something in each slot: `set <name> <status>`. */
export function exampleOf(template: string, words: Words): string {
  return [...template.matchAll(TOKEN)]
    .map(([token]) =>
      [...token.matchAll(PART)]
        .map(([, optional, group, slot = "", literal = ""]) => {
          if (optional !== undefined) return "";
          if (group !== undefined) return group.split("|")[0] ?? "";
          return isSlot(slot) ? `‹${words.slots[slot]}›` : literal;
        })
        .join(""),
    )
    .filter((token) => token !== "")
    .join(" ");
}
