import type { Dice } from "./dice.ts";
import { type Entry, leaf, read, type Tree, write } from "./tree.ts";

/** What a mutation may know of the grammar whose bodies it breaks. */
export type Material = {
  /** Texts that mean something to the service: ids of others, statuses, kinds of message. */
  readonly words: readonly [string, ...string[]];
  /** Bodies of the grammar as its sender writes them. */
  readonly specimens: readonly [Specimen, ...Specimen[]];
};

/** A body, and the places in it that a mutation can aim at. */
export type Specimen = {
  readonly tree: Tree;
  readonly places: readonly [Place, ...Place[]];
  /** Those on which the decision hangs; half of the mutations go there. */
  readonly hot: readonly [Place, ...Place[]];
};

/** The way to a value by its index at every level. */
type Place = readonly number[];

/** What a broken body tries to leave behind on every object of the process. */
export const POLLUTION = "pollutedByABody";

const DATES = [
  "/Date(1722582039000)/",
  "/Date(1722582039000-0700)/",
  "/Date(99999999999999999999)/",
  "/Date(-1)/",
  "/Date(1722582039000+9999)/",
  "2026-02-30T25:61:61Z",
  "0000-00-00T00:00:00Z",
  "+275760-09-13T00:00:00.001Z",
  "2026-11-20T10:00:00",
] as const;
const NUMBERS = [
  "0",
  "-0",
  "-1",
  "59",
  "60",
  "60.0",
  "6e1",
  "60.5",
  "14400",
  "14401",
  "1e400",
  "-1e400",
  "9007199254740993",
  "1e-7",
  "123456789012345678901234567890",
  "0.1",
] as const;
const UNICODE = [
  "\u0000",
  "\ud800",
  "\udfff\ud800",
  "\u202eelbaliava",
  "\ufeff",
  "\ufb01",
  "Availab\u200ble",
  "ＩｎＡＣａｌｌ",
  "İnACall",
  "e\u0301",
  "\u{1f937}\u{1f3fd}\u200d\u2640",
  "\u2028",
] as const;
const HOSTILE_KEYS = [
  '"__proto__"',
  '"constructor"',
  '"prototype"',
  '"\\u005f_proto__"',
  '"__proto\\u005f_"',
  '"toString"',
  '"hasOwnProperty"',
  '"then"',
  '"valueOf"',
  '"length"',
  '""',
  '"$ref"',
  '"__type"',
] as const;
const OTHER_TYPES = [
  "null",
  "true",
  "false",
  "0",
  '""',
  "[]",
  "{}",
  "[null]",
  '{"a":1}',
  '"text"',
] as const;

const POISON: Tree = { kind: "object", entries: [[`"${POLLUTION}"`, leaf("yes")]] };
const HOSTILE: readonly [Tree, ...Tree[]] = [
  POISON,
  { kind: "object", entries: [['"__proto__"', POISON]] },
  {
    kind: "object",
    entries: [['"constructor"', { kind: "object", entries: [['"prototype"', POISON]] }]],
  },
];

type Mutation = (target: Tree, dice: Dice, material: Material) => Tree;

const raw = (text: string): Tree => ({ kind: "leaf", text });

function nested(tree: Tree, levels: number, dice: Dice): Tree {
  let inner = tree;
  for (let level = 0; level < levels; level += 1) {
    inner =
      dice.below(2) === 0
        ? { kind: "array", items: [inner] }
        : {
            kind: "object",
            entries: [
              ['"key"', inner],
              ['"value"', leaf(level)],
            ],
          };
  }
  return inner;
}

/** Every one of these replaces one value by another. */
const ON_VALUES: readonly [Mutation, ...Mutation[]] = [
  (_, dice) => raw(dice.pick(OTHER_TYPES)),
  (_, dice, { words }) => leaf(dice.pick(words)),
  (_, dice, { words }) => leaf(dice.pick(words)),
  (_, dice, { words }) => {
    const word = dice.pick(words);
    return leaf(
      dice.pick([
        word.toUpperCase(),
        ` ${word}`,
        `${word}\n`,
        `{${word}}`,
        word.slice(1),
        word + word,
      ]),
    );
  },
  (_, dice) => leaf(dice.pick(DATES)),
  (_, dice) => raw(dice.pick(NUMBERS)),
  (_, dice) => leaf(dice.pick(UNICODE)),
  (_, dice) => dice.pick(HOSTILE),
  (target, dice) => nested(target, dice.pick([1, 1, 2, 3, 29, 31, 40]), dice),
  (target) => (target.kind === "leaf" ? leaf(target.text) : leaf(write(target))),
  (target) =>
    target.kind === "leaf" && target.text.startsWith('"')
      ? raw(target.text.replace(/[a-z]/, "\\u0061"))
      : target,
  (_, dice, { specimens }) => {
    const { tree, places } = dice.pick(specimens);
    return valueAt(tree, dice.pick(places));
  },
  (_, dice) => {
    // Large is rare: it is slow, and one is like the other.
    const size = dice.below(40) === 0 ? 11_000 : 40;
    if (dice.below(2) === 0) return leaf("x".repeat(size * 4));
    return { kind: "array", items: Array.from({ length: size }, (_none, index) => leaf(index)) };
  },
];

/** These change the members of an object. */
const ON_ENTRIES: readonly [
  (entries: readonly Entry[], at: number, dice: Dice, material: Material) => readonly Entry[],
  ...((
    entries: readonly Entry[],
    at: number,
    dice: Dice,
    material: Material,
  ) => readonly Entry[])[],
] = [
  (entries, index) => entries.toSpliced(index, 1),
  (entries, index) => {
    const entry = entries[index];
    return entry ? entries.toSpliced(index, 0, entry) : entries;
  },
  (entries, index, dice, material) => {
    const [key] = entries[index] ?? [];
    const value = dice.pick(ON_VALUES)(leaf(null), dice, material);
    return key === undefined ? entries : [...entries, [key, value]];
  },
  (entries, index, dice) =>
    entries.toSpliced(index, 0, [dice.pick(HOSTILE_KEYS), dice.pick(HOSTILE)]),
  (entries, index, dice) => {
    const [key, value] = entries[index] ?? [];
    if (key === undefined || value === undefined) return entries;
    const renamed = dice.pick([
      key.toUpperCase(),
      key.toLowerCase(),
      `"${key.slice(2)}`,
      key.replace(/[a-z]/i, "\\u0061"),
      '"key"',
    ]);
    return entries.with(index, [renamed, value]);
  },
  (entries, index, dice) => {
    const other = dice.below(entries.length);
    const [one, two] = [entries[index], entries[other]];
    if (!one || !two) return entries;
    return entries.with(index, [one[0], two[1]]).with(other, [two[0], one[1]]);
  },
  (entries) => entries.toReversed(),
];

const ON_ITEMS: readonly [
  (items: readonly Tree[], at: number) => readonly Tree[],
  ...((items: readonly Tree[], at: number) => readonly Tree[])[],
] = [
  (items, index) => items.toSpliced(index, 1),
  (items, index) => {
    const item = items[index];
    return item ? items.toSpliced(index, 0, item) : items;
  },
  (items) => items.toReversed(),
  () => [],
  (items, index) => {
    const item = items[index];
    return item ? [item, ...items.toSpliced(index, 1)] : items;
  },
];

/** Prepares bodies for breaking. `keys` are those on which the decision hangs. */
export function materialOf(
  bodies: readonly string[],
  about: { readonly keys: ReadonlySet<string>; readonly words: Material["words"] },
): Material {
  const [first, ...rest] = bodies.map((body) => {
    const tree = read(body);
    if (tree === null) throw new Error("a seed of the fuzzing is no JSON");
    return specimenOf(tree, about.keys);
  });
  if (!first) throw new Error("a grammar needs a body to begin with");
  return { words: about.words, specimens: [first, ...rest] };
}

/**
 * Hot is what stands under one of the `keys`, or beside it: Dataverse writes its attributes as
 * pairs, so the name of one is the value of its neighbour.
 */
function specimenOf(tree: Tree, keys: ReadonlySet<string>): Specimen {
  const places: Place[] = [];
  const hot: Place[] = [];
  const names = (node: Tree): boolean => node.kind === "leaf" && keys.has(node.text.slice(1, -1));
  const walk = (node: Tree, place: Place, heat: number): void => {
    places.push(place);
    if (heat > 0) hot.push(place);
    if (node.kind === "array") {
      for (const [index, item] of node.items.entries()) walk(item, [...place, index], heat - 1);
    }
    if (node.kind !== "object") return;
    const warmed = node.entries.some(([, value]) => names(value)) ? 2 : heat - 1;
    for (const [index, [key, value]] of node.entries.entries()) {
      walk(value, [...place, index], keys.has(key.slice(1, -1)) ? 2 : warmed);
    }
  };
  walk(tree, [], 0);
  return { tree, places: [[], ...places], hot: [[], ...hot] };
}

function valueAt(tree: Tree, place: Place): Tree {
  let node = tree;
  for (const index of place) {
    const member =
      node.kind === "object"
        ? node.entries[index]?.[1]
        : node.kind === "array"
          ? node.items[index]
          : undefined;
    if (!member) return node;
    node = member;
  }
  return node;
}

function replaced(tree: Tree, place: Place, change: (target: Tree) => Tree): Tree {
  const [index, ...rest] = place;
  if (index === undefined) return change(tree);
  if (tree.kind === "object") {
    const entry = tree.entries[index];
    if (!entry) return tree;
    return {
      kind: "object",
      entries: tree.entries.with(index, [entry[0], replaced(entry[1], rest, change)]),
    };
  }
  const item = tree.kind === "array" ? tree.items[index] : undefined;
  if (tree.kind !== "array" || !item) return tree;
  return { kind: "array", items: tree.items.with(index, replaced(item, rest, change)) };
}

function broken(tree: Tree, place: Place, dice: Dice, material: Material): Tree {
  return replaced(tree, place, (target) => {
    const inside = dice.below(2) === 0;
    if (inside && target.kind === "object" && target.entries.length > 0) {
      const { entries } = target;
      const changed = dice.pick(ON_ENTRIES)(entries, dice.below(entries.length), dice, material);
      return { kind: "object", entries: changed };
    }
    if (inside && target.kind === "array" && target.items.length > 0) {
      const { items } = target;
      return { kind: "array", items: dice.pick(ON_ITEMS)(items, dice.below(items.length)) };
    }
    return dice.pick(ON_VALUES)(target, dice, material);
  });
}

const JUNK = ["\ufeff", "}", "]", ",", "\u0000", " \n\t", "/**/", "null", '{"a":1}'] as const;

/** These know nothing of JSON. */
const ON_BYTES: readonly [
  (body: Buffer, dice: Dice) => Buffer,
  ...((body: Buffer, dice: Dice) => Buffer)[],
] = [
  (body, dice) => {
    const index = dice.below(body.length);
    body[index] = (body[index] ?? 0) ^ (1 << dice.below(8));
    return body;
  },
  (body, dice) => body.subarray(0, dice.below(body.length)),
  (body, dice) => body.subarray(dice.below(body.length)),
  (body, dice) => Buffer.concat([body, Buffer.from(dice.pick(JUNK))]),
  (body, dice) => Buffer.concat([Buffer.from(dice.pick(JUNK)), body]),
  (body, dice) => {
    const index = dice.below(body.length);
    const bytes = Buffer.from(
      dice.pick([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]),
    );
    return Buffer.concat([body.subarray(0, index), bytes, body.subarray(index)]);
  },
  (body) => Buffer.concat([body, body]),
];

/** One broken body, as its sender would post it: one to five mutations of a true one, now and then none. */
export function breakBody(dice: Dice, material: Material): Buffer {
  const { tree, places, hot } = dice.pick(material.specimens);
  let body = tree;
  for (let left = dice.below(6); left > 0; left -= 1) {
    body = broken(body, dice.pick(dice.below(2) === 0 ? hot : places), dice, material);
  }
  const bytes = Buffer.from(write(body));
  return dice.below(8) === 0 && bytes.length > 0 ? dice.pick(ON_BYTES)(bytes, dice) : bytes;
}
