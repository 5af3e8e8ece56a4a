import { readFile } from "node:fs/promises";
import { type Config, ConfigError, readConfig } from "../../config.ts";
import { createPolicy, readPolicyFile } from "../../policy.ts";
import { DEFAULT_MAPPINGS, type Mappings } from "../../presence/mapping.ts";
import { type Command, EXIT, type Host } from "../command.ts";
import { textTable } from "../text-table.ts";
import { examine } from "./examine.ts";
import { type Finding, type Level, worstOf } from "./finding.ts";
import { checkPolicy, checkSettings } from "./signing-in.ts";

const HELP = `Tries, one after the other, everything that the service needs of Entra, Microsoft Graph, Dataverse and the network,
with the settings of the service, and says for each: what was tried, what came back, what to do next and where.
It changes nothing anywhere. Run it where the service runs, with the service's environment, before the first start and
whenever something does not come through.

A failure keeps the service from working; a warning costs a feature or speed; skipped was not tried, and says why.`;

const EXITS: Readonly<Record<Level, number>> = {
  fine: EXIT.fine,
  skipped: EXIT.fine,
  warning: EXIT.warning,
  failure: EXIT.failure,
};

const MARKS: Readonly<Record<Level, string>> = {
  fine: "fine",
  skipped: "-",
  warning: "WARNING",
  failure: "FAILURE",
};

const WIDTH = 110;

export const doctor: Command = {
  name: "doctor",
  takes: "",
  positionals: { min: 0, max: 0 },
  summary: "check a tenant step by step, and say what is missing and where to grant it",
  help: HELP,
  options: {},
  run: async (given, host) => {
    const findings: Finding[] = [];
    for await (const finding of findingsOf(host)) {
      findings.push(finding);
      if (host.watched) host.say(`${finding.check.padEnd(40)}\r`);
    }
    const worst = worstOf(findings);
    if (given.flag("json")) host.print(JSON.stringify({ worst, findings }));
    else host.print(tableOf(findings));
    return EXITS[worst];
  },
};

async function* findingsOf(host: Host): AsyncGenerator<Finding> {
  let config: Config;
  try {
    config = readConfig(host.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield checkSettings(error.problems);
    return;
  }
  const mappings = await mappingsOf(config);
  if ("check" in mappings) yield mappings;
  else yield* examine(config, mappings, host);
}

async function mappingsOf({ policyFile }: Config): Promise<Mappings | Finding> {
  if (policyFile === null) return DEFAULT_MAPPINGS;
  try {
    const mappings = readPolicyFile(await readFile(policyFile, "utf8"));
    createPolicy(mappings);
    return mappings;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return checkPolicy(error.message);
  }
}

function tableOf(findings: readonly Finding[]): string {
  const rows = findings.map((one) => [
    MARKS[one.level],
    one.check,
    `${one.tried}: ${one.cameBack}`,
  ]);
  const table = textTable(rows, { width: WIDTH });
  const toDo = findings.filter(({ next }) => next !== null);
  if (toDo.length === 0) return `${table}\n\nNothing to do.`;
  const steps = toDo.flatMap(({ check, next, where }, index) => [
    [`${index + 1}.`, `${check}: ${next}`],
    ["", `where: ${where}`],
  ]);
  return `${table}\n\nWhat to do, in this order:\n${textTable(steps, { width: WIDTH })}`;
}
