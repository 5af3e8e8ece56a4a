import { z } from "zod";
import type { Dataverse } from "./dataverse.ts";

const holder = z.object({ azureactivedirectoryobjectid: z.string() });
const team = z.object({ teamid: z.string() });

const TEAMS_PER_FILTER = 40;

/**
 * Entra object ids, lower-case, of everybody enabled who holds a security role of that name, herself or through a team
 * (Microsoft: "Security roles and privileges"). Each business unit has its own copy of a role, so the name decides. Two
 * calls, one more for each 40 teams that have the role. Throws `SystemError`.
 */
export async function readRoleHolders(
  dataverse: Dataverse,
  role: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const named = `any(r:r/name eq '${role.replaceAll("'", "''")}')`;
  const users = async (condition: string): Promise<readonly string[]> => {
    const filter = encodeURIComponent(`isdisabled eq false and ${condition}`);
    const query = `systemusers?$select=azureactivedirectoryobjectid&$filter=${filter}`;
    const rows = await dataverse.rows(query, "systemuser", signal);
    return rows.flatMap((row) => holder.safeParse(row).data?.azureactivedirectoryobjectid ?? []);
  };
  const ofTeams = async (): Promise<readonly string[]> => {
    const filter = encodeURIComponent(`teamroles_association/${named}`);
    const rows = await dataverse.rows(`teams?$select=teamid&$filter=${filter}`, "team", signal);
    const ids = rows.flatMap((row) => team.safeParse(row).data?.teamid ?? []);
    const found: string[] = [];
    for (let start = 0; start < ids.length; start += TEAMS_PER_FILTER) {
      const some = ids.slice(start, start + TEAMS_PER_FILTER);
      const isOne = some.map((id) => `t/teamid eq ${id}`).join(" or ");
      found.push(...(await users(`teammembership_association/any(t:${isOne})`)));
    }
    return found;
  };
  const [own, inherited] = await Promise.all([
    users(`systemuserroles_association/${named}`),
    ofTeams(),
  ]);
  return new Set([...own, ...inherited].map((id) => id.toLowerCase()));
}
