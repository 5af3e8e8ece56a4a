import type { EmulatorResponse } from "../listener.ts";
import type { People, Person } from "./person.ts";
import { refuse } from "./refusal.ts";

// "List users": 100 a page unless asked, 999 at most.
const DEFAULT_PAGE = 100;
const MAX_PAGE = 999;

const OFFERED = ["id", "userPrincipalName", "displayName", "accountEnabled"] as const;
// Without $select Graph leaves accountEnabled out.
const BY_DEFAULT: readonly string[] = ["id", "userPrincipalName", "displayName"];

/** Serves a page of the directory; `base` is the version's address, for the link to the next page. */
export function listUsers(people: People, query: URLSearchParams, base: string): EmulatorResponse {
  const unsupported = [...query.keys()].find(
    (name) => !["$select", "$top", "$skiptoken"].includes(name),
  );
  if (unsupported) {
    return refuse(
      400,
      "Request_UnsupportedQuery",
      `This emulator has no ${unsupported} on /users.`,
    );
  }
  const top = Number(query.get("$top") ?? DEFAULT_PAGE);
  if (!Number.isInteger(top) || top < 1 || top > MAX_PAGE) {
    return refuse(
      400,
      "Request_BadRequest",
      `Invalid page size specified: '${query.get("$top")}'.`,
    );
  }
  const start = Number(query.get("$skiptoken") ?? 0);
  const all = [...people.all()];
  const value = all.slice(start, start + top).map((person) => select(person, query));
  const next = new URLSearchParams(query);
  next.set("$skiptoken", String(start + top));
  const link =
    start + top < all.length ? { "@odata.nextLink": `${base}/users?${next.toString()}` } : {};
  return { status: 200, json: { "@odata.context": `${base}/$metadata#users`, ...link, value } };
}

/** One user, by object id or by principal name. */
export function getUser(people: People, key: string, query: URLSearchParams): EmulatorResponse {
  const wanted = key.toLowerCase();
  for (const person of people.all()) {
    if (person.id === wanted || person.userPrincipalName.toLowerCase() === wanted) {
      return { status: 200, json: select(person, query) };
    }
  }
  return refuse(404, "Request_ResourceNotFound", `Resource '${key}' does not exist.`);
}

function select(person: Person, query: URLSearchParams): object {
  const names =
    query
      .get("$select")
      ?.split(",")
      .map((name) => name.trim()) ?? BY_DEFAULT;
  const offered = OFFERED.filter((name) => names.includes(name));
  return Object.fromEntries(offered.map((name) => [name, person[name]]));
}
