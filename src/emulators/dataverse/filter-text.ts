import { badQuery } from "./error.ts";

type TokenKind = "string" | "guid" | "date" | "number" | "word" | "mark";
export type Token = { readonly kind: TokenKind; readonly text: string; readonly at: number };

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ["string", /'(?:[^']|'')*'|"[^"]*"/y],
  ["guid", /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/iy],
  ["date", /\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+ -]\d\d:\d\d)?)?/y],
  ["number", /-?\d+(?:\.\d+)?/y],
  ["word", /[@A-Za-z_][\w.]*(?:\/[A-Za-z_]\w*)*/y],
  ["mark", /[(),:=[\]]/y],
];

/** Cuts a `$filter` into tokens. Order matters: a guid or a date may begin like a number. */
function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    if (/\s/.test(source.charAt(at))) {
      at += 1;
      continue;
    }
    const token = tokenAt(source, at);
    if (!token) throw badQuery(`Syntax error at position ${at} in '${source}'.`);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function tokenAt(source: string, at: number): Token | undefined {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) return { kind, text, at };
  }
  return undefined;
}

/** Walks the tokens; every expectation that fails is an OData syntax error. */
export class TokenReader {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead];
  }

  take(): Token {
    const token = this.#tokens[this.#next];
    if (!token) throw this.syntaxError();
    this.#next += 1;
    return token;
  }

  /** Takes the next token when it is this text (keywords are case-sensitive in OData). */
  accept(text: string): boolean {
    if (this.peek()?.text !== text) return false;
    this.#next += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.syntaxError();
  }

  syntaxError(): Error {
    const at = this.peek()?.at ?? this.#source.length;
    return badQuery(`Syntax error at position ${at} in '${this.#source}'.`);
  }
}

/** The text of a quoted OData string: quotes off, doubled quotes single. */
export function unquote(text: string): string {
  return text.slice(1, -1).replaceAll("''", "'");
}
