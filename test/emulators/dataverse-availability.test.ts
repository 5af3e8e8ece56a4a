import { describe, expect, test } from "vitest";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import type { DataverseOptions } from "../../src/emulators/dataverse/dataverse.ts";
import {
  type Answer,
  meiling,
  nadia,
  openOrganization,
  people,
  priya,
  READER_APP,
  SUPERVISOR_APP,
} from "./dataverse-caller.ts";

const [billing, technical, loyalty] = people.queues.map(({ id }) => id) as [string, string, string];
const BEFORE = "CCaaS_GetRepresentativeAvailabilityBeforeConversation";
const FOR = "CCaaS_GetRepresentativeAvailabilityForConversation";
const NOBODY = "00000000-0000-4000-8000-000000000001";
const HOURS = "4a4a4a4a-1111-4222-8333-444444444444";
const PROFILE = "4b4b4b4b-1111-4222-8333-444444444444";
const MINUTE_MS = 60_000;
/** A Wednesday at noon in Berlin, in winter. */
const NOON_MS = Date.parse("2026-01-14T11:00:00Z");

type Org = Awaited<ReturnType<typeof openForAdministrator>>;

async function openForAdministrator(options: Partial<DataverseOptions> = {}) {
  const org = await openOrganization(options);
  org.control.setRoles({ appId: SUPERVISOR_APP, roles: ["Omnichannel administrator"] });
  return org;
}

function ask(org: Org, operation: string, body: object): Promise<Answer> {
  return org.call("POST", operation, {}, JSON.stringify({ ApiVersion: "1.0", ...body }));
}

function askBefore(org: Org, queueId: string, body: object = {}): Promise<Answer> {
  const LiveWorkStreamId = org.control.workstreamOf({ queueId }).id;
  return ask(org, BEFORE, { LiveWorkStreamId, ...body });
}

describe("availability before a conversation", () => {
  test("of a queue that is always open and has nobody in it", async () => {
    await using org = await openForAdministrator();
    expect((await askBefore(org, billing)).json).toEqual({
      "@odata.context": expect.stringContaining(`#Microsoft.Dynamics.CRM.${BEFORE}Response`),
      NextTransitionTime: "9999-12-31T23:59:59Z",
      NumberOfExpertsAvailableInQueue: 0,
      AverageWaitTimeInSeconds: 0,
      PositionInQueue: 1,
      AverageWaitTime: null,
      StartTimeOfNextOperatingHour: "0001-01-01T00:00:00Z",
      EndTimeOfNextOperatingHour: "0001-01-01T00:00:00Z",
      QueueId: billing,
      IsAgentAvailable: false,
      IsQueueAvailable: true,
    });
  });

  test("counts the reps who are logged in, allowed and have room, as they were up to 5 minutes ago", async () => {
    await using org = await openForAdministrator();
    org.control.login({ userId: nadia });
    org.control.login({ userId: meiling });
    const experts = async () => (await askBefore(org, billing)).json;
    expect(await experts()).toMatchObject({
      NumberOfExpertsAvailableInQueue: 2,
      IsAgentAvailable: true,
    });
    org.control.choose({ userId: nadia, presenceId: PRESENCE_ID.doNotDisturb });
    org.control.acceptConversation({ userId: meiling, units: 80 });
    expect(await experts()).toMatchObject({ NumberOfExpertsAvailableInQueue: 2 });
    org.control.advance({ ms: 5 * MINUTE_MS });
    expect(await experts()).toMatchObject({
      NumberOfExpertsAvailableInQueue: 0,
      IsAgentAvailable: false,
    });
    org.control.settings({ repsStaleMs: 0 });
    org.control.login({ userId: priya });
    expect(await experts()).toMatchObject({ NumberOfExpertsAvailableInQueue: 1 });
  });

  test("leaves out the AI agent, unless the organisation is one where it counts", async () => {
    await using org = await openForAdministrator({ settings: { repsStaleMs: 0 } });
    for (const userId of people.queues[2]?.members ?? []) org.control.login({ userId });
    expect((await askBefore(org, loyalty)).json["NumberOfExpertsAvailableInQueue"]).toBe(4);
    org.control.settings({ aiAgentsCount: true });
    expect((await askBefore(org, loyalty)).json["NumberOfExpertsAvailableInQueue"]).toBe(5);
  });

  test("goes to the first queue whose rule matches the context items, which come as text", async () => {
    await using org = await openForAdministrator();
    const id = "4c4c4c4c-1111-4222-8333-444444444444";
    org.control.putWorkstream({
      id,
      name: "Web chat",
      queueId: billing,
      allowedPresences: [192360000],
      routes: [
        { item: "Survey", value: "India", queueId: technical },
        { item: "Survey", value: "India", queueId: loyalty },
        { item: "msdyn_browser", value: "Edge", queueId: loyalty },
      ],
    });
    const survey = { Survey: { value: "India", isDisplayable: true, datatype: "192350000" } };
    const answer = await ask(org, BEFORE, {
      LiveWorkStreamId: id,
      CustomContextItems: JSON.stringify(survey),
    });
    expect(answer.json).toMatchObject({ QueueId: technical });
    expect((await ask(org, BEFORE, { LiveWorkStreamId: id })).json).toMatchObject({
      QueueId: billing,
    });
    const engaged = await ask(org, BEFORE, {
      LiveWorkStreamId: id,
      ChannelEngagementContext: JSON.stringify({ msdyn_browser: "Edge", msdyn_city: "Oslo" }),
    });
    expect(engaged.json).toMatchObject({ QueueId: loyalty });
    for (const ChannelEngagementContext of [
      { msdyn_browser: "Edge" },
      "{",
      '{"msdyn_browser":1}',
    ]) {
      const refused = await ask(org, BEFORE, { LiveWorkStreamId: id, ChannelEngagementContext });
      expect(refused.status).toBe(400);
    }
    for (const CustomContextItems of [survey, "{", '{"Survey":"India"}']) {
      const refused = await ask(org, BEFORE, { LiveWorkStreamId: id, CustomContextItems });
      expect(refused).toMatchObject({ status: 400, json: { error: { code: "0x80040203" } } });
    }
  });

  test("is for Omnichannel administrators", async () => {
    await using org = await openForAdministrator();
    for (const operation of [BEFORE, FOR]) {
      const refused = await org.call(
        "POST",
        operation,
        { authorization: `Bearer ${READER_APP}` },
        "{}",
      );
      expect(refused).toMatchObject({ status: 403, json: { error: { code: "0x80040220" } } });
      expect(await org.get(operation)).toMatchObject({ status: 405 });
    }
  });

  test.each([
    ["an unknown workstream", { LiveWorkStreamId: NOBODY }, 404],
    ["no workstream", { LiveWorkStreamId: undefined }, 400],
    ["another version", { ApiVersion: "2.0" }, 400],
    ["a queue, which is no parameter", { QueueId: NOBODY }, 400],
  ])("refuses %s", async (_, body, status) => {
    await using org = await openForAdministrator();
    expect(await askBefore(org, billing, body)).toMatchObject({ status });
    expect(await ask(org, FOR, { ConversationId: NOBODY })).toMatchObject({ status: 404 });
  });
});

describe("operating hours", () => {
  const weekdays = {
    id: HOURS,
    name: "Weekdays",
    timeZoneCode: 110,
    weekly: [
      { days: ["MO", "TU", "WE", "TH", "FR"], startMinute: 540, minutes: 240 },
      { days: ["MO", "TU", "WE", "TH", "FR"], startMinute: 840, minutes: 180 },
    ],
  } satisfies Parameters<Org["control"]["putOperatingHours"]>[0];

  async function openWithHours(startMs: number, holidays: { name: string; date: string }[] = []) {
    const org = await openForAdministrator({ nowMs: () => startMs });
    org.control.putOperatingHours({
      ...weekdays,
      holidays: holidays.map((holiday) => ({ ...holiday, days: 1 })),
    });
    org.control.setQueueHours({ queueId: billing, operatingHourId: HOURS });
    return org;
  }

  const hoursOf = async (org: Org) => {
    const { json } = await askBefore(org, billing);
    return [
      json["IsQueueAvailable"],
      json["NextTransitionTime"],
      json["StartTimeOfNextOperatingHour"],
      json["EndTimeOfNextOperatingHour"],
    ];
  };
  const UNSET = "0001-01-01T00:00:00Z";

  test("say when an open queue closes, and when a closed one opens, until when", async () => {
    await using org = await openWithHours(NOON_MS);
    expect(await hoursOf(org)).toEqual([true, "2026-01-14T12:00:00Z", UNSET, UNSET]);
    org.control.advance({ ms: 60 * MINUTE_MS });
    expect(await hoursOf(org)).toEqual([
      false,
      "2026-01-14T13:00:00Z",
      "2026-01-14T13:00:00Z",
      "2026-01-14T16:00:00Z",
    ]);
    org.control.advance({ ms: 60 * MINUTE_MS });
    expect(await hoursOf(org)).toEqual([true, "2026-01-14T16:00:00Z", UNSET, UNSET]);
  });

  test("skip the weekend and a holiday", async () => {
    const friday = Date.parse("2026-04-03T16:00:00Z");
    await using org = await openWithHours(friday, [{ name: "Easter Monday", date: "2026-04-06" }]);
    expect(await hoursOf(org)).toEqual([
      false,
      "2026-04-07T07:00:00Z",
      "2026-04-07T07:00:00Z",
      "2026-04-07T11:00:00Z",
    ]);
  });

  test("follow the clock on the wall through the change to summer time", async () => {
    await using winter = await openWithHours(Date.parse("2026-03-27T20:00:00Z"));
    expect((await hoursOf(winter))[1]).toBe("2026-03-30T07:00:00Z");
    await using before = await openWithHours(Date.parse("2026-03-26T20:00:00Z"));
    expect((await hoursOf(before))[1]).toBe("2026-03-27T08:00:00Z");
  });

  test("may run past midnight, and around the clock", async () => {
    await using org = await openWithHours(Date.parse("2026-01-15T00:30:00Z"));
    const every = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;
    const night = { days: [...every], startMinute: 1320, minutes: 480 };
    org.control.putOperatingHours({ ...weekdays, weekly: [night] });
    expect(await hoursOf(org)).toEqual([true, "2026-01-15T05:00:00Z", UNSET, UNSET]);
    const always = { days: [...every], startMinute: 0, minutes: 1440 };
    org.control.putOperatingHours({ ...weekdays, weekly: [always] });
    org.control.advance({ ms: 10 * MINUTE_MS });
    expect(await hoursOf(org)).toEqual([true, "9999-12-31T23:59:59Z", UNSET, UNSET]);
  });

  test("are known to the availability APIs as they were up to 10 minutes ago", async () => {
    await using org = await openWithHours(NOON_MS);
    expect((await hoursOf(org))[0]).toBe(true);
    org.control.putOperatingHours({ ...weekdays, weekly: [] });
    expect((await hoursOf(org))[0]).toBe(true);
    org.control.advance({ ms: 10 * MINUTE_MS });
    expect(await hoursOf(org)).toEqual([false, "9999-12-31T23:59:59Z", UNSET, UNSET]);
  });

  test("are read as a calendar whose rules point to calendars of times and of holidays", async () => {
    await using org = await openWithHours(NOON_MS, [{ name: "May Day", date: "2026-05-01" }]);
    const queue = await org.get(
      `queues(${billing})?$select=name&$expand=msdyn_operatinghourid($select=msdyn_calendarid)`,
    );
    const record = queue.json["msdyn_operatinghourid"] as { msdyn_calendarid: string };
    const read = async (id: string) => {
      const answer = await org.get(`calendars(${id})?$expand=calendar_calendar_rules`);
      return answer.json["calendar_calendar_rules"] as Record<string, unknown>[];
    };
    const outer = await read(record.msdyn_calendarid);
    expect(outer).toMatchObject([
      { pattern: "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR", timezonecode: 110 },
      { pattern: "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR", rank: 2 },
      { description: "Holiday Rule", timecode: 2, extentcode: 2, rank: 1 },
    ]);
    const [morning = {}, , holidays = {}] = outer;
    expect(await read(String(morning["_innercalendarid_value"]))).toMatchObject([
      { offset: 540, duration: 240 },
    ]);
    expect(await read(String(holidays["_innercalendarid_value"]))).toMatchObject([
      { name: "May Day", starttime: "2026-05-01T00:00:00Z", duration: 1440 },
    ]);
    expect(await org.get("calendarrules")).toMatchObject({ status: 404 });
    const zone = "timezonedefinitions?$select=standardname&$filter=timezonecode eq 110";
    expect((await org.get(zone)).rows).toMatchObject([{ standardname: "W. Europe Standard Time" }]);
  });
});

describe("what the answer rests on", () => {
  test("can be read: workstreams, their allowed presences, queues and their members", async () => {
    await using org = await openForAdministrator();
    const streams = await org.get(
      "msdyn_liveworkstreams?$select=msdyn_name,msdyn_allowedpresences,msdyn_capacityrequired" +
        "&$expand=msdyn_defaultqueue($select=name)&$orderby=msdyn_name",
    );
    expect(streams.rows[0]).toMatchObject({
      msdyn_name: "Billing chat",
      msdyn_allowedpresences: "192360000,192360001",
      msdyn_capacityrequired: 30,
      msdyn_defaultqueue: { name: "Billing" },
    });
    const busyAllowed =
      "msdyn_liveworkstreams/$count?$filter=Microsoft.Dynamics.CRM.ContainValues(" +
      "PropertyName='msdyn_allowedpresences',PropertyValues=['192360001'])";
    expect((await org.get(busyAllowed)).text).toBe("3");
    const members = `queues(${billing})/queuemembership_association?$select=systemuserid`;
    expect((await org.get(members)).rows).toHaveLength(5);
    org.control.removeQueueMember({ queueId: billing, userId: nadia });
    org.control.addQueueMember({ queueId: loyalty, userId: nadia });
    const queues = `systemusers(${nadia})/queuemembership_association?$select=name`;
    expect((await org.get(queues)).rows.map((row) => row["name"])).toEqual(["Loyalty desk"]);
    const inQueues = "systemusers?$filter=queuemembership_association/any(q:q/name eq 'Billing')";
    expect((await org.get(inQueues)).rows).toHaveLength(4);
  });

  test("includes capacity profiles, of which an exhausted blocking one keeps all work away", async () => {
    await using org = await openForAdministrator({ settings: { repsStaleMs: 0 } });
    org.control.putCapacityProfile({ id: PROFILE, name: "Voice", maxUnits: 1, blocking: true });
    org.control.giveCapacityProfile({ userId: nadia, profileId: PROFILE });
    const id = "4c4c4c4c-1111-4222-8333-444444444444";
    org.control.putWorkstream({
      id,
      name: "Voice",
      queueId: billing,
      allowedPresences: [192360000],
      capacityProfileId: PROFILE,
    });
    org.control.login({ userId: nadia });
    org.control.login({ userId: meiling });
    const experts = async () =>
      (await ask(org, BEFORE, { LiveWorkStreamId: id })).json["NumberOfExpertsAvailableInQueue"];
    expect(await experts()).toBe(1);
    const busy = { userId: nadia, capacityProfileId: PROFILE };
    org.control.acceptConversation(busy);
    expect(await experts()).toBe(0);
    expect((await askBefore(org, billing)).json["NumberOfExpertsAvailableInQueue"]).toBe(1);
    await org.rowWhen(nadia, (row) => row["msdyn_isblockedbysomeprofile"] === true);
    org.control.closeConversation(busy);
    expect(await experts()).toBe(1);
    const held = await org.get(
      "msdyn_bookableresourcecapacityprofiles?$select=msdyn_maxunits" +
        "&$expand=msdyn_bookableresourceid($select=_userid_value),msdyn_capacityprofileid($select=msdyn_name)",
    );
    expect(held.rows).toMatchObject([
      {
        msdyn_maxunits: 1,
        msdyn_bookableresourceid: { _userid_value: nadia },
        msdyn_capacityprofileid: { msdyn_name: "Voice" },
      },
    ]);
  });

  test("includes the switches for missed and rejected notifications", async () => {
    await using org = await openForAdministrator();
    org.control.settings({ missedNotifications: false });
    const path =
      "msdyn_omnichannelconfigurations?$select=msdyn_enable_missed_notifications,msdyn_enable_agent_reject_notifications" +
      "&$expand=msdyn_inactive_presence_lookup($select=msdyn_name)";
    expect((await org.get(path)).rows).toMatchObject([
      {
        msdyn_enable_missed_notifications: false,
        msdyn_enable_agent_reject_notifications: true,
        msdyn_inactive_presence_lookup: { msdyn_name: "Inactive" },
      },
    ]);
  });
});

test("a client that flaps is Offline and then what it was", async () => {
  await using org = await openOrganization();
  org.control.login({ userId: nadia });
  org.control.choose({ userId: nadia, presenceId: PRESENCE_ID.away });
  org.control.flap({ userId: nadia, ms: 2 * MINUTE_MS });
  expect(org.control.state({ userId: nadia })).toMatchObject({ name: "Offline", loggedIn: false });
  org.control.advance({ ms: 2 * MINUTE_MS });
  expect(org.control.state({ userId: nadia })).toMatchObject({ name: "Away", loggedIn: true });
});
