import { z } from "zod";
import { type SystemUserId, systemUserId } from "../../presence/identity.ts";
import type { Dataverse } from "./dataverse.ts";

export type PersonName = { readonly name: string; readonly email: string | null };

const user = z.object({
  systemuserid: z.string(),
  fullname: z.string().nullish(),
  internalemailaddress: z.string().nullish(),
});

const QUERY =
  "systemusers?$select=systemuserid,fullname,internalemailaddress&$filter=isdisabled%20eq%20false";

/** Names and addresses of everybody who may sign in. In pages, so seldom: names change less than presence. */
export async function readPeople(
  dataverse: Dataverse,
  signal: AbortSignal,
): Promise<ReadonlyMap<SystemUserId, PersonName>> {
  const rows = await dataverse.rows(QUERY, "systemuser", signal);
  const people = new Map<SystemUserId, PersonName>();
  for (const row of rows) {
    const parsed = user.safeParse(row);
    if (!parsed.success || !parsed.data.fullname) continue;
    const { systemuserid, fullname: name, internalemailaddress: email } = parsed.data;
    people.set(systemUserId(systemuserid), { name, email: email ?? null });
  }
  return people;
}
