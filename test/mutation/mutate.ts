import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Mutant } from "@stryker-mutator/api/core";
import { Instrumenter } from "@stryker-mutator/instrumenter";
import type { Verdict } from "./hunt.ts";

const ROOT = join(import.meta.dirname, "../..");
const LEAST_SCORE = 90;
/** What the core's tests import. The model drives the recorder too, and that imports from everywhere. */
const COPIED = [
  "src",
  "test/presence",
  "test/reconcile",
  "test/model",
  "test/mutation",
  "test/policy.test.ts",
  "package.json",
  "tsconfig.json",
  "vitest.mutation.config.ts",
];

/** `--only plan.ts,resolve.ts` asks the mutants of these files, `--out` keeps the report of such a part apart. */
const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    out: { type: "string", default: "reports/mutation" },
  },
});
const FOLDER = join(ROOT, values.out);

const nothing = (): void => undefined;
const silent = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
};

async function sources(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of ["src/presence", "src/reconcile"]) {
    for (const name of await readdir(join(ROOT, folder))) found.push(`${folder}/${name}`);
  }
  const wanted = values.only.split(",");
  return found.filter((name) => wanted.some((part) => name.endsWith(part)));
}

/** A mutant with what became of it. */
type Outcome = Pick<Mutant, "fileName" | "location" | "mutatorName" | "replacement"> & Verdict;

const isAlive = ({ status }: Outcome): boolean => status === "survived" || status === "uncovered";
const isDead = (outcome: Outcome): boolean => !isAlive(outcome);

/**
 * One file at a time in each lane: instrumented code is slow, and so only the one that is mutated is instrumented.
 * A lane is a folder of its own, with a copy of the core and its tests.
 */
async function huntIn(name: string, lane: string): Promise<readonly Outcome[]> {
  const sandbox = join(lane, "sandbox");
  const content = await readFile(join(ROOT, name), "utf8");
  const options = { plugins: null, excludedMutations: [], ignorers: [] };
  const file = { name, mutate: true, content };
  const { files, mutants } = await new Instrumenter(silent).instrument([file], options);
  if (mutants.length === 0) return [];
  await writeFile(join(lane, "ids.json"), JSON.stringify(mutants.map(({ id }) => id)));
  await writeFile(join(lane, "verdicts.ndjson"), "");
  await writeFile(join(sandbox, name), files[0]?.content ?? "");
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--config", "vitest.mutation.config.ts"], {
    cwd: sandbox,
    env: { ...process.env, MUTATION_FOLDER: lane },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString("utf8");
  });
  await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`the hunt in ${name} failed:\n${printed}`);
  await writeFile(join(sandbox, name), content);
  const lines = (await readFile(join(lane, "verdicts.ndjson"), "utf8")).trimEnd().split("\n");
  const verdicts = new Map(
    lines.map((line) => JSON.parse(line) as Verdict).map((verdict) => [verdict.id, verdict]),
  );
  return mutants.map((mutant) => {
    const verdict = verdicts.get(mutant.id);
    if (!verdict) throw new Error(`${name}: mutant ${mutant.id} was not asked`);
    return { ...mutant, ...verdict };
  });
}

function describe({ fileName, location, mutatorName, replacement, status }: Outcome): string {
  const { line, column } = location.start;
  const becomes = replacement.replaceAll(/\s+/g, " ").slice(0, 120);
  return `${status} ${fileName}:${line + 1}:${column + 1} ${mutatorName} → ${becomes}`;
}

function row(file: string, part: readonly Outcome[]) {
  const count = (status: Verdict["status"]): number =>
    part.filter((one) => one.status === status).length;
  const score = ((100 * part.filter(isDead).length) / part.length).toFixed(2);
  const [killed, endless] = [count("killed"), count("timeout")];
  const [survived, uncovered] = [count("survived"), count("uncovered")];
  return { file, mutants: part.length, killed, endless, survived, uncovered, score };
}

const all: Outcome[] = [];
const table: ReturnType<typeof row>[] = [];
const left = [...(await sources())];

async function huntOn(lane: string): Promise<void> {
  const sandbox = join(lane, "sandbox");
  await mkdir(sandbox, { recursive: true });
  for (const name of COPIED) await cp(join(ROOT, name), join(sandbox, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(sandbox, "node_modules"));
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const outcomes = await huntIn(name, lane);
    if (outcomes.length === 0) continue;
    all.push(...outcomes);
    table.push(row(name, outcomes));
    console.log(`${name}: ${outcomes.length} mutants, ${outcomes.filter(isAlive).length} alive`);
    for (const outcome of outcomes.filter(isAlive)) console.log(`  ${describe(outcome)}`);
  }
}

await rm(FOLDER, { recursive: true, force: true });
const lanes = Array.from({ length: availableParallelism() }, (_, lane) => join(FOLDER, `${lane}`));
await Promise.all(lanes.map(huntOn));
await writeFile(join(FOLDER, "report.json"), JSON.stringify(all, null, 1));
const total = row("all", all);
console.table([...table.toSorted((a, b) => a.file.localeCompare(b.file)), total]);
if (Number(total.score) < LEAST_SCORE) {
  console.error(`the score is below ${LEAST_SCORE} %`);
  process.exitCode = 1;
}
