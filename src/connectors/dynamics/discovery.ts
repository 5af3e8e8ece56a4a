import { z } from "zod";
import {
  repId,
  type RepIdentity,
  type SystemUserId,
  systemUserId,
  teamsUserId,
} from "../../presence/identity.ts";
import type { Dataverse, Row } from "./dataverse.ts";
import { isRejected } from "./dataverse-error.ts";

/** Why a row of msdyn_agentstatus is nobody's presence in Teams. */
type Exclusion =
  | "no such user"
  | "no Entra object id"
  | "disabled"
  | "application"
  | "non-interactive"
  | "shared Entra object id";

export type Discovered = {
  readonly reps: readonly RepIdentity[];
  /** Who was left out and why, by id: names are nobody's business here. */
  readonly leftOut: Readonly<Record<Exclusion, readonly SystemUserId[]>>;
};

/** A discovery, and which rep each row of msdyn_agentstatus belongs to. */
export type Discovery = {
  readonly discovered: Discovered;
  readonly repOfRow: ReadonlyMap<string, SystemUserId>;
};

const USER_COLUMNS =
  "systemuserid,azureactivedirectoryobjectid,applicationid,isdisabled,accessmode";
const PLAIN_USER_COLUMNS = "systemuserid,azureactivedirectoryobjectid,isdisabled";

/** Table systemuser, column accessmode: 4 Non-interactive, 5 Delegated Admin. */
const NON_INTERACTIVE: ReadonlySet<number> = new Set([4, 5]);
const NO_OBJECT_ID = "00000000-0000-0000-0000-000000000000";
const USERS_PER_FILTER = 40;

const user = z.object({
  systemuserid: z.string(),
  azureactivedirectoryobjectid: z.string().nullish(),
  applicationid: z.string().nullish(),
  isdisabled: z.boolean().nullish(),
  accessmode: z.coerce.number().nullish(),
});
type User = z.output<typeof user>;

const agent = z.object({
  msdyn_agentstatusid: z.string(),
  _msdyn_agentid_value: z.string(),
  msdyn_agentid: user.nullish().catch(null),
});

/**
 * Finds the reps: everybody with a row in msdyn_agentstatus whose system user is an enabled person with an
 * Entra object id. One call for 5000 of them where the server can expand a lookup, a few more where it cannot.
 */
export async function discoverReps(dataverse: Dataverse, signal: AbortSignal): Promise<Discovery> {
  const agents = (await readAgents(dataverse, signal)).flatMap(
    (row) => agent.safeParse(row).data ?? [],
  );
  const users = new Map<SystemUserId, User>();
  for (const { msdyn_agentid: expanded } of agents) {
    if (expanded) users.set(systemUserId(expanded.systemuserid), expanded);
  }
  const ids = new Set(agents.map((row) => systemUserId(row._msdyn_agentid_value)));
  const missing = [...ids].filter((id) => !users.has(id));
  for (const row of await readUsers(dataverse, missing, signal)) {
    const parsed = user.safeParse(row);
    if (parsed.success) users.set(systemUserId(parsed.data.systemuserid), parsed.data);
  }
  return {
    discovered: select(ids, users),
    repOfRow: new Map(
      agents.map((row) => [
        row.msdyn_agentstatusid.toLowerCase(),
        systemUserId(row._msdyn_agentid_value),
      ]),
    ),
  };
}

async function readAgents(dataverse: Dataverse, signal: AbortSignal): Promise<readonly Row[]> {
  const plain = "msdyn_agentstatuses?$select=msdyn_agentstatusid,_msdyn_agentid_value";
  try {
    const expanded = `${plain}&$expand=msdyn_agentid($select=${USER_COLUMNS})`;
    return await dataverse.rows(expanded, "msdyn_agentstatus", signal);
  } catch (error) {
    if (!isRejected(error)) throw error;
    return dataverse.rows(plain, "msdyn_agentstatus", signal);
  }
}

/** Without `$expand`: by filter, else the whole table, with the columns that matter most in the end. */
async function readUsers(
  dataverse: Dataverse,
  ids: readonly SystemUserId[],
  signal: AbortSignal,
): Promise<readonly Row[]> {
  if (ids.length === 0) return [];
  const read = (query: string): Promise<readonly Row[]> =>
    dataverse.rows(`systemusers?$select=${query}`, "systemuser", signal);
  try {
    const rows: Row[] = [];
    for (let start = 0; start < ids.length; start += USERS_PER_FILTER) {
      const terms = ids
        .slice(start, start + USERS_PER_FILTER)
        .map((id) => `systemuserid%20eq%20${id}`);
      rows.push(...(await read(`${USER_COLUMNS}&$filter=${terms.join("%20or%20")}`)));
    }
    return rows;
  } catch (error) {
    if (!isRejected(error)) throw error;
  }
  try {
    return await read(USER_COLUMNS);
  } catch (error) {
    if (!isRejected(error)) throw error;
    return read(PLAIN_USER_COLUMNS);
  }
}

function select(
  ids: ReadonlySet<SystemUserId>,
  users: ReadonlyMap<SystemUserId, User>,
): Discovered {
  const leftOut: Record<Exclusion, SystemUserId[]> = {
    "no such user": [],
    "no Entra object id": [],
    disabled: [],
    application: [],
    "non-interactive": [],
    "shared Entra object id": [],
  };
  const byObjectId = new Map<string, SystemUserId[]>();
  for (const id of ids) {
    const found = users.get(id);
    const exclusion = found ? exclusionOf(found) : "no such user";
    if (exclusion) leftOut[exclusion].push(id);
    const objectId = found?.azureactivedirectoryobjectid?.toLowerCase();
    if (exclusion || !objectId) continue;
    byObjectId.set(objectId, [...(byObjectId.get(objectId) ?? []), id]);
  }
  const reps: RepIdentity[] = [];
  for (const [objectId, [only, ...others]] of byObjectId) {
    if (!only) continue;
    if (others.length > 0) leftOut["shared Entra object id"].push(only, ...others);
    else reps.push({ rep: repId(only), teamsUserId: teamsUserId(objectId), systemUserId: only });
  }
  return { reps, leftOut };
}

function exclusionOf(found: User): Exclusion | null {
  if (found.applicationid) return "application";
  if (found.isdisabled === true) return "disabled";
  if (NON_INTERACTIVE.has(found.accessmode ?? 0)) return "non-interactive";
  const objectId = found.azureactivedirectoryobjectid;
  return objectId && objectId !== NO_OBJECT_ID ? null : "no Entra object id";
}
