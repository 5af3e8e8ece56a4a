import { describe, expect, test } from "vitest";
import type { DataverseOptions } from "../../src/emulators/dataverse/dataverse.ts";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import { makePeople } from "../../src/emulators/people.ts";
import {
  meiling,
  nadia,
  openOrganization,
  people,
  priya,
  SUPERVISOR_APP,
} from "./dataverse-caller.ts";

const [billing = "", technical = ""] = people.queues.map(({ id }) => id);
const MINUTE_MS = 60_000;
const HOURS = "4a4a4a4a-1111-4222-8333-444444444444";

type Org = Awaited<ReturnType<typeof openOrganization>>;

/** Time stands still here but for `advance`. */
function openStill(options: Partial<DataverseOptions> = {}): Promise<Org> {
  const startMs = Date.parse("2026-01-14T11:00:00Z");
  return openOrganization({ nowMs: () => startMs, ...options });
}

function pass(org: Org, minutes: number): void {
  org.control.advance({ ms: minutes * MINUTE_MS });
}

/** Who has the conversations of the queue, in the order in which they came. */
function agents(org: Org, queueId = billing): (string | null)[] {
  return org.control.conversations({ queueId }).map(({ agentId }) => agentId);
}

function shown(org: Org, userId: string): string | null {
  return org.control.state({ userId }).name;
}

describe("a conversation", () => {
  test("goes to the rep who has been idle longest, and is accepted, wrapped up and closed", async () => {
    await using org = await openStill();
    org.control.login({ userId: meiling });
    pass(org, 1);
    org.control.login({ userId: nadia });
    const { id } = org.control.arrive({ queueId: billing, minutes: 5, wrapUpMinutes: 2 });
    const row = async () => {
      const path = `msdyn_ocliveworkitems(${id})?$select=statuscode,statecode,msdyn_isagentaccepted,_msdyn_activeagentid_value,msdyn_closedon`;
      return (await org.get(path)).json;
    };
    const agent = { _msdyn_activeagentid_value: meiling };
    expect(await row()).toMatchObject({ ...agent, statuscode: 1, msdyn_isagentaccepted: false });
    pass(org, 0.2);
    expect(await row()).toMatchObject({ ...agent, statuscode: 2, msdyn_isagentaccepted: true });
    expect(org.control.state({ userId: meiling })).toMatchObject({
      name: "Busy",
      conversations: 1,
      availableUnits: 70,
    });
    pass(org, 5);
    expect(await row()).toMatchObject({ statuscode: 5 });
    expect(org.control.state({ userId: meiling })).toMatchObject({ availableUnits: 70 });
    pass(org, 2);
    expect(await row()).toMatchObject({ statuscode: 4, statecode: 1 });
    expect(org.control.state({ userId: meiling })).toMatchObject({
      name: "Available",
      availableUnits: 100,
    });
    expect(org.control.routingCounts()).toMatchObject({ arrived: 1, accepted: 1, closed: 1 });

    org.control.arrive({ queueId: billing });
    expect(agents(org).at(-1)).toBe(nadia);
  });

  test("goes to nobody whose presence is not allowed, and to her as soon as it is", async () => {
    await using org = await openStill();
    org.control.login({ userId: nadia });
    org.control.choose({ userId: nadia, presenceId: PRESENCE_ID.doNotDisturb });
    org.control.arrive({ queueId: billing });
    expect(agents(org)).toEqual([null]);
    org.control.choose({ userId: nadia, presenceId: PRESENCE_ID.busy });
    expect(agents(org)).toEqual([nadia]);
  });

  test("waits while everybody is full, and the oldest is served first when there is room", async () => {
    await using org = await openStill();
    org.control.login({ userId: nadia });
    for (let count = 0; count < 5; count += 1) {
      org.control.arrive({ queueId: billing, minutes: 10 });
      pass(org, 1);
    }
    expect(agents(org)).toEqual([nadia, nadia, nadia, null, null]);
    expect(shown(org, nadia)).toBe("Busy");
    pass(org, 6);
    expect(agents(org)).toEqual([nadia, nadia, nadia, nadia, null]);
    org.control.resetRouting();
    expect(org.control.state({ userId: nadia })).toMatchObject({
      name: "Available",
      availableUnits: 100,
    });
    expect(org.control.conversations()).toEqual([]);
  });

  test("that takes the last of her capacity makes her Do not disturb, and not for good", async () => {
    await using org = await openStill();
    const id = "4c4c4c4c-1111-4222-8333-444444444444";
    const allowedPresences = [192360000, 192360001];
    org.control.putWorkstream({
      id,
      name: "Voice",
      queueId: billing,
      allowedPresences,
      units: 100,
    });
    org.control.login({ userId: nadia });
    org.control.arrive({ workstreamId: id, minutes: 3 });
    pass(org, 1);
    expect(shown(org, nadia)).toBe("Busy - DND");
    pass(org, 3);
    expect(shown(org, nadia)).toBe("Available");
  });

  test("waits for the queue to open", async () => {
    await using org = await openStill();
    const days = ["MO", "TU", "WE", "TH", "FR"] as const;
    const weekly = [{ days: [...days], startMinute: 13 * 60, minutes: 120 }];
    org.control.putOperatingHours({ id: HOURS, name: "Afternoons", timeZoneCode: 110, weekly });
    org.control.setQueueHours({ queueId: billing, operatingHourId: HOURS });
    org.control.login({ userId: nadia });
    org.control.arrive({ queueId: billing });
    pass(org, 59);
    expect(agents(org)).toEqual([null]);
    pass(org, 2);
    expect(agents(org)).toEqual([nadia]);
  });

  test("goes where the administrator sends it meanwhile", async () => {
    await using org = await openStill();
    org.control.login({ userId: priya });
    org.control.arrive({ queueId: technical });
    expect(agents(org, technical)).toEqual([null]);
    org.control.addQueueMember({ queueId: technical, userId: priya });
    expect(agents(org, technical)).toEqual([priya]);
  });

  test("ends when the customer loses patience", async () => {
    await using org = await openStill();
    org.control.arrive({ queueId: billing, patienceMinutes: 3 });
    pass(org, 4);
    expect(org.control.routingCounts()).toMatchObject({ abandoned: 1, waiting: 0 });
    org.control.login({ userId: nadia });
    expect(agents(org)).toEqual([null]);
  });

  test("asks for a queue or a workstream that exists", async () => {
    await using org = await openStill();
    const post = async (input: object) => {
      const url = `${org.dataverse.url}/control/arrive`;
      return org.call("POST", url, {}, JSON.stringify(input));
    };
    expect(await post({})).toMatchObject({ status: 400 });
    expect(await post({ queueId: HOURS })).toMatchObject({ status: 404 });
    expect(await post({ queueId: billing })).toMatchObject({ status: 200 });
    const later = {
      arrivals: [
        { queueId: billing, inMinutes: 1 },
        { queueId: HOURS, inMinutes: 1 },
      ],
    };
    expect(() => org.control.arriveAll(later)).toThrow("Does Not Exist");
    pass(org, 2);
    expect(org.control.routingCounts()).toMatchObject({ arrived: 1 });
  });
});

describe("a rep who is busy where Dynamics does not look", () => {
  test("is rung for all the same, misses it, and it is counted", async () => {
    await using org = await openStill();
    org.control.login({ userId: nadia });
    pass(org, 1);
    org.control.login({ userId: meiling });
    org.control.setReallyBusy({ userId: nadia, busy: true });
    const { id } = org.control.arrive({ queueId: billing });
    expect(org.control.routedWhileBusy()).toMatchObject([
      { conversationId: id, userId: nadia, presenceId: PRESENCE_ID.available },
    ]);
    pass(org, 1);
    expect(shown(org, nadia)).toBe("Inactive");
    expect(agents(org)).toEqual([meiling]);
    expect(org.control.routingCounts()).toMatchObject({
      offered: 2,
      missed: 1,
      accepted: 1,
      routedWhileBusy: 1,
      longestWaitMs: 36_000,
    });
  });

  test("is spared when her presence says so", async () => {
    await using org = await openStill();
    org.control.login({ userId: nadia });
    org.control.setReallyBusy({ userId: nadia, busy: true });
    await org.setPresence(nadia, PRESENCE_ID.doNotDisturb);
    org.control.arrive({ queueId: billing });
    expect(org.control.routingCounts()).toMatchObject({ offered: 0, routedWhileBusy: 0 });
  });

  test("comes back from Inactive by herself where she has the habit, once she is free", async () => {
    await using org = await openStill();
    org.control.habits({ backMinutes: 2 });
    org.control.login({ userId: nadia });
    org.control.setReallyBusy({ userId: nadia, busy: true });
    org.control.arrive({ queueId: billing, patienceMinutes: 1 });
    pass(org, 4);
    expect(shown(org, nadia)).toBe("Inactive");
    org.control.setReallyBusy({ userId: nadia, busy: false });
    pass(org, 2);
    expect(shown(org, nadia)).toBe("Available");
  });

  test("is given the same conversation again later, where a missed one does not make her Inactive", async () => {
    await using org = await openStill({ settings: { missedNotifications: false } });
    org.control.login({ userId: nadia });
    org.control.setReallyBusy({ userId: nadia, busy: true });
    org.control.arrive({ queueId: billing });
    pass(org, 3);
    expect(org.control.routingCounts()).toMatchObject({ offered: 1, missed: 1, waiting: 1 });
    org.control.setReallyBusy({ userId: nadia, busy: null });
    pass(org, 3);
    expect(org.control.routingCounts()).toMatchObject({ offered: 2, accepted: 1 });
  });

  test("who signs out while it rings misses it too", async () => {
    await using org = await openStill();
    org.control.login({ userId: nadia });
    org.control.arrive({ queueId: billing });
    org.control.logout({ userId: nadia });
    pass(org, 1);
    expect(org.control.routingCounts()).toMatchObject({
      missed: 1,
      routedWhileBusy: 0,
      waiting: 1,
    });
    expect(shown(org, nadia)).toBe("Offline");
  });
});

test("availability tells the place in the queue, and how long others have waited", async () => {
  await using org = await openStill();
  org.control.setRoles({ appId: SUPERVISOR_APP, roles: ["Omnichannel administrator"] });
  const ask = async (operation: string, body: object) => {
    const path = `CCaaS_GetRepresentativeAvailability${operation}Conversation`;
    const answer = await org.call("POST", path, {}, JSON.stringify({ ApiVersion: "1.0", ...body }));
    return answer.json;
  };
  const { id: LiveWorkStreamId } = org.control.workstreamOf({ queueId: billing });
  const ids = [1, 2, 3].map(() => {
    const { id } = org.control.arrive({ queueId: billing });
    pass(org, 1);
    return id;
  });
  expect(await ask("For", { ConversationId: ids[1] })).toMatchObject({ PositionInQueue: 2 });
  expect(await ask("Before", { LiveWorkStreamId })).toMatchObject({ PositionInQueue: 4 });
  org.control.login({ userId: nadia });
  pass(org, 1);
  expect(await ask("Before", { LiveWorkStreamId })).toMatchObject({
    PositionInQueue: 1,
    AverageWaitTimeInSeconds: 132,
    AverageWaitTime: null,
  });
  org.control.settings({ waitInMinutes: true });
  expect(await ask("Before", { LiveWorkStreamId })).toMatchObject({ AverageWaitTime: 2 });
  pass(org, 10);
  expect((await ask("For", { ConversationId: ids[0] }))["error"]).toMatchObject({
    code: "0x80040203",
  });
});

test("a day of two thousand conversations for two hundred reps adds up", async () => {
  const crowd = makePeople(200);
  await using org = await openStill(crowd);
  org.control.habits({ backMinutes: 10 });
  org.control.loginAll();
  const arrivals = Array.from({ length: 2000 }, (_, index) => ({
    queueId: crowd.queues[index % crowd.queues.length]?.id,
    inMinutes: (index * 480) / 2000,
    minutes: 4 + (index % 7),
    wrapUpMinutes: index % 3,
  }));
  org.control.arriveAll({ arrivals });
  for (const [index, { systemUserId: userId }] of crowd.users.entries()) {
    if (index % 4 === 0) org.control.setReallyBusy({ userId, busy: true });
  }
  pass(org, 600);
  const counts = org.control.routingCounts();
  expect(counts).toMatchObject({ arrived: 2000, accepted: 2000, closed: 2000, waiting: 0 });
  expect(counts.routedWhileBusy).toBeGreaterThan(0);
  expect(counts.missed).toBe(counts.routedWhileBusy);
  expect(counts.offered).toBe(counts.accepted + counts.missed);
  expect(org.control.states().every(({ conversations }) => conversations === 0)).toBe(true);
});
