import { z } from "zod";
import { type SystemUserId, systemUserId } from "../../presence/identity.ts";
import type { Dataverse, Row } from "./dataverse.ts";
import { isRejected } from "./dataverse-error.ts";
import { StatusTable } from "./status-table.ts";
import { createTableFollower } from "./table-follower.ts";

/** One rep's row in msdyn_agentstatus: what the engine last wrote about her, about a second ago. */
export type AgentStatus = {
  /** msdyn_agentstatusid: the only id that some webhook bodies carry. */
  readonly id: string;
  readonly user: SystemUserId;
  /** Lower-case; `null` when the row names none. */
  readonly presenceId: string | null;
  /** `null` when the server does not say. */
  readonly loggedIn: boolean | null;
  /** `SYSTEM` or `AGENT` in every published sample. */
  readonly modifiedBy: string | null;
  /** Id of the system user who changed the presence, if the row says so. Lower-case. */
  readonly modifiedByUser: string | null;
  /** When her presence was last written, epoch milliseconds, as exactly as the row says; `null` if it does not. */
  readonly modifiedAtMs: number | null;
  /** The row's version, padded so that text compares as numbers do. */
  readonly sequence: string | null;
};

/** A rep's row as it was just read, or even newer; `undefined` if there is none. */
type StatusOf = (user: SystemUserId) => AgentStatus | undefined;

export type AgentStatusReader = {
  /** Reads the rows of the given reps; of several rows for one rep, the newest counts. */
  read(users: readonly SystemUserId[], signal: AbortSignal): Promise<StatusOf>;
  /** Whose rows have changed since this was asked last, as far as reads have shown it. */
  changed(): ReadonlySet<SystemUserId>;
  /** A row as a reader was last told of it, by its own id. */
  told(id: string): AgentStatus | undefined;
  /** Whose row it is, as far as a read has shown it, or somebody announced it. */
  ownerOf(id: string): SystemUserId | null;
  announce(id: string, user: SystemUserId): void;
  /** Every presence that was ever seen in a row. */
  presenceIds(): Iterable<string>;
};

const TABLE = "msdyn_agentstatus";
const KEY = "msdyn_agentstatusid";
const COLUMNS = [
  "msdyn_agentstatusid",
  "_msdyn_agentid_value",
  "_msdyn_currentpresenceid_value",
  "msdyn_isagentloggedin",
];
/** Only names somebody else who writes. Older organizations may lack it. */
const WRITER_COLUMN = "_msdyn_presencemodifiedbyuserid_value";
const OPTIONAL_COLUMNS = [
  "msdyn_presencemodifiedby",
  "msdyn_presencemodifiedon",
  "msdyn_presencemodifiedonwithmilliseconds",
  "versionnumber",
];

/** How much is asked of the server. */
type Shape = { readonly columns: readonly string[]; readonly filtered: boolean };

/** Keeps the address under 4 KB. More reps than these are read as whole pages, in as few calls. */
const REPS_PER_FILTER = 40;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const row = z.object({
  msdyn_agentstatusid: z.string(),
  _msdyn_agentid_value: z.string(),
  _msdyn_currentpresenceid_value: z.string().nullish(),
  msdyn_isagentloggedin: z.boolean().nullish(),
  msdyn_presencemodifiedby: z.string().nullish(),
  msdyn_presencemodifiedon: z.string().nullish(),
  msdyn_presencemodifiedonwithmilliseconds: z.string().nullish(),
  [WRITER_COLUMN]: z.string().nullish(),
  versionnumber: z.union([z.int(), z.string()]).nullish(),
  "@odata.etag": z.string().nullish(),
});

/**
 * Reads msdyn_agentstatuses by filter for a few reps. For many it follows the table's changes where the organization
 * tracks them, and reads whole pages where it does not. A server that refuses a column that we can do without, or the
 * filter, is asked more plainly from then on.
 */
export function createAgentStatusReader(
  dataverse: Dataverse,
  nowMs: () => number,
): AgentStatusReader {
  const presenceIds = new Map<string, string>();
  const decode = createDecode(presenceIds);
  const known = new StatusTable();
  const follower = createTableFollower({
    dataverse,
    table: TABLE,
    key: KEY,
    nowMs,
    rows: {
      set: (id, raw) => {
        const status = decode(raw);
        if (status) known.set(status);
        else known.delete(id);
      },
      delete: (id) => known.delete(id),
      retain: (ids) => known.retain(ids),
    },
  });
  let shape: Shape = { columns: [...COLUMNS, ...OPTIONAL_COLUMNS, WRITER_COLUMN], filtered: true };

  function queryFor(users: readonly string[], { columns, filtered }: Shape): string {
    const query = `msdyn_agentstatuses?$select=${columns.join(",")}`;
    if (!filtered || users.length > REPS_PER_FILTER) return query;
    const terms = users.map((user) => `_msdyn_agentid_value%20eq%20${user}`);
    return `${query}&$filter=${terms.join("%20or%20")}`;
  }

  /** `null`: all of them are in the table. */
  async function readRows(
    users: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly AgentStatus[] | null> {
    const tried = new Set<string>();
    let refused: unknown;
    for (const plainer of [
      shape,
      { ...shape, columns: shape.columns.filter((column) => column !== WRITER_COLUMN) },
      { ...shape, columns: COLUMNS },
      { columns: COLUMNS, filtered: false },
    ]) {
      const query = queryFor(users, plainer);
      if (tried.has(query)) continue;
      tried.add(query);
      try {
        const rows = await ask(query, signal);
        shape = plainer;
        return rows;
      } catch (error) {
        if (!isRejected(error)) throw error;
        refused ??= error;
      }
    }
    throw refused;
  }

  async function ask(query: string, signal: AbortSignal): Promise<readonly AgentStatus[] | null> {
    if (!query.includes("$filter=")) {
      await follower.read(query, signal);
      return null;
    }
    const rows = await dataverse.rows(query, TABLE, signal);
    return rows.flatMap((raw) => decode(raw) ?? []);
  }

  return {
    async read(users, signal) {
      const isFew = users.length <= REPS_PER_FILTER;
      const asked = isFew ? [...new Set(users.filter((user) => GUID.test(user)))] : users;
      if (asked.length === 0) return () => undefined;
      const rows = await readRows(asked, signal);
      if (rows === null) return (user) => known.tell(user);
      for (const status of rows) known.set(status);
      const found = new Map(rows.map(({ user }) => [user, known.tell(user)]));
      return (user) => found.get(user);
    },
    changed: () => known.changed(),
    told: (id) => known.told(id),
    ownerOf: (id) => known.ownerOf(id),
    announce: (id, user) => known.announce(id, user),
    presenceIds: () => presenceIds.keys(),
  };
}

/** `null` for a row that names no rep. What is the same in many rows is kept once: an organization has few presences. */
function createDecode(presenceIds: Map<string, string>): (raw: Row) => AgentStatus | null {
  const once = (id: string): string => {
    if (!presenceIds.has(id)) presenceIds.set(id, id);
    return presenceIds.get(id) ?? id;
  };
  return (raw) => {
    const parsed = row.safeParse(raw);
    if (!parsed.success) return null;
    const { data } = parsed;
    const presenceId = data._msdyn_currentpresenceid_value?.toLowerCase() ?? null;
    return {
      id: data.msdyn_agentstatusid.toLowerCase(),
      user: systemUserId(data._msdyn_agentid_value),
      presenceId: presenceId === null ? null : once(presenceId),
      loggedIn: data.msdyn_isagentloggedin ?? null,
      modifiedBy: data.msdyn_presencemodifiedby ?? null,
      modifiedAtMs: momentOf(
        data.msdyn_presencemodifiedonwithmilliseconds ?? data.msdyn_presencemodifiedon,
      ),
      modifiedByUser: data[WRITER_COLUMN]?.toLowerCase() ?? null,
      sequence: sequenceOf(data.versionnumber, data["@odata.etag"]),
    };
  };
}

function momentOf(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? null : ms;
}

const ZEROS = "0".repeat(20);

/** The version number, or the row's ETag `W/"5948260"`, which is the same number. */
function sequenceOf(
  version: number | string | null | undefined,
  etag: string | null | undefined,
): string | null {
  const digits = /^(?:W\/")?(\d{1,20})"?$/.exec(String(version ?? etag ?? ""))?.[1];
  if (digits === undefined) return null;
  // What is joined is one piece of memory; what is padded keeps its parts, which is three times as much.
  return [ZEROS.slice(digits.length), digits].join("");
}
