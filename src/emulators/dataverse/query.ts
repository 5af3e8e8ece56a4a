import type { Table } from "./column.ts";
import { badQuery } from "./error.ts";
import { type Aliases, compileFilter, type Predicate, unknownColumn } from "./filter.ts";
import type { Links } from "./links.ts";
import { knownTable, type Many, manyOf, tableOf } from "./schema.ts";
import type { Row, Value } from "./tables.ts";

export type Expansion = {
  readonly navigation: string;
  /** The lookup to one row, or the way to several. */
  readonly via: { readonly lookup: string } | { readonly many: Many };
  readonly target: Table;
  readonly columns: readonly string[];
};

/** What a request asks of one table; everything is checked against the schema before rows are touched. */
export type Query = {
  readonly columns: readonly string[];
  readonly expansions: readonly Expansion[];
  readonly matches: Predicate;
  readonly compare?: (a: Row, b: Row) => number;
  readonly top?: number;
  readonly count: boolean;
  readonly skipToken?: string;
  readonly deltaToken?: string;
  /** The options present, as `$name`. */
  readonly options: ReadonlySet<string>;
};

const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  "$select",
  "$filter",
  "$expand",
  "$orderby",
  "$top",
  "$count",
  "$skiptoken",
  "$deltatoken",
]);

export function parseQuery(search: URLSearchParams, table: Table, links: Links): Query {
  const options = new Set([...search.keys()].filter((name) => name.startsWith("$")));
  for (const name of options) {
    if (!KNOWN_OPTIONS.has(name)) {
      throw badQuery(`The query parameter ${name} is not supported.`);
    }
  }
  const filter = search.get("$filter");
  const order = search.get("$orderby");
  const top = search.get("$top");
  return {
    columns: parseSelect(search.get("$select"), table),
    expansions: parseExpand(search.get("$expand"), table),
    matches: filter === null ? () => true : compileFilter(filter, table, links, aliasesOf(search)),
    compare: order === null ? undefined : parseOrder(order, table),
    top: top === null ? undefined : parseTop(top),
    count: search.get("$count") === "true",
    skipToken: search.get("$skiptoken") ?? undefined,
    deltaToken: search.get("$deltatoken") ?? undefined,
    options,
  };
}

export function aliasesOf(search: URLSearchParams): Aliases {
  return new Map([...search].filter(([name]) => name.startsWith("@")));
}

function parseSelect(source: string | null, table: Table): string[] {
  if (source === null || source.trim() === "*") return Object.keys(table.columns);
  const names = source.split(",").map((name) => name.trim());
  for (const name of names) if (!table.columns[name]) throw unknownColumn(name, table);
  return [...new Set([table.key, ...names])];
}

/** One level, to one row or to several, with a nested `$select` at most. */
function parseExpand(source: string | null, table: Table): Expansion[] {
  if (source === null) return [];
  return splitOutside(source, ",").map((part) => {
    const [, navigation = "", nested] = /^\s*(\w+)\s*(?:\((.*)\))?\s*$/.exec(part) ?? [];
    const way = wayOf(table, navigation);
    if (!way) throw unknownColumn(navigation || part, table);
    let select: string | null = null;
    for (const option of nested === undefined ? [] : splitOutside(nested, ";")) {
      const [name = "", value = ""] = option.split("=").map((piece) => piece.trim());
      if (name !== "$select") throw badQuery(`${name} inside $expand is not supported.`);
      select = value;
    }
    return { navigation, ...way, columns: parseSelect(select, way.target) };
  });
}

function wayOf(table: Table, navigation: string): Pick<Expansion, "via" | "target"> | undefined {
  const many = manyOf(table.set, navigation);
  if (many) return { via: { many }, target: knownTable(many.target) };
  const found = Object.entries(table.columns).find(([, it]) => it.navigation === navigation);
  const target = found?.[1].target === undefined ? undefined : tableOf(found[1].target);
  return found && target && { via: { lookup: found[0] }, target };
}

function splitOutside(source: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < source.length; at += 1) {
    const character = source.charAt(at);
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (character === separator && depth === 0) {
      parts.push(source.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, source.slice(start)];
}

function parseOrder(source: string, table: Table): (a: Row, b: Row) => number {
  const keys = source.split(",").map((part) => {
    const [name = "", direction = "asc"] = part.trim().split(/\s+/);
    if (!table.columns[name]) throw unknownColumn(name, table);
    if (direction !== "asc" && direction !== "desc")
      throw badQuery(`Unknown order '${direction}'.`);
    return { name, sign: direction === "asc" ? 1 : -1 };
  });
  return (a, b) => {
    for (const { name, sign } of keys) {
      const order = compareValues(a[name] ?? null, b[name] ?? null);
      if (order !== 0) return order * sign;
    }
    return 0;
  };
}

function compareValues(a: Value, b: Value): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  if (typeof a === "string" && typeof b === "string") {
    return a.toLowerCase() < b.toLowerCase() ? -1 : 1;
  }
  return a < b ? -1 : 1;
}

function parseTop(source: string): number {
  if (!/^\d+$/.test(source)) throw badQuery(`Invalid value '${source}' for $top.`);
  return Number(source);
}
