import type { Tree } from "./tree.ts";

/** What every hostile body has in common, counted over the tree by the rules of docs/SPEC.md, R88. */
export type Shape = {
  readonly depth: number;
  /** Members of objects and arrays together. */
  readonly members: number;
  /** Members of objects alone. */
  readonly keys: number;
  readonly names: ReadonlySet<string>;
  /** An object has the same key twice. */
  readonly repeats: boolean;
};

export function shapeOf(tree: Tree): Shape {
  const names = new Set<string>();
  let [depth, members, keys, repeats] = [0, 0, 0, false];
  const walk = (node: Tree, level: number): void => {
    if (node.kind === "leaf") return;
    depth = Math.max(depth, level);
    if (node.kind === "array") {
      members += node.items.length;
      for (const item of node.items) walk(item, level + 1);
      return;
    }
    const own = new Set<string>();
    for (const [text, value] of node.entries) {
      own.add(textOf(text));
      walk(value, level + 1);
    }
    for (const name of own) names.add(name);
    members += own.size;
    keys += node.entries.length;
    repeats ||= own.size < node.entries.length;
  };
  walk(tree, 1);
  return { depth, members, keys, names, repeats };
}

export const textOf = (literal: string): string => String(JSON.parse(literal));

/** The member of that name, the last one if it comes twice, as every reader of JSON takes it. */
export function member(tree: Tree | undefined, name: string): Tree | undefined {
  if (tree?.kind !== "object") return undefined;
  return tree.entries.findLast(([text]) => textOf(text) === name)?.[1];
}

/** The text of a string; `null` for anything else. */
export function stringIn(tree: Tree | undefined): string | null {
  return tree?.kind === "leaf" && tree.text.startsWith('"') ? textOf(tree.text) : null;
}

/** Of a GUID, lower-case; `null` for anything else. */
export function guidIn(tree: Tree | undefined): string | null {
  const text = stringIn(tree)?.split("-") ?? [];
  const fits = [8, 4, 4, 4, 12].every((length, at) => {
    const group = text[at] ?? "";
    return (
      group.length === length &&
      group.split("").every((digit) => "0123456789abcdefABCDEF".includes(digit))
    );
  });
  return fits && text.length === 5 ? text.join("-").toLowerCase() : null;
}
