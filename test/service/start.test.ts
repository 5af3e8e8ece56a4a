import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { becomeReady, eventually, launch, spawnService, temporaryFolder } from "./launch.ts";

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ people: makePeople(5), signedIn: true, tls: LOOPBACK_TLS });
});
afterAll(() => tenant.close());

async function run(env: Readonly<Record<string, string>>) {
  const child = spawnService(env, ["--trace-warnings"]);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  return { out, err, code };
}

describe("the service refuses to start", () => {
  test("without anything set: every missing name, exit code 1, no stack", async () => {
    const { out, err, code } = await run({});
    expect(code).toBe(1);
    for (const name of ["TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "DATAVERSE_URL"]) {
      expect(err).toContain(`  ${name} is missing`);
    }
    expect(err).not.toMatch(/^\s+at /m);
    expect(out).toBe("");
  });

  test("with values that cannot be right: every one of them, and none of them repeated", async () => {
    const canary = "canary-secret-5150";
    const { err, code } = await run({
      TENANT_ID: "no tenant/",
      CLIENT_ID: tenant.clientId,
      CLIENT_SECRET: canary,
      DATAVERSE_URL: "http://contoso.crm.dynamics.com",
      DATABASE_URL: `mysql://root:${canary}@db`,
      PARTNERS: `phone=${canary}`,
    });
    expect(code).toBe(1);
    for (const name of ["TENANT_ID", "DATAVERSE_URL", "DATABASE_URL", "PARTNERS"]) {
      expect(err).toContain(`  ${name} must`);
    }
    expect(err).not.toContain(canary);
    expect(err).not.toMatch(/^\s+at /m);
  });

  test("with a policy that would make somebody routable who is not", async () => {
    await using folder = await temporaryFolder();
    const policyPath = join(folder.path, "policy.json");
    await writeFile(policyPath, `{"dynamics":{"writes":{"InACall":"Available"}}}`);
    const { err, code } = await run({
      TENANT_ID: tenant.tenantId,
      CLIENT_ID: tenant.clientId,
      CLIENT_SECRET: tenant.clientSecret,
      DATAVERSE_URL: tenant.dataverse.url,
      DATABASE_URL: `sqlite:${join(folder.path, "lockstep.db")}`,
      POLICY_FILE: policyPath,
    });
    expect(code).toBe(1);
    expect(err).toContain("policy-refused");
    expect(err).toContain("work would reach somebody who is InACall");
    expect(err).not.toMatch(/^\s+at /m);
  });

  test("with a policy file that is lost, a foreign database, a port that is taken: no stack", async () => {
    await using folder = await temporaryFolder();
    const env = {
      TENANT_ID: tenant.tenantId,
      CLIENT_ID: tenant.clientId,
      CLIENT_SECRET: tenant.clientSecret,
      DATAVERSE_URL: tenant.dataverse.url,
      DATABASE_URL: `sqlite:${join(folder.path, "lockstep.db")}`,
      PORT: "0",
    };
    await writeFile(join(folder.path, "foreign.db"), "this is no database");
    const wrong: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
      [{ POLICY_FILE: join(folder.path, "lost.json") }, "lost.json"],
      [{ DATABASE_URL: `sqlite:${folder.path}/foreign.db` }, "engine-damaged"],
      [{ PORT: new URL(tenant.graph.url).port }, "EADDRINUSE"],
    ];
    for (const [change, says] of wrong) {
      const { err, code } = await run({ ...env, ...change });
      expect(code).toBe(1);
      expect(err).toContain(says);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });
});

describe("the service starts", () => {
  test("with a secret: /readyz turns 200, nothing on stderr, SIGTERM exits with 0", async () => {
    await using service = await launch(tenant, { nodeArguments: ["--trace-warnings"] });
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    await service.stop();
    expect(service.errors).toBe("");
    expect(service.lines.at(-1)).toMatchObject({ msg: "stopped" });
  });

  test("with a certificate", async () => {
    await using folder = await temporaryFolder();
    const certificatePath = join(folder.path, "app.pem");
    await writeFile(certificatePath, tenant.clientCertificatePem, { mode: 0o600 });
    await using service = await launch(tenant, {
      env: { CLIENT_SECRET: null, CLIENT_CERTIFICATE_PATH: certificatePath },
      nodeArguments: ["--trace-warnings"],
    });
    await service.stop();
    expect(service.errors).toBe("");
  });

  test("and says 503 with what it waits for until both systems have been read", async () => {
    tenant.entra.control.setDown({ down: true });
    await using service = await launch(tenant, { unready: true, webhook: "none" });
    const waiting = await fetch(`${service.url}/readyz`);
    expect(waiting.status).toBe(503);
    expect(await waiting.json()).toEqual({
      ready: false,
      waitingFor: ["directory", "teams", "dynamics"],
    });
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    tenant.entra.control.setDown({ down: false });
    await becomeReady(service);
    await service.stop();
  });

  test("and stops in the middle of work, twice, without losing its place", async () => {
    await using service = await launch(tenant);
    const [first] = tenant.people.users;
    const userId = first?.azureObjectId ?? "";
    tenant.graph.control.setClient({ userId, availability: "Available" });
    tenant.graph.control.startCall({ userId });
    await service.stop();
    await service.restart();
    await eventually("Dynamics shows Busy", () => {
      const { name } = tenant.dataverse.control.state({ userId: first?.systemUserId ?? "" });
      return name === "Busy";
    });
    tenant.graph.control.endCall({ userId });
    await service.stop();
  });
});
