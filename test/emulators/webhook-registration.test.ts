import { describe, expect, test } from "vitest";
import { eventually, nadia, openOrganization, priya, SUPERVISOR_APP } from "./dataverse-caller.ts";
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

describe("a registration that changes", () => {
  const settings = (...pairs: readonly string[]) =>
    `<settings>${pairs.map((value, index) => `<setting name="x-key-${index}" value="${value}" />`).join("")}</settings>`;
  const patch = (org: Org, path: string, body: object, headers = {}) =>
    org.call("PATCH", path, headers, JSON.stringify(body));

  test("is silent while its step is disabled, and called again once it is enabled", async () => {
    await using receiver = await openReceiver();
    await using org = await openForCustomizing();
    const stepId = await register(org, { url: receiver.url, authtype: 4, authvalue: "s3cret" });
    const path = `sdkmessageprocessingsteps(${stepId})`;
    expect(await patch(org, path, { statecode: 1, statuscode: 2 })).toMatchObject({ status: 204 });
    expect((await org.get(`${path}?$select=statecode,statuscode`)).json).toMatchObject({
      statecode: 1,
      statuscode: 2,
    });
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (row) => row["msdyn_isagentloggedin"] === true);
    expect(receiver.deliveries).toEqual([]);
    await patch(org, path, { statecode: 0 });
    org.control.login({ userId: priya });
    expect(await eventually(() => receiver.deliveries[0])).toBeDefined();
  });

  test("sends both keys while the secret is rotated, and then the new one alone", async () => {
    await using receiver = await openReceiver();
    await using org = await openForCustomizing();
    await register(org, { url: receiver.url, authtype: 5, authvalue: settings("old", "n&amp;w") });
    const [endpoint] = (await org.get("serviceendpoints?$select=serviceendpointid")).rows;
    org.control.login({ userId: nadia });
    const first = await eventually(() => receiver.deliveries[0]);
    expect([first.headers["x-key-0"], first.headers["x-key-1"]]).toEqual(["old", "n&w"]);
    const path = `serviceendpoints(${String(endpoint?.["serviceendpointid"])})`;
    const answer = await patch(
      org,
      path,
      { authvalue: settings("new") },
      { prefer: "return=representation" },
    );
    expect(answer).toMatchObject({ status: 200, json: { isauthvalueset: true } });
    expect(answer.text).not.toContain("new");
    org.control.login({ userId: priya });
    const second = await eventually(() => receiver.deliveries[1]);
    expect([second.headers["x-key-0"], second.headers["x-key-1"]]).toEqual(["new", undefined]);
  });

  test("goes to the new address of its endpoint", async () => {
    await using receiver = await openReceiver();
    await using org = await openForCustomizing();
    await register(org, { url: "https://gone.example/hook", authtype: 4, authvalue: "s3cret" });
    const [endpoint] = (await org.get("serviceendpoints")).rows;
    await patch(org, `serviceendpoints(${String(endpoint?.["serviceendpointid"])})`, {
      url: receiver.url,
    });
    org.control.login({ userId: nadia });
    expect(await eventually(() => receiver.deliveries[0])).toBeDefined();
  });

  test("keeps the endpoint as long as a step depends on it", async () => {
    await using org = await openForCustomizing();
    const stepId = await register(org, {
      url: "https://lockstep.example/hook",
      authtype: 4,
      authvalue: "s3cret",
    });
    const [row] = (await org.get("serviceendpoints")).rows;
    const endpoint = `serviceendpoints(${String(row?.["serviceendpointid"])})`;
    const steps = await org.get(`${endpoint}/serviceendpoint_sdkmessageprocessingstep`);
    expect(steps.rows).toMatchObject([{ sdkmessageprocessingstepid: stepId }]);
    const refused = await org.call("DELETE", endpoint);
    expect(refused).toMatchObject({ status: 400, json: { error: { code: "0x8004f01f" } } });
    await org.call("DELETE", `sdkmessageprocessingsteps(${stepId})`);
    expect(await org.call("DELETE", endpoint)).toMatchObject({ status: 204 });
    expect((await org.get("serviceendpoints")).rows).toEqual([]);
  });

  test("can choose its ids, once, and is made by PATCH where it is missing", async () => {
    await using org = await openForCustomizing();
    const id = "5e5e5e5e-1111-4222-8333-444444444444";
    const body = { name: "L", url: "https://l.example/", contract: 8, authtype: 4, authvalue: "k" };
    const path = `serviceendpoints(${id})`;
    expect(await patch(org, path, body, { "if-match": "*" })).toMatchObject({ status: 404 });
    expect(await patch(org, path, body)).toMatchObject({ status: 204 });
    const again = { ...body, serviceendpointid: id };
    const answer = await org.call("POST", "serviceendpoints", {}, JSON.stringify(again));
    expect(answer).toMatchObject({ status: 412, json: { error: { code: "0x80040237" } } });
    const unknown = await patch(org, path, { secret: "k" });
    expect(unknown).toMatchObject({ status: 400, json: { error: { code: "0x80048d19" } } });
  });

  test("is held to ports 80 and 443 where the setting says so", async () => {
    await using org = await openForCustomizing();
    org.control.settings({ strictPorts: true });
    const body = { name: "L", contract: 8, authtype: 4, authvalue: "k" };
    const post = (url: string) =>
      org.call("POST", "serviceendpoints", {}, JSON.stringify({ ...body, url }));
    expect(await post("https://l.example:8443/")).toMatchObject({ status: 400 });
    expect(await post("https://l.example/")).toMatchObject({ status: 204 });
  });

  test("leaves a system job for each call unless the step deletes them", async () => {
    await using receiver = await openReceiver();
    await using org = await openForCustomizing();
    const stepId = await register(org, { url: receiver.url, authtype: 4, authvalue: "s3cret" });
    const path = `sdkmessageprocessingsteps(${stepId})`;
    await patch(org, path, { mode: 1 });
    org.control.login({ userId: nadia });
    const filter = `_owningextensionid_value eq ${stepId}`;
    const job = await eventually(
      async () => (await org.get(`asyncoperations?$filter=${filter}`)).rows[0],
    );
    expect(job).toMatchObject({ statecode: 3, statuscode: 30, messagename: "Update" });
    await patch(org, path, { asyncautodelete: true });
    org.control.login({ userId: priya });
    await eventually(() => receiver.deliveries[1]);
    expect((await org.get(`asyncoperations?$filter=${filter}`)).rows).toHaveLength(1);
  });

  test("made by the control is there to be read, with a step for each message", async () => {
    await using org = await openForCustomizing();
    const made = org.control.registerWebhook({
      url: "https://lockstep.example/hook",
      mode: "async",
      headerName: "x-key",
      headerValue: 'a"b',
      filteringAttributes: ["msdyn_currentpresenceid"],
    });
    const steps = await org.get(
      "sdkmessageprocessingsteps?$select=mode,filteringattributes&$expand=sdkmessageid($select=name)",
    );
    expect(steps.rows).toMatchObject([
      { mode: 1, sdkmessageid: { name: "Create" } },
      { filteringattributes: "msdyn_currentpresenceid", sdkmessageid: { name: "Update" } },
    ]);
    org.control.unregisterWebhook({ id: made.id });
    expect((await org.get("sdkmessageprocessingsteps")).rows).toEqual([]);
    expect((await org.get("serviceendpoints")).rows).toEqual([]);
  });
});
