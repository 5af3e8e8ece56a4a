import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { DEEP } from "../model/settings.ts";
import { certificateOf, gapsIn, type Proof } from "./certificate.ts";
import { proveDecoders } from "../fuzz/prove.ts";
import { type ClimateName, CLIMATES } from "./climate.ts";
import type { Done, Task } from "./prover.ts";

/**
 * `node test/sim/prove.ts [--seeds N] [--states N] [--date YYYY-MM-DD] [--workers N]`: the whole proof, as far as it
 * is asked for, on so many processes. Ends with 1 if a promise was broken or something that should have happened
 * did not, and writes `docs/certificate.md`.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    states: { type: "string", default: "10000000" },
    workers: { type: "string", default: "2" },
    date: { type: "string", default: new Date().toISOString().slice(0, 10) },
  },
});

const SEEDS_PER_TASK = 50;
const HEAP_MB = 6_000;

function tasksOf(seeds: number, states: number): Task[] {
  const climates = Object.keys(CLIMATES) as ClimateName[];
  const tasks: Task[] = [];
  const whole = DEEP.reduce((sum, { maxStates }) => sum + maxStates, 0);
  for (const [setting, { maxStates }] of DEEP.entries()) {
    const share = Math.ceil((maxStates * Math.min(1, (2 * states) / whole)) / 1_000) * 1_000;
    if (states > 0) tasks.push({ kind: "states", setting, maxStates: share });
  }
  const perClimate = Math.ceil(seeds / climates.length);
  for (let from = 0; from < perClimate; from += SEEDS_PER_TASK) {
    const count = Math.min(SEEDS_PER_TASK, perClimate - from);
    for (const climate of climates) tasks.push({ kind: "seeds", climate, from, count });
  }
  return tasks;
}

/** Hands the tasks out, one to each process at a time. */
async function workThrough(tasks: Task[], workers: number): Promise<readonly Done[]> {
  const results: Done[] = [];
  const all = tasks.length;
  const startedAtMs = Date.now();
  const worker = async (): Promise<void> => {
    const child = fork(new URL("prover.ts", import.meta.url), {
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
    });
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      results.push(await ask(child, task));
      show(results.length, all, startedAtMs);
    }
    child.kill();
  };
  await Promise.all(Array.from({ length: workers }, worker));
  process.stderr.write("\n");
  return results;
}

function ask(child: ChildProcess, task: Task): Promise<Done> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a worker ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (done: Done) => {
      child.off("exit", ended);
      resolve(done);
    });
    child.send(task);
  });
}

function show(done: number, all: number, startedAtMs: number): void {
  const width = 40;
  const full = Math.round((done / all) * width);
  const seconds = Math.round((Date.now() - startedAtMs) / 1_000);
  const bar = "█".repeat(full).padEnd(width, "░");
  process.stderr.write(`\r${bar} ${done} of ${all}, ${seconds} s `);
}

function proofOf(results: readonly Done[], minutes: number): Proof {
  const covered = new Map<string, number>();
  const failures: string[] = [];
  const sums = { seeds: 0, events: 0, writes: 0, states: 0, transitions: 0, settings: 0 };
  for (const result of results) {
    if (result.kind === "seeds") {
      sums.seeds += result.seeds;
      sums.events += result.events;
      sums.writes += result.writes;
      failures.push(...result.failures);
      for (const [what, times] of result.covered) {
        covered.set(what, (covered.get(what) ?? 0) + times);
      }
      continue;
    }
    sums.states += result.states;
    sums.transitions += result.transitions;
    sums.settings += 1;
    for (const [name, times] of Object.entries(result.heard)) {
      covered.set(`reading: ${name}`, (covered.get(`reading: ${name}`) ?? 0) + times);
    }
    const { violation } = result;
    if (violation)
      failures.push(`${violation.invariant}: ${violation.says}\n${violation.trace.join("\n")}`);
  }
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const repeated = covered.get("run twice, same hash") ?? 0;
  return { ...sums, date: values.date, commit, repeated, minutes, covered, failures };
}

const startedAtMs = Date.now();
const results = await workThrough(
  tasksOf(Number(values.seeds), Number(values.states)),
  Number(values.workers),
);
const proof = proofOf(results, (Date.now() - startedAtMs) / 60_000);
const certificate = certificateOf(proof);
await writeFile(new URL("../../docs/certificate.md", import.meta.url), certificate);
console.log(certificate);
for (const failure of proof.failures) console.error(failure);
const gaps = gapsIn(proof);
if (gaps.length > 0) console.error(`this never happened: ${gaps.join(", ")}`);
proveDecoders();
process.exitCode = proof.failures.length + gaps.length > 0 ? 1 : 0;
