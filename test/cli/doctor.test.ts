import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Host } from "../../src/cli/command.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { createSealing } from "../../src/connectors/teams/sealing.ts";
import { SHARD_KIND } from "../../src/connectors/teams/shard.ts";
import { SUBSCRIBER_KIND } from "../../src/connectors/teams/subscriber.ts";
import { createVault } from "../../src/connectors/teams/vault.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { openTenant } from "../connectors/bench.ts";
import { prerequisitesOf } from "./prerequisites.ts";
import { allowPresences, READS, type Scene } from "./scene.ts";
import { environmentOf, type Environment, KEY, run } from "./terminal.ts";
import { openWebhookService } from "./webhook-service.ts";

const GRAPH_ROLES = ["Presence.Read.All", "Presence.ReadWrite.All", "User.ReadBasic.All"];
const AVAILABLE = 192_360_000;
const DATAVERSE_ROLES = [
  "Omnichannel Supervisor",
  "Omnichannel administrator",
  "Delegate",
  "System Customizer",
];

type Report = { readonly worst: string; readonly findings: readonly Finding[] };

describe("cli doctor", () => {
  let service: Awaited<ReturnType<typeof openWebhookService>>;
  const scene = { keys: [] } as unknown as Scene;

  beforeEach(async () => {
    const tenant = await openTenant();
    scene.tenant = tenant;
    scene.folder = await mkdtemp(join(tmpdir(), "lockstep-"));
    scene.keys.splice(0, scene.keys.length, KEY);
    service = await openWebhookService(scene.keys);
    scene.env = {
      ...environmentOf(tenant),
      PUBLIC_URL: service.url,
      DATABASE_URL: `sqlite:${scene.folder}/lockstep.db`,
    };
    scene.putApp = (change) =>
      tenant.entra.control.putApp({
        clientId: tenant.clientId,
        secrets: [{ value: tenant.clientSecret }],
        certificates: [],
        roles: GRAPH_ROLES,
        ...change,
      });
    scene.putReader = (change) =>
      tenant.entra.control.putApp({
        clientId: READS.READER_CLIENT_ID ?? "",
        secrets: [{ value: READS.READER_CLIENT_SECRET ?? "" }],
        certificates: [],
        roles: ["Presence.Read.All"],
        ...change,
      });
    scene.setRoles = (...roles) =>
      tenant.dataverse.control.setRoles({ appId: tenant.clientId, roles });
    scene.setRoles(...DATAVERSE_ROLES);
    allowPresences(tenant, [AVAILABLE]);
    expect(await run(scene.env, ["register-webhook", "--yes"])).toMatchObject({ exit: 0 });
  });
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    await scene.tenant.close();
    await rm(scene.folder, { recursive: true });
  });

  const examine = async (change: Environment = {}, host: Partial<Host> = {}) => {
    const answer = await run({ ...scene.env, ...change }, ["doctor", "--json"], host);
    return { exit: answer.exit, ...(JSON.parse(answer.printed) as Report) };
  };
  test("[R156, R157] finds nothing wrong with a tenant that is right, and changes nothing", async () => {
    const before = await run(scene.env, ["register-webhook", "--json"]);
    const report = await examine();
    expect(report.findings.filter(({ level }) => level === "failure")).toEqual([]);
    expect(report.findings.filter(({ level }) => level === "warning")).toEqual([]);
    expect(report).toMatchObject({ exit: 0 });
    expect(new Set(report.findings.map(({ check }) => check)).size).toBe(report.findings.length);
    expect(scene.tenant.dataverse.control.writes()).toEqual([]);
    expect(scene.tenant.graph.control.writes({})).toEqual([]);
    expect(service.arrived).toEqual([]);
    expect(await run(scene.env, ["register-webhook", "--json"])).toEqual(before);
  });

  test("[R156] signs in with a certificate and with a managed identity as well", async () => {
    const { tenant, folder } = scene;
    const [certificate = ""] = tenant.clientCertificatePem.split(/(?=-----BEGIN [A-Z ]*PRIVATE)/);
    scene.putApp({ certificates: [certificate] });
    const path = join(folder, "app.pem");
    await writeFile(path, tenant.clientCertificatePem);
    const levels = ({ findings }: Report, check: string): string | undefined =>
      findings.find((one) => one.check === check)?.level;
    const certified = await examine({ CLIENT_CERTIFICATE_PATH: path, CLIENT_SECRET: undefined });
    expect(levels(certified, "certificate")).toBe("fine");
    expect(levels(certified, "sign-in-dynamics")).toBe("fine");
    expect(certified.exit).toBe(0);

    vi.stubEnv("IDENTITY_ENDPOINT", tenant.managedIdentity.endpoint);
    vi.stubEnv("IDENTITY_HEADER", tenant.managedIdentity.header);
    const managed = await examine({ MANAGED_IDENTITY: "true", CLIENT_SECRET: undefined });
    vi.unstubAllEnvs();
    expect(tenant.managedIdentity.control.requests({}).requests).toBeGreaterThan(0);
    expect(levels(managed, "sign-in-teams")).toBe("fine");
    expect(managed.exit).toBe(0);
  });

  test("[R140, R156] where another app reads, the one that writes need not be able to", async () => {
    scene.putReader({});
    scene.putApp({ roles: ["Presence.ReadWrite.All", "User.ReadBasic.All"] });
    const { exit, findings } = await examine(READS);
    expect(findings.find(({ check }) => check === "teams-reader")).toMatchObject({
      level: "fine",
      cameBack: "Presence.Read.All",
    });
    expect(findings.find(({ check }) => check === "teams-read")?.level).toBe("fine");
    expect(exit).toBe(0);
  });

  test.each([
    ["alive", 60_000, "fine", /1 connected, 1 with a subscription that is live/],
    ["signed out an hour ago", -1, "warning", /1 connected, 0 with .*sign in again/],
  ] as const)(
    "[R155, R157] says of a subscriber account whether it is %s",
    async (_is, expiresInMs, level, says) => {
      const cacheKey = Buffer.alloc(32, 5);
      const engine = await openSqliteEngine({ path: join(scene.folder, "lockstep.db") });
      const vault = createVault(engine, createSealing([cacheKey]));
      const held = { id: "subscription", expiresAtMs: Date.now() + expiresInMs };
      await vault.keep(SUBSCRIBER_KIND, "account", { tenantId: "tenant", cache: "" });
      await vault.keep(SHARD_KIND, "account", { attempt: null, held });
      await engine.close();
      const accountsIn = async (change: Environment) =>
        (await examine(change)).findings.find(({ check }) => check === "subscriber-accounts");
      const found = await accountsIn({ CACHE_KEY: cacheKey.toString("base64") });
      expect(found?.level).toBe(level);
      expect(`${found?.cameBack} ${found?.next}`).toMatch(says);
      const other = { CACHE_KEY: Buffer.alloc(32, 6).toString("base64") };
      expect((await accountsIn(other))?.cameBack).toContain("cannot be opened");
    },
  );

  test("prints a table for people, and what to do in order", async () => {
    scene.setRoles("Omnichannel Agent");
    const { exit, printed } = await run(scene.env, ["doctor"]);
    expect(exit).toBe(2);
    expect(printed).toMatch(/^fine +settings +/m);
    expect(printed).toMatch(/^FAILURE +supervisor-role +/m);
    expect(printed).toContain("What to do, in this order:");
    expect(printed).toContain("Power Platform admin center");
  });

  test.each(prerequisitesOf(scene))(
    "[R155, R156] when $broken, $check says so",
    async ({ breaks, change, host, check, level, says, where, skips = [] }) => {
      const changed = change?.() ?? {};
      await breaks?.();
      const report = await examine(changed, host);
      const finding = report.findings.find((one) => one.check === check);
      expect(finding).toMatchObject({ check, level });
      expect(`${finding?.cameBack} ${finding?.next}`).toMatch(says);
      expect(finding?.where).toMatch(where);
      const isWorst = report.findings.every((one) => one.level !== "failure");
      expect(report.exit).toBe(isWorst ? 1 : 2);
      for (const name of skips) {
        expect(report.findings.find((one) => one.check === name)).toMatchObject({
          level: "skipped",
        });
      }
    },
  );
});
