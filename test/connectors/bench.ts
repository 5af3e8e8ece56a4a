import { createCredential, type Credential } from "../../src/connectors/credential.ts";
import type { Connector } from "../../src/connectors/connector.ts";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../../src/connectors/dynamics/dynamics.ts";
import { createGraph, type Graph } from "../../src/connectors/teams/graph.ts";
import { SharedPosts } from "../../src/connectors/teams/shared-posts.ts";
import { createTeamsConnector, teamsOver } from "../../src/connectors/teams/teams.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { makePeople, type People } from "../../src/emulators/people.ts";
import { repId, type RepIdentity, systemUserId, teamsUserId } from "../../src/presence/identity.ts";
import { DEFAULT_DYNAMICS_MAPPING, DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench } from "./contract.ts";
import { LOOPBACK_TLS } from "./loopback.ts";

/** An emulated tenant whose Dynamics shows a change at once, trusted by this process. */
export function openTenant(people: People = makePeople(5)): Promise<Tenant> {
  return startTenant({ people, signedIn: true, projectionDelayMs: 0, tls: LOOPBACK_TLS });
}

/** Everybody in the tenant who has an Entra account, signed in to Teams or not. */
export function identitiesOf(tenant: Tenant): readonly RepIdentity[] {
  return tenant.people.users.flatMap((user) =>
    user.azureObjectId === null
      ? []
      : {
          rep: repId(user.systemUserId),
          systemUserId: systemUserId(user.systemUserId),
          teamsUserId: teamsUserId(user.azureObjectId),
        },
  );
}

export function secretCredential(tenant: Tenant, clientSecret = tenant.clientSecret): Credential {
  const { tenantId, clientId, entra } = tenant;
  return createCredential({
    tenantId,
    clientId,
    clientSecret,
    authorityHost: entra.url,
    nowMs: Date.now,
  });
}

/** A credential of the tenant's certificate, read from a file that disappears with it. */
export async function certificateCredential(
  tenant: Tenant,
): Promise<{ readonly credential: Credential; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-"));
  const certificatePath = join(folder, "app.pem");
  await writeFile(certificatePath, tenant.clientCertificatePem, { mode: 0o600 });
  const { tenantId, clientId, entra } = tenant;
  const credential = createCredential({
    tenantId,
    clientId,
    certificatePath,
    authorityHost: entra.url,
    nowMs: Date.now,
  });
  return { credential, remove: () => rm(folder, { recursive: true }) };
}

/** Before this a request comes to its end, however long this process is held up. */
const PATIENT_MS = 60_000;
const IMPATIENT_MS = 1_000;

async function revoke(tenant: Tenant): Promise<void> {
  await tenant.entra.control.rotateSigningKey({ retireOld: true });
}

type Writing = Pick<Graph, "post">;

/** Another is always asked for together with it, of somebody whom nobody knows, so that both share a call. */
function inCompany(graph: Writing): Writing {
  const shared = new SharedPosts(graph, Date.now, 0);
  const path = "/users/00000000-1111-4222-8333-444444444444/presence/clearUserPreferredPresence";
  return {
    post(request, signal) {
      const asked = shared.post(request, signal);
      shared.post({ path, body: {}, appRole: request.appRole }, signal).catch(() => undefined);
      return asked;
    },
  };
}

/** The same, with every write in a call that it shares. */
export const openTeamsBenchInCompany = (): Promise<Bench> => openTeamsBench(inCompany);

/** Teams, with a certificate; everybody's client is open and shows Available. */
export async function openTeamsBench(through?: (graph: Writing) => Writing): Promise<Bench> {
  const tenant = await openTenant();
  const { control } = tenant.graph;
  const reps = identitiesOf(tenant);
  for (const rep of reps) {
    control.setClient({ userId: rep.teamsUserId, availability: "Available" });
  }
  const { credential, remove } = await certificateCredential(tenant);
  const options = {
    graphUrl: tenant.graph.url,
    clientId: tenant.clientId,
    credential,
    mapping: DEFAULT_TEAMS_MAPPING,
    nowMs: Date.now,
  };
  const connect = (timeoutMs: number): Connector => {
    const asked = { ...options, timeoutMs };
    if (!through) return createTeamsConnector(asked);
    const graph = createGraph(asked);
    return teamsOver({ reading: graph, writing: through(graph) }, asked);
  };
  return {
    connector: connect(PATIENT_MS),
    impatient: connect(IMPATIENT_MS),
    reps,
    fail: (status, retryAfter) =>
      control.failNext(retryAfter === undefined ? { status } : { status, retryAfter }),
    loseAnswer: () => control.dropAckNext({}),
    delay: (ms) => control.delay({ minMs: ms, maxMs: ms }),
    entitle: async (entitled) => {
      const certificates = [
        tenant.clientCertificatePem.split(/(?=-----BEGIN [A-Z ]*PRIVATE)/)[0] ?? "",
      ];
      const roles = ["Presence.Read.All", ...(entitled ? ["Presence.ReadWrite.All"] : [])];
      tenant.entra.control.putApp({ clientId: tenant.clientId, secrets: [], certificates, roles });
      await revoke(tenant);
    },
    remove: (rep) => void control.removeUser({ userId: rep.teamsUserId }),
    revokeTokens: () => revoke(tenant),
    tokensIssued: () => tenant.entra.control.tokenRequests().issued,
    requests: () => control.requests().total,
    close: async () => {
      await remove();
      await tenant.close();
    },
  };
}

/** Dynamics, with a client secret; everybody is signed in and Available. */
export async function openDynamicsBench(): Promise<Bench> {
  const tenant = await openTenant();
  const { control } = tenant.dataverse;
  const credential = secretCredential(tenant);
  const [connector, impatient] = [PATIENT_MS, IMPATIENT_MS].map((timeoutMs) =>
    createDynamicsConnector({
      dataverseUrl: tenant.dataverse.url,
      credential,
      mapping: DEFAULT_DYNAMICS_MAPPING,
      timeoutMs,
      nowMs: Date.now,
    }),
  ) as [DynamicsConnector, DynamicsConnector];
  return {
    connector,
    impatient,
    reps: identitiesOf(tenant),
    fail: (status, retryAfter) =>
      control.failNext({ status, ...(retryAfter === undefined ? {} : { retryAfter }) }),
    loseAnswer: () => control.dropAckNext({}),
    delay: (ms) => control.delay({ minMs: ms, maxMs: ms }),
    entitle: async (entitled) => {
      const roles = [entitled ? "Omnichannel Supervisor" : "Omnichannel Agent"];
      control.setRoles({ appId: tenant.clientId, roles });
    },
    remove: (rep) => control.deleteUser({ userId: rep.systemUserId }),
    revokeTokens: () => revoke(tenant),
    tokensIssued: () => tenant.entra.control.tokenRequests().issued,
    requests: () => Object.values(control.requests()).reduce((sum, count) => sum + count, 0),
    close: async () => {
      await connector.close();
      await impatient.close();
      await tenant.close();
    },
  };
}
