import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RULE_MUTANTS } from "./mutants.ts";
import type { Verdict } from "./verdict.ts";

const ROOT = join(import.meta.dirname, "../..");

let folder: string;
let verdicts: readonly Verdict[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rules-"));
  const path = join(folder, "verdicts.json");
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--config", "vitest.rules.config.ts"], {
    cwd: ROOT,
    env: { ...process.env, RULES_VERDICTS: path },
    stdio: "ignore",
  });
  await once(child, "exit");
  verdicts = JSON.parse(await readFile(path, "utf8")) as readonly Verdict[];
}, 900_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A rule that can be taken out of the code without any of its tests noticing is not tested. */
describe("a rule that is taken out is missed by a test that cites it", () => {
  it.each(RULE_MUTANTS)("$rule $shortcut", ({ rule, shortcut }) => {
    const verdict = verdicts.find(({ mutant }) => mutant === `${rule} ${shortcut}`);
    expect(verdict?.broken).toEqual([]);
    const cites = new RegExp(`\\[(?:[^\\]]*\\W)?${rule}\\b[^\\]]*\\]`);
    expect(verdict?.failed.filter((title) => cites.test(title))).not.toEqual([]);
  });
});
