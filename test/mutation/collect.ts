import { afterAll, beforeAll, expect } from "vitest";

/** One test of the core, in hand: it can be asked as often as there are mutants. */
export type Check = { readonly name: string; readonly ask: () => unknown };

let collected: Check[] = [];
let path: readonly string[] = [];

/** What the test files imported since the last time have to ask. */
export function takeCollected(): readonly Check[] {
  const taken = collected;
  collected = [];
  return taken;
}

type Ask = (...given: readonly never[]) => unknown;
/** `it(name, ask)`, and with options or a time-out, none of which matter here. */
type Rest = readonly [Ask] | readonly [object, Ask] | readonly [Ask, number];

function askOf(rest: Rest): Ask {
  const [first, second] = rest;
  return (typeof first === "function" ? first : second) as Ask;
}

function group(name: string, tests: () => void): void {
  const outer = path;
  path = [...path, name];
  tests();
  path = outer;
}

function check(name: string, ...rest: Rest): void {
  const ask = askOf(rest);
  collected.push({ name: [...path, name].join(" > "), ask });
}

/** Rows that are lists are spread over the arguments, as vitest does. */
const each =
  <Result>(one: (name: string, ask: () => Result) => void) =>
  (rows: readonly unknown[]) =>
  (name: string, ...rest: Rest): void => {
    const ask = askOf(rest) as (...row: readonly unknown[]) => Result;
    for (const [at, row] of rows.entries()) {
      one(`${name} (${at + 1})`, () =>
        Array.isArray(row) ? ask(...(row as unknown[])) : ask(row),
      );
    }
  };

export const describe = Object.assign(group, { each: each<void>(group) });
export const it = Object.assign(check, { each: each<unknown>(check) });
export const test = Object.assign(check, { each: each<unknown>(check) });
export { afterAll, beforeAll, expect };
