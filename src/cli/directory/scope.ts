import { readConfig } from "../../config.ts";
import { createDataverse, type Dataverse } from "../../connectors/dynamics/dataverse.ts";
import { findGroups } from "../../connectors/dynamics/groups.ts";
import { EVERYBODY, type Scope } from "../../directory/decision.ts";
import { openDecisionBook } from "../../directory/decisions.ts";
import { credentialOf } from "../../sign-in.ts";
import { openStore } from "../../store.ts";
import { type Command, CommandError, EXIT, UsageError } from "../command.ts";
import { readDecisions } from "../tenant.ts";

const HELP = `Without an option it says what the scope is. --team and --queue (each may be given again) let the members of those
Dynamics teams and queues take part, and nobody else; --listed only those who were opted in; --everybody everybody again.
Somebody who was opted in or out (cli sync, cli import) is that whatever the scope. The service follows within a minute.`;

export const scope: Command = {
  name: "scope",
  takes: "",
  positionals: { min: 0, max: 0 },
  summary: "say whose members take part: everybody, or teams and queues",
  help: HELP,
  options: {
    team: { type: "string", value: "name or id", multiple: true, says: "a team of Dynamics" },
    queue: { type: "string", value: "name or id", multiple: true, says: "a queue" },
    listed: { type: "boolean", says: "only those who were opted in" },
    everybody: { type: "boolean", says: "every agent" },
  },
  run: async (given, host) => {
    const config = readConfig(host.env);
    const [teams, queues] = [given.list("team"), given.list("queue")];
    const ways = [teams.length + queues.length > 0, given.flag("listed"), given.flag("everybody")];
    const chosen = ways.filter((way) => way).length;
    if (chosen > 1) throw new UsageError("Give teams and queues, or --listed, or --everybody.");
    let current = (await readDecisions(config, host)).scope;
    if (chosen === 1) {
      const dataverse = createDataverse({
        dataverseUrl: config.dataverseUrl,
        credential: credentialOf(config, host.nowMs),
        nowMs: host.nowMs,
      });
      try {
        current = {
          ...EVERYBODY,
          listedOnly: given.flag("listed"),
          teams: await idsOf(dataverse, "teams", teams, host.signal),
          queues: await idsOf(dataverse, "queues", queues, host.signal),
        };
      } finally {
        await dataverse.close();
      }
      const engine = await openStore(config.database);
      try {
        await openDecisionBook(engine, host.nowMs).setScope(current);
      } finally {
        await engine.close();
      }
    }
    host.print(given.flag("json") ? JSON.stringify(current) : described(current));
    return EXIT.fine;
  },
};

async function idsOf(
  dataverse: Dataverse,
  set: "teams" | "queues",
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const name of names) {
    const [only, ...others] = await findGroups(dataverse, set, name, signal);
    if (!only || others.length > 0) {
      throw new CommandError(
        "cli-group-unknown",
        only
          ? `Give the id: Dynamics has ${others.length + 1} ${set} of that name. Nothing was changed.`
          : `Name one that is there: Dynamics has no ${set} of that name or id. Nothing was changed.`,
      );
    }
    ids.push(only.id);
  }
  return ids;
}

function described({ teams, queues, listedOnly }: Scope): string {
  if (teams.length + queues.length === 0) {
    return listedOnly ? "Only those who were opted in take part." : "Everybody takes part.";
  }
  const lines = [...teams.map((id) => `  team ${id}`), ...queues.map((id) => `  queue ${id}`)];
  return ["The members of these take part:", ...lines].join("\n");
}
