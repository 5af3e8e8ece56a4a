import { badQuery } from "./error.ts";
import { type Token, TokenReader, unquote } from "./filter-text.ts";
import type { ColumnKind, Table } from "./column.ts";
import type { Links } from "./links.ts";
import { knownTable, manyOf, tableOf } from "./schema.ts";
import type { Row, Value } from "./tables.ts";

export type Predicate = (row: Row) => boolean;
/** Values of `@alias` query parameters, still as written. */
export type Aliases = ReadonlyMap<string, string>;

type Operand = { readonly kind: ColumnKind; readonly read: (row: Row) => Value };
type Literal = {
  readonly kind: "null" | "guid" | "string" | "number" | "bool" | "date";
  readonly value: Value;
};

const COMPARISONS = ["eq", "ne", "gt", "ge", "lt", "le"] as const;
const TEXT_FUNCTIONS = ["contains", "startswith", "endswith"] as const;

const LITERALS_OF: Readonly<Record<ColumnKind, Literal["kind"]>> = {
  guid: "guid",
  lookup: "guid",
  string: "string",
  int: "number",
  bigint: "number",
  choice: "number",
  choices: "string",
  bool: "bool",
  datetime: "date",
};

const EDM: Readonly<Record<Literal["kind"], string>> = {
  null: "null",
  guid: "Edm.Guid",
  string: "Edm.String",
  number: "Edm.Int32",
  bool: "Edm.Boolean",
  date: "Edm.DateTimeOffset",
};

/**
 * Compiles a `$filter` (Microsoft: "Filter rows using OData"). As in Dataverse, text compares without
 * case, `ne` holds for null, every other comparison with null does not, and operands of different
 * types are refused instead of being quietly unequal.
 */
export function compileFilter(
  source: string,
  table: Table,
  links: Links,
  aliases: Aliases,
): Predicate {
  const reader = new TokenReader(source);
  const predicate = disjunction({ reader, table, links, aliases });
  if (reader.peek()) throw reader.syntaxError();
  return predicate;
}

type Context = {
  readonly reader: TokenReader;
  readonly table: Table;
  readonly links: Links;
  readonly aliases: Aliases;
  /** Inside `any(q:...)`, the name by which the related row is called. */
  readonly variable?: string;
};

function disjunction(context: Context): Predicate {
  let left = conjunction(context);
  while (context.reader.accept("or")) {
    const [first, second] = [left, conjunction(context)];
    left = (row) => first(row) || second(row);
  }
  return left;
}

function conjunction(context: Context): Predicate {
  let left = term(context);
  while (context.reader.accept("and")) {
    const [first, second] = [left, term(context)];
    left = (row) => first(row) && second(row);
  }
  return left;
}

function term(context: Context): Predicate {
  const { reader } = context;
  if (reader.accept("not")) {
    const inner = term(context);
    return (row) => !inner(row);
  }
  if (reader.accept("(")) {
    const inner = disjunction(context);
    reader.expect(")");
    return inner;
  }
  const word = reader.take();
  if (word.kind !== "word") throw badQuery(`A column was expected at position ${word.at}.`);
  if (reader.peek()?.text === "(") return call(word.text, context);
  return comparison(operandOf(word.text, context), context);
}

function comparison(operand: Operand, { reader, aliases }: Context): Predicate {
  const word = reader.take().text;
  const operator = COMPARISONS.find((name) => name === word);
  if (!operator) {
    throw badQuery(
      word === "in" ? "The query node In is not supported." : `Unknown operator '${word}'.`,
    );
  }
  const literal = literalOf(reader.take(), aliases);
  requireSameType(operand, literal, operator);
  const expected = comparable(literal.value);
  return (row) => {
    const actual = comparable(operand.read(row));
    if (operator === "eq") return actual === expected;
    if (operator === "ne") return actual !== expected;
    if (actual === null || expected === null) return false;
    if (operator === "gt") return actual > expected;
    if (operator === "ge") return actual >= expected;
    if (operator === "lt") return actual < expected;
    return actual <= expected;
  };
}

function call(name: string, context: Context): Predicate {
  const { reader, aliases } = context;
  if (name === "Microsoft.Dynamics.CRM.In") return membership(context);
  if (name === "Microsoft.Dynamics.CRM.ContainValues") return membership(context);
  if (name.endsWith("/any")) return existence(name.slice(0, -"/any".length), context);
  const textFunction = TEXT_FUNCTIONS.find((known) => known === name);
  if (!textFunction) throw badQuery(`An unknown function with name '${name}' was found.`);
  reader.expect("(");
  const operand = operandOf(reader.take().text, context);
  reader.expect(",");
  const literal = literalOf(reader.take(), aliases);
  requireSameType(operand, literal, name);
  reader.expect(")");
  const part = String(literal.value).toLowerCase();
  return (row) => {
    const text = String(operand.read(row) ?? "").toLowerCase();
    if (textFunction === "contains") return text.includes(part);
    return textFunction === "startswith" ? text.startsWith(part) : text.endsWith(part);
  };
}

/** `navigation/any(q:q/column eq 1)`, or `navigation/any()`: whether there is such a related row. */
function existence(navigation: string, context: Context): Predicate {
  const { reader, table, links } = context;
  const many = manyOf(table.set, navigation);
  if (!many) throw unknownColumn(navigation, table);
  reader.expect("(");
  let matches: Predicate = () => true;
  if (reader.peek()?.text !== ")") {
    const variable = reader.take().text;
    reader.expect(":");
    matches = disjunction({ ...context, table: knownTable(many.target), variable });
  }
  reader.expect(")");
  return (row) => links.gather(many, String(row[table.key])).some(matches);
}

/**
 * `Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=['a','b'])`, and `ContainValues` of a
 * column that holds several: the values are always text.
 */
function membership(context: Context): Predicate {
  const { reader } = context;
  reader.expect("(");
  reader.expect("PropertyName");
  reader.expect("=");
  const operand = operandOf(unquote(argument(context)), context);
  reader.expect(",");
  reader.expect("PropertyValues");
  reader.expect("=");
  const values = new Set<string>();
  const list = new TokenReader(argument(context));
  list.expect("[");
  while (!list.accept("]")) {
    values.add(unquote(list.take().text).toLowerCase());
    list.accept(",");
  }
  reader.expect(")");
  return (row) => {
    const value = operand.read(row);
    if (value === null) return false;
    const held = operand.kind === "choices" ? String(value).split(",") : [String(value)];
    return held.some((one) => values.has(one.toLowerCase()));
  };
}

/** One argument as written: a quoted text, a `[...]` list, or the alias that stands for either. */
function argument({ reader, aliases }: Context): string {
  const first = reader.take();
  if (first.text.startsWith("@")) return aliasValue(first.text, aliases);
  if (first.text !== "[") return first.text;
  let text = "[";
  for (let token = reader.take(); ; token = reader.take()) {
    text += token.text;
    if (token.text === "]") return text;
  }
}

function operandOf(path: string, { table, links, variable }: Context): Operand {
  const steps = path.split("/");
  if (variable !== undefined && steps[0] === variable) steps.shift();
  const [first = "", second, ...deeper] = steps;
  const own = table.columns[first] ?? table.columns[`_${first}_value`];
  if (second === undefined) {
    const name = table.columns[first] ? first : `_${first}_value`;
    if (!own) throw unknownColumn(first, table);
    return { kind: own.kind, read: (row) => row[name] ?? null };
  }
  const found = Object.entries(table.columns).find(([, column]) => column.navigation === first);
  const target = found?.[1].target;
  const targetTable = target === undefined ? undefined : tableOf(target);
  if (!found || !targetTable) throw unknownColumn(first, table);
  const column = targetTable.columns[second];
  if (!column || deeper.length > 0) throw unknownColumn(second, targetTable);
  return {
    kind: column.kind,
    read: (row) => {
      const id = row[found[0]];
      return typeof id === "string" ? (links.follow(targetTable.set, id)?.[second] ?? null) : null;
    },
  };
}

export function unknownColumn(name: string, table: Table): Error {
  return badQuery(
    `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
  );
}

function literalOf(token: Token, aliases: Aliases): Literal {
  const { kind, text } = token;
  if (kind === "string") return { kind: "string", value: unquote(text) };
  if (kind === "guid") return { kind: "guid", value: text.toLowerCase() };
  if (kind === "number") return { kind: "number", value: Number(text) };
  if (kind === "date") return { kind: "date", value: text.replace(" ", "+") };
  if (text === "null") return { kind: "null", value: null };
  if (text === "true" || text === "false") return { kind: "bool", value: text === "true" };
  if (text.startsWith("@")) {
    return literalOf(new TokenReader(aliasValue(text, aliases)).take(), aliases);
  }
  throw badQuery(`A literal was expected at position ${token.at}, not '${text}'.`);
}

function aliasValue(name: string, aliases: Aliases): string {
  const value = aliases.get(name);
  if (value === undefined) throw badQuery(`The parameter alias '${name}' has no value.`);
  return value;
}

function requireSameType(operand: Operand, literal: Literal, operator: string): void {
  const expected = LITERALS_OF[operand.kind];
  if (literal.kind === "null" || literal.kind === expected) return;
  throw badQuery(
    "A binary operator with incompatible types was detected. Found operand types " +
      `'${EDM[expected]}' and '${EDM[literal.kind]}' for operator kind '${operator}'.`,
  );
}

const ISO_DATE = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/;

/** Dates compare as instants, text without case. */
function comparable(value: Value): string | number | boolean | null {
  if (typeof value !== "string") return value;
  return ISO_DATE.test(value) ? Date.parse(value) : value.toLowerCase();
}
