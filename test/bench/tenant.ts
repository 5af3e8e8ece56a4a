import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { remoteExecutionContext } from "../../src/emulators/dataverse/execution-context.ts";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { type Entra, startEntra } from "../../src/emulators/entra/entra.ts";
import type { LoopbackTls } from "../../src/emulators/tls.ts";

/** A rep of the fast tenant. */
export type Member = {
  readonly teams: string;
  readonly dynamics: string;
  readonly row: string;
  presenceId: string;
  preferred: string | null;
  version: number;
  changedAtMs: number;
};

/** A write that arrived, `atMs` by the clock of `performance`. */
export type Arrival = {
  readonly side: "teams" | "dynamics";
  readonly id: string;
  readonly atMs: number;
};

export const PRESENCE = {
  available: "f523f628-c07a-e811-8162-000d3aa11f50",
  busy: "efdeb843-c07a-e811-8162-000d3aa11f50",
} as const;
export const CLIENT_ID = derivedGuid("application bench");
export const CLIENT_SECRET = "bench-secret-of-no-value";
export const TENANT_ID = derivedGuid("tenant bench");
const ORGANIZATION_ID = derivedGuid("organization bench");
const PAGE_ROWS = 5_000;

export type Calls = {
  readonly graphReads: number;
  readonly graphWrites: number;
  readonly dataverseReads: number;
  readonly dataverseWrites: number;
};

/** In this company who is whom can be seen from the ids, so that the simplest program needs no directory. */
const teamsIdOf = (dynamics: string): string => `7${dynamics.slice(1)}`;

/**
 * Graph and Dataverse, as far as a change of presence needs them, with as little work as can be: what is measured is
 * the contestant, and both of them share this computer. The emulators of `src/emulators` are right about much more,
 * and much slower; correctness is measured with those. Both APIs are on one HTTPS port; Entra is the emulator.
 */
export class FastTenant {
  readonly members: readonly Member[];
  readonly entra: Entra;
  readonly tls: LoopbackTls;
  url = "";
  onWrite: (arrival: Arrival) => void = () => undefined;
  /** Calls are taken and never answered. */
  hangs = false;
  /** How long a call is on its way before it is taken. 0 on this computer; tens of milliseconds to the real ones. */
  awayMs = 0;
  #calls = { graphReads: 0, graphWrites: 0, dataverseReads: 0, dataverseWrites: 0 };
  #version = 1;
  readonly #byTeams: ReadonlyMap<string, Member>;
  readonly #byDynamics: ReadonlyMap<string, Member>;
  readonly #changed: { readonly version: number; readonly member: Member }[] = [];
  readonly #close: () => Promise<void>;
  readonly #template: string;

  private constructor(reps: number, tls: LoopbackTls, entra: Entra) {
    this.tls = tls;
    this.entra = entra;
    const ids = Array.from(
      { length: reps },
      (_, index) => `5${derivedGuid(`systemuser bench ${index}`).slice(1)}`,
    );
    this.members = ids.map((dynamics, index) => ({
      teams: teamsIdOf(dynamics),
      dynamics,
      row: derivedGuid(`agentstatus bench ${index}`),
      presenceId: PRESENCE.available,
      preferred: null,
      version: 1,
      changedAtMs: 1_700_000_000_000,
    }));
    this.#byTeams = new Map(this.members.map((one) => [one.teams, one]));
    this.#byDynamics = new Map(this.members.map((one) => [one.dynamics, one]));
    this.#template = template();
    const server = createServer({ key: tls.keyPem, cert: tls.certPem, maxHeaderSize: 65_536 });
    server.on("request", (request, response) => this.#take(request, response));
    server.keepAliveTimeout = 60_000;
    this.#close = () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    this.#listen = () =>
      new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          this.url = `https://localhost:${(server.address() as AddressInfo).port}`;
          resolve();
        });
      });
  }

  readonly #listen: () => Promise<void>;

  static async start(reps: number, tls: LoopbackTls): Promise<FastTenant> {
    const entra = await startEntra({
      tenantId: TENANT_ID,
      apps: [
        { clientId: CLIENT_ID, secrets: [{ value: CLIENT_SECRET }], certificates: [], roles: [] },
      ],
      tls,
    });
    const tenant = new FastTenant(reps, tls, entra);
    await tenant.#listen();
    return tenant;
  }

  get calls(): Calls {
    return { ...this.#calls };
  }

  /** She chooses in Dynamics; the body of the webhook that tells of it, as Dataverse posts it. */
  choose(member: Member, presenceId: string): string {
    member.presenceId = presenceId;
    member.changedAtMs = Date.now();
    this.#touch(member);
    return this.#template
      .replaceAll("{row}", member.row)
      .replaceAll("{user}", member.dynamics)
      .replaceAll("{presence}", presenceId)
      .replaceAll("1600000000000", String(member.changedAtMs));
  }

  /** She sets her presence in Teams, or resets it; the body of a notification that tells of it. */
  chooseInTeams(member: Member, availability: string | null): string {
    member.preferred = availability;
    const resourceData = { id: member.teams, availability: availability ?? "Available" };
    return JSON.stringify({ value: [{ changeType: "updated", resourceData }] });
  }

  async close(): Promise<void> {
    await Promise.all([this.#close(), this.entra.close()]);
  }

  #touch(member: Member): void {
    this.#version += 1;
    member.version = this.#version;
    this.#changed.push({ version: this.#version, member });
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (this.hangs) return;
      const body = chunks.length === 0 ? "" : Buffer.concat(chunks).toString("utf8");
      if (this.awayMs === 0) this.#give(request, response, body);
      else setTimeout(() => this.#give(request, response, body), this.awayMs);
    });
  }

  #give(request: IncomingMessage, response: ServerResponse, body: string): void {
    const json = this.#answer(request, body);
    if (json === null) {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(json),
    });
    response.end(json);
  }

  #answer({ method, url = "/", headers }: IncomingMessage, body: string): string | null {
    if (url.startsWith("/v1.0/")) return this.#answerGraph(url, body);
    const { pathname, searchParams } = new URL(url, this.url);
    const path = pathname.replace("/api/data/v9.2/", "");
    if (method === "POST") {
      this.#calls.dataverseWrites += 1;
      const asked = JSON.parse(body) as { readonly AgentId: string; readonly PresenceId: string };
      const member = this.#byDynamics.get(asked.AgentId);
      if (member) {
        member.presenceId = asked.PresenceId;
        member.changedAtMs = Date.now();
        this.#touch(member);
        this.onWrite({ side: "dynamics", id: member.dynamics, atMs: performance.now() });
      }
      return null;
    }
    this.#calls.dataverseReads += 1;
    if (path === "WhoAmI") return JSON.stringify({ OrganizationId: ORGANIZATION_ID });
    if (path === "msdyn_agentstatuses") return this.#rows(searchParams, headers.prefer);
    return `{"value":[]}`;
  }

  #answerGraph(url: string, body: string): string | null {
    if (url.endsWith("/$batch")) return this.#answerBatch(body);
    if (url.endsWith("/getPresencesByUserId")) {
      this.#calls.graphReads += 1;
      const { ids } = JSON.parse(body) as { readonly ids: readonly string[] };
      return `{"value":[${ids.map((id) => this.#presence(id)).join()}]}`;
    }
    this.#calls.graphWrites += 1;
    const id = /^\/v1\.0\/users\/([^/]+)\/presence\//.exec(url)?.[1] ?? "";
    const member = this.#byTeams.get(id);
    if (member) {
      if (url.endsWith("/setUserPreferredPresence")) {
        member.preferred = (JSON.parse(body) as { readonly availability: string }).availability;
      } else if (url.endsWith("/clearUserPreferredPresence")) member.preferred = null;
      else return "{}";
      this.onWrite({ side: "teams", id: member.teams, atMs: performance.now() });
    }
    return "{}";
  }

  #answerBatch(body: string): string {
    const { requests } = JSON.parse(body) as {
      readonly requests: readonly { readonly id: string; readonly url: string; body: unknown }[];
    };
    const answers = requests.map(({ id, url, body: item }) => {
      this.#answerGraph(`/v1.0${url}`, JSON.stringify(item));
      return `{"id":"${id}","status":200}`;
    });
    return `{"responses":[${answers.join()}]}`;
  }

  #presence(id: string): string {
    const shown = this.#byTeams.get(id)?.preferred ?? "Available";
    return `{"id":"${id}","availability":"${shown}","activity":"${shown}","sequenceNumber":null}`;
  }

  /** All rows in pages, those of a filter, or those changed since a link. */
  #rows(query: URLSearchParams, prefer: string | string[] | undefined): string {
    const filter = query.get("$filter");
    if (filter !== null) {
      const found = [...filter.matchAll(/[0-9a-f-]{36}/g)].flatMap(
        ([id]) => this.#byDynamics.get(id) ?? [],
      );
      return `{"value":[${found.map(rowOf).join()}]}`;
    }
    const link = (name: string, value: number): string =>
      `${this.url}/api/data/v9.2/msdyn_agentstatuses?${name}=${value}`;
    const delta = `"@odata.deltaLink":"${link("$deltatoken", this.#version)}"`;
    const since = query.get("$deltatoken");
    if (since !== null) {
      const from = this.#changed.findLastIndex(({ version }) => version <= Number(since));
      const members = new Set(this.#changed.slice(from + 1).map(({ member }) => member));
      return `{${delta},"value":[${[...members].map(rowOf).join()}]}`;
    }
    const skip = Number(query.get("skip") ?? 0);
    const tracks = query.has("tracks") || String(prefer).includes("track-changes");
    const expands = query.has("expands") || query.has("$expand");
    const page = this.members.slice(skip, skip + PAGE_ROWS);
    const rows = page.map((one) => (expands ? userRowOf(one) : rowOf(one))).join();
    const next = skip + PAGE_ROWS < this.members.length;
    const flags = `${tracks ? "&tracks=1" : ""}${expands ? "&expands=1" : ""}`;
    const more = next ? `"@odata.nextLink":"${link("skip", skip + PAGE_ROWS)}${flags}",` : "";
    return `{${more}${tracks && !next ? `${delta},` : ""}"value":[${rows}]}`;
  }
}

function rowOf(one: Member): string {
  return `{"msdyn_agentstatusid":"${one.row}","_msdyn_agentid_value":"${one.dynamics}","_msdyn_currentpresenceid_value":"${one.presenceId}","msdyn_isagentloggedin":true,"msdyn_presencemodifiedby":"AGENT","msdyn_presencemodifiedon":"${new Date(one.changedAtMs).toISOString()}","versionnumber":${one.version}}`;
}

function userRowOf({ row, dynamics, teams }: Member): string {
  return `{"msdyn_agentstatusid":"${row}","_msdyn_agentid_value":"${dynamics}","msdyn_agentid":{"systemuserid":"${dynamics}","azureactivedirectoryobjectid":"${teams}","isdisabled":false,"accessmode":0}}`;
}

/** A webhook's body, as published, with marks where the reps differ. */
function template(): string {
  const atMs = 1_600_000_000_000;
  return JSON.stringify(
    remoteExecutionContext(
      {
        message: "Update",
        rowId: "{row}",
        rowVersion: 1,
        atMs,
        correlationId: derivedGuid("correlation bench"),
        rep: {
          userId: "{user}",
          presenceId: "{presence}",
          stance: "sticky",
          loggedIn: true,
          browserSessions: 1,
          loggedInAtMs: atMs,
          capacityUnits: 100,
          usedUnits: 0,
          profiles: [],
          conversations: 0,
          modifiedBy: "AGENT",
          modifiedByUserId: null,
          presenceAtMs: atMs,
          capacityAtMs: atMs,
          event: 1,
        },
      },
      { id: derivedGuid("step bench"), name: "bench", mode: "async" },
      {
        id: ORGANIZATION_ID,
        name: "bench",
        businessUnitId: derivedGuid("unit bench"),
        engineUserId: derivedGuid("engine bench"),
      },
    ),
  );
}
