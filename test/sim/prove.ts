import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { DEEP } from "../model/settings.ts";
import { GRAMMARS } from "../fuzz/grammars.ts";
import { type Asked, certificateOf, gapsIn, piecesOf, type Proof } from "./certificate.ts";
import { type ClimateName, CLIMATES } from "./climate.ts";
import type { Done, Task } from "./prover.ts";

/**
 * `node test/sim/prove.ts [--seeds N] [--from SEED] [--states N] [--bodies N] [--workers N] [--date YYYY-MM-DD]`: the
 * whole proof, as far as it is asked for, on so many processes. Ends with 1 if a promise was broken or something that
 * should have happened did not, and writes `docs/certificate.md`. Broken bodies are other ones each time, unless
 * `FUZZ_SEED` says where they begin.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    from: { type: "string", default: "0" },
    states: { type: "string", default: "10000000" },
    bodies: { type: "string", default: "5000000" },
    workers: { type: "string", default: "2" },
    date: { type: "string", default: new Date().toISOString().slice(0, 10) },
  },
});
const asked: Asked = {
  seeds: Number(values.seeds),
  states: Number(values.states),
  bodies: Number(values.bodies),
};
const fuzzSeed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000);

const SEEDS_PER_TASK = 25;
const BODIES_PER_TASK = 50_000;
const HEAP_MB = 6_000;

/** Largest first, so that the processes end together. */
function tasksOf(): Task[] {
  return [...statesTasks(asked.states), ...seedsTasks(asked.seeds), ...bodiesTasks(asked.bodies)];
}

/** What small settings have less than their share, the large ones have more: DEEP holds twice what is asked for. */
function statesTasks(states: number): Task[] {
  if (states === 0) return [];
  const whole = DEEP.reduce((sum, { maxStates }) => sum + maxStates, 0);
  const share = Math.min(1, (1.25 * states) / whole);
  return DEEP.map(({ maxStates }, setting): Task => {
    return { kind: "states", setting, maxStates: Math.ceil(maxStates * share) };
  }).sort((a, b) => sizeOf(b) - sizeOf(a));
}

const sizeOf = (task: Task): number => (task.kind === "states" ? task.maxStates : 0);

function seedsTasks(seeds: number): Task[] {
  const climates = Object.keys(CLIMATES) as ClimateName[];
  const first = Number(values.from);
  const end = first + Math.ceil(seeds / climates.length);
  const tasks: Task[] = [];
  for (let from = first; from < end; from += SEEDS_PER_TASK) {
    const count = Math.min(SEEDS_PER_TASK, end - from);
    for (const climate of climates) tasks.push({ kind: "seeds", climate, from, count });
  }
  return tasks;
}

function bodiesTasks(bodies: number): Task[] {
  const each = Math.ceil(bodies / GRAMMARS.length);
  const tasks: Task[] = [];
  for (let done = 0; done < each; done += BODIES_PER_TASK) {
    const cases = Math.min(BODIES_PER_TASK, each - done);
    for (const grammar of GRAMMARS.keys()) {
      tasks.push({ kind: "bodies", grammar, seed: fuzzSeed + done, cases });
    }
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
  const count = (what: string, times: number): void => {
    covered.set(what, (covered.get(what) ?? 0) + times);
  };
  const failures: string[] = [];
  const sums = {
    seeds: 0,
    events: 0,
    writes: 0,
    states: 0,
    transitions: 0,
    settings: 0,
    bodies: 0,
  };
  for (const result of results) {
    if (result.kind === "seeds") {
      sums.seeds += result.seeds;
      sums.events += result.events;
      sums.writes += result.writes;
      failures.push(...result.failures);
      for (const [what, times] of result.covered) count(what, times);
      continue;
    }
    if (result.kind === "bodies") {
      const { tally, finding } = result;
      sums.bodies += tally.cases;
      count("bodies: taken for what they mean", tally.taken);
      count("bodies: refused", tally.refused);
      if (finding) failures.push(`FUZZ_SEED=${finding.seed}: ${finding.says}\n${finding.body}`);
      continue;
    }
    sums.states += result.states;
    sums.transitions += result.transitions;
    sums.settings += 1;
    for (const piece of piecesOf(DEEP[result.place]?.setting)) {
      count(`states: ${piece}`, result.states);
    }
    for (const [name, times] of Object.entries(result.heard)) count(`reading: ${name}`, times);
    const { violation } = result;
    if (violation)
      failures.push(`${violation.invariant}: ${violation.says}\n${violation.trace.join("\n")}`);
  }
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const repeated = covered.get("run twice, same hash") ?? 0;
  const where = { date: values.date, commit, fromSeed: Number(values.from), fuzzSeed };
  return { ...sums, ...where, asked, repeated, minutes, covered, failures };
}

const startedAtMs = Date.now();
const results = await workThrough(tasksOf(), Number(values.workers));
const proof = proofOf(results, (Date.now() - startedAtMs) / 60_000);
const certificate = certificateOf(proof);
await writeFile(new URL("../../docs/certificate.md", import.meta.url), certificate);
console.log(certificate);
for (const failure of proof.failures) console.error(failure);
const gaps = gapsIn(proof);
if (gaps.length > 0) console.error(`this never happened: ${gaps.join(", ")}`);
process.exitCode = proof.failures.length + gaps.length > 0 ? 1 : 0;
