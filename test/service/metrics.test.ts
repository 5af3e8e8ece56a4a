import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { PRESENCES } from "../scenarios/meaning.ts";
import { eventually, launch, type Service } from "./launch.ts";

const KEY = "a-key-of-no-value-4711";
const REPS = 5;

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ people: makePeople(REPS), signedIn: true, tls: LOOPBACK_TLS });
  for (const { azureObjectId } of tenant.people.users) {
    tenant.graph.control.setClient({ userId: azureObjectId ?? "", availability: "Available" });
  }
});
afterAll(() => tenant.close());

const scrape = async ({ url }: Service): Promise<string> => {
  const headers = { authorization: `Bearer ${KEY}` };
  const answer = await fetch(`${url}/metrics`, { headers });
  expect(answer.status).toBe(200);
  return answer.text();
};

/** Values by name and labels, exactly as they are written: `lockstep_reps{status="Busy"}`. */
const valuesOf = (text: string): ReadonlyMap<string, number> => {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const parts = /^([a-z_]+(?:\{(?:[a-z_]+="[^"]*",?)+\})?) (\S+)$/.exec(line);
      expect(parts, `a sample in the text format: ${line}`).not.toBeNull();
      return [parts?.[1] ?? "", Number(parts?.[2])];
    }),
  );
};

test("[R354] a change is counted on its way from one system to the other, and names nobody", async () => {
  await using service = await launch(tenant, { env: { METRICS_KEY: KEY } });
  const [nadia] = tenant.people.users;
  const [, busy = ""] = PRESENCES.map(([id]) => id);
  if (!nadia) throw new Error("the company has people");
  const before = valuesOf(await scrape(service));
  expect(before.get("lockstep_ready")).toBe(1);
  expect(before.get('lockstep_reps{status="Available"}')).toBe(REPS);

  tenant.dataverse.control.choose({ userId: nadia.systemUserId, presenceId: busy });
  const text = await eventually("it is counted, and over", async (): Promise<string | null> => {
    const now = await scrape(service);
    const values = valuesOf(now);
    const isWritten = values.get(
      'lockstep_writes_total{system="teams",status="Busy",renewal="false"}',
    );
    const isOver = values.get('lockstep_reps_behind{system="teams"}') === 0;
    return isWritten === 1 && isOver ? now : null;
  });
  const values = valuesOf(text);
  expect(values.get('lockstep_reps{status="Busy"}')).toBe(1);
  expect(values.get('lockstep_reps{status="Available"}')).toBe(REPS - 1);
  expect(values.get('lockstep_decisions_total{status="Busy"}')).toBe(1);
  expect(values.get('lockstep_readings_total{system="dynamics",classification="choice"}')).toBe(1);
  expect(values.get('lockstep_webhooks_total{result="hint"}')).toBeGreaterThanOrEqual(1);
  const asked = 'lockstep_request_seconds_count{route="POST /webhooks/dataverse",status="200"}';
  expect(values.get(asked)).toBeGreaterThanOrEqual(1);
  expect(values.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);

  for (const { fullname, email, systemUserId, azureObjectId } of tenant.people.users) {
    for (const word of [fullname, email, systemUserId, azureObjectId]) {
      expect(text.toLowerCase()).not.toContain(String(word).toLowerCase());
    }
  }
});

test("[R354] a system that fails is counted by its code, and every metric is in the manual", async () => {
  await using service = await launch(tenant, { env: { METRICS_KEY: KEY } });
  tenant.graph.control.failNext({ status: 429, times: 1, retryAfter: 1 });
  const text = await eventually("it is counted", async (): Promise<string | null> => {
    const now = await scrape(service);
    const failed =
      'lockstep_system_errors_total{system="teams",code="graph-throttled",retry="throttled"}';
    return (valuesOf(now).get(failed) ?? 0) > 0 ? now : null;
  });
  const manual = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? "");
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !manual.includes(`\`${name}\``))).toEqual([]);
});

test("[R353] without a key there is no such route", async () => {
  await using service = await launch(tenant);
  const headers = { authorization: `Bearer ${KEY}` };
  expect((await fetch(`${service.url}/metrics`, { headers })).status).toBe(404);
});
