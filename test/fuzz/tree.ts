/**
 * JSON as it is written, not as it is understood: an object may have the same key twice or a key `__proto__`,
 * a number may be too large for any machine. So a body can be broken here that `JSON.stringify` could not write.
 */
export type Tree =
  | { readonly kind: "object"; readonly entries: readonly Entry[] }
  | { readonly kind: "array"; readonly items: readonly Tree[] }
  /** A string, number, `true`, `false` or `null`, as its text. */
  | { readonly kind: "leaf"; readonly text: string };

/** The key's text with its quotation marks and escapes. */
export type Entry = readonly [key: string, value: Tree];

export const leaf = (value: unknown): Tree => ({ kind: "leaf", text: JSON.stringify(value) });

export function write(tree: Tree): string {
  switch (tree.kind) {
    case "leaf":
      return tree.text;
    case "array":
      return `[${tree.items.map(write).join(",")}]`;
    case "object":
      return `{${tree.entries.map(([key, value]) => `${key}:${write(value)}`).join(",")}}`;
    default:
      return tree satisfies never;
  }
}

/** Nothing real nests as deep; beyond, a reader by recursion would end in a stack overflow. */
const DEEPEST = 500;

const BLANKS = /[ \t\n\r]*/y;
const LITERALS = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPES = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Reads JSON by RFC 8259's grammar, in a way of its own: it shares nothing with what it judges. `null` when the
 * text is no JSON, or nests so deep that nothing may take it anyway.
 */
export function read(text: string): Tree | null {
  let at = 0;

  function match(pattern: RegExp): string | null {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) return null;
    at += found.length;
    return found;
  }
  function string(): string | null {
    const from = at;
    if (text[at] !== '"') return null;
    at += 1;
    while (at < text.length && text[at] !== '"') {
      if (text[at] === "\\") {
        if (match(ESCAPES) === null) return null;
      } else if (text.charCodeAt(at) < 0x20) return null;
      else at += 1;
    }
    if (at === text.length) return null;
    at += 1;
    return text.slice(from, at);
  }
  /** Takes the character if it is next, blanks around it included. */
  function take(character: string): boolean {
    match(BLANKS);
    if (text[at] !== character) return false;
    at += 1;
    match(BLANKS);
    return true;
  }
  function value(depth: number): Tree | null {
    if (depth > DEEPEST) return null;
    match(BLANKS);
    if (text[at] === "{") return object(depth);
    if (text[at] === "[") return array(depth);
    const found = text[at] === '"' ? string() : match(LITERALS);
    return found === null || found === "" ? null : { kind: "leaf", text: found };
  }
  function object(depth: number): Tree | null {
    const entries: Entry[] = [];
    take("{");
    if (take("}")) return { kind: "object", entries };
    do {
      const key = string();
      if (key === null || !take(":")) return null;
      const member = value(depth + 1);
      if (member === null) return null;
      entries.push([key, member]);
    } while (take(","));
    return take("}") ? { kind: "object", entries } : null;
  }
  function array(depth: number): Tree | null {
    const items: Tree[] = [];
    take("[");
    if (take("]")) return { kind: "array", items };
    do {
      const item = value(depth + 1);
      if (item === null) return null;
      items.push(item);
    } while (take(","));
    return take("]") ? { kind: "array", items } : null;
  }

  const tree = value(1);
  match(BLANKS);
  return at === text.length ? tree : null;
}
