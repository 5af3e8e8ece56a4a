import { appendFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Check } from "./collect.ts";

/** The switchboard that Stryker's instrumentation consults in every mutated place. */
type Switchboard = {
  activeMutant?: string;
  currentTestId?: string;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: Coverage;
};
type Hits = Readonly<Record<string, number>>;
type Coverage = { readonly static: Hits; readonly perTest: Readonly<Record<string, Hits>> };

/** What became of one mutant; `by` names the check that killed it. */
export type Verdict = {
  readonly id: string;
  readonly status: "killed" | "timeout" | "survived" | "uncovered";
  readonly by: string | null;
};

const TESTS = join(import.meta.dirname, "..");

/** The tests of the core, whichever there are, and the beginning of the explorer. */
async function files(): Promise<readonly string[]> {
  const found = ["policy.test.ts", "mutation/glance.ts"];
  for (const folder of ["reconcile", "presence"]) {
    const names = await readdir(join(TESTS, folder));
    found.push(
      ...names.filter((name) => name.endsWith(".test.ts")).map((name) => `${folder}/${name}`),
    );
  }
  return found.map((name) => join(TESTS, name));
}

const switchboard: Switchboard = {};
Reflect.set(globalThis, "__stryker__", switchboard);

async function collect(): Promise<readonly Check[]> {
  for (const file of await files()) await import(/* @vite-ignore */ file);
  // Loaded anew with the files, or it would be another collector than theirs.
  const { takeCollected } = await import("./collect.ts");
  const checks = takeCollected();
  expect(checks.length).toBeGreaterThan(100);
  return checks;
}

type Timed = { readonly check: Check; readonly hits: Hits; readonly milliseconds: number };

/** Asks every check once of the core as it is: which mutants it meets, how often, and how long it takes. */
async function rehearse(checks: readonly Check[]): Promise<readonly Timed[]> {
  const timed: Timed[] = [];
  for (const [at, check] of checks.entries()) {
    switchboard.currentTestId = String(at);
    const startedAtMs = performance.now();
    await check.ask();
    const milliseconds = performance.now() - startedAtMs;
    timed.push({ check, hits: switchboard.mutantCoverage?.perTest[at] ?? {}, milliseconds });
  }
  delete switchboard.currentTestId;
  return timed.toSorted((one, other) => one.milliseconds - other.milliseconds);
}

async function ask(checks: readonly Check[]): Promise<Omit<Verdict, "id">> {
  for (const check of checks) {
    try {
      await check.ask();
    } catch (error) {
      const endless = String(error).includes("Hit count limit");
      return { status: endless ? "timeout" : "killed", by: check.name };
    }
  }
  return { status: "survived", by: null };
}

test("every mutant is asked what the core is asked", { timeout: 3_600_000 }, async () => {
  const folder = process.env["MUTATION_FOLDER"] ?? "";
  const ids = JSON.parse(await readFile(`${folder}/ids.json`, "utf8")) as readonly string[];
  const timed = await rehearse(await collect());
  const atLoad = { ...switchboard.mutantCoverage?.static };

  let asked = 0;
  for (const id of ids) {
    const meets = timed.filter(({ hits }) => hits[id] !== undefined);
    const hits = meets.reduce((sum, { hits: { [id]: count = 0 } }) => sum + count, 0);
    Object.assign(switchboard, { activeMutant: id, hitCount: 0, hitLimit: 100 * hits + 10_000 });
    let verdict: Omit<Verdict, "id"> = { status: "uncovered", by: null };
    if (atLoad[id] !== undefined) {
      // It is in a table that was made when the module was loaded: load everything anew, and ask everything.
      vi.resetModules();
      try {
        verdict = await ask(await collect());
      } catch {
        verdict = { status: "killed", by: "loading it" };
      }
    } else if (meets.length > 0) {
      verdict = await ask(meets.map(({ check }) => check));
    }
    delete switchboard.activeMutant;
    asked += 1;
    await appendFile(`${folder}/verdicts.ndjson`, `${JSON.stringify({ id, ...verdict })}\n`);
  }
  expect(asked).toBe(ids.length);
});
