import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Host } from "../../src/cli/command.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { openTenant } from "../connectors/bench.ts";
import { environmentOf, type Environment, KEY, run } from "./terminal.ts";
import { openWebhookService } from "./webhook-service.ts";

const GRAPH_ROLES = ["Presence.Read.All", "Presence.ReadWrite.All", "User.ReadBasic.All"];
const DATAVERSE_ROLES = [
  "Omnichannel Supervisor",
  "Omnichannel administrator",
  "Delegate",
  "System Customizer",
];
const STRANGER = "0e0e0e0e-1111-4222-8333-444444444444";

type Report = { readonly worst: string; readonly findings: readonly Finding[] };

describe("cli doctor", () => {
  let tenant: Tenant;
  let service: Awaited<ReturnType<typeof openWebhookService>>;
  let folder: string;
  let env: Environment;
  const keys: string[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "lockstep-"));
    tenant = await openTenant();
    tenant.dataverse.control.setRoles({ appId: tenant.clientId, roles: DATAVERSE_ROLES });
    keys.splice(0, keys.length, KEY);
    service = await openWebhookService(keys);
    env = { ...environmentOf(tenant), PUBLIC_URL: service.url };
    expect(await run(env, ["register-webhook", "--yes"])).toMatchObject({ exit: 0 });
  });
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    await tenant.close();
    await rm(folder, { recursive: true });
  });

  const examine = async (change: Environment = {}, host: Partial<Host> = {}) => {
    const answer = await run({ ...env, ...change }, ["doctor", "--json"], host);
    return { exit: answer.exit, ...(JSON.parse(answer.printed) as Report) };
  };
  const putApp = (change: object): void =>
    tenant.entra.control.putApp({
      clientId: tenant.clientId,
      secrets: [{ value: tenant.clientSecret }],
      certificates: [],
      roles: GRAPH_ROLES,
      ...change,
    });
  const setRoles = (...roles: string[]): void =>
    tenant.dataverse.control.setRoles({ appId: tenant.clientId, roles });

  test("[R156, R157] finds nothing wrong with a tenant that is right, and changes nothing", async () => {
    const before = await run(env, ["register-webhook", "--json"]);
    const report = await examine();
    expect(report.findings.filter(({ level }) => level === "failure")).toEqual([]);
    expect(report.findings.filter(({ level }) => level === "warning")).toEqual([]);
    expect(report).toMatchObject({ exit: 0 });
    expect(new Set(report.findings.map(({ check }) => check)).size).toBe(report.findings.length);
    expect(tenant.dataverse.control.writes()).toEqual([]);
    expect(tenant.graph.control.writes({})).toEqual([]);
    expect(service.arrived).toEqual([]);
    expect(await run(env, ["register-webhook", "--json"])).toEqual(before);
  });

  test("prints a table for people, and what to do in order", async () => {
    setRoles("Omnichannel Agent");
    const { exit, printed } = await run(env, ["doctor"]);
    expect(exit).toBe(2);
    expect(printed).toMatch(/^fine +settings +/m);
    expect(printed).toMatch(/^FAILURE +supervisor-role +/m);
    expect(printed).toContain("What to do, in this order:");
    expect(printed).toContain("Power Platform admin center");
  });

  type Row = {
    readonly broken: string;
    readonly breaks?: () => unknown;
    readonly change?: () => Environment;
    readonly host?: Partial<Host>;
    readonly check: string;
    readonly level: "warning" | "failure";
    readonly says: RegExp;
    readonly where: RegExp;
    /** What cannot be tried any more. */
    readonly skips?: readonly string[];
  };

  const rows: readonly Row[] = [
    {
      broken: "a setting is missing",
      change: () => ({ TENANT_ID: undefined }),
      check: "settings",
      level: "failure",
      says: /TENANT_ID is missing/,
      where: /environment of the service/,
    },
    {
      broken: "the policy breaks a law",
      change: () => ({ POLICY_FILE: join(folder, "policy.json") }),
      breaks: () =>
        writeFile(join(folder, "policy.json"), '{"dynamics":{"writes":{"Busy":"Available"}}}'),
      check: "policy",
      level: "failure",
      says: /POLICY_FILE/,
      where: /POLICY_FILE/,
    },
    {
      broken: "this computer's clock is ten minutes ahead",
      host: { nowMs: () => Date.now() + 600_000 },
      check: "clock",
      level: "failure",
      says: /6\d\d s ahead.*NTP/,
      where: /clock/,
    },
    {
      broken: "this computer's clock is a minute behind",
      host: { nowMs: () => Date.now() - 60_000 },
      check: "clock",
      level: "warning",
      says: /(59|6\d) s behind.*NTP/,
      where: /clock/,
    },
    {
      broken: "the secret is wrong",
      change: () => ({ CLIENT_SECRET: "not-the-secret" }),
      check: "sign-in-dynamics",
      level: "failure",
      says: /entra-secret-wrong.*CLIENT_SECRET/,
      where: /Certificates & secrets/,
      skips: ["application-user", "supervisor-role", "directory", "teams-read"],
    },
    {
      broken: "the secret is over",
      breaks: () => putApp({ secrets: [{ value: tenant.clientSecret, expired: true }] }),
      check: "sign-in-teams",
      level: "failure",
      says: /entra-secret-expired.*new client secret/,
      where: /Certificates & secrets/,
    },
    {
      broken: "the app is unknown",
      change: () => ({ CLIENT_ID: STRANGER }),
      check: "sign-in-teams",
      level: "failure",
      says: /entra-app-unknown.*CLIENT_ID/,
      where: /environment/,
    },
    {
      broken: "the certificate is not uploaded",
      breaks: () => writeFile(join(folder, "app.pem"), tenant.clientCertificatePem),
      change: () => {
        putApp({ certificates: [] });
        return { CLIENT_CERTIFICATE_PATH: join(folder, "app.pem") };
      },
      check: "sign-in-teams",
      level: "failure",
      says: /entra-certificate-unregistered.*Upload/,
      where: /Certificates & secrets/,
    },
    {
      broken: "the certificate's file is not there",
      change: () => ({ CLIENT_CERTIFICATE_PATH: join(folder, "nowhere.pem") }),
      check: "certificate",
      level: "failure",
      says: /entra-certificate-unreadable.*CLIENT_CERTIFICATE_PATH/,
      where: /environment/,
    },
    {
      broken: "Entra is down",
      breaks: () => tenant.entra.control.setDown({ down: true }),
      check: "sign-in-teams",
      level: "failure",
      says: /entra-unavailable/,
      where: /network/,
    },
    {
      broken: "reading presence is not granted",
      breaks: () => putApp({ roles: [] }),
      check: "teams-permissions",
      level: "failure",
      says: /Presence\.Read\.All and Presence\.ReadWrite\.All.*admin consent/,
      where: /API permissions/,
    },
    {
      broken: "writing presence is not granted",
      breaks: () => putApp({ roles: ["Presence.Read.All", "User.ReadBasic.All"] }),
      check: "teams-permissions",
      level: "failure",
      says: /^Presence\.ReadWrite\.All not granted.*admin consent/,
      where: /API permissions/,
    },
    {
      broken: "looking users up is not granted",
      breaks: () => putApp({ roles: ["Presence.Read.All", "Presence.ReadWrite.All"] }),
      check: "teams-permissions",
      level: "warning",
      says: /User\.ReadBasic\.All/,
      where: /API permissions/,
    },
    {
      broken: "Graph refuses to read",
      breaks: () => putApp({ roles: [] }),
      check: "teams-read",
      level: "failure",
      says: /graph-forbidden.*Presence\.Read\.All/,
      where: /API permissions/,
    },
    {
      broken: "Graph cannot be reached",
      change: () => ({ GRAPH_URL: "https://localhost:9" }),
      check: "teams-read",
      level: "failure",
      says: /graph-unreachable.*GRAPH_URL/,
      where: /network/,
      skips: ["teams-poll"],
    },
    {
      broken: "Dataverse cannot be reached",
      change: () => ({ DATAVERSE_URL: "https://localhost:9" }),
      check: "application-user",
      level: "failure",
      says: /dataverse-unreachable.*DATAVERSE_URL/,
      where: /network/,
      skips: ["directory", "dynamics-poll", "webhook-registered"],
    },
    {
      broken: "the environment is somebody else's",
      change: () => ({ DATAVERSE_URL: tenant.graph.url }),
      check: "application-user",
      level: "failure",
      says: /DATAVERSE_URL/,
      where: /environment|user/,
    },
    {
      broken: "there is no application user",
      breaks: () => putApp({ clientId: STRANGER, secrets: [{ value: "a-secret" }] }),
      change: () => ({ CLIENT_ID: STRANGER, CLIENT_SECRET: "a-secret" }),
      check: "application-user",
      level: "failure",
      says: /dataverse-application-user-missing.*Create an application user/,
      where: /Application users/,
      skips: ["supervisor-role", "organization-read"],
    },
    {
      broken: "the application user has no role",
      breaks: () => setRoles(),
      check: "application-user",
      level: "failure",
      says: /dataverse-role-missing.*Omnichannel Supervisor/,
      where: /Application users/,
    },
    {
      broken: "the application user is no supervisor",
      breaks: () => setRoles("Omnichannel Agent", "Delegate", "Omnichannel administrator"),
      check: "supervisor-role",
      level: "failure",
      says: /dataverse-supervisor-role-missing.*Omnichannel Supervisor/,
      where: /Application users/,
    },
    {
      broken: "the application user may not act for others",
      breaks: () => setRoles("Omnichannel Supervisor", "Omnichannel administrator"),
      check: "detail-role",
      level: "warning",
      says: /dataverse-delegate-role-missing.*Delegate/,
      where: /Application users/,
    },
    {
      broken: "nobody is a rep",
      breaks: () => {
        for (const { systemUserId } of tenant.people.users) {
          tenant.dataverse.control.disableUser({ userId: systemUserId });
        }
      },
      check: "directory",
      level: "failure",
      says: /0 reps; left out: 5 disabled/,
      where: /Users/,
      skips: ["teams-read", "detail-role"],
    },
    {
      broken: "a rep has no account in Teams",
      breaks: () =>
        tenant.graph.control.removeUser({ userId: tenant.people.users[0]?.azureObjectId ?? "" }),
      check: "teams-read",
      level: "warning",
      says: /4 of 5.*license/,
      where: /Licenses/,
    },
    {
      broken: "changes are not tracked",
      breaks: () => tenant.dataverse.control.settings({ changeTracking: false }),
      check: "change-tracking",
      level: "warning",
      says: /off.*Track changes/,
      where: /Agent status/,
    },
    {
      broken: "the webhook is not registered",
      breaks: () => run(env, ["register-webhook", "--remove", "--yes"]),
      check: "webhook-registered",
      level: "warning",
      says: /not there.*Register/,
      where: /register-webhook/,
    },
    {
      broken: "the webhook was registered with another key",
      change: () => ({ DATAVERSE_WEBHOOK_KEY: "another-key-of-the-service" }),
      breaks: () => keys.splice(0, keys.length, "another-key-of-the-service"),
      check: "webhook-secret",
      level: "failure",
      says: /Dataverse sends another.*Register/,
      where: /register-webhook/,
    },
    {
      broken: "the service has another key",
      breaks: () => keys.splice(0, keys.length, "another-key-of-the-service"),
      check: "webhook-secret",
      level: "failure",
      says: /refuses the key.*DATAVERSE_WEBHOOK_KEY/,
      where: /environment/,
    },
    {
      broken: "the service is down",
      change: () => ({ PUBLIC_URL: "http://127.0.0.1:9" }),
      check: "webhook-reachable",
      level: "failure",
      says: /no answer.*PUBLIC_URL/,
      where: /PUBLIC_URL/,
      skips: ["webhook-secret"],
    },
    {
      broken: "somebody else answers at the webhook's address",
      change: () => ({ PUBLIC_URL: `${service.url}/elsewhere` }),
      check: "webhook-reachable",
      level: "failure",
      says: /somebody else.*404/,
      where: /PUBLIC_URL/,
    },
    {
      broken: "the bot is set and does not answer",
      change: () => ({ BOT_ID: STRANGER }),
      check: "bot",
      level: "failure",
      says: /404.*\/api\/messages/,
      where: /PUBLIC_URL/,
    },
    {
      broken: "Dynamics is polled far too often",
      change: () => ({ DYNAMICS_POLL_SECONDS: "0.1" }),
      check: "dynamics-poll",
      level: "warning",
      says: /DYNAMICS_POLL_SECONDS/,
      where: /environment/,
    },
  ];

  test.each(rows)(
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
