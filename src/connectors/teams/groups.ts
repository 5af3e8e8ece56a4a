import { z } from "zod";
import { createGraph, type GraphOptions } from "./graph.ts";

/** Entra groups, through Graph as the application: who is in which. Throws `SystemError`. */
export type EntraGroups = {
  /** Of `groupIds` (at most 20), those that the user is in, also through other groups. Lower-case. */
  memberOf(objectId: string, groupIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Object ids of all users in the group, also through other groups. Lower-case. */
  members(groupId: string): Promise<ReadonlySet<string>>;
};

const PAGE = 999;
const MOST_PAGES = 200;
const ROLE = "GroupMember.Read.All";

const found = z.object({ value: z.array(z.string()) });
const page = z.object({
  value: z.array(z.object({ id: z.string() })),
  "@odata.nextLink": z.string().optional(),
});

export function createEntraGroups(options: GraphOptions, signal: AbortSignal): EntraGroups {
  const graph = createGraph(options);
  return {
    async memberOf(objectId, groupIds) {
      const path = `/users/${encodeURIComponent(objectId)}/checkMemberGroups`;
      const text = await graph.post({ path, body: { groupIds }, appRole: ROLE }, signal);
      const { value } = found.parse(JSON.parse(text));
      return new Set(value.map((id) => id.toLowerCase()));
    },

    async members(groupId) {
      const group = `/groups/${encodeURIComponent(groupId)}/transitiveMembers/microsoft.graph.user`;
      const members = new Set<string>();
      let path: string | null = `${group}?$select=id&$top=${PAGE}`;
      for (let pages = 0; path !== null && pages < MOST_PAGES; pages += 1) {
        const text: string = await graph.ask("GET", { path, appRole: ROLE }, signal);
        const { value, "@odata.nextLink": link } = page.parse(JSON.parse(text));
        for (const { id } of value) members.add(id.toLowerCase());
        // Of the link only what names the next page: it must not lead the token elsewhere.
        path = link === undefined ? null : `${group}${new URL(link).search}`;
      }
      return members;
    },
  };
}
