import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { COMMANDS, type LargeOffice, openLargeOffice } from "./large-office.ts";

const REPS = 10_000;
const TIMES = 200;
const PAGE = join(import.meta.dirname, "../../docs/bot-speed.md");

type Measured = { readonly graph: number; readonly dataverse: number; readonly tookMs: number };

async function measured(office: LargeOffice, who: string, text: string): Promise<Measured> {
  const before = office.calls();
  const startedMs = performance.now();
  await office.ask(who, text);
  const tookMs = performance.now() - startedMs;
  const { graph, dataverse } = office.calls();
  return { graph: graph - before.graph, dataverse: dataverse - before.dataverse, tookMs };
}

/** One row: the first answer to somebody who has not asked for five minutes, then many to somebody who has. */
async function rowOf(office: LargeOffice, text: (typeof COMMANDS)[number]): Promise<string> {
  const first = await measured(office, `rep-${100 + COMMANDS.indexOf(text)}`, text);
  const later: Measured[] = [];
  for (let time = 0; time < TIMES; time += 1) later.push(await measured(office, "rep-1", text));
  const took = later.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const at = (share: number): string => (took[Math.floor(took.length * share)] ?? 0).toFixed(1);
  const most = (system: "dataverse" | "graph"): number =>
    Math.max(...later.map(({ [system]: calls }) => calls));
  const calls = `${first.graph} / ${most("graph")} | ${first.dataverse} / ${most("dataverse")}`;
  return `| \`${text}\` | ${at(0.5)} | ${at(0.99)} | ${calls} |`;
}

/**
 * `node test/bot/speed.ts [--write]`: how long each command takes with 10 000 reps and 50 queues, from the verified
 * message to the card, and how many calls to Graph and Dataverse the answer costs. `--write` puts it into docs/.
 */
async function speed(): Promise<void> {
  const office = await openLargeOffice(REPS);
  const ahead = office.calls();
  // Whoever is measured has asked before.
  await office.ask("rep-1", "me");
  const rows: string[] = [];
  for (const text of COMMANDS) rows.push(await rowOf(office, text));
  await office.close();
  const page = `# How fast the bot answers

\`node test/bot/speed.ts --write\` writes this page: ${REPS.toLocaleString("en").replace(",", " ")} reps, 50 queues, ${TIMES} answers of each kind to a manager of everybody, from the
verified message to the card, on one core. Calls are counted twice: for somebody who has not asked for five minutes, whose rights
are looked up in Entra, and for somebody who has. \`test/bot/calls.test.ts\` keeps each of them at one or none. Before anybody asks,
${ahead.graph} calls to Graph and ${ahead.dataverse} to Dataverse read who is in which group and role, and the figures of all queues.

| Command | p50 ms | p99 ms | Calls to Graph, first / then | Calls to Dataverse, first / then |
|---|---|---|---|---|
${rows.join("\n")}
`;
  if (process.argv.includes("--write")) await writeFile(PAGE, page);
  console.log(page);
}

await speed();
