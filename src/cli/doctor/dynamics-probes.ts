import { z } from "zod";
import type { Dataverse } from "../../connectors/dynamics/dataverse.ts";
import { askCenter } from "../../connectors/dynamics/center-availability.ts";
import { malformed } from "../../connectors/dynamics/dataverse-error.ts";
import { readRepDetail } from "../../connectors/dynamics/rep-detail.ts";
import type { Depth, Reach } from "./dynamics.ts";

/** Questions that only the doctor asks of Dataverse. None of them changes anything. */
export type DynamicsProbes = {
  whoAmI(): Promise<string>;
  /** Tries what nobody can have: so it is refused for the right reason, or for a missing role. */
  setNobody(): Promise<void>;
  reach(userId: string): Promise<Reach>;
  /** Whether their table may be read. The service does without it, with Microsoft's own presences alone. */
  presences(): Promise<void>;
  /** `null` when the organization does not say. */
  tracksChanges(): Promise<boolean | null>;
  workstreams(): Promise<readonly Workstream[]>;
  availability(workstreamId: string): Promise<void>;
  repDetail(systemUserId: string): Promise<void>;
};

type Workstream = {
  readonly id: string;
  readonly name: string;
  readonly allowsBusy: boolean;
};

const NOBODY = "00000000-0000-0000-0000-000000000000";
const BUSY = "192360001";

const identity = z.object({ UserId: z.string() });
const definition = z.object({ ChangeTrackingEnabled: z.boolean() });
const agent = z.object({ _msdyn_agentid_value: z.string() });
const workstream = z.object({
  msdyn_liveworkstreamid: z.string(),
  msdyn_name: z.string().nullish(),
  msdyn_allowedpresences: z.string().nullish(),
});
const privileges = z.object({
  RolePrivileges: z.array(z.object({ Depth: z.union([z.string(), z.number()]) })),
});

/** Enumeration PrivilegeDepth, by name and by number. */
const DEPTHS = ["Basic", "Local", "Deep", "Global"] as const;

export function createDynamicsProbes(dataverse: Dataverse, signal: AbortSignal): DynamicsProbes {
  /** The call exists since version 9; a server without it leaves us with the number of rows. */
  async function depthOf(userId: string): Promise<Depth> {
    const call = `systemusers(${userId})/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName='prvReadmsdyn_agentstatus')`;
    try {
      const { RolePrivileges } = privileges.parse(await dataverse.call(call, signal));
      const depths = RolePrivileges.map(({ Depth: depth }) =>
        DEPTHS.findIndex((name, number) => name === depth || number === Number(depth)),
      );
      return DEPTHS[Math.max(-1, ...depths)] ?? null;
    } catch {
      return null;
    }
  }

  return {
    async whoAmI() {
      const answer = identity.safeParse(await dataverse.call("WhoAmI", signal));
      // A gateway may answer 200 to everything.
      if (!answer.success) throw malformed();
      return answer.data.UserId;
    },
    async setNobody() {
      const body = { ApiVersion: "1.0", AgentId: NOBODY, PresenceId: NOBODY };
      await dataverse.post("CCaaS_ModifyAgentPresence", body, signal);
    },
    async reach(userId) {
      const query = "msdyn_agentstatuses?$select=msdyn_agentstatusid,_msdyn_agentid_value";
      const [rows, depth] = await Promise.all([
        dataverse.rows(query, "msdyn_agentstatus", signal),
        depthOf(userId),
      ]);
      const people = rows.flatMap((row) => agent.safeParse(row).data?._msdyn_agentid_value ?? []);
      return { rows: rows.length, people: new Set(people).size, depth };
    },
    async presences() {
      const query = "msdyn_presences?$select=msdyn_presenceid";
      await dataverse.rows(query, "msdyn_presence", signal);
    },
    async tracksChanges() {
      const name = "EntityDefinitions(LogicalName='msdyn_agentstatus')";
      const row = await dataverse.call(`${name}?$select=ChangeTrackingEnabled`, signal);
      return definition.safeParse(row).data?.ChangeTrackingEnabled ?? null;
    },
    async workstreams() {
      const columns = "msdyn_liveworkstreamid,msdyn_name,msdyn_allowedpresences";
      const query = `msdyn_liveworkstreams?$select=${columns}`;
      const rows = await dataverse.rows(query, "msdyn_liveworkstream", signal);
      return rows
        .flatMap((row) => workstream.safeParse(row).data ?? [])
        .map((row) => ({
          id: row.msdyn_liveworkstreamid,
          name: row.msdyn_name ?? "",
          allowsBusy: (row.msdyn_allowedpresences ?? "").split(",").includes(BUSY),
        }));
    },
    async availability(workstreamId) {
      await askCenter(dataverse, { workstreamId }, signal);
    },
    async repDetail(systemUserId) {
      await readRepDetail(dataverse, { systemUserId }, signal);
    },
  };
}
