import { z } from "zod";
import type { EmulatorResponse } from "../listener.ts";
import type { Backend } from "./backend.ts";
import { refuse } from "./refusal.ts";

// "directoryObject: checkMemberGroups": at most 20 groups a call.
const MOST_GROUPS = 20;
const DEFAULT_PAGE = 100;
const MAX_PAGE = 999;

const asked = z.object({ groupIds: z.array(z.guid()).min(1).max(MOST_GROUPS) });

/** Of the groups asked for, those that the user is in. */
export function checkMemberGroups(
  { people, groups, clock }: Backend,
  userId: string,
  body: unknown,
): EmulatorResponse {
  const parsed = asked.safeParse(body);
  if (!parsed.success) {
    return refuse(400, "Request_BadRequest", "Invalid value specified for property 'groupIds'.");
  }
  const id = userId.toLowerCase();
  if (!people.find(id, clock.now())) {
    return refuse(404, "Request_ResourceNotFound", `Resource '${userId}' does not exist.`);
  }
  const value = parsed.data.groupIds.filter((group) => groups.get(group.toLowerCase())?.has(id));
  return { status: 200, json: { value } };
}

/** A page of the users in a group, through other groups as well. */
export function listGroupUsers(
  { groups }: Backend,
  groupId: string,
  query: URLSearchParams,
  base: string,
): EmulatorResponse {
  const members = groups.get(groupId.toLowerCase());
  if (!members) {
    return refuse(404, "Request_ResourceNotFound", `Resource '${groupId}' does not exist.`);
  }
  const top = Math.min(Number(query.get("$top") ?? DEFAULT_PAGE), MAX_PAGE);
  const start = Number(query.get("$skiptoken") ?? 0);
  const value = [...members].slice(start, start + top).map((id) => ({ id }));
  const next = new URLSearchParams(query);
  next.set("$skiptoken", String(start + top));
  const path = `groups/${groupId}/transitiveMembers/microsoft.graph.user`;
  const link =
    start + top < members.size ? { "@odata.nextLink": `${base}/${path}?${next.toString()}` } : {};
  return { status: 200, json: { ...link, value } };
}
