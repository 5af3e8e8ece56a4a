import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Host } from "../../src/cli/command.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { openTenant } from "../connectors/bench.ts";
import { allowPresences, prerequisitesOf, type Scene } from "./prerequisites.ts";
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
