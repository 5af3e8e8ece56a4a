import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CATALOGUE } from "./catalogue.ts";

const ROOT = join(import.meta.dirname, "../..");
const FAULTS = 38;
const NAMES = Array.from({ length: FAULTS }, (_, index) => `F${index + 1}`);

/** Whether a title in this text, or a name that a title is made of, is that of the fault. */
const names = (text: string, fault: string): boolean =>
  new RegExp(`["\`](\\[[A-Z]\\d+\\] )*([^"\`]* )?${fault}[ :]`).test(text);

test("every fault from F1 to F38 is in the catalogue, and nothing else", () => {
  expect(Object.keys(CATALOGUE)).toEqual(NAMES);
});

test.each(Object.entries(CATALOGUE))(
  "%s is named by a test, or there is a reason",
  async (fault, entry) => {
    if ("notYet" in entry) {
      expect(entry.notYet.length).toBeGreaterThan(15);
      return;
    }
    expect(entry.in.length).toBeGreaterThan(0);
    for (const path of entry.in) {
      const text = await readFile(join(ROOT, path), "utf8");
      expect(names(text, fault), `${path} names ${fault}`).toBe(true);
    }
  },
);

test("a fault that cannot strike yet is named by no test: else it can", async () => {
  const files = await readdir(join(ROOT, "test"), { recursive: true });
  const tests = files.filter((path) => path.endsWith(".test.ts"));
  const texts = await Promise.all(tests.map((path) => readFile(join(ROOT, "test", path), "utf8")));
  const notYet = Object.entries(CATALOGUE).flatMap(([name, entry]) =>
    "notYet" in entry ? name : [],
  );
  for (const fault of notYet) expect(texts.some((text) => names(text, fault))).toBe(false);
});
