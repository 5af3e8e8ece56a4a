import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../../src/connectors/dynamics/dynamics.ts";
import { namedPeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { DEFAULT_DYNAMICS_MAPPING } from "../../src/presence/mapping.ts";
import { openTenant, secretCredential } from "./bench.ts";
import { patience } from "./contract.ts";

const WORKSTREAM = "4c4c4c4c-1111-4222-8333-444444444444";

let tenant: Tenant;
let connector: DynamicsConnector;
beforeAll(async () => {
  tenant = await openTenant(namedPeople());
  tenant.dataverse.control.setRoles({
    appId: tenant.clientId,
    roles: ["Omnichannel Supervisor", "Omnichannel administrator"],
  });
  connector = createDynamicsConnector({
    dataverseUrl: tenant.dataverse.url,
    credential: secretCredential(tenant),
    mapping: DEFAULT_DYNAMICS_MAPPING,
    nowMs: Date.now,
  });
});
afterAll(async () => {
  await connector.close();
  await tenant.close();
});

test("[R169] what routing rules look at goes with the question, and decides which queue is meant", async () => {
  const [byDefault = "", forIndia = "", forEdge = ""] = tenant.people.queues.map(({ id }) => id);
  tenant.dataverse.control.putWorkstream({
    id: WORKSTREAM,
    name: "Web chat",
    queueId: byDefault,
    allowedPresences: [192_360_000],
    routes: [
      { item: "Survey", value: "India", queueId: forIndia },
      { item: "msdyn_browser", value: "Edge", queueId: forEdge },
    ],
  });
  const queueOf = async (more: object): Promise<string | null> =>
    (await connector.availability.center({ workstreamId: WORKSTREAM, ...more }, patience()))
      .queueId;
  expect(await queueOf({})).toBe(byDefault);
  expect(await queueOf({ context: { Survey: "India", Tier: 2 } })).toBe(forIndia);
  expect(await queueOf({ engagement: { msdyn_browser: "Edge", msdyn_city: "Oslo" } })).toBe(
    forEdge,
  );
});
