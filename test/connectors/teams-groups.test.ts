import { afterAll, beforeAll, expect, test } from "vitest";
import { createDynamicsConnector } from "../../src/connectors/dynamics/dynamics.ts";
import { createEntraGroups, type EntraGroups } from "../../src/connectors/teams/groups.ts";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { systemUserId } from "../../src/presence/identity.ts";
import { DEFAULT_DYNAMICS_MAPPING } from "../../src/presence/mapping.ts";
import { openTenant, secretCredential } from "./bench.ts";

const MANAGERS = derivedGuid("group managers");
const CROWD = derivedGuid("group crowd");

let tenant: Tenant;
let groups: EntraGroups;
beforeAll(async () => {
  tenant = await openTenant();
  const credential = secretCredential(tenant);
  const options = { graphUrl: tenant.graph.url, credential, nowMs: Date.now };
  groups = createEntraGroups(options, new AbortController().signal);
});
afterAll(() => tenant.close());

const objectIds = (): readonly string[] =>
  tenant.people.users.flatMap(({ azureObjectId }) => azureObjectId ?? []);

test("[R218] Entra says who is in which group, in one call", async () => {
  const [manager = "", rep = ""] = objectIds();
  tenant.graph.control.setGroup({ groupId: MANAGERS, members: [manager] });
  const before = tenant.graph.control.requests({});
  expect(await groups.memberOf(manager, [MANAGERS, CROWD])).toEqual(new Set([MANAGERS]));
  expect(await groups.memberOf(rep.toUpperCase(), [MANAGERS, CROWD])).toEqual(new Set());
  expect(before).not.toEqual(tenant.graph.control.requests({}));
});

test("[R218] a group is read to its last page", async () => {
  const members = Array.from({ length: 2_500 }, (_, at) => derivedGuid(`member ${at}`));
  tenant.graph.control.setGroup({ groupId: CROWD, members });
  expect((await groups.members(CROWD)).size).toBe(2_500);
});

test("[R218] what Entra does not answer is an error, and no empty group", async () => {
  const [manager = ""] = objectIds();
  await expect(groups.members(derivedGuid("no such group"))).rejects.toThrow();
  await expect(groups.memberOf(derivedGuid("nobody"), [MANAGERS])).rejects.toThrow();
  tenant.graph.control.failNext({ operation: "checkMemberGroups", status: 403, times: 1 });
  await expect(groups.memberOf(manager, [MANAGERS])).rejects.toThrow("GroupMember.Read.All");
});

test("[R330] Dynamics says who holds a role: herself, through a team, and nobody who is disabled", async () => {
  const { users } = tenant.people;
  const [own, inTeam, disabled] = [users[1], users[2], users[3]];
  const idOf = (user: typeof own): string => user?.systemUserId ?? "";
  const role = "Shift leader's role";
  for (const user of [own, disabled]) {
    tenant.dataverse.control.setUserRoles({ userId: idOf(user), roles: [role] });
  }
  tenant.dataverse.control.disableUser({ userId: idOf(disabled) });
  tenant.dataverse.control.addTeam({
    id: derivedGuid("shift leaders"),
    name: "Shift leaders",
    members: [idOf(inTeam)],
    roles: [role],
  });
  const dynamics = createDynamicsConnector({
    dataverseUrl: tenant.dataverse.url,
    credential: secretCredential(tenant),
    mapping: DEFAULT_DYNAMICS_MAPPING,
    nowMs: Date.now,
  });
  const { signal } = new AbortController();
  const expected = [own, inTeam].flatMap((user) => user?.azureObjectId ?? []);
  expect(await dynamics.roleHolders(role, signal)).toEqual(new Set(expected));
  expect(await dynamics.roleHolders("no such role", signal)).toEqual(new Set());
  await dynamics.close();
});

test("[R215] reps are known by their names and addresses", async () => {
  const dynamics = createDynamicsConnector({
    dataverseUrl: tenant.dataverse.url,
    credential: secretCredential(tenant),
    mapping: DEFAULT_DYNAMICS_MAPPING,
    nowMs: Date.now,
  });
  const people = await dynamics.people(new AbortController().signal);
  const [first] = tenant.people.users;
  const { fullname: name, email } = first ?? {};
  expect(people.get(systemUserId(first?.systemUserId ?? ""))).toEqual({ name, email });
  await dynamics.close();
});
