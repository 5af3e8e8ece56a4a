import fc from "fast-check";
import { expect, test } from "vitest";
import { fromKey, toKey } from "../../src/engine/postgres/key.ts";
import "../fuzz/same-cases.ts";

const id = fc.string({
  unit: fc.oneof(fc.constantFrom("\u0000", "\u0001", "\u0002", "a"), fc.string({ maxLength: 1 })),
});

test("an id comes back from its key, which holds nothing that PostgreSQL refuses", () => {
  fc.assert(
    fc.property(id, (text) => {
      expect(toKey(text)).not.toContain("\u0000");
      expect(fromKey(toKey(text))).toBe(text);
    }),
  );
});

test("keys are in the order of their ids", () => {
  const inOrder = (left: string, right: string): number =>
    left < right ? -1 : left > right ? 1 : 0;
  fc.assert(
    fc.property(id, id, (left, right) => {
      expect(inOrder(toKey(left), toKey(right))).toBe(inOrder(left, right));
    }),
  );
});
