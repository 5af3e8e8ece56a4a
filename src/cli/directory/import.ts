import { readFile } from "node:fs/promises";
import { readConfig } from "../../config.ts";
import { type DecisionBook, openDecisionBook } from "../../directory/decisions.ts";
import {
  addressesIn,
  type ImportChange,
  type ImportPlan,
  planImport,
} from "../../directory/import-plan.ts";
import { openStore } from "../../store.ts";
import { type Command, CommandError, EXIT, type Host } from "../command.ts";
import { openTenant, readDecisions } from "../tenant.ts";
import { progressBar } from "./progress.ts";
import { rowsOf } from "./rows.ts";

const HELP = `The file has a heading and one rep a line: dynamics (user id, principal name or mail), and if you like teams (object id,
principal name or mail: whose presence in Teams is hers), sync (in or out) and reason. Nobody has to be imported: every
agent whose Entra object id Dynamics knows is a rep already. A file narrows or corrects that.

Shows what would change and which lines cannot be imported; --yes does it, unless a line cannot be imported (then
--partial imports the others). The running service follows within a minute: who leaves gets back what we set.`;

/** Shown of each kind; --json has them all. */
const SHOWN = 20;
const AT_ONCE = 500;

export const importReps: Command = {
  name: "import",
  takes: "<file.csv>",
  positionals: { min: 1, max: 1 },
  summary: "import who is whom, and who takes part, from a CSV file",
  help: HELP,
  options: {
    yes: { type: "boolean", says: "carry it out" },
    partial: { type: "boolean", says: "although some lines cannot be imported" },
    replace: {
      type: "boolean",
      says: "take back what earlier files said of people whom this one does not name",
    },
    only: { type: "boolean", says: "from now on nobody takes part but who is in, here or earlier" },
  },
  run: async (given, host) => {
    const config = readConfig(host.env);
    const [path = ""] = given.positionals;
    const listed = rowsOf(await textOf(path));
    const only = given.flag("only");
    const rows = only
      ? listed.map((row) => ({ ...row, sync: row.sync || ("in" as const) }))
      : listed;
    const tenant = openTenant(config, host);
    try {
      const [accounts, teams, decisions] = await Promise.all([
        tenant.dynamics.discover(host.signal),
        tenant.accounts.find(addressesIn(rows), host.signal),
        readDecisions(config, host),
      ]);
      const replace = given.flag("replace");
      const plan = planImport({ rows, accounts, teams, decisions, replace });
      const narrows = only && !decisions.scope.listedOnly;
      const isBlocked = plan.problems.length > 0 && !given.flag("partial");
      const isWork = plan.changes.length > 0 || narrows;
      const applies = given.flag("yes") && isWork && !isBlocked;
      if (applies) {
        const engine = await openStore(config.database);
        try {
          const book = openDecisionBook(engine, host.nowMs);
          await apply(plan, book, host);
          if (narrows) await book.setScope({ ...decisions.scope, listedOnly: true });
        } finally {
          await engine.close();
        }
      }
      if (given.flag("json")) host.print(JSON.stringify({ ...plan, narrows, applied: applies }));
      else host.print(described(plan, { narrows, applies, isBlocked, asked: given.flag("yes") }));
      return plan.problems.length > 0 || (isWork && !applies) ? EXIT.warning : EXIT.fine;
    } finally {
      await tenant.close();
    }
  },
};

async function textOf(path: string): Promise<string> {
  const bytes = await readFile(path).catch(() => {
    throw unreadable("Name a file that is there and may be read.");
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw unreadable('Save the file in UTF-8; Excel calls that "CSV UTF-8".');
  }
}

const unreadable = (nextStep: string): CommandError =>
  new CommandError("cli-import-unreadable", nextStep);

async function apply({ changes }: ImportPlan, book: DecisionBook, host: Host): Promise<void> {
  const bar = progressBar(host, "importing", changes.length);
  for (let start = 0; start < changes.length; start += AT_ONCE) {
    const some = changes.slice(start, start + AT_ONCE);
    await Promise.all(some.map((change) => carryOut(change, book).then(() => bar.step())));
  }
  bar.end();
}

async function carryOut(change: ImportChange, book: DecisionBook): Promise<unknown> {
  switch (change.kind) {
    case "pin":
      return book.pin(change.user, change.to);
    case "unpin":
      return book.unpin(change.user);
    case "choose":
      return book.choose(change.user, { sync: change.to, reason: change.reason });
    case "unchoose":
      return book.unchoose(change.user);
  }
}

function described(
  { changes, unchanged, problems }: ImportPlan,
  done: { narrows: boolean; applies: boolean; isBlocked: boolean; asked: boolean },
): string {
  const lines = [
    `${changes.length} change${changes.length === 1 ? "" : "s"}, ${unchanged} line${unchanged === 1 ? "" : "s"} as they are, ${problems.length} that cannot be imported`,
    ...some(changes.map(sayChange)),
    ...some(problems.map(({ line, says }) => `! line ${line} ${says}`)),
  ];
  if (done.narrows) lines.push("From then on nobody takes part but who is in.");
  if (done.applies) lines.push("Done. The service follows within a minute.");
  else if (done.isBlocked && done.asked) {
    lines.push("Nothing was imported. Correct those lines, or give --partial.");
  } else if (changes.length > 0 || done.narrows) {
    lines.push("Nothing was imported. Give --yes to do it.");
  }
  return lines.join("\n");
}

function some(lines: readonly string[]): readonly string[] {
  const more = lines.length - SHOWN;
  const shown = lines.slice(0, SHOWN).map((line) => `  ${line}`);
  return more > 0 ? [...shown, `  … and ${more} more`] : shown;
}

function sayChange(change: ImportChange): string {
  switch (change.kind) {
    case "pin":
      return `${change.from ? "~" : "+"} ${change.user}: Teams account ${change.from ? `${change.from} -> ` : ""}${change.to}`;
    case "unpin":
      return `- ${change.user}: Teams account ${change.from}, matched as always from now on`;
    case "choose":
      return `${change.from ? "~" : "+"} ${change.user}: ${change.from ? `${change.from} -> ` : ""}${change.to}${change.reason ? ` (${change.reason})` : ""}`;
    case "unchoose":
      return `- ${change.user}: ${change.from}, the scope decides from now on`;
  }
}
