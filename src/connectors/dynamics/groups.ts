import { z } from "zod";
import type { Dataverse } from "./dataverse.ts";

export type NamedGroup = { readonly id: string; readonly name: string };

const row = z.object({ id: z.string(), name: z.string() });

const SETS = {
  teams: { key: "teamid", table: "team" },
  queues: { key: "queueid", table: "queue" },
} as const;

/** The teams or queues of a name, as the organization writes it, in any case. Names need not be unique. */
export async function findGroups(
  dataverse: Dataverse,
  set: keyof typeof SETS,
  name: string,
  signal: AbortSignal,
): Promise<readonly NamedGroup[]> {
  const { key, table } = SETS[set];
  const filter = encodeURIComponent(`name eq '${name.replaceAll("'", "''")}'`);
  const rows = await dataverse.rows(`${set}?$select=${key},name&$filter=${filter}`, table, signal);
  return rows.flatMap((one) => {
    const parsed = row.safeParse({ id: one[key], name: one["name"] });
    return parsed.success ? { ...parsed.data, id: parsed.data.id.toLowerCase() } : [];
  });
}
