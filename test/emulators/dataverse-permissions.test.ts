import { describe, expect, test } from "vitest";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import {
  nadia,
  openOrganization,
  people,
  READER_APP,
  ROLELESS_APP,
  SUPERVISOR_APP,
  SUPERVISOR_USER,
} from "./dataverse-caller.ts";

const nadiaInEntra = people.users[0]?.azureObjectId ?? "";

function as(token: string, headers: Readonly<Record<string, string>> = {}) {
  return { authorization: `Bearer ${token}`, ...headers };
}

describe("who may call at all", () => {
  test("a bad token answers 401 and says where to get one", async () => {
    await using org = await openOrganization();
    const answer = await org.get("WhoAmI", as("bad"));
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(
      /^Bearer authorization_uri=https:.*\/oauth2\/authorize, resource_id=https:/,
    );
  });

  test.each([
    "https://graph.microsoft.com",
    "https://localhost:1",
    "00000003-0000-0000-c000-000000000000",
  ])("a token for %s answers 401", async (audience) => {
    const token = { appId: SUPERVISOR_APP, roles: [], tenantId: "", audience };
    await using org = await openOrganization({
      verify: () => Promise.resolve({ ok: true, ...token }),
    });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 401 });
  });

  test("an application that is no user of the organisation is no member", async () => {
    await using org = await openOrganization();
    const answer = await org.get("WhoAmI", as("99999999-1111-4222-8333-444444444444"));
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ error: { code: "0x80072560" } });
  });

  test("an application user without a role reads nothing", async () => {
    await using org = await openOrganization();
    const answer = await org.get("msdyn_agentstatuses", as(ROLELESS_APP));
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ error: { code: "0x80042f09" } });
  });

  test("WhoAmI names the application user, the organisation and its business unit", async () => {
    await using org = await openOrganization();
    for (const path of ["WhoAmI", "WhoAmI()"]) {
      expect((await org.get(path)).json).toMatchObject({
        UserId: SUPERVISOR_USER,
        OrganizationId: people.organizationId,
        BusinessUnitId: "a3c20b02-4e38-ef11-a315-000d3a5a54dc",
      });
    }
  });
});

describe("CCaaS_ModifyAgentPresence", () => {
  test("is for supervisors", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    const refused = await org.setPresence(nadia, PRESENCE_ID.busy, as(READER_APP));
    expect(refused.status).toBe(403);
    expect(refused.json).toMatchObject({ error: { code: "0x80040220" } });
    org.control.setRoles({ appId: READER_APP, roles: ["Omnichannel Supervisor"] });
    expect(await org.setPresence(nadia, PRESENCE_ID.busy, as(READER_APP))).toMatchObject({
      status: 204,
      text: "",
    });
  });

  test("fails under impersonation of a plain rep, because rights are intersected", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    const answer = await org.setPresence(nadia, PRESENCE_ID.busy, { mscrmcallerid: nadia });
    expect(answer.status).toBe(403);
    expect(org.control.writes()).toEqual([]);
  });

  test("answers 200 where the organisation follows the documentation", async () => {
    await using org = await openOrganization({ settings: { modifyStatus: 200 } });
    org.control.login({ userId: nadia });
    expect(await org.setPresence(nadia, PRESENCE_ID.busy)).toMatchObject({ status: 200, text: "" });
  });

  test("answers 404 for a rep who is not logged in, or, where set so, accepts without effect", async () => {
    await using org = await openOrganization();
    expect(await org.setPresence(nadia, PRESENCE_ID.busy)).toMatchObject({ status: 404 });
    org.control.settings({ rejectLoggedOut: false });
    expect(await org.setPresence(nadia, PRESENCE_ID.busy)).toMatchObject({ status: 204 });
    expect(org.control.state({ userId: nadia })).toMatchObject({ name: "Offline", writes: 1 });
  });

  test.each([
    ["an unknown rep", { AgentId: "00000000-0000-4000-8000-000000000001" }, 404],
    ["an unknown presence", { PresenceId: "00000000-0000-4000-8000-000000000001" }, 400],
    ["the presence that only the system sets", { PresenceId: PRESENCE_ID.inactive }, 400],
    ["a presence by name", { PresenceId: "Busy" }, 400],
    ["no presence", { PresenceId: undefined }, 400],
    ["another version", { ApiVersion: "2.0" }, 400],
    ["no version", { ApiVersion: undefined }, 400],
  ])("refuses %s", async (_, part, status) => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    const body = { ApiVersion: "1.0", AgentId: nadia, PresenceId: PRESENCE_ID.busy, ...part };
    const path = "CCaaS_ModifyAgentPresence";
    const answer = await org.call("POST", path, {}, JSON.stringify(body));
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ error: { code: expect.stringMatching(/^0x8/) } });
    expect(org.control.writes()).toEqual([]);
  });

  test("refuses a body that is no JSON, and a GET", async () => {
    await using org = await openOrganization();
    const path = "CCaaS_ModifyAgentPresence";
    expect(await org.call("POST", path, {}, "{")).toMatchObject({ status: 400 });
    expect(await org.get(path)).toMatchObject({ status: 405 });
  });

  test("journals what it accepted, by whom", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    await org.setPresence(nadia, PRESENCE_ID.busy);
    await org.setPresence(nadia.toUpperCase(), PRESENCE_ID.away);
    const write = { index: 1, agentId: nadia, presenceId: PRESENCE_ID.away, appId: SUPERVISOR_APP };
    expect(org.control.writes({ sinceIndex: 1 })).toMatchObject([write]);
  });
});

describe("CCaaS_GetPresence", () => {
  const forms = [
    "CCaaS_GetPresence",
    "CCaaS_GetPresence()",
    "CCaaS_GetPresence(ApiVersion='1.0')",
    "CCaaS_GetPresence(ApiVersion=@ApiVersion)?@ApiVersion='1.0'",
    "CCaaS_GetPresence(ApiVersion=@p1)?@p1=%271.0%27",
  ];

  test.each(forms)("answers %s for the rep who is impersonated", async (path) => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.login({ userId: nadia });
    const answer = await org.get(path, { mscrmcallerid: nadia });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      "@odata.context": expect.stringMatching(
        /#Microsoft\.Dynamics\.CRM\.CCaaS_GetPresenceResponse$/,
      ),
      ActiveBrowserSessions: 2,
      AgentId: nadia,
      AgentName: "Nadia Okonkwo",
      Timestamp: expect.any(Number),
      AllowedChannels: [],
      CurrentPresenceStatusInfo: "Available",
      DisabledChannels: [],
      PresenceId: PRESENCE_ID.available,
    });
  });

  test("takes the rep's Entra object id as well", async () => {
    await using org = await openOrganization();
    const answer = await org.get("CCaaS_GetPresence", { callerobjectid: nadiaInEntra });
    expect(answer.json).toMatchObject({ AgentId: nadia, PresenceId: PRESENCE_ID.offline });
  });

  test("refuses another version and other parameters", async () => {
    await using org = await openOrganization();
    for (const path of ["CCaaS_GetPresence(ApiVersion='2.0')", "CCaaS_GetPresence(AgentId='x')"]) {
      expect(await org.get(path, { mscrmcallerid: nadia })).toMatchObject({ status: 400 });
    }
  });

  test("needs a caller who may act on behalf of others", async () => {
    await using org = await openOrganization();
    const answer = await org.get("CCaaS_GetPresence", as(READER_APP, { mscrmcallerid: nadia }));
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ error: { code: "0x8004a110" } });
  });

  test("needs both users to hold the right, because rights are intersected", async () => {
    await using org = await openOrganization();
    org.control.setRoles({ appId: SUPERVISOR_APP, roles: ["Delegate"] });
    const answer = await org.get("CCaaS_GetPresence", { mscrmcallerid: nadia });
    expect(answer.json).toMatchObject({ error: { code: "0x80040220" } });
  });

  test("needs an impersonated user who exists and holds a role", async () => {
    await using org = await openOrganization();
    const nobody = "00000000-0000-4000-8000-000000000001";
    const path = "CCaaS_GetPresence";
    expect(await org.get(path, { mscrmcallerid: nobody })).toMatchObject({ status: 404 });
    expect(await org.get(path, { callerobjectid: nobody })).toMatchObject({ status: 403 });
    org.control.addUser({
      systemUserId: nobody,
      fullname: "No Roles",
      email: "no.roles@northharbor.example",
      azureObjectId: null,
      roles: [],
    });
    const answer = await org.get(path, { mscrmcallerid: nobody });
    expect(answer.json).toMatchObject({
      error: { code: "0x80040220", message: expect.stringContaining("prvReadUser") },
    });
  });
});
