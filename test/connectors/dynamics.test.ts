import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  createDynamicsConnector,
  type DynamicsConnector,
  type DynamicsConnectorOptions,
} from "../../src/connectors/dynamics/dynamics.ts";
import { OUT_OF_THE_BOX } from "../../src/connectors/dynamics/presences.ts";
import { CUSTOM_PRESENCES, makePeople, namedPeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import type { RepIdentity } from "../../src/presence/identity.ts";
import { DEFAULT_DYNAMICS_MAPPING, type DynamicsAction } from "../../src/presence/mapping.ts";
import type { Status } from "../../src/presence/status.ts";
import { identitiesOf, openTenant, secretCredential } from "./bench.ts";
import { aWrite, failureOf, patience } from "./contract.ts";

const REPS = 60;
const INACTIVE = "a89ee9cf-453a-4b52-8d7a-ad647feecd5d";
const EXTRA = "11111111-2222-4333-8444-555555555555";

function customNamed(name: string): string {
  const found = CUSTOM_PRESENCES.find((presence) => presence.name === name);
  if (!found) throw new Error(`the company has no presence ${name}`);
  return found.id;
}

describe("Dynamics", () => {
  let tenant: Tenant;
  let reps: readonly RepIdentity[];
  let connector: DynamicsConnector;
  let nowMs = 1_000_000;
  const unknown: string[] = [];
  const repAt = (index: number): RepIdentity => {
    const rep = reps[index];
    if (!rep) throw new Error("nobody there");
    return rep;
  };
  const control = () => tenant.dataverse.control;
  const connect = (change: Partial<DynamicsConnectorOptions> = {}): DynamicsConnector =>
    createDynamicsConnector({
      dataverseUrl: `${tenant.dataverse.url}/`,
      credential: secretCredential(tenant),
      mapping: DEFAULT_DYNAMICS_MAPPING,
      nowMs: () => nowMs,
      onUnknownPresence: (id) => unknown.push(id),
      ...change,
    });
  const sight = async (rep: RepIdentity) => (await connector.read([rep], patience())).get(rep.rep);
  /** Waits for the row to say what the engine was just told. */
  const choose = async (rep: RepIdentity, presenceId: string): Promise<void> => {
    control().choose({ userId: rep.systemUserId, presenceId });
    await expect
      .poll(
        () => control().state({ userId: rep.systemUserId }).row?.["_msdyn_currentpresenceid_value"],
      )
      .toBe(presenceId);
  };

  beforeAll(async () => {
    tenant = await openTenant(makePeople(REPS));
    reps = identitiesOf(tenant);
    connector = connect();
    await connector.read(reps, patience());
  });
  afterAll(async () => {
    await connector.close();
    await tenant.close();
  });
  beforeEach(() => {
    unknown.length = 0;
  });

  test.each<[DynamicsAction, Status]>([
    ["Busy", "Busy"],
    ["Busy - DND", "DoNotDisturb"],
    ["Away", "Away"],
    ["Offline", "Offline"],
    ["Available", "Available"],
  ])("a chosen %s reads as %s, as a choice", async (base, status) => {
    await choose(repAt(0), OUT_OF_THE_BOX[base]);
    expect(await sight(repAt(0))).toMatchObject({
      status,
      automatic: null,
      native: OUT_OF_THE_BOX[base],
    });
  });

  test.each<[string, Status]>([
    ["Lunch", "Away"],
    ["Training", "DoNotDisturb"],
    ["Paperwork", "Busy"],
  ])("[R71] the custom presence %s reads as %s, by its base status", async (name, status) => {
    await choose(repAt(1), customNamed(name));
    expect(await sight(repAt(1))).toMatchObject({ status, native: customNamed(name) });
  });

  test("[R71] a presence made later is known after a minute, one that was deleted never", async () => {
    nowMs += 11 * 60_000;
    await sight(repAt(0));
    control().addPresence({ id: EXTRA, name: "Available", basePresence: 192_360_004 });
    await choose(repAt(2), EXTRA);
    expect(await sight(repAt(2))).toMatchObject({ status: null, native: EXTRA });
    expect(unknown).toEqual([EXTRA]);
    const before = control().requests()["msdyn_presences"];
    nowMs += 60_000;
    expect(await sight(repAt(2))).toMatchObject({ status: "Offline", automatic: null });
    expect(control().requests()["msdyn_presences"]).toBe((before ?? 0) + 1);
    control().removePresence({ id: EXTRA });
    nowMs += 10 * 60_000;
    expect(await sight(repAt(2))).toMatchObject({ status: null, automatic: null });
  });

  test("[R111] the row says who wrote: another user by id, else Dynamics' own word", async () => {
    const rep = repAt(11);
    await choose(rep, OUT_OF_THE_BOX.Busy);
    expect(await sight(rep)).toMatchObject({ by: "AGENT" });
    control().settings({ apiModifiedByUser: "caller" });
    try {
      await connector.write(rep, aWrite(connector, "Away"), patience());
      await expect
        .poll(() => sight(rep))
        .toMatchObject({ by: expect.stringMatching(/^user .{36}$/) });
    } finally {
      control().settings({ apiModifiedByUser: "rep" });
    }
  });

  test("[R72] what the engine sets by itself is automatic: capacity, a missed notification", async () => {
    const rep = repAt(3);
    control().acceptConversation({ userId: rep.systemUserId, units: 100 });
    await expect
      .poll(() => sight(rep))
      .toMatchObject({ status: "DoNotDisturb", automatic: "soft" });
    control().closeConversation({ userId: rep.systemUserId, units: 100 });
    await expect.poll(() => sight(rep)).toMatchObject({ status: "Available", automatic: "soft" });
    control().missNotification({ userId: rep.systemUserId });
    await expect
      .poll(() => sight(rep))
      .toMatchObject({ status: "Away", automatic: "soft", native: INACTIVE });
  });

  test("a rep who is not signed in is Offline, whatever her row says, and nothing to restore", async () => {
    const rep = repAt(4);
    control().disconnect({ userId: rep.systemUserId });
    await expect
      .poll(() => sight(rep))
      .toMatchObject({
        status: "Offline",
        automatic: null,
        native: OUT_OF_THE_BOX.Offline,
        disconnected: true,
      });
  });

  test("[R310] Offline that she chose is told from a client that is gone", async () => {
    const rep = repAt(13);
    await choose(rep, OUT_OF_THE_BOX.Offline);
    expect(await sight(rep)).toMatchObject({ status: "Offline", disconnected: false });
  });

  test("versions compare as text in the order of the writes", async () => {
    const before = (await sight(repAt(5)))?.sequence ?? "";
    await choose(repAt(5), OUT_OF_THE_BOX.Away);
    const after = (await sight(repAt(5)))?.sequence ?? "";
    expect(before).toMatch(/^\d{20}$/);
    expect(after > before).toBe(true);
  });

  test("[R78] a few reps are one filtered call, many are one page, the same rep once", async () => {
    const count = (): number => control().requests()["msdyn_agentstatuses"] ?? 0;
    const before = count();
    expect((await connector.read(reps.slice(0, 40), patience())).size).toBe(40);
    expect((await connector.read(reps, patience())).size).toBe(REPS);
    expect((await connector.read([repAt(0), repAt(0)], patience())).size).toBe(1);
    expect(count()).toBe(before + 3);
  });

  test("a read teaches which rep an agent status row belongs to", () => {
    const row = control().state({ userId: repAt(6).systemUserId }).row;
    const id = String(row?.["msdyn_agentstatusid"]);
    expect(connector.repOfAgentStatus(id.toUpperCase())).toBe(repAt(6).systemUserId);
    expect(connector.repOfAgentStatus(EXTRA)).toBeNull();
  });

  test.each<[Status, DynamicsAction]>([
    ["Available", "Available"],
    ["Busy", "Busy"],
    ["InACall", "Busy"],
    ["InAMeeting", "Busy"],
    ["DoNotDisturb", "Busy - DND"],
    ["Away", "Away"],
    ["BeRightBack", "Away"],
    ["Offline", "Offline"],
  ])("%s is written as %s", async (status, action) => {
    await connector.write(repAt(7), aWrite(connector, status), patience());
    expect(control().writes().at(-1)).toMatchObject({
      agentId: repAt(7).systemUserId,
      presenceId: OUT_OF_THE_BOX[action],
    });
  });

  test("Lunch is restored as Lunch, while it still means what it meant", async () => {
    const write = (status: Status, native: string) =>
      connector.write(repAt(8), aWrite(connector, status, { native }), patience());
    const last = (): string | undefined => control().writes().at(-1)?.presenceId;
    await write("Away", customNamed("Lunch").toUpperCase());
    expect(last()).toBe(customNamed("Lunch"));
    await write("Busy", customNamed("Lunch"));
    expect(last()).toBe(OUT_OF_THE_BOX.Busy);
    await write("Away", INACTIVE);
    expect(last()).toBe(OUT_OF_THE_BOX.Away);
    await write("Away", "");
    expect(last()).toBe(OUT_OF_THE_BOX.Away);
  });

  test("an administrator's own presence is set instead of Microsoft's", async () => {
    const sets = { DoNotDisturb: customNamed("Training") };
    const other = connect({ presences: { reads: {}, sets } });
    await other.write(repAt(8), aWrite(other, "DoNotDisturb"), patience());
    expect(control().writes().at(-1)?.presenceId).toBe(customNamed("Training"));
    await other.close();
  });

  test("both answers to a write are taken for a yes: 204 and 200", async () => {
    for (const modifyStatus of [200, 204] as const) {
      control().settings({ modifyStatus });
      const writing = connector.write(repAt(9), aWrite(connector, "Busy"), patience());
      await expect(writing).resolves.toBeUndefined();
    }
  });

  test.each<[string, number, string, string, string, boolean]>([
    ["too many requests", 429, "0x80072322", "dataverse-throttled-requests", "throttled", true],
    ["too long", 429, "0x80072321", "dataverse-throttled-time", "throttled", true],
    ["too many at once", 429, "0x80072326", "dataverse-throttled-concurrency", "throttled", true],
    ["another limit", 429, "0x8007ffff", "dataverse-throttled", "throttled", true],
    ["no privilege", 403, "0x80040220", "dataverse-supervisor-role-missing", "unavailable", true],
    ["no member", 403, "0x80072560", "dataverse-application-user-missing", "unavailable", true],
    ["no role", 403, "0x80042F09", "dataverse-role-missing", "unavailable", true],
    ["not there", 404, "0x80040217", "dataverse-rep-not-logged-in", "rejected", true],
    ["bad presence", 400, "0x80040203", "dataverse-rejected", "rejected", true],
    ["a webhook in the way", 500, "0x80050201", "dataverse-unavailable", "unavailable", false],
    ["a gateway", 502, "", "dataverse-unavailable", "unavailable", false],
  ])(
    "[R74] a write refused for %s (%i %s) is %s",
    async (_why, status, theirs, code, retry, surelyNotApplied) => {
      control().failNext({ operation: "CCaaS_ModifyAgentPresence", status, code: theirs });
      const writing = connector.write(repAt(10), aWrite(connector, "Busy"), patience());
      expect(await failureOf(writing)).toMatchObject({ code, retry, surelyNotApplied });
    },
  );

  test("a rep who is signed out cannot be written to", async () => {
    control().logout({ userId: repAt(11).systemUserId });
    const error = await failureOf(
      connector.write(repAt(11), aWrite(connector, "Busy"), patience()),
    );
    expect(error).toMatchObject({ code: "dataverse-rep-not-logged-in", retry: "rejected" });
  });

  test("an application that is no user of the organization is told how to become one", async () => {
    const clientId = "00000000-0000-4000-8000-0000000000aa";
    const secrets = [{ value: "fine" }];
    tenant.entra.control.putApp({ clientId, secrets, certificates: [], roles: [] });
    const stranger = connect({ credential: secretCredential({ ...tenant, clientId }, "fine") });
    const error = await failureOf(stranger.read(reps, patience()));
    expect(error.code).toBe("dataverse-application-user-missing");
    expect(error.nextStep).toMatch(/application user/);
    await stranger.close();
  });

  test("presences are listed with their names and bases", async () => {
    nowMs += 11 * 60_000;
    const presences = await connector.presences(patience());
    expect(presences).toContainEqual({
      id: customNamed("Lunch"),
      name: "Lunch",
      base: "Away",
      active: true,
      supervisorsMaySet: true,
    });
    expect(presences.find(({ id }) => id === INACTIVE)).toMatchObject({
      base: "Inactive",
      supervisorsMaySet: false,
    });
  });

  test("the organization says who it is", async () => {
    expect(await connector.organization(patience())).toEqual({
      organizationId: tenant.people.organizationId,
      name: tenant.people.organizationName,
    });
  });
});

describe("discovery", () => {
  let tenant: Tenant;
  let connector: DynamicsConnector;
  const people = namedPeople();
  const idOf = (name: string): string => {
    const found = people.users.find(({ fullname }) => fullname === name);
    if (!found) throw new Error(`nobody is called ${name}`);
    return found.systemUserId;
  };

  beforeAll(async () => {
    tenant = await openTenant(people);
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

  test("[R159] finds everybody with an agent's row, and says who is no person", async () => {
    const { control } = tenant.dataverse;
    const stranger = "00000000-0000-4000-8000-00000000000c";
    control.addUser({
      systemUserId: stranger,
      fullname: "Somebody Else",
      email: "Else@NorthHarbor.example",
      azureObjectId: null,
      roles: ["Omnichannel Agent"],
    });
    const found = async () =>
      new Map((await connector.discover(patience())).map((one) => [one.user as string, one]));
    await expect.poll(async () => (await found()).has(stranger)).toBe(true);
    const accounts = await found();
    expect(accounts.size).toBe(people.users.length);
    expect(accounts.get(stranger)).toEqual({
      user: stranger,
      standing: "person",
      teamsUser: null,
      principalName: "else@northharbor.example",
      mail: "else@northharbor.example",
    });
    expect(accounts.get(idOf("Walter Nkemelu"))?.standing).toBe("disabled");
    expect(accounts.get(idOf("Harbor Triage Agent"))?.standing).toBe("application");
    const nadia = accounts.get(idOf("Nadia Okonkwo"));
    expect(nadia).toMatchObject({
      standing: "person",
      teamsUser: people.users[0]?.azureObjectId,
    });
    expect(connector.repOfAgentStatus("3D1FEEF9-604D-EF11-BFE3-6045BD03D9D8")).toBe(nadia?.user);
  });

  test("[R161] finds the members of teams and queues", async () => {
    const { control } = tenant.dataverse;
    const [nadia = "", tomas = "", meiling = ""] = people.users.map((user) => user.systemUserId);
    const team = "00000000-0000-4000-8000-0000000000aa";
    control.addTeam({ id: team, name: "Evening", members: [nadia, tomas], roles: [] });
    const [billing] = people.queues;
    const members = (groups: { teams: string[]; queues: string[] }) =>
      connector.members(groups, patience());
    expect(await members({ teams: [team], queues: [] })).toEqual(new Set([nadia, tomas]));
    const both = await members({ teams: [team], queues: [billing?.id ?? ""] });
    expect(both).toEqual(new Set([nadia, tomas, meiling, ...(billing?.members ?? [])]));
    expect(await members({ teams: [], queues: [] })).toEqual(new Set());
  });
});
