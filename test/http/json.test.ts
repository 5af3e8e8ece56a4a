import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "../../src/http/json.ts";
import "../fuzz/same-cases.ts";

const strictly = (text: string | Buffer): string => {
  const parsed = parseJson(Buffer.from(text), { strict: true });
  return parsed.ok ? "ok" : parsed.problem;
};

test.each([
  ["", "json-empty"],
  [" ", "json-malformed"],
  ["{", "json-malformed"],
  ["]]]]", "json-malformed"],
  ['{"a":1}}', "json-malformed"],
  [":::", "json-malformed"],
  ['"', "json-malformed"],
  ['"\\', "json-malformed"],
  ['{"a\\":1}', "json-malformed"],
  ["\ufeff{}", "json-malformed"],
  ['{"a":{"b":{"__proto__":{}}}}', "json-forbidden-key"],
  ['{"\\u005f_proto__":{}}', "json-forbidden-key"],
  ['[{"constructor" : 1}]', "json-forbidden-key"],
  ['{"prototype":1}', "json-forbidden-key"],
  ['{"a":1,"b":{},"a":2}', "json-duplicate-key"],
  ['{"a":1,"\\u0061":2}', "json-duplicate-key"],
])("[R88] %j is refused as %s", (text, problem) => {
  expect(strictly(text)).toBe(problem);
});

test.each([
  ['{"a":{"a":1},"b":[{"a":1},{"a":2}]}'],
  ['{"a":"__proto__","b":"x:\\"constructor\\":1"}'],
  ['"{[{[{["'],
  ["null"],
])("[R88] %s is harmless", (text) => {
  expect(parseJson(Buffer.from(text), { strict: true })).toEqual({
    ok: true,
    value: JSON.parse(text),
  });
});

test("[R88] bytes that are not UTF-8 are refused, not repaired", () => {
  expect(strictly(Buffer.from([0x22, 0xff, 0x22]))).toBe("json-not-utf8");
});

test("[R88] 32 levels are the deepest, and a hundred thousand are refused before parsing", () => {
  expect(strictly("[".repeat(32) + "]".repeat(32))).toBe("ok");
  expect(strictly("[".repeat(33) + "]".repeat(33))).toBe("json-too-deep");
  expect(strictly("[".repeat(100_000))).toBe("json-too-deep");
  expect(strictly('{"a":'.repeat(100_000))).toBe("json-too-deep");
});

test("[R88] ten thousand keys are the most", () => {
  const withKeys = (count: number): string =>
    `{${Array.from({ length: count }, (_, n) => `"k${n}":0`).join(",")}}`;
  expect(strictly(withKeys(10_000))).toBe("ok");
  expect(strictly(withKeys(10_001))).toBe("json-too-many-keys");
});

test("a key given twice is taken, as JSON does, where the body is not signed", () => {
  const parsed = parseJson(Buffer.from('{"a":1,"a":2}'), { strict: false });
  expect(parsed).toEqual({ ok: true, value: { a: 2 } });
});

test("[R88] whatever harmless value is written as JSON is read back the same", () => {
  const forbidden = new Set(["__proto__", "constructor", "prototype"]);
  const key = fc.string({ unit: "binary" }).filter((text) => !forbidden.has(text));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(null, true, false),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (given, indent) => {
      const text = JSON.stringify(given, null, indent);
      const parsed = parseJson(Buffer.from(text), { strict: true });
      expect(parsed).toEqual({ ok: true, value: JSON.parse(text) });
    }),
    { numRuns: 2000 },
  );
});

test("[R88] no bytes at all make it throw, and it never takes what JSON.parse refuses", () => {
  const hostile = fc
    .array(fc.constantFrom('"', "\\", "{", "}", "[", "]", ":", ",", "a", "1", "\\u0061", " "))
    .map((parts) => Buffer.from(parts.join("")));
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (body) => {
        const parsed = parseJson(body, { strict: true });
        if (parsed.ok) expect(parsed.value).toEqual(JSON.parse(body.toString("utf8")));
      },
    ),
    { numRuns: 5000 },
  );
});
