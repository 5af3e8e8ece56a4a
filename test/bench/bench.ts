/**
 * `npm run bench`: what Lockstep costs, against what a user would pick instead and against what physics allows.
 *
 *   latency storm          these sections alone; the page then holds nothing else
 *   --anew                 … or takes the place of what the page that is there said of them
 *   --rounds 5             rounds of each measurement
 *   --minutes 22           sections that would begin later than this are left out, and named
 *   --out docs             where bench.md, bench.json and bench/*.svg go
 *   --no-rivals            without Node-RED, which is installed into a cache folder with npm when it is needed
 *   --quick                everything once and tiny, for a test; says nothing about speed
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createLoopbackTls } from "../../src/emulators/tls.ts";
import { endAll } from "./contestant.ts";
import { withAnew } from "./report/anew.ts";
import { drawChart } from "./report/chart.ts";
import { describeMachine } from "./report/machine.ts";
import { chartName, type Failure, pageOf, type Report, targetTable } from "./report/page.ts";
import type { Result } from "./report/result.ts";
import { installNodeRed } from "./rivals/node-red.ts";
import { acknowledgement } from "./sections/acknowledgement.ts";
import { correctness } from "./sections/correctness.ts";
import { instances } from "./sections/instances.ts";
import { latency } from "./sections/latency.ts";
import type { Scope, Section } from "./sections/section.ts";
import { money } from "./sections/money.ts";
import { scale } from "./sections/scale.ts";
import { storm } from "./sections/storm.ts";
import { throughput } from "./sections/throughput.ts";

/** In the order in which they run: what matters most first, should time run out. */
const SECTIONS: readonly Section[] = [
  correctness,
  latency,
  ...throughput,
  acknowledgement,
  storm,
  money,
  scale,
  instances,
];

/** The share of a section's time after which it begins no further round. */
const LATE = 0.7;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** One section within its time; what it started is ended, however it ends. */
async function runSection(section: Section, given: Scope): Promise<Result> {
  const untilMs = performance.now() + section.withinMs * LATE;
  const scope = { ...given, isLate: () => performance.now() > untilMs };
  let cut: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `it took longer than ${section.withinMs / 1000} s`;
    cut = setTimeout(() => reject(new Error(why)), section.withinMs);
  });
  try {
    return await Promise.race([section.run(scope), late]);
  } finally {
    clearTimeout(cut);
    endAll();
  }
}

async function rivalsToBeHad(): Promise<boolean> {
  try {
    await installNodeRed();
    return true;
  } catch (error) {
    say(`Node-RED cannot be had, so it is left out: ${wordsOf(error)}`);
    return false;
  }
}

const wordsOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 4).join(" ");

async function write(report: Report, out: string): Promise<void> {
  await mkdir(join(out, "bench"), { recursive: true });
  for (const { id, charts } of report.results) {
    for (const [index, chart] of charts.entries()) {
      await writeFile(join(out, "bench", chartName(id, index)), drawChart(chart));
    }
  }
  await writeFile(join(out, "bench.json"), `${JSON.stringify(report, null, 1)}\n`);
  await writeFile(join(out, "bench.md"), pageOf(report));
}

const reportIn = async (out: string): Promise<Report> =>
  JSON.parse(await readFile(join(out, "bench.json"), "utf8")) as Report;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      minutes: { type: "string", default: "22" },
      out: { type: "string", default: "docs" },
      anew: { type: "boolean", default: false },
      "no-rivals": { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
    },
  });
  const { quick } = values;
  const wanted = positionals.length > 0 ? positionals : SECTIONS.map(({ id }) => id);
  const unknown = wanted.filter((id) => !SECTIONS.some((section) => section.id === id));
  if (unknown.length > 0) {
    const known = SECTIONS.map(({ id }) => id).join(", ");
    throw new Error(`there is no section ${unknown.join(", ")}; there are ${known}`);
  }
  const beganMs = performance.now();
  const minutes = (): number => (performance.now() - beganMs) / 60_000;
  const scope: Scope = {
    quick,
    rounds: quick ? 1 : Number(values.rounds),
    rivals: !quick && !values["no-rivals"] && (await rivalsToBeHad()),
    tls: await createLoopbackTls(Date.now()),
    say,
    isLate: () => false,
  };
  const results: Result[] = [];
  const failures: Failure[] = [];
  for (const section of SECTIONS.filter(({ id }) => wanted.includes(id))) {
    if (minutes() > Number(values.minutes)) {
      failures.push({ id: section.id, why: "the time was over before its turn came" });
      continue;
    }
    try {
      results.push(await runSection(section, scope));
      say(`${section.id}: done after ${minutes().toFixed(1)} min`);
    } catch (error) {
      failures.push({ id: section.id, why: wordsOf(error) });
      say(`${section.id}: ${wordsOf(error)}`);
    }
  }
  const date = new Date().toISOString().slice(0, 10);
  const { rounds } = scope;
  const machine = describeMachine();
  const report: Report = { machine, date, rounds, minutes: minutes(), results, failures };
  await write(values.anew ? withAnew(await reportIn(values.out), report) : report, values.out);
  say(targetTable(results.flatMap(({ targets }) => targets)));
  process.exitCode = failures.length === 0 ? 0 : 1;
}

// What a section that was cut off still does comes to nothing: it must not end the bench.
process.on("unhandledRejection", (error) => say(`left behind: ${wordsOf(error)}`));
await main();
process.exit();
