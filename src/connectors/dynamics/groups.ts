import { z } from "zod";
import type { Dataverse } from "./dataverse.ts";

export type NamedGroup = { readonly id: string; readonly name: string };

const row = z.object({ id: z.string(), name: z.string() });

const SETS = {
  teams: { key: "teamid", table: "team" },
  queues: { key: "queueid", table: "queue" },
} as const;

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The team or queue of an id, or those of a name, as the organization writes it, in any case. Names need not be unique. */
export async function findGroups(
  dataverse: Dataverse,
  set: keyof typeof SETS,
  idOrName: string,
  signal: AbortSignal,
): Promise<readonly NamedGroup[]> {
  const { key, table } = SETS[set];
  const filter = encodeURIComponent(
    GUID.test(idOrName)
      ? `${key} eq ${idOrName.toLowerCase()}`
      : `name eq '${idOrName.replaceAll("'", "''")}'`,
  );
  const rows = await dataverse.rows(`${set}?$select=${key},name&$filter=${filter}`, table, signal);
  return rows.flatMap((one) => {
    const parsed = row.safeParse({ id: one[key], name: one["name"] });
    return parsed.success ? { ...parsed.data, id: parsed.data.id.toLowerCase() } : [];
  });
}
