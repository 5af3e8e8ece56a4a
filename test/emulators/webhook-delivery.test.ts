import { describe, expect, test } from "vitest";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import { eventually, meiling, nadia, openOrganization, people, tomas } from "./dataverse-caller.ts";
import { openReceiver } from "./webhook-receiver.ts";

type Org = Awaited<ReturnType<typeof openOrganization>>;

function sent(org: Org, count: number) {
  return eventually(() => {
    const calls = org.control.webhooks();
    return calls.length >= count ? calls : undefined;
  });
}

describe("a synchronous step", () => {
  test("that is refused rolls the row back; the engine tries again later", async () => {
    await using receiver = await openReceiver([400, 500]);
    await using org = await openOrganization();
    org.control.registerWebhook({ url: receiver.url, mode: "sync" });
    const before = org.control.state({ userId: nadia }).row;
    org.control.login({ userId: nadia });
    const rollbacks = await eventually(() => {
      const all = org.control.rollbacks();
      return all.length === 2 ? all : undefined;
    });
    expect(rollbacks).toMatchObject([
      { agentId: nadia, code: "0x80050201" },
      { agentId: nadia, code: "0x80050201" },
    ]);
    const row = await org.rowWhen(nadia, (it) => it["msdyn_isagentloggedin"] === true);
    expect(row["versionnumber"]).toBeGreaterThan(Number(before?.["versionnumber"]));
    expect(org.control.webhooks().map((call) => call.status)).toEqual([400, 500, 200]);
  });

  test("that is refused leaves the presence of the rep, and routing, untouched", async () => {
    await using receiver = await openReceiver(Array.from({ length: 50 }, () => 400));
    await using org = await openOrganization({ projectionRetryMs: 60_000 });
    org.control.registerWebhook({ url: receiver.url, mode: "sync" });
    org.control.login({ userId: nadia });
    await eventually(() => org.control.rollbacks()[0]);
    expect(org.control.state({ userId: nadia })).toMatchObject({
      name: "Available",
      loggedIn: true,
      row: { _msdyn_currentpresenceid_value: PRESENCE_ID.offline },
    });
  });

  test("that was rolled back is not tried again once the rep has moved on", async () => {
    await using receiver = await openReceiver([400]);
    await using org = await openOrganization({ projectionRetryMs: 60_000 });
    org.control.registerWebhook({ url: receiver.url, mode: "sync" });
    org.control.login({ userId: nadia });
    await eventually(() => org.control.rollbacks()[0]);
    org.control.choose({ userId: nadia, presenceId: PRESENCE_ID.away });
    await org.rowWhen(nadia, (it) => it["_msdyn_currentpresenceid_value"] === PRESENCE_ID.away);
    org.control.advance({ ms: 120_000 });
    org.control.login({ userId: meiling });
    await org.rowWhen(meiling, (it) => it["msdyn_isagentloggedin"] === true);
    expect(org.control.webhooks().filter((call) => call.agentId === nadia)).toHaveLength(2);
  });

  test("that does not answer in time rolls back as a time-out", async () => {
    await using receiver = await openReceiver(["silence"]);
    await using org = await openOrganization({ webhookTimeoutMs: 20 });
    org.control.registerWebhook({ url: receiver.url, mode: "sync" });
    org.control.login({ userId: nadia });
    expect(await eventually(() => org.control.rollbacks()[0])).toMatchObject({
      code: "0x80050202",
    });
    await org.rowWhen(nadia, (it) => it["msdyn_isagentloggedin"] === true);
  });

  test("that nobody listens to rolls back as well", async () => {
    const gone = await openReceiver();
    await gone[Symbol.asyncDispose]();
    await using org = await openOrganization();
    org.control.registerWebhook({ url: gone.url, mode: "sync" });
    org.control.login({ userId: nadia });
    expect(await eventually(() => org.control.rollbacks()[0])).toMatchObject({
      code: "0x80050205",
    });
  });

  test("that fails for a Create leaves no row behind", async () => {
    await using receiver = await openReceiver([500]);
    await using org = await openOrganization({ projectionRetryMs: 60_000, projectionDelayMs: 5 });
    org.control.registerWebhook({ url: receiver.url, mode: "sync", messages: ["Create"] });
    org.control.addUser({
      systemUserId: "5a5a5a5a-1111-4222-8333-444444444444",
      fullname: "Noor Haddad",
      email: "noor.haddad@northharbor.example",
      azureObjectId: null,
      roles: ["Omnichannel Agent"],
    });
    await eventually(() => org.control.rollbacks()[0]);
    const rows = await org.get("msdyn_agentstatuses?$filter=msdyn_name eq 'Noor Haddad'");
    expect(rows.rows).toEqual([]);
  });
});

describe("the one more attempt", () => {
  test.each([502, 503, 504])("follows %i, in both modes", async (status) => {
    for (const mode of ["sync", "async"] as const) {
      await using receiver = await openReceiver([status]);
      await using org = await openOrganization();
      org.control.registerWebhook({ url: receiver.url, mode });
      org.control.login({ userId: nadia });
      const calls = await sent(org, 2);
      expect(calls.map((call) => [call.status, call.mode])).toEqual([
        [status, mode],
        [200, mode],
      ]);
      expect(receiver.deliveries[0]?.body).toEqual(receiver.deliveries[1]?.body);
      expect(org.control.rollbacks()).toEqual([]);
    }
  });

  test("is the last", async () => {
    await using receiver = await openReceiver([503, 503]);
    await using org = await openOrganization({ projectionRetryMs: 60_000 });
    org.control.registerWebhook({ url: receiver.url, mode: "sync" });
    org.control.login({ userId: nadia });
    await eventually(() => org.control.rollbacks()[0]);
    expect(receiver.deliveries).toHaveLength(2);
  });
});

describe("an asynchronous step", () => {
  test("that fails is a failed system job, and is not sent again", async () => {
    await using receiver = await openReceiver([500]);
    await using org = await openOrganization();
    const { id } = org.control.registerWebhook({ url: receiver.url, mode: "async" });
    org.control.login({ userId: nadia });
    const job = await eventually(async () => {
      const filter = `statuscode eq 31 and _owningextensionid_value eq ${id}`;
      return (await org.get(`asyncoperations?$filter=${filter}`)).rows[0];
    });
    expect(job).toMatchObject({
      statecode: 3,
      _regardingobjectid_value: "3d1feef9-604d-ef11-bfe3-6045bd03d9d8",
      message: expect.stringContaining("500"),
    });
    org.control.login({ userId: meiling });
    await sent(org, 2);
    expect(receiver.deliveries).toHaveLength(2);
    expect(org.control.state({ userId: nadia }).row).toMatchObject({ msdyn_isagentloggedin: true });
  });

  test("keeps the order of one row's changes unless reordering is asked for", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization({ seed: 7 });
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (it) => it["msdyn_isagentloggedin"] === true);
    org.control.registerWebhook({ url: receiver.url, mode: "async" });
    const versions = () =>
      receiver.deliveries.map(({ body }) => {
        const [target] = body["InputParameters"] as [{ value: { RowVersion: string } }];
        return Number(target.value.RowVersion);
      });
    const change = (times: number) => {
      for (let time = 0; time < times; time += 1) {
        org.control.acceptConversation({ userId: nadia, units: 1 });
      }
    };
    org.control.hooks({ delayMinMs: 0, delayMaxMs: 5 });
    change(20);
    await eventually(() => (versions().length === 20 ? true : undefined));
    expect(versions()).toEqual(versions().toSorted((a, b) => a - b));

    org.control.hooks({ delayMinMs: 0, delayMaxMs: 60, reorder: true });
    change(20);
    await eventually(() => (versions().length === 40 ? true : undefined));
    expect(versions()).not.toEqual(versions().toSorted((a, b) => a - b));
  });

  test("may be told twice, or never", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    org.control.registerWebhook({ url: receiver.url, mode: "async" });
    org.control.hooks({ duplicateShare: 1 });
    org.control.login({ userId: nadia });
    await sent(org, 2);
    expect(receiver.deliveries[0]?.body).toEqual(receiver.deliveries[1]?.body);

    org.control.hooks({ dropShare: 1 });
    org.control.login({ userId: meiling });
    await org.rowWhen(meiling, (it) => it["msdyn_isagentloggedin"] === true);
    org.control.hooks({});
    org.control.logout({ userId: nadia });
    expect((await sent(org, 3)).map((call) => call.agentId)).toEqual([nadia, nadia, nadia]);
  });
});

describe("a registration", () => {
  test("hears only its messages, and of Updates only those that touch its columns", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    org.control.registerWebhook({
      url: `${receiver.url}/create`,
      mode: "sync",
      messages: ["Create"],
    });
    org.control.registerWebhook({
      url: `${receiver.url}/presence`,
      mode: "sync",
      filteringAttributes: ["msdyn_currentpresenceid"],
    });
    org.control.registerWebhook({
      url: `${receiver.url}/name`,
      mode: "sync",
      messages: ["Update"],
      filteringAttributes: ["msdyn_name"],
    });
    org.control.login({ userId: tomas });
    const calls = await sent(org, 3);
    const heard = calls.map(({ url, message }) => `${url.split("/").at(-1)} ${message}`);
    expect(heard).toEqual(["create Create", "presence Create", "presence Update"]);
  });

  test("on the presence column fires for a change of capacity alone, because the engine sends both", async () => {
    await using receiver = await openReceiver();
    const users = people.users.map((user) => ({ ...user, defaultPresenceId: PRESENCE_ID.away }));
    await using org = await openOrganization({ users });
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (it) => it["msdyn_isagentloggedin"] === true);
    const filteringAttributes = ["msdyn_currentpresenceid"];
    org.control.registerWebhook({ url: receiver.url, mode: "async", filteringAttributes });
    org.control.acceptConversation({ userId: nadia, units: 10 });
    const { body } = await eventually(() => receiver.deliveries[0]);
    expect(JSON.stringify(body)).toContain('"key":"msdyn_availableunitscapacity","value":90');
  });

  test("can be withdrawn", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    const { id } = org.control.registerWebhook({ url: receiver.url, mode: "sync" });
    org.control.unregisterWebhook({ id });
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (it) => it["msdyn_isagentloggedin"] === true);
    expect(receiver.deliveries).toEqual([]);
  });
});
