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

test("[R169] the bot's queues are those of the contact centre, with the age of what is said of them", async () => {
  if (!dynamics) throw new Error("the tenant has started");
  const source = dynamics.availability;
  const signal = AbortSignal.timeout(30_000);
  const desk = createQueueDesk(
    createBoard({ source, nowMs: Date.now, signal, codeOf: () => "availability-unreadable" }),
  );
  const queues = await desk.queues();
  expect(queues.length).toBeGreaterThan(0);
  for (const { name, ableNow, members, sources } of queues) {
    expect(ableNow).toBeLessThanOrEqual(members);
    expect((await desk.members(name)).size).toBe(members);
    expect(sources[0]).toMatchObject({ name: "Lockstep", ableNow });
    expect(sources[0]?.asOfMs).toBeGreaterThan(Date.now() - 60_000);
  }
  expect(queues.some(({ members }) => members > 0)).toBe(true);
  expect((await desk.members("no such queue")).size).toBe(0);
});
