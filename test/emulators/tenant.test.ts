import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";
import { describe, expect, test } from "vitest";
import { makePeople, namedPeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";

const trusted = getCACertificates();

async function openTenant(options: Parameters<typeof startTenant>[0] = {}) {
  const tenant = await startTenant({ projectionDelayMs: 0, ...options });
  setDefaultCACertificates([...trusted, tenant.caPem]);
  return { ...tenant, [Symbol.asyncDispose]: () => tenant.close() };
}

type Json = Readonly<Record<string, unknown>>;

async function read(url: string, token: string): Promise<{ status: number; json: Json }> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, json: (await answer.json()) as Json };
}

/** Microsoft's own client library signs in, as the service does. */
function credentialOf(tenant: Pick<Tenant, "tenantId" | "clientId" | "clientSecret" | "entra">) {
  return new ClientSecretCredential(tenant.tenantId, tenant.clientId, tenant.clientSecret, {
    authorityHost: tenant.entra.url,
    disableInstanceDiscovery: true,
  });
}

describe("the tenant", () => {
  test("lets its application into Graph and Dataverse, with the secret and with the certificate", async () => {
    await using tenant = await openTenant();
    const options = { authorityHost: tenant.entra.url, disableInstanceDiscovery: true };
    const { tenantId, clientId, clientCertificatePem: certificate } = tenant;
    for (const credential of [
      credentialOf(tenant),
      new ClientCertificateCredential(tenantId, clientId, { certificate }, options),
    ]) {
      const dataverse = await credential.getToken(`${tenant.dataverse.url}/.default`);
      const who = await read(`${tenant.dataverse.url}/api/data/v9.2/WhoAmI`, dataverse.token);
      expect(who).toMatchObject({
        status: 200,
        json: { OrganizationId: tenant.people.organizationId },
      });
    }
  });

  test("has the same people in Graph as in Dataverse, less those who are no people", async () => {
    await using tenant = await openTenant();
    const token = await credentialOf(tenant).getToken(`${tenant.dataverse.url}/.default`);
    const users = await read(
      `${tenant.dataverse.url}/api/data/v9.2/systemusers?$select=azureactivedirectoryobjectid` +
        "&$filter=applicationid eq null and isdisabled eq false",
      token.token,
    );
    const ids = (users.json["value"] as Json[]).map((row) => row["azureactivedirectoryobjectid"]);
    expect(ids).toHaveLength(12);
    const forGraph = await credentialOf(tenant).getToken(`${tenant.graph.url}/.default`);
    const answer = await fetch(`${tenant.graph.url}/v1.0/communications/getPresencesByUserId`, {
      method: "POST",
      headers: { authorization: `Bearer ${forGraph.token}`, "content-type": "application/json" },
      body: JSON.stringify({ ids }),
    });
    const presences = (await answer.json()) as { value: { id: string }[] };
    expect(new Set(presences.value.map(({ id }) => id))).toEqual(new Set(ids));
  });

  test("begins the day with everybody signed in when asked to", async () => {
    await using tenant = await openTenant({ signedIn: true, people: makePeople(30) });
    expect(tenant.dataverse.control.states().every((state) => state.loggedIn)).toBe(true);
  });
});

test("the tenant's routing rings for a rep in a Teams call, and counts it", async () => {
  await using tenant = await openTenant();
  const { dataverse, graph, people } = tenant;
  const [nadia] = people.users;
  const queueId = people.queues[0]?.id;
  graph.control.startCall({ userId: nadia?.azureObjectId ?? "" });
  dataverse.control.login({ userId: nadia?.systemUserId ?? "" });
  dataverse.control.arrive({ queueId });
  expect(dataverse.control.routingCounts()).toMatchObject({ offered: 1, routedWhileBusy: 1 });
  graph.control.endCall({ userId: nadia?.azureObjectId ?? "" });
  dataverse.control.arrive({ queueId });
  dataverse.control.advance({ ms: 60_000 });
  expect(dataverse.control.routingCounts()).toMatchObject({ missed: 1, routedWhileBusy: 1 });
  graph.control.removeUser({ userId: people.users[2]?.azureObjectId ?? "" });
  dataverse.control.login({ userId: people.users[2]?.systemUserId ?? "" });
  dataverse.control.advance({ ms: 60_000 });
  expect(dataverse.control.routingCounts()).toMatchObject({ accepted: 2, routedWhileBusy: 1 });
});

describe("the people", () => {
  test("are twelve reps in three queues, a bot and one who has left, with ids that never change", () => {
    const { users, queues, customPresences } = namedPeople();
    const reps = users.filter((user) => !user.isDisabled && user.applicationId === undefined);
    expect(reps).toHaveLength(12);
    expect(users).toHaveLength(14);
    expect(queues.map((queue) => queue.name)).toEqual([
      "Billing",
      "Technical support",
      "Loyalty desk",
    ]);
    for (const { systemUserId } of reps) {
      expect(queues.some((queue) => queue.members.includes(systemUserId))).toBe(true);
    }
    expect(customPresences.map(({ name, basePresence }) => [name, basePresence])).toEqual([
      ["Lunch", 192360003],
      ["Training", 192360002],
      ["Paperwork", 192360001],
    ]);
    expect(namedPeople()).toEqual(namedPeople());
  });

  test("can be a crowd, each different, the same every time", () => {
    const { users, queues } = makePeople(1000);
    expect(new Set(users.map((user) => user.systemUserId)).size).toBe(1000);
    expect(new Set(users.map((user) => user.email)).size).toBe(1000);
    expect(queues).toHaveLength(40);
    expect(makePeople(1000)).toEqual(makePeople(1000));
  });
});

describe("the tenant as a process", () => {
  test("prints where it is, writes what to trust, and goes when its standard input closes", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lockstep-tenant-"));
    const ca = join(directory, "ca.pem");
    const main = new URL("../../src/emulators/tenant-main.ts", import.meta.url).pathname;
    const redirectUri = "https://lockstep.example/connect/teams";
    const wanted = ["--people", "3", "--signed-in", "--subscribers", "4"];
    const place = ["--redirect-uri", redirectUri];
    const child = spawn(process.execPath, [main, "--ca", ca, ...wanted, ...place], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      const [chunk] = (await once(child.stdout, "data")) as [Buffer];
      const told = JSON.parse(chunk.toString("utf8")) as Record<string, string>;
      setDefaultCACertificates([...trusted, await readFile(ca, "utf8")]);
      const answer = await fetch(`${told["dataverseUrl"]}/control/states`, { method: "POST" });
      expect(await answer.json()).toMatchObject([
        { loggedIn: true },
        { loggedIn: true },
        { loggedIn: true },
      ]);
      expect(told["subscribers"]).toHaveLength(4);
      const asking = new URLSearchParams({
        client_id: told["clientId"] ?? "",
        redirect_uri: redirectUri,
        response_type: "code",
        scope: "Presence.Read.All",
      });
      const page = await fetch(
        `${told["entraUrl"]}/${told["tenantId"]}/oauth2/v2.0/authorize?${asking.toString()}`,
      );
      expect(await page.text()).toContain(told["subscribers"]?.[3]);
      for (const name of ["entraUrl", "graphUrl"]) expect(told[name]).toMatch(/^https:/);
      for (const name of ["tenantId", "clientId", "clientSecret"]) expect(told[name]).toBeTruthy();
      child.stdin.end();
      expect(await once(child, "exit")).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
      await rm(directory, { recursive: true });
    }
  });
});
