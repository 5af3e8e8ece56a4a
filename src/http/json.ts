import { isUtf8 } from "node:buffer";

const JSON_PROBLEMS = {
  "json-empty": "the body is empty",
  "json-not-utf8": "the body is not UTF-8",
  "json-too-deep": "the body nests deeper than 32 levels",
  "json-too-many-keys": "the body has more than 10 000 keys",
  "json-forbidden-key": "a key of the body is __proto__, constructor or prototype",
  "json-duplicate-key": "an object of the body has the same key twice",
  "json-malformed": "the body is not JSON",
} as const;
type JsonProblem = keyof typeof JSON_PROBLEMS;

/** `says` is a sentence for the sender; it never quotes the body. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: JsonProblem; readonly says: string };

const MAX_DEPTH = 32;
const MAX_KEYS = 10_000;
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;

/**
 * Parses a body of which only the size is known. What could hurt (depth, number of keys, keys that reach
 * a prototype) is found by one pass over the bytes, before `JSON.parse` builds anything. `strict` also
 * refuses a key given twice: two readers of one signed body must not see two different values. Never throws.
 */
export function parseJson(body: Buffer, options: { readonly strict: boolean }): ParsedJson {
  if (body.length === 0) return refuse("json-empty");
  if (!isUtf8(body)) return refuse("json-not-utf8");
  const problem = scan(body, options.strict);
  if (problem !== null) return refuse(problem);
  try {
    return { ok: true, value: JSON.parse(body.toString("utf8")) as unknown };
  } catch {
    return refuse("json-malformed");
  }
}

const refuse = (problem: JsonProblem): ParsedJson => ({
  ok: false,
  problem,
  says: JSON_PROBLEMS[problem],
});

/**
 * In valid JSON a colon outside a string always follows a key, so the string before it is that key. In
 * anything else the scan may misjudge, but then `JSON.parse` refuses it.
 */
function scan(body: Buffer, strict: boolean): JsonProblem | null {
  const keysOfOpen: (Set<string> | null)[] = [];
  let keys = 0;
  let keyStart = 0;
  let keyEnd = 0;
  for (let at = 0; at < body.length; at++) {
    switch (body[at]) {
      case QUOTE:
        keyStart = at;
        at = endOfString(body, at);
        keyEnd = at + 1;
        break;
      case COLON: {
        keys += 1;
        if (keys > MAX_KEYS) return "json-too-many-keys";
        const key = textOf(body.subarray(keyStart, keyEnd));
        if (key === null) return "json-malformed";
        if (FORBIDDEN_KEYS.has(key)) return "json-forbidden-key";
        const siblings = keysOfOpen.at(-1);
        if (siblings?.has(key)) return "json-duplicate-key";
        siblings?.add(key);
        break;
      }
      case OPENING_BRACE:
      case OPENING_BRACKET:
        if (keysOfOpen.length === MAX_DEPTH) return "json-too-deep";
        keysOfOpen.push(strict && body[at] === OPENING_BRACE ? new Set() : null);
        break;
      case CLOSING_BRACE:
      case CLOSING_BRACKET:
        keysOfOpen.pop();
        break;
      default:
    }
  }
  return null;
}

/** Where the string that opens at `start` closes; the end of the body if it never does. */
function endOfString(body: Buffer, start: number): number {
  let at = start + 1;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** A key as `JSON.parse` will see it: `"\u005f_proto__"` is no way round the list. */
function textOf(literal: Buffer): string | null {
  const text = literal.toString("utf8");
  if (!text.includes("\\")) return text.slice(1, -1);
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "string" ? parsed : null;
  } catch {
    return null;
  }
}
