import { describe, expect, test } from "vitest";
import {
  nadia,
  openOrganization,
  people,
  READER_APP,
  SUPERVISOR_APP,
  SUPERVISOR_USER,
} from "./dataverse-caller.ts";

type Org = Awaited<ReturnType<typeof openOrganization>>;

const asReader = { authorization: `Bearer ${READER_APP}` };
const READER_USER = "1e1e1e1e-1111-4222-8333-555555555555";

async function privilegesOf(org: Org, userId: string): Promise<Map<string, string>> {
  const answer = await org.get(
    `systemusers(${userId})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`,
  );
  const listed = answer.json["RolePrivileges"] as { PrivilegeName: string; Depth: string }[];
  return new Map(listed.map(({ PrivilegeName, Depth }) => [PrivilegeName, Depth]));
}

describe("the roles of a user", () => {
  test("are hers and those of her teams, which are told apart", async () => {
    await using org = await openOrganization();
    org.control.addTeam({
      id: "7e7e7e7e-1111-4222-8333-444444444444",
      name: "Integrations",
      members: [SUPERVISOR_USER],
      roles: ["Omnichannel administrator"],
    });
    const own = await org.get(
      `systemusers(${SUPERVISOR_USER})/systemuserroles_association?$select=name&$orderby=name`,
    );
    expect(own.rows.map((row) => row["name"])).toEqual(["Delegate", "Omnichannel Supervisor"]);
    const teams = await org.get(
      `systemusers(${SUPERVISOR_USER})/teammembership_association?$expand=teamroles_association($select=name)`,
    );
    expect(teams.rows).toMatchObject([
      { name: "Integrations", teamroles_association: [{ name: "Omnichannel administrator" }] },
    ]);
  });

  test("find the users who hold one, by a condition on what they are related to", async () => {
    await using org = await openOrganization();
    const holders = await org.get(
      "systemusers?$select=fullname&$filter=systemuserroles_association/any(r:r/name eq 'Omnichannel Supervisor')",
    );
    expect(holders.rows.map((row) => row["fullname"])).toEqual(["# Lockstep", "Ingrid Solberg"]);
    const withUsers = await org.get(
      `systemusers(${nadia})?$select=fullname&$expand=systemuserroles_association($select=name)`,
    );
    expect(withUsers.json).toMatchObject({
      systemuserroles_association: [{ name: "Omnichannel Agent" }],
    });
  });

  test("make privileges, each with its depth; through a team they are listed at user level", async () => {
    await using org = await openOrganization();
    org.control.setRoles({ appId: SUPERVISOR_APP, roles: ["Omnichannel Supervisor"] });
    org.control.addTeam({
      id: "7e7e7e7e-1111-4222-8333-444444444444",
      name: "Registrars",
      members: [SUPERVISOR_USER],
      roles: ["System Customizer"],
    });
    const listed = await privilegesOf(org, SUPERVISOR_USER);
    expect(listed.get("prvReadmsdyn_agentstatus")).toBe("Global");
    expect(listed.get("prvCreateServiceEndpoint")).toBe("Basic");
    const effective = await org.get(
      `systemusers(${SUPERVISOR_USER})/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName='prvCreateServiceEndpoint')`,
    );
    expect(effective.json).toMatchObject({ RolePrivileges: [{ Depth: "Global" }] });
    expect(await org.get(`systemusers(${SUPERVISOR_USER})/Nonsense()`)).toMatchObject({
      status: 404,
    });
  });

  test("give each role its row, its privileges and their ids", async () => {
    await using org = await openOrganization();
    const role = (await org.get("roles?$filter=name eq 'Delegate'")).rows[0];
    const privileges = await org.get(
      `roles(${String(role?.["roleid"])})/roleprivileges_association?$select=name`,
    );
    expect(privileges.rows).toMatchObject([{ name: "prvActOnBehalfOfAnotherUser" }]);
  });
});

describe("a privilege", () => {
  test("that is missing refuses the table, and names itself", async () => {
    await using org = await openOrganization();
    const privilege = "prvReadmsdyn_agentstatus";
    org.control.setRolePrivilege({ role: "Omnichannel Agent", privilege, depth: null });
    const refused = await org.get("msdyn_agentstatuses", asReader);
    expect(refused).toMatchObject({
      status: 403,
      json: { error: { code: "0x80040220", message: expect.stringContaining(privilege) } },
    });
    expect(await org.get("msdyn_presences", asReader)).toMatchObject({ status: 200 });
  });

  test("at user level shows own rows alone, which for the agent status are none", async () => {
    await using org = await openOrganization();
    const privilege = "prvReadmsdyn_agentstatus";
    org.control.setRolePrivilege({ role: "Omnichannel Agent", privilege, depth: "Basic" });
    expect((await org.get("msdyn_agentstatuses", asReader)).rows).toEqual([]);
    expect((await org.get("msdyn_agentstatuses/$count", asReader)).text).toBe("0");
    const one = "msdyn_agentstatuses(3d1feef9-604d-ef11-bfe3-6045bd03d9d8)";
    expect(await org.get(one, asReader)).toMatchObject({ status: 403 });
    const tracked = await org.get("msdyn_agentstatuses", {
      ...asReader,
      prefer: "odata.track-changes",
    });
    expect(tracked).toMatchObject({
      status: 403,
      json: { error: { message: expect.stringContaining("organization level") } },
    });
    expect((await org.get("msdyn_agentstatuses/$count")).text).toBe("13");
  });

  test("at user level on users shows the caller herself", async () => {
    await using org = await openOrganization();
    const reach = { role: "Omnichannel Agent", privilege: "prvReadUser", depth: "Basic" } as const;
    org.control.setRolePrivilege(reach);
    const rows = (await org.get("systemusers?$select=systemuserid", asReader)).rows;
    expect(rows.map((row) => row["systemuserid"])).toEqual([READER_USER]);
  });

  test("to register webhooks is needed for each verb", async () => {
    await using org = await openOrganization();
    const id = "5e5e5e5e-1111-4222-8333-444444444444";
    const body = { name: "L", url: "https://l.example/", contract: 8, authtype: 4, authvalue: "k" };
    const send = (method: string, path: string) =>
      org.call(method, path, asReader, JSON.stringify(body));
    const path = `serviceendpoints(${id})`;
    for (const [verb, method] of [
      ["Create", "PATCH"],
      ["Write", "PATCH"],
      ["Delete", "DELETE"],
    ] as const) {
      const privilege = `prv${verb}ServiceEndpoint`;
      expect(await send(method, path)).toMatchObject({
        status: 403,
        json: { error: { message: expect.stringContaining(privilege) } },
      });
      org.control.setRolePrivilege({ role: "Omnichannel Agent", privilege, depth: "Global" });
      expect(await send(method, path)).toMatchObject({ status: 204 });
    }
  });
});

describe("an application user", () => {
  test("that is removed, or disabled, is let in no more", async () => {
    await using org = await openOrganization();
    org.control.disableUser({ userId: READER_USER });
    expect(await org.get("WhoAmI", asReader)).toMatchObject({
      status: 403,
      json: { error: { code: "0x80040225" } },
    });
    org.control.removeApplication({ appId: SUPERVISOR_APP });
    expect(await org.get("WhoAmI")).toMatchObject({
      status: 403,
      json: { error: { code: "0x80072560" } },
    });
    org.control.addApplication({
      appId: SUPERVISOR_APP,
      systemUserId: SUPERVISOR_USER,
      roles: ["Omnichannel Supervisor"],
    });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 200 });
  });
});

describe("what a client learns about the organisation", () => {
  test("is the definition of each table, and of its columns", async () => {
    await using org = await openOrganization();
    const path = "EntityDefinitions(LogicalName='msdyn_agentstatus')";
    expect((await org.get(`${path}?$select=EntitySetName,OwnershipType`)).json).toEqual({
      "@odata.context": expect.any(String),
      EntitySetName: "msdyn_agentstatuses",
      OwnershipType: "UserOwned",
      MetadataId: expect.any(String),
    });
    const attributes = await org.get(`${path}/Attributes?$select=LogicalName`);
    expect(attributes.rows).toContainEqual(
      expect.objectContaining({ LogicalName: "msdyn_currentpresenceid" }),
    );
    const listed = await org.get("EntityDefinitions?$filter=LogicalName eq 'queue'");
    expect(listed.rows).toMatchObject([{ EntitySetName: "queues" }]);
    for (const [wrong, status] of [
      ["EntityDefinitions(LogicalName='nothing')", 404],
      [`${path}?$select=Nothing`, 400],
      [`${path}/Nothing`, 404],
    ] as const) {
      expect(await org.get(wrong)).toMatchObject({ status });
    }
  });

  test("is whether changes can be tracked, which a customizer turns on where it is possible", async () => {
    await using org = await openOrganization({
      settings: { changeTracking: false, changeTrackingPossible: false },
    });
    const path = "EntityDefinitions(LogicalName='msdyn_agentstatus')";
    const put = () => org.call("PUT", path, {}, JSON.stringify({ ChangeTrackingEnabled: true }));
    expect(await put()).toMatchObject({ status: 403 });
    org.control.setRoles({ appId: SUPERVISOR_APP, roles: ["System Customizer"] });
    expect(await put()).toMatchObject({ status: 400 });
    org.control.settings({ changeTrackingPossible: true });
    expect(await put()).toMatchObject({ status: 204 });
    const select = "?$select=ChangeTrackingEnabled,CanChangeTrackingBeEnabled";
    expect((await org.get(path + select)).json).toMatchObject({
      ChangeTrackingEnabled: true,
      CanChangeTrackingBeEnabled: { Value: true },
    });
  });

  test("is how many rows a table has, as of up to a day ago", async () => {
    await using org = await openOrganization();
    const count = async () => {
      const path = "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=['msdyn_agentstatus','queue']";
      return (await org.get(path)).json["EntityRecordCountCollection"];
    };
    const before = { Count: 2, Keys: ["msdyn_agentstatus", "queue"], Values: [13, 3] };
    expect(await count()).toMatchObject(before);
    org.control.deleteUser({ userId: nadia });
    expect(await count()).toMatchObject(before);
    org.control.advance({ ms: 86_400_000 });
    expect(await count()).toMatchObject({ Values: [12, 3] });
    const unknown = await org.get("RetrieveTotalRecordCount(EntityNames=['nothing'])");
    expect(unknown).toMatchObject({ status: 400, json: { error: { code: "0x80041102" } } });
  });

  test("is its time, which may differ from ours", async () => {
    const nowMs = Date.parse("2026-01-14T11:00:00Z");
    await using org = await openOrganization({ nowMs: () => nowMs });
    expect((await org.get("WhoAmI")).headers.get("date")).toBe("Wed, 14 Jan 2026 11:00:00 GMT");
    org.control.settings({ clockSkewMs: -600_000 });
    const refused = await org.get("WhoAmI", { authorization: "Bearer bad" });
    expect(refused.headers.get("date")).toBe("Wed, 14 Jan 2026 10:50:00 GMT");
  });

  test("is its name and its settings", async () => {
    await using org = await openOrganization();
    org.control.setOrganization({ expireChangeTrackingInDays: 30 });
    expect((await org.get("organizations?$select=name,expirechangetrackingindays")).rows).toEqual([
      expect.objectContaining({ name: people.organizationName, expirechangetrackingindays: 30 }),
    ]);
  });
});
