import { parseArgs } from "node:util";
import { ConfigError } from "../config.ts";
import { SystemError } from "../connectors/connector.ts";
import { EngineError } from "../engine/engine-error.ts";
import {
  type Arguments,
  type Command,
  CommandError,
  EXIT,
  type Host,
  type Option,
  UsageError,
} from "./command.ts";
import { showDirectory } from "./directory/directory.ts";
import { importReps } from "./directory/import.ts";
import { pause, resume } from "./directory/pause.ts";
import { scope } from "./directory/scope.ts";
import { sync } from "./directory/sync.ts";
import { doctor } from "./doctor/doctor.ts";
import { partners } from "./partners/partners.ts";
import { policy } from "./policy/policy.ts";
import { migrate } from "./store/migrate.ts";
import { registerWebhook } from "./webhook/register-webhook.ts";

const COMMANDS: readonly Command[] = [
  doctor,
  registerWebhook,
  showDirectory,
  importReps,
  sync,
  pause,
  resume,
  scope,
  partners,
  migrate,
  policy,
];

/** Every command has these. */
const COMMON: Readonly<Record<string, Option>> = {
  json: { type: "boolean", says: "print one JSON document and nothing else" },
  help: { type: "boolean", says: "say what the command does" },
};

const PROGRAM = "cli";

/** Runs one command line, and resolves to the exit code. Never throws for what a person or a system did. */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  const [name = "", ...rest] = argv;
  if (name === "" || name === "help" || name === "--help" || name === "-h") {
    const about = COMMANDS.find((candidate) => candidate.name === rest[0]);
    host.print(about ? helpOf(about) : overview());
    return name === "" ? EXIT.usage : EXIT.fine;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (!command) {
    host.say(`There is no command ${name}.\n\n${overview()}`);
    return EXIT.usage;
  }
  let wantsJson = rest.includes("--json");
  try {
    const given = parse(command, rest);
    wantsJson = given.flag("json");
    if (given.flag("help")) {
      host.print(helpOf(command));
      return EXIT.fine;
    }
    return await command.run(given, host);
  } catch (error) {
    return report(error, command, wantsJson, host);
  }
}

function report(error: unknown, command: Command, wantsJson: boolean, host: Host): number {
  if (error instanceof UsageError) {
    host.say(`${error.message}\n\n${helpOf(command)}`);
    return EXIT.usage;
  }
  if (error instanceof ConfigError) {
    const { problems } = error;
    if (wantsJson) host.print(JSON.stringify({ error: { code: "config-refused", problems } }));
    else host.say(error.message);
    return EXIT.usage;
  }
  const isKnown =
    error instanceof SystemError || error instanceof EngineError || error instanceof CommandError;
  if (!isKnown) throw error;
  const { code, nextStep } = error;
  if (wantsJson) host.print(JSON.stringify({ error: { code, nextStep } }));
  else host.say(error.message);
  return EXIT.failure;
}

function parse(command: Command, argv: readonly string[]): Arguments {
  const known = { ...command.options, ...COMMON };
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  const { values, positionals } = parsed(argv, options);
  const { min, max } = command.positionals;
  const isHelp = values["help"] === true;
  if (!isHelp && (positionals.length < min || positionals.length > max)) {
    throw new UsageError(`${command.name} takes ${command.takes || "no further words"}.`);
  }
  return {
    flag: (name) => values[name] === true,
    text: (name) => {
      const value = values[name];
      return typeof value === "string" ? value : null;
    },
    list: (name) => {
      const value = values[name];
      return Array.isArray(value) ? value.map(String) : [];
    },
    positionals,
  };
}

function parsed(
  argv: readonly string[],
  options: Readonly<Record<string, { type: "boolean" | "string"; multiple: boolean }>>,
): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "The options cannot be read.");
  }
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    `Usage: ${PROGRAM} <command> [options]    (npm run --silent cli -- <command> [options])`,
    "",
    ...lines,
    "",
    `${PROGRAM} <command> --help says more. Settings come from the environment, as for the service.`,
    "Exit code: 0 fine, 1 something to look at, 2 failed, 64 the command line or the settings cannot be used.",
  ].join("\n");
}

function helpOf({ name, takes, summary, help, options }: Command): string {
  const entries = Object.entries({ ...options, ...COMMON });
  const labels = entries.map(([option, { value }]) => `--${option}${value ? ` <${value}>` : ""}`);
  const width = Math.max(...labels.map((label) => label.length));
  const lines = entries.map(([, { says }], index) => `  ${labels[index]?.padEnd(width)}  ${says}`);
  const usage = [PROGRAM, name, takes, "[options]"].filter((part) => part !== "").join(" ");
  return [`Usage: ${usage}`, "", summary, "", help, "", ...lines].join("\n");
}
