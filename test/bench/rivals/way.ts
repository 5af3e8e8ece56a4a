import { Client, ResponseType } from "@microsoft/microsoft-graph-client";
import { Pool } from "undici";

/** Whom a hint is about, and what she shows in Dynamics. */
type Target = { readonly dynamics: string; readonly teams: string; readonly presence: string };

const BUSY = "efdeb843-c07a-e811-8162-000d3aa11f50";
const AVAILABLE = "f523f628-c07a-e811-8162-000d3aa11f50";
const CLOUD = process.env["CLOUD_URL"] ?? "";
/** In the bench's company who is whom can be seen from the ids: no directory is needed to know. */
const teamsIdOf = (dynamics: string): string => `7${dynamics.slice(1)}`;
const dynamicsIdOf = (teams: string): string => `5${teams.slice(1)}`;

type Attribute = { readonly key: string; readonly value: unknown };

export function targetOf(body: string): Target {
  const { InputParameters: parameters } = JSON.parse(body) as {
    readonly InputParameters: readonly { readonly value: { readonly Attributes: Attribute[] } }[];
  };
  const attributes = parameters[0]?.value.Attributes ?? [];
  const idOf = (key: string): string => {
    const found = attributes.find((one) => one.key === key)?.value as
      | { readonly Id: string }
      | undefined;
    return found?.Id ?? "";
  };
  const dynamics = idOf("msdyn_agentid");
  return { dynamics, teams: teamsIdOf(dynamics), presence: idOf("msdyn_currentpresenceid") };
}

function createGraph(): Client {
  return Client.init({
    baseUrl: CLOUD,
    customHosts: new Set([new URL(CLOUD).hostname]),
    authProvider: (done) => done(null, "a-token-of-no-value"),
  });
}

/** Writes to Teams what Dynamics shows. */
export function createWriting(): (target: Target) => Promise<void> {
  const graph = createGraph();
  return async ({ teams, presence }) => {
    const path = `/users/${teams}/presence/`;
    if (presence === BUSY) {
      const body = { availability: "Busy", activity: "Busy", expirationDuration: "PT8H" };
      await graph.api(`${path}setUserPreferredPresence`).post(body);
    } else await graph.api(`${path}clearUserPreferredPresence`).post({});
  };
}

/** Whom a notification of Teams is about, and what she shows there. */
export function teamsTargetOf(body: string): {
  readonly dynamics: string;
  readonly isBusy: boolean;
} {
  const { value } = JSON.parse(body) as {
    readonly value: readonly {
      readonly resourceData: { readonly id: string; readonly availability: string };
    }[];
  };
  const { id = "", availability = "" } = value[0]?.resourceData ?? {};
  return { dynamics: dynamicsIdOf(id), isBusy: availability === "Busy" };
}

/** Writes to Dynamics what Teams shows. */
export function createWritingToDynamics(): (
  target: ReturnType<typeof teamsTargetOf>,
) => Promise<void> {
  const pool = new Pool(CLOUD, { connections: 16 });
  const headers = {
    authorization: "Bearer a-token-of-no-value",
    "content-type": "application/json",
  };
  return async ({ dynamics, isBusy }) => {
    const PresenceId = isBusy ? BUSY : AVAILABLE;
    const answer = await pool.request({
      method: "POST",
      path: "/api/data/v9.2/CCaaS_ModifyAgentPresence",
      headers,
      body: JSON.stringify({ ApiVersion: "1.0", AgentId: dynamics, PresenceId }),
    });
    await answer.body.dump();
  };
}

/** Reads one rep in each system. */
export function createReading(): {
  readonly readDynamics: (target: Target) => Promise<string>;
  readonly readTeams: (target: Target) => Promise<void>;
} {
  const graph = createGraph();
  const pool = new Pool(CLOUD, { connections: 16 });
  const columns = "msdyn_agentstatusid,_msdyn_agentid_value,_msdyn_currentpresenceid_value";
  return {
    async readDynamics({ dynamics }) {
      const filter = `_msdyn_agentid_value%20eq%20${dynamics}`;
      const path = `/api/data/v9.2/msdyn_agentstatuses?$select=${columns}&$filter=${filter}`;
      const headers = { authorization: "Bearer a-token-of-no-value" };
      const { body } = await pool.request({ method: "GET", path, headers });
      const rows = (await body.json()) as {
        readonly value: readonly { readonly _msdyn_currentpresenceid_value: string }[];
      };
      return rows.value[0]?._msdyn_currentpresenceid_value ?? "";
    },
    async readTeams({ teams }) {
      const asked = graph.api("/communications/getPresencesByUserId");
      const answer = (await asked
        .responseType(ResponseType.RAW)
        .post({ ids: [teams] })) as Response;
      await answer.json();
    },
  };
}
