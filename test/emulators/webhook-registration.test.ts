import { describe, expect, test } from "vitest";
import { eventually, nadia, openOrganization, SUPERVISOR_APP } from "./dataverse-caller.ts";
import { openReceiver } from "./webhook-receiver.ts";

type Org = Awaited<ReturnType<typeof openOrganization>>;

async function openForCustomizing() {
  const org = await openOrganization();
  const roles = ["System Customizer", "Omnichannel Supervisor"];
  org.control.setRoles({ appId: SUPERVISOR_APP, roles });
  return org;
}

async function create(org: Org, set: string, body: object): Promise<string> {
  const answer = await org.call("POST", set, {}, JSON.stringify(body));
  expect(answer.status).toBe(204);
  const id = /\(([0-9a-f-]{36})\)$/.exec(answer.headers.get("odata-entityid") ?? "")?.[1];
  return id ?? "";
}

/** The steps of Microsoft's "Register a webhook", through the Web API instead of the tool. */
async function register(org: Org, endpoint: object): Promise<string> {
  const endpointId = await create(org, "serviceendpoints", {
    name: "Lockstep",
    contract: 8,
    connectionmode: 1,
    messageformat: 2,
    ...endpoint,
  });
  const message = (await org.get("sdkmessages?$select=name&$filter=name eq 'Update'")).rows[0];
  const messageId = String(message?.["sdkmessageid"]);
  const filters = await org.get(
    "sdkmessagefilters?$select=sdkmessagefilterid&$filter=primaryobjecttypecode eq 'msdyn_agentstatus'" +
      ` and _sdkmessageid_value eq ${messageId}`,
  );
  expect(filters.rows).toHaveLength(1);
  return create(org, "sdkmessageprocessingsteps", {
    name: "Webhook msdyn_agentstatus Update",
    stage: 40,
    mode: 0,
    rank: 1,
    supporteddeployment: 0,
    asyncautodelete: false,
    filteringattributes: "msdyn_currentpresenceid",
    "eventhandler_serviceendpoint@odata.bind": `/serviceendpoints(${endpointId})`,
    "sdkmessageid@odata.bind": `/sdkmessages(${messageId})`,
    "sdkmessagefilterid@odata.bind": `/sdkmessagefilters(${String(filters.rows[0]?.["sdkmessagefilterid"])})`,
  });
}

describe("a webhook registered through the Web API", () => {
  test.each([
    ["a header", 5, '<settings><setting name="x-lockstep-key" value="s3cret" /></settings>'],
    ["the query", 6, '<settings><setting name="key" value="s3cret"/></settings>'],
    ["a webhook key", 4, "s3cret"],
  ])("is called with its secret in %s", async (_, authtype, authvalue) => {
    await using receiver = await openReceiver();
    await using org = await openForCustomizing();
    const stepId = await register(org, { url: receiver.url, authtype, authvalue });
    org.control.login({ userId: nadia });
    const delivery = await eventually(() => receiver.deliveries[0]);
    const { "x-lockstep-key": header } = delivery.headers;
    const places = [header, delivery.query.get("key"), delivery.query.get("code")];
    expect(places.filter((secret) => secret === "s3cret")).toHaveLength(1);
    expect(delivery.body).toMatchObject({
      OwningExtension: { Id: stepId, Name: "Webhook msdyn_agentstatus Update" },
    });
  });

  test("shows its endpoint without the secret, and its step with the endpoint", async () => {
    await using org = await openForCustomizing();
    await register(org, { url: "https://lockstep.example/hook", authtype: 4, authvalue: "s3cret" });
    const steps = await org.get(
      "sdkmessageprocessingsteps?$select=name,mode&$expand=eventhandler_serviceendpoint($select=url)",
    );
    expect(steps.rows).toMatchObject([
      { mode: 0, eventhandler_serviceendpoint: { url: "https://lockstep.example/hook" } },
    ]);
    expect((await org.get("serviceendpoints")).text).not.toContain("s3cret");
  });

  test("is silent once its step is deleted", async () => {
    await using receiver = await openReceiver();
    await using org = await openForCustomizing();
    const endpoint = { url: receiver.url, authtype: 4, authvalue: "s3cret" };
    const stepId = await register(org, endpoint);
    const path = `sdkmessageprocessingsteps(${stepId})`;
    expect(await org.call("DELETE", path)).toMatchObject({ status: 204 });
    expect(await org.call("DELETE", path)).toMatchObject({ status: 404 });
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (row) => row["msdyn_isagentloggedin"] === true);
    expect(receiver.deliveries).toEqual([]);
  });

  test("needs a role that may customise, and a body that is complete", async () => {
    await using org = await openOrganization();
    expect(await org.call("POST", "serviceendpoints", {}, "{}")).toMatchObject({ status: 403 });
    org.control.setRoles({ appId: SUPERVISOR_APP, roles: ["System Customizer"] });
    expect(await org.call("POST", "serviceendpoints", {}, "{}")).toMatchObject({ status: 400 });
    expect(await org.call("POST", "serviceendpoints", {}, "{")).toMatchObject({ status: 400 });
  });
});
