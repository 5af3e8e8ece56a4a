import { z } from "zod";
import type {
  AvailabilitySource,
  ConversationNow,
  RepNow,
  Setup,
  WorkstreamSetup,
} from "../../availability/source.ts";
import { type SystemUserId, systemUserId } from "../../presence/identity.ts";
import type { DynamicsAccount } from "../../directory/account.ts";
import { SystemError } from "../connector.ts";
import { readHours } from "./availability-hours.ts";
import { askCenter } from "./center-availability.ts";
import type { Dataverse, Row } from "./dataverse.ts";
import { isRejected } from "./dataverse-error.ts";
import { baseOf, type PresenceTable } from "./presences.ts";

export type AvailabilityReaderOptions = {
  readonly dataverse: Dataverse;
  readonly presences: PresenceTable;
  /** Everybody with an agent's row, people or not. */
  readonly accounts: (signal: AbortSignal) => Promise<readonly DynamicsAccount[]>;
  readonly nowMs: () => number;
};

const HOUR_MS = 3_600_000;
/** Column msdyn_capacityformat of a workstream. */
const PROFILE_BASED = 192360000;
/** Column statuscode of a conversation. */
const TAKEN: ReadonlySet<number> = new Set([2, 5]);
const WAITING = 1;
/** What a new workstream proposes, where it does not say. */
const USUAL_UNITS = 0;

const id = z.string().transform((text) => text.toLowerCase());
const queueRow = z.object({
  queueid: id,
  name: z.string().nullish(),
  _msdyn_operatinghourid_value: id.nullish(),
});
const memberRow = z.object({ queueid: id, systemuserid: id });
const workstreamRow = z.object({
  msdyn_liveworkstreamid: id,
  msdyn_allowedpresences: z.string().nullish(),
  msdyn_capacityformat: z.coerce.number().nullish(),
  msdyn_capacityrequired: z.coerce.number().nullish(),
  _msdyn_defaultqueue_value: id.nullish(),
});
const workstreamProfileRow = z.object({
  _msdyn_workstream_id_value: id,
  _msdyn_capacityprofile_id_value: id,
});
const resourceRow = z.object({ bookableresourceid: id, _userid_value: id.nullish() });
const repProfileRow = z.object({
  _msdyn_bookableresourceid_value: id,
  _msdyn_capacityprofileid_value: id,
  msdyn_maxunits: z.coerce.number().nullish(),
});
const repRow = z.object({
  _msdyn_agentid_value: id,
  _msdyn_currentpresenceid_value: id.nullish(),
  msdyn_isagentloggedin: z.boolean().nullish(),
  msdyn_availableunitscapacity: z.coerce.number().nullish(),
  msdyn_isblockedbysomeprofile: z.boolean().nullish(),
});
const conversationRow = z.object({
  _msdyn_cdsqueueid_value: id.nullish(),
  _msdyn_liveworkstreamid_value: id.nullish(),
  _msdyn_activeagentid_value: id.nullish(),
  msdyn_startedon: z.string().nullish(),
  msdyn_activeagentassignedon: z.string().nullish(),
  statuscode: z.coerce.number(),
});

/**
 * Reads what a queue's availability follows from: Dataverse's tables of queues, memberships, workstreams, operating hours,
 * capacity profiles, agent statuses and conversations. A table that an organization does not have says nothing.
 */
export function createAvailabilityReader(options: AvailabilityReaderOptions): AvailabilitySource {
  const { dataverse, presences, accounts, nowMs } = options;

  async function rows<Schema extends z.ZodType>(
    schema: Schema,
    table: string,
    query: string,
    signal: AbortSignal,
  ): Promise<z.output<Schema>[]> {
    const found: readonly Row[] = await dataverse.rows(query, table, signal);
    return found.flatMap((row) => schema.safeParse(row).data ?? []);
  }

  /** For what a plainer organization may lack. */
  async function rowsIfAny<Schema extends z.ZodType>(
    ...asked: [Schema, string, string, AbortSignal]
  ): Promise<z.output<Schema>[]> {
    try {
      return await rows(...asked);
    } catch (error) {
      const isMissing = error instanceof SystemError && error.code === "dataverse-table-missing";
      if (isMissing || isRejected(error)) return [];
      throw error;
    }
  }

  async function readWorkstreams(signal: AbortSignal): Promise<readonly WorkstreamSetup[]> {
    const columns =
      "msdyn_liveworkstreamid,msdyn_allowedpresences,msdyn_capacityformat,msdyn_capacityrequired,_msdyn_defaultqueue_value";
    const [streams, pairs] = await Promise.all([
      rowsIfAny(
        workstreamRow,
        "msdyn_liveworkstream",
        `msdyn_liveworkstreams?$select=${columns}&$filter=statecode%20eq%200`,
        signal,
      ),
      rowsIfAny(
        workstreamProfileRow,
        "msdyn_liveworkstreamcapacityprofile",
        "msdyn_liveworkstreamcapacityprofiles?$select=_msdyn_workstream_id_value,_msdyn_capacityprofile_id_value",
        signal,
      ),
    ]);
    return streams.map((stream) => ({
      id: stream.msdyn_liveworkstreamid,
      queueId: stream._msdyn_defaultqueue_value ?? null,
      allowed: (stream.msdyn_allowedpresences ?? "")
        .split(",")
        .flatMap((text) => baseOf(Number(text)) ?? []),
      takes:
        stream.msdyn_capacityformat === PROFILE_BASED
          ? {
              kind: "profile",
              profileIds: pairs
                .filter((pair) => pair._msdyn_workstream_id_value === stream.msdyn_liveworkstreamid)
                .map((pair) => pair._msdyn_capacityprofile_id_value),
            }
          : { kind: "units", units: stream.msdyn_capacityrequired ?? USUAL_UNITS },
    }));
  }

  async function readProfiles(signal: AbortSignal): Promise<Setup["profiles"]> {
    const [resources, given] = await Promise.all([
      rowsIfAny(
        resourceRow,
        "bookableresource",
        "bookableresources?$select=bookableresourceid,_userid_value",
        signal,
      ),
      rowsIfAny(
        repProfileRow,
        "msdyn_bookableresourcecapacityprofile",
        "msdyn_bookableresourcecapacityprofiles?$select=_msdyn_bookableresourceid_value,_msdyn_capacityprofileid_value,msdyn_maxunits",
        signal,
      ),
    ]);
    const userOf = new Map(resources.map((row) => [row.bookableresourceid, row._userid_value]));
    const profiles = new Map<SystemUserId, Map<string, number>>();
    for (const row of given) {
      const user = userOf.get(row._msdyn_bookableresourceid_value);
      if (!user) continue;
      const known = profiles.get(systemUserId(user)) ?? new Map<string, number>();
      profiles.set(
        systemUserId(user),
        known.set(row._msdyn_capacityprofileid_value, row.msdyn_maxunits ?? 0),
      );
    }
    return profiles;
  }

  async function setup(signal: AbortSignal): Promise<Setup> {
    const [queues, members, workstreams, profiles] = await Promise.all([
      rows(
        queueRow,
        "queue",
        "queues?$select=queueid,name,_msdyn_operatinghourid_value&$filter=msdyn_isomnichannelqueue%20eq%20true%20and%20statecode%20eq%200",
        signal,
      ),
      rows(memberRow, "queuemembership", "queuememberships?$select=queueid,systemuserid", signal),
      readWorkstreams(signal),
      readProfiles(signal),
    ]);
    const hours = await readHours(
      dataverse,
      queues.flatMap((queue) => queue._msdyn_operatinghourid_value ?? []),
      signal,
    );
    const membersOf = new Map<string, SystemUserId[]>();
    for (const { queueid, systemuserid } of members) {
      membersOf.set(queueid, [...(membersOf.get(queueid) ?? []), systemUserId(systemuserid)]);
    }
    return {
      queues: queues.map((queue) => ({
        id: queue.queueid,
        name: queue.name ?? "",
        hours: queue._msdyn_operatinghourid_value
          ? (hours.get(queue._msdyn_operatinghourid_value) ?? "unknown")
          : null,
        members: membersOf.get(queue.queueid) ?? [],
      })),
      workstreams,
      profiles,
    };
  }

  async function reps(signal: AbortSignal): Promise<readonly RepNow[]> {
    const columns =
      "_msdyn_agentid_value,_msdyn_currentpresenceid_value,msdyn_isagentloggedin,msdyn_availableunitscapacity,msdyn_isblockedbysomeprofile";
    const [found, everybody] = await Promise.all([
      rows(repRow, "msdyn_agentstatus", `msdyn_agentstatuses?$select=${columns}`, signal),
      accounts(signal),
    ]);
    await presences.refreshFor(
      found.flatMap((row) => row._msdyn_currentpresenceid_value ?? []),
      signal,
    );
    const people = new Set(
      everybody.filter(({ standing }) => standing === "person").map(({ user }) => user),
    );
    return found.map((row) => {
      const state = presences.find(row._msdyn_currentpresenceid_value ?? "")?.base ?? null;
      const user = systemUserId(row._msdyn_agentid_value);
      return {
        user,
        isPerson: people.has(user),
        isSignedIn: row.msdyn_isagentloggedin ?? false,
        base: state === "Inactive" ? "Away" : state,
        availableUnits: row.msdyn_availableunitscapacity ?? null,
        isBlocked: row.msdyn_isblockedbysomeprofile ?? false,
      };
    });
  }

  async function conversations(signal: AbortSignal): Promise<readonly ConversationNow[]> {
    const columns =
      "_msdyn_cdsqueueid_value,_msdyn_liveworkstreamid_value,_msdyn_activeagentid_value,msdyn_startedon,msdyn_activeagentassignedon,statuscode";
    const since = new Date(nowMs() - HOUR_MS).toISOString();
    const filter = encodeURIComponent(`statecode eq 0 or msdyn_activeagentassignedon ge ${since}`);
    const found = await rowsIfAny(
      conversationRow,
      "msdyn_ocliveworkitem",
      `msdyn_ocliveworkitems?$select=${columns}&$filter=${filter}`,
      signal,
    );
    return found.map((row) => {
      const takenAtMs = momentOf(row.msdyn_activeagentassignedon);
      const agent = row._msdyn_activeagentid_value;
      return {
        queueId: row._msdyn_cdsqueueid_value ?? null,
        workstreamId: row._msdyn_liveworkstreamid_value ?? null,
        agent: agent ? systemUserId(agent) : null,
        state: stateOf(row.statuscode),
        startedAtMs: momentOf(row.msdyn_startedon) ?? takenAtMs ?? nowMs(),
        takenAtMs: row.statuscode === WAITING ? null : takenAtMs,
      };
    });
  }

  return {
    setup,
    reps,
    conversations,
    center: (question, signal) => askCenter(dataverse, question, signal),
  };
}

function stateOf(status: number): ConversationNow["state"] {
  if (status === WAITING) return "waiting";
  return TAKEN.has(status) ? "taken" : "over";
}

function momentOf(text: string | null | undefined): number | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? null : ms;
}
