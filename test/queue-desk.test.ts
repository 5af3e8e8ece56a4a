import { afterAll, beforeAll, expect, test } from "vitest";
import { createBoard } from "../src/availability/board.ts";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../src/connectors/dynamics/dynamics.ts";
import { namedPeople } from "../src/emulators/people.ts";
import type { Tenant } from "../src/emulators/tenant.ts";
import { DEFAULT_DYNAMICS_MAPPING } from "../src/presence/mapping.ts";
import { createQueueDesk } from "../src/queue-desk.ts";
import { openTenant, secretCredential } from "./connectors/bench.ts";

let [tenant, dynamics]: [Tenant?, DynamicsConnector?] = [];
beforeAll(async () => {
  tenant = await openTenant(namedPeople());
  dynamics = createDynamicsConnector({
    dataverseUrl: tenant.dataverse.url,
    credential: secretCredential(tenant),
    mapping: DEFAULT_DYNAMICS_MAPPING,
    nowMs: Date.now,
  });
});
afterAll(async () => {
  await dynamics?.close();
  await tenant?.close();
});

test("[R169, R331] the bot's queues are read ahead, and one of them costs one call, with both sources and their age", async () => {
  if (!dynamics || !tenant) throw new Error("the tenant has started");
  const source = dynamics.availability;
  const signal = AbortSignal.timeout(30_000);
  const desk = createQueueDesk(
    createBoard({ source, nowMs: Date.now, signal, codeOf: () => "availability-unreadable" }),
    { nowMs: Date.now, after: () => () => {} },
  );
  desk.start();
  const queues = await desk.queues();
  desk.stop();
  expect(queues.length).toBeGreaterThan(0);
  const { dataverse } = tenant;
  const calls = (): number =>
    Object.values(dataverse.control.requests({})).reduce((sum, count) => sum + count, 0);
  const before = calls();
  for (const { id, ableNow, members, sources } of await desk.queues()) {
    expect(ableNow).toBeLessThanOrEqual(members);
    expect((await desk.members(id)).size).toBe(members);
    expect(sources[0]).toMatchObject({ name: "Lockstep", ableNow });
    expect(sources[0]?.asOfMs).toBeGreaterThan(Date.now() - 60_000);
  }
  expect(calls() - before, "of the list").toBe(0);
  for (const { id, name } of queues) {
    const asked = calls();
    const one = await desk.queue(id);
    expect(calls() - asked, name).toBeLessThanOrEqual(1);
    expect(one?.name).toBe(name);
  }
  expect(calls() - before, "the contact centre was asked").toBeGreaterThan(0);
  expect(queues.some(({ members }) => members > 0)).toBe(true);
  expect((await desk.members("no such queue")).size).toBe(0);
  expect(await desk.queue("no such queue")).toBeNull();
});
