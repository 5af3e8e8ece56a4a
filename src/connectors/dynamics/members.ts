import { z } from "zod";
import { type SystemUserId, systemUserId } from "../../presence/identity.ts";
import type { Dataverse } from "./dataverse.ts";

/** Dataverse ids of teams and of queues. */
export type Groups = { readonly teams: readonly string[]; readonly queues: readonly string[] };

const member = z.object({ systemuserid: z.string() });
const GROUPS_PER_FILTER = 40;

/** Microsoft: "Team" and "Queue" table reference, intersect tables teammembership and queuemembership. */
const TABLES = [
  { of: "teams", set: "teammemberships", table: "teammembership", key: "teamid" },
  { of: "queues", set: "queuememberships", table: "queuemembership", key: "queueid" },
] as const;

/** Who belongs to at least one of them. */
export async function readMembers(
  dataverse: Dataverse,
  groups: Groups,
  signal: AbortSignal,
): Promise<ReadonlySet<SystemUserId>> {
  const members = new Set<SystemUserId>();
  for (const { of, set, table, key } of TABLES) {
    const ids = groups[of];
    for (let start = 0; start < ids.length; start += GROUPS_PER_FILTER) {
      const some = ids.slice(start, start + GROUPS_PER_FILTER);
      const filter = some.map((id) => `${key}%20eq%20${id}`).join("%20or%20");
      const query = `${set}?$select=${key},systemuserid&$filter=${filter}`;
      for (const row of await dataverse.rows(query, table, signal)) {
        const parsed = member.safeParse(row);
        if (parsed.success) members.add(systemUserId(parsed.data.systemuserid));
      }
    }
  }
  return members;
}
