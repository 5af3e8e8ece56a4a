import { z } from "zod";
import {
  DYNAMICS,
  type RepId,
  repIdOf,
  type SystemUserId,
  systemUserId,
} from "../../presence/identity.ts";
import {
  BY_BASE_STATUS,
  type DynamicsAction,
  type DynamicsMapping,
  type DynamicsState,
  type Meaning,
  type PresencePolicy,
} from "../../presence/mapping.ts";
import type { AvailabilitySource } from "../../availability/source.ts";
import type { DynamicsAccount } from "../../directory/account.ts";
import type { Status } from "../../presence/status.ts";
import type { Write } from "../../reconcile/plan.ts";
import { type Connector, type Sighting, SystemError } from "../connector.ts";
import type { Credential } from "../credential.ts";
import { type AgentStatus, createAgentStatusReader } from "./agent-statuses.ts";
import { createDataverse, type Dataverse } from "./dataverse.ts";
import { isRejected } from "./dataverse-error.ts";
import { createAvailabilityReader } from "./availability.ts";
import { type RepDetail, type RepKey, readRepDetail } from "./rep-detail.ts";
import { discoverAccounts } from "./discovery.ts";
import { type Groups, readMembers } from "./members.ts";
import { type PersonName, readPeople } from "./people.ts";
import { readRoleHolders } from "./role-holders.ts";
import type { Hint } from "./webhook.ts";
import { createPresenceTable, isBuiltIn, OUT_OF_THE_BOX, type Presence } from "./presences.ts";

export type DynamicsConnectorOptions = {
  /** The organization's address: `https://contoso.crm.dynamics.com`. */
  readonly dataverseUrl: string;
  readonly credential: Credential;
  readonly mapping: DynamicsMapping;
  /** Of the token, if it is not the organization's own. */
  readonly scope?: string;
  /** What is agreed of single presences; without it each counts by its base status. */
  readonly presences?: PresencePolicy;
  readonly timeoutMs?: number;
  readonly nowMs: () => number;
  /** A presence that is in no table, or whose base status is new to us: nothing follows from it, but count it. */
  readonly onUnknownPresence?: (presenceId: string) => void;
};

export type Organization = { readonly organizationId: string; readonly name: string | null };

export type DynamicsConnector = Connector & {
  /** Everybody who may be a rep in this organization: all with an agent's row. */
  discover(signal: AbortSignal): Promise<readonly DynamicsAccount[]>;
  /** The members of any of the groups. */
  members(groups: Groups, signal: AbortSignal): Promise<ReadonlySet<SystemUserId>>;
  /** What the reps are called, by system user id: for people who ask about them, never for a log. */
  people(signal: AbortSignal): Promise<ReadonlyMap<SystemUserId, PersonName>>;
  /** Entra object ids, lower-case, of everybody with a security role of that name. */
  roleHolders(role: string, signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Who the organization is, to know its webhooks by; `null` when it does not tell us. */
  organization(signal: AbortSignal): Promise<Organization | null>;
  /** The organization's presences, refreshed if they are old; Microsoft's own at least. */
  presences(signal: AbortSignal): Promise<readonly Presence[]>;
  /** What the availability of queues follows from. */
  readonly availability: AvailabilitySource;
  /** One rep's detail, in her name. */
  repDetail(key: RepKey, signal: AbortSignal): Promise<RepDetail>;
  /** False when a webhook says nothing but what its row was last read as: a change of capacity, or an echo read before. */
  isNews(hint: Hint): boolean;
  /** The rep whose msdyn_agentstatus row this is, if a read or a discovery has shown it. */
  repOfAgentStatus(agentStatusId: string): SystemUserId | null;
  close(): Promise<void>;
};

const organizationRow = z.object({ organizationid: z.string(), name: z.string().nullish() });

/** Dynamics 365 Contact Center through the Dataverse Web API, as an application user who is a supervisor. */
export function createDynamicsConnector(options: DynamicsConnectorOptions): DynamicsConnector {
  return dynamicsOver(createDataverse(options), options);
}

/** The same, over a given way to Dataverse. */
export function dynamicsOver(
  dataverse: Dataverse,
  options: Omit<DynamicsConnectorOptions, "dataverseUrl" | "credential">,
): DynamicsConnector {
  const { mapping, nowMs, onUnknownPresence, presences: agreed = BY_BASE_STATUS } = options;
  const statuses = createAgentStatusReader(dataverse, nowMs);
  const table = createPresenceTable(dataverse, nowMs);

  /** How often the table had been read when it was last asked of whom another thing may be said. */
  let knownLoads = 0;

  /** With another table the same row may mean another thing, whosever it is. */
  function changed(): ReadonlySet<RepId> | null {
    const users = statuses.changed();
    const isSame = table.loads === knownLoads;
    knownLoads = table.loads;
    return isSame ? new Set([...users].map(repIdOf)) : null;
  }

  /** Does what it can: presences that stay unknown are no observation, which is safe, while a limit is a limit. */
  async function refreshTable(ids: Iterable<string>, signal: AbortSignal): Promise<void> {
    try {
      await table.refreshFor(ids, signal);
    } catch (error) {
      if (error instanceof SystemError && error.retry !== "throttled" && !signal.aborted) return;
      throw error;
    }
  }

  function sighting(row: AgentStatus): Sighting {
    const seen = { ...meaningOf(row), by: writerOf(row) };
    // Offline while her client is connected is a choice, or our own write; without a client it may pass.
    return row.loggedIn === null ? seen : { ...seen, disconnected: !row.loggedIn };
  }

  function meaningOf({ presenceId, loggedIn, modifiedBy, sequence }: AgentStatus): Sighting {
    if (loggedIn === false) {
      const { status = null, automatic = null } = mapping.reads.Offline ?? {};
      return { status, automatic, native: OUT_OF_THE_BOX.Offline, sequence };
    }
    const native = presenceId ?? "";
    const state = table.find(native)?.base ?? null;
    if (state === null) {
      onUnknownPresence?.(native);
      return { status: null, automatic: null, native, sequence };
    }
    const meaning = meaningOfPresence(native, state);
    const bySystem = modifiedBy?.toUpperCase() === "SYSTEM" && state !== "Offline";
    const automatic = meaning?.automatic ?? (meaning && bySystem ? "soft" : null);
    return { status: meaning?.status ?? null, automatic, native, sequence };
  }

  /** A custom presence by its own rule, if there is one; else by its base status, as Microsoft's own. */
  function meaningOfPresence(native: string, state: DynamicsState): Meaning {
    const own = isBuiltIn(native) ? undefined : agreed.reads[native];
    if (own === undefined) return mapping.reads[state];
    return own === null ? null : { status: own, automatic: null };
  }

  /** A custom presence is restored only while it exists, may be set by us, and still means the same. */
  function restorable(native: string, write: Write): boolean {
    const presence = table.find(native);
    if (!presence?.active || !presence.supervisorsMaySet || !presence.base) return false;
    return meaningOfPresence(native, presence.base)?.status === write.shows;
  }

  /** A presence is set in place of Microsoft's own only while routing makes no difference between the two. */
  function insteadOf(action: DynamicsAction, status: Status): string | null {
    const id = agreed.sets[status];
    const presence = id === undefined ? undefined : table.find(id);
    if (!presence?.active || !presence.supervisorsMaySet) return null;
    return presence.base === action && agreed.reads[presence.id] === undefined ? presence.id : null;
  }

  async function presenceFor(write: Write, signal: AbortSignal): Promise<string> {
    const native = write.native?.toLowerCase();
    if (native !== undefined) {
      await refreshTable([native], signal);
      if (restorable(native, write)) return native;
    }
    const action = mapping.writes[write.status];
    const own = agreed.sets[write.status];
    if (own !== undefined) await refreshTable([own], signal);
    return insteadOf(action, write.status) ?? OUT_OF_THE_BOX[action];
  }

  const discover = (signal: AbortSignal): Promise<readonly DynamicsAccount[]> =>
    discoverAccounts(dataverse, (id, user) => statuses.announce(id, user), signal);

  return {
    system: DYNAMICS,
    availability: createAvailabilityReader({
      dataverse,
      presences: table,
      accounts: discover,
      nowMs,
    }),
    repDetail: (key, signal) => readRepDetail(dataverse, key, signal),
    discover,

    async read(reps, signal) {
      const statusOf = await statuses.read(
        reps.map((rep) => rep.systemUserId),
        signal,
      );
      await refreshTable(statuses.presenceIds(), signal);
      // A rep's own id is that of her Dynamics user.
      const get = (rep: RepId): Sighting | undefined => {
        const status = statusOf(systemUserId(rep));
        return status && sighting(status);
      };
      return {
        get,
        changed,
        get size() {
          return new Set(reps.map(({ rep }) => rep).filter(get)).size;
        },
      };
    },

    async write(rep, write, signal, permit) {
      const modify = (presenceId: string): Promise<void> => {
        const body = { ApiVersion: "1.0", AgentId: rep.systemUserId, PresenceId: presenceId };
        return dataverse.post("CCaaS_ModifyAgentPresence", body, signal, permit);
      };
      const [presenceId, plain] = [
        await presenceFor(write, signal),
        OUT_OF_THE_BOX[mapping.writes[write.status]],
      ];
      try {
        await modify(presenceId);
      } catch (error) {
        // A custom presence may have been deleted since the table was read. What it meant can still be set.
        if (presenceId === plain || !isRejected(error)) throw error;
        await modify(plain);
      }
    },

    members: (groups, signal) => readMembers(dataverse, groups, signal),

    people: (signal) => readPeople(dataverse, signal),

    roleHolders: (role, signal) => readRoleHolders(dataverse, role, signal),

    async organization(signal) {
      const id = z.object({ OrganizationId: z.string() });
      const [whoAmI, [row]] = await Promise.all([
        orNothing(dataverse.call("WhoAmI", signal), {}),
        orNothing(
          dataverse.rows("organizations?$select=organizationid,name", "organization", signal),
          [],
        ),
      ]);
      const known = organizationRow.safeParse(row);
      const me = id.safeParse(whoAmI);
      if (!known.success && !me.success) return null;
      const organizationId = me.data?.OrganizationId ?? known.data?.organizationid ?? "";
      return { organizationId: organizationId.toLowerCase(), name: known.data?.name ?? null };
    },

    async presences(signal) {
      await refreshTable([], signal);
      return table.all();
    },

    isNews(hint) {
      const row = statuses.told(hint.agentStatusId);
      return !row || !hint.hasColumns || differs(hint, row);
    },

    repOfAgentStatus: (agentStatusId) => statuses.ownerOf(agentStatusId.toLowerCase()),

    close: () => dataverse.close(),
  };
}

/** Who changed it, in words that name no person: another user's id, or Dynamics' own word. */
function writerOf({ user, modifiedBy, modifiedByUser }: AgentStatus): string | null {
  if (modifiedByUser !== null && modifiedByUser !== user) return `user ${modifiedByUser}`;
  return modifiedBy;
}

/** A column that the webhook does not carry was not written. */
function differs(hint: Hint, row: AgentStatus): boolean {
  const { presenceId, loggedIn, modifiedBy, modifiedAtMs } = hint;
  return (
    (presenceId !== null && presenceId !== row.presenceId) ||
    (loggedIn !== null && loggedIn !== row.loggedIn) ||
    (modifiedBy !== null && modifiedBy !== row.modifiedBy) ||
    (modifiedAtMs !== null && (row.modifiedAtMs === null || modifiedAtMs > row.modifiedAtMs))
  );
}

/** What a server does not know or does not let us see is not worth failing for. */
async function orNothing<Value>(asked: Promise<Value>, nothing: Value): Promise<Value> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof SystemError && error.retry !== "throttled") return nothing;
    throw error;
  }
}
