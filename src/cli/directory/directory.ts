import { readConfig } from "../../config.ts";
import { countsOf, type Roster } from "../../directory/roster.ts";
import { type Command, EXIT } from "../command.ts";
import { openTenant, readDecisions } from "../tenant.ts";
import { textTable } from "../text-table.ts";

const HELP = `Who takes part: every agent of Dynamics, how each was found to be a Teams user, and who was left out and why. It reads
both systems and what was decided here (import, sync, scope), and changes nothing. People are shown by their Dynamics
user id.`;

const WIDTH = 140;

export const showDirectory: Command = {
  name: "directory",
  takes: "",
  positionals: { min: 0, max: 0 },
  summary: "list who takes part, how each was matched, and who was left out and why",
  help: HELP,
  options: {
    excluded: { type: "boolean", says: "only those who were left out" },
  },
  run: async (given, host) => {
    const config = readConfig(host.env);
    const tenant = openTenant(config, host);
    try {
      const census = tenant.censusWith(() => readDecisions(config, host));
      const roster = await census.take(host.signal);
      if (given.flag("json")) host.print(JSON.stringify(roster));
      else host.print(described(roster, given.flag("excluded")));
      return EXIT.fine;
    } finally {
      await tenant.close();
    }
  },
};

function described({ matches, excluded }: Roster, onlyExcluded: boolean): string {
  const counts = Object.entries(countsOf(excluded)).map(([why, count]) => `${count} ${why}`);
  const head = `${matches.length} take part; left out: ${counts.join(", ") || "nobody"}`;
  const taking = matches.map(({ identity, by }) => [
    identity.systemUserId,
    "takes part",
    `${identity.teamsUserId} by ${by}`,
  ]);
  const leaving = excluded.map(({ user, why, detail }) => [user, why, detail]);
  const rows = onlyExcluded ? leaving : [...taking, ...leaving];
  return [head, textTable(rows, { width: WIDTH })].join("\n");
}
