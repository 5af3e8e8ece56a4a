import { parseArgs } from "node:util";
import { proveDecoders } from "../fuzz/prove.ts";
import { loadCore } from "./core.ts";
import { explore, type Exploration } from "./explorer.ts";
import { DEEP } from "./settings.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" } } });
const untilMs = Date.now() + Number(values.minutes) * 60_000;
const number = new Intl.NumberFormat("en");

const core = await loadCore(new URL("../../src", import.meta.url).href);
const done: (Exploration & { readonly seconds: number })[] = [];
for (const { setting, maxStates } of DEEP) {
  if (Date.now() > untilMs) {
    console.log(
      `${values.minutes} minutes are over: ${DEEP.length - done.length} settings left out`,
    );
    break;
  }
  process.stdout.write(`${setting.name} … `);
  const startedAtMs = Date.now();
  const result = explore(setting, core, maxStates);
  const seconds = (Date.now() - startedAtMs) / 1000;
  done.push({ ...result, seconds });
  const { states, transitions, quiet, maxWrites, complete, violation } = result;
  const extent = complete ? "complete" : "up to the bound";
  console.log(
    `${number.format(states)} states, ${number.format(transitions)} transitions, ` +
      `${number.format(quiet)} quiet, at most ${maxWrites} writes, ${seconds.toFixed(1)} s, ${extent}`,
  );
  if (!violation) continue;
  console.error(`\n${violation.invariant}: ${violation.says}`);
  for (const [at, step] of violation.trace.entries()) console.error(`${at}. ${step}`);
  process.exit(1);
}

console.table(
  done.map(({ setting, states, transitions, quiet, maxWrites, complete, seconds }) => {
    return { setting, states, transitions, quiet, maxWrites, complete, seconds };
  }),
);
const total = done.reduce((sum, { states }) => sum + states, 0);
console.log(`${number.format(total)} states, no violation`);
proveDecoders();
