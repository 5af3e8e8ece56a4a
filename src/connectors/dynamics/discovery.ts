import { z } from "zod";
import type { DynamicsAccount, Standing } from "../../directory/account.ts";
import { type SystemUserId, systemUserId, teamsUserId } from "../../presence/identity.ts";
import type { Dataverse, Row, Take } from "./dataverse.ts";
import { isRejected } from "./dataverse-error.ts";

/** Is told whose each row of msdyn_agentstatus is, row by row. */
export type Announce = (row: string, user: SystemUserId) => void;

const PEOPLE = "systemuserid,azureactivedirectoryobjectid,applicationid,isdisabled,accessmode";
const ADDRESSES = "domainname,internalemailaddress";
/** What we would like to know of a user, then what tells people from programs. */
const USER_COLUMNS = [`${PEOPLE},${ADDRESSES}`, PEOPLE] as const;
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
  domainname: z.string().nullish(),
  internalemailaddress: z.string().nullish(),
});
type User = z.output<typeof user>;

const agent = z.object({
  msdyn_agentstatusid: z.string(),
  _msdyn_agentid_value: z.string(),
  msdyn_agentid: user.nullish().catch(null),
});

/**
 * Finds everybody who may be a rep: whoever has a row in msdyn_agentstatus, once each. One call for 5000 of them where the
 * server can expand a lookup, a few more where it cannot.
 */
export async function discoverAccounts(
  dataverse: Dataverse,
  announce: Announce,
  signal: AbortSignal,
): Promise<readonly DynamicsAccount[]> {
  const accounts = await readAgents(dataverse, announce, signal);
  const missing = [...accounts].filter(([, known]) => known === null).map(([id]) => id);
  for (const row of await readUsers(dataverse, missing, signal)) {
    const parsed = user.safeParse(row);
    if (!parsed.success) continue;
    const id = systemUserId(parsed.data.systemuserid);
    if (accounts.has(id)) accounts.set(id, accountOf(id, parsed.data));
  }
  return Array.from(accounts, ([id, known]) => known ?? accountOf(id, undefined));
}

/** Everybody with a row; `null` for whom the answer tells no more of. */
type Agents = Map<SystemUserId, DynamicsAccount | null>;

function readAgents(
  dataverse: Dataverse,
  announce: Announce,
  signal: AbortSignal,
): Promise<Agents> {
  const plain = "msdyn_agentstatuses?$select=msdyn_agentstatusid,_msdyn_agentid_value";
  const expanded = USER_COLUMNS.map(
    (columns) => `${plain}&$expand=msdyn_agentid($select=${columns})`,
  );
  return firstUnderstood([...expanded, plain], async (query) => {
    const agents: Agents = new Map();
    const take: Take = (row) => {
      const { data } = agent.safeParse(row);
      if (!data) return;
      const { msdyn_agentstatusid: id, _msdyn_agentid_value: owner, msdyn_agentid: told } = data;
      const agentId = systemUserId(owner);
      announce(id.toLowerCase(), agentId);
      const isHers = told && systemUserId(told.systemuserid) === agentId;
      if (isHers) agents.set(agentId, accountOf(agentId, told));
      else if (!agents.has(agentId)) agents.set(agentId, null);
    };
    await dataverse.each(query, "msdyn_agentstatus", take, signal);
    return agents;
  });
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
  const filtered = async (columns: string): Promise<readonly Row[]> => {
    const rows: Row[] = [];
    for (let start = 0; start < ids.length; start += USERS_PER_FILTER) {
      const terms = ids
        .slice(start, start + USERS_PER_FILTER)
        .map((id) => `systemuserid%20eq%20${id}`);
      rows.push(...(await read(`${columns}&$filter=${terms.join("%20or%20")}`)));
    }
    return rows;
  };
  const ways = [
    ...USER_COLUMNS.map((columns) => () => filtered(columns)),
    ...USER_COLUMNS.map((columns) => () => read(columns)),
    () => read(PLAIN_USER_COLUMNS),
  ];
  return firstUnderstood(ways, (way) => way());
}

/** Asks more and more plainly, until the server understands. */
async function firstUnderstood<Way, Found>(
  ways: readonly Way[],
  ask: (way: Way) => Promise<Found>,
): Promise<Found> {
  let refused: unknown;
  for (const way of ways) {
    try {
      return await ask(way);
    } catch (error) {
      if (!isRejected(error)) throw error;
      refused = error;
    }
  }
  throw refused;
}

function accountOf(id: SystemUserId, found: User | undefined): DynamicsAccount {
  const objectId = found?.azureactivedirectoryobjectid;
  return {
    user: id,
    standing: found ? standingOf(found) : "no such user",
    teamsUser: objectId && objectId !== NO_OBJECT_ID ? teamsUserId(objectId) : null,
    principalName: found?.domainname?.toLowerCase() ?? null,
    mail: found?.internalemailaddress?.toLowerCase() ?? null,
  };
}

function standingOf(found: User): Standing {
  if (found.applicationid) return "application";
  if (found.isdisabled === true) return "disabled";
  return NON_INTERACTIVE.has(found.accessmode ?? 0) ? "non-interactive" : "person";
}
