import { describe, expect, test } from "vitest";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import { meiling, nadia, openOrganization, people, priya, tomas } from "./dataverse-caller.ts";

const [lunch = "", training = "", paperwork = ""] = people.customPresences.map(({ id }) => id);
const MINUTE_MS = 60_000;

type Org = Awaited<ReturnType<typeof openOrganization>>;

function shown(org: Org, userId = nadia): string | null {
  return org.control.state({ userId }).name;
}

/** The people of the default company, with a default presence for Nadia. */
function withDefault(defaultPresenceId: string) {
  const users = people.users.map((user) =>
    user.systemUserId === nadia ? { ...user, defaultPresenceId } : user,
  );
  return { ...people, users };
}

describe("signing in", () => {
  test.each([
    ["no default", undefined, "Available"],
    ["the default Busy", PRESENCE_ID.busy, "Busy"],
    ["the default Away", PRESENCE_ID.away, "Away"],
    ["a custom default", lunch, "Lunch"],
  ])("with %s and nothing to do shows it", async (_, presenceId, name) => {
    await using org = await openOrganization(presenceId ? withDefault(presenceId) : {});
    org.control.login({ userId: nadia });
    expect(org.control.state({ userId: nadia })).toMatchObject({ name, loggedIn: true });
  });

  test.each([
    ["Available gives way to the work", PRESENCE_ID.available, "Busy"],
    ["custom Busy gives way to the work", paperwork, "Busy"],
    ["Away stays", PRESENCE_ID.away, "Away"],
    ["a custom Do not disturb stays", training, "Training"],
  ])("with open work, a default of %s", async (_, presenceId, name) => {
    await using org = await openOrganization(withDefault(presenceId));
    org.control.login({ userId: nadia });
    org.control.acceptConversation({ userId: nadia, units: 30 });
    org.control.logout({ userId: nadia });
    org.control.login({ userId: nadia });
    expect(shown(org)).toBe(name);
  });

  test("from a second browser changes nothing but their number", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.choose({ userId: nadia, presenceId: lunch });
    org.control.login({ userId: nadia });
    expect(shown(org)).toBe("Lunch");
  });

  test("for the first time creates the row of a rep whom routing did not know", async () => {
    await using org = await openOrganization();
    const path = `msdyn_agentstatuses?$filter=_msdyn_agentid_value eq ${tomas}`;
    expect((await org.get(path)).rows).toEqual([]);
    org.control.login({ userId: tomas });
    const row = await org.rowWhen(tomas, (it) => it["msdyn_isagentloggedin"] === true);
    expect(row).toMatchObject({ msdyn_agentstatusid: "4b1e3d75-a749-ef11-acce-00224802d26d" });
  });
});

describe("work", () => {
  test.each([
    ["none", 0, "Available"],
    ["some of the capacity", 40, "Busy"],
    ["all of the capacity", 100, "Busy - DND"],
    ["more than the capacity", 130, "Busy - DND"],
  ])("that takes %s shows as such", async (_, units, name) => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.acceptConversation({ userId: nadia, units });
    expect(shown(org)).toBe(name);
    org.control.closeConversation({ userId: nadia, units });
    expect(shown(org)).toBe("Available");
  });

  test("is too much with an eleventh session, whatever the units", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    for (let session = 1; session <= 10; session += 1) {
      org.control.acceptConversation({ userId: nadia, units: 1 });
    }
    expect(shown(org)).toBe("Busy");
    org.control.acceptConversation({ userId: nadia, units: 1 });
    expect(shown(org)).toBe("Busy - DND");
  });

  test("leaves a rep without units in Do not disturb for good", async () => {
    const users = people.users.map((user) => ({ ...user, capacityUnits: 0 }));
    await using org = await openOrganization({ users });
    org.control.login({ userId: nadia });
    org.control.acceptConversation({ userId: nadia, units: 10 });
    org.control.closeConversation({ userId: nadia, units: 10 });
    expect(shown(org)).toBe("Busy - DND");
  });

  test("rewrites the row even when only the capacity changed, with every column", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.choose({ userId: nadia, presenceId: lunch });
    org.control.acceptConversation({ userId: nadia, units: 20 });
    const row = await org.rowWhen(nadia, (it) => it["msdyn_availableunitscapacity"] === 80);
    expect(row).toMatchObject({
      _msdyn_currentpresenceid_value: lunch,
      msdyn_isagentloggedin: true,
      msdyn_assignedconversationcount: 1,
      msdyn_presencemodifiedby: "AGENT",
    });
  });
});

describe("a choice", () => {
  test.each([
    ["Available", PRESENCE_ID.available],
    ["Busy", PRESENCE_ID.busy],
    ["a custom Busy", paperwork],
  ])(
    "of %s lasts until a conversation is accepted, and again until one is closed",
    async (_, id) => {
      await using org = await openOrganization();
      org.control.login({ userId: nadia });
      org.control.choose({ userId: nadia, presenceId: id });
      expect(org.control.state({ userId: nadia }).presenceId).toBe(id);
      org.control.acceptConversation({ userId: nadia, units: 100 });
      expect(shown(org)).toBe("Busy - DND");
      org.control.choose({ userId: nadia, presenceId: id });
      org.control.closeConversation({ userId: nadia, units: 100 });
      expect(shown(org)).toBe("Available");
    },
  );

  test.each([
    ["Do not disturb", PRESENCE_ID.doNotDisturb],
    ["Away", PRESENCE_ID.away],
    ["Offline", PRESENCE_ID.offline],
    ["a custom Away", lunch],
  ])("of %s outlasts conversations and ends with signing out", async (_, id) => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.choose({ userId: nadia, presenceId: id });
    org.control.acceptConversation({ userId: nadia, units: 100 });
    org.control.closeConversation({ userId: nadia, units: 100 });
    expect(org.control.state({ userId: nadia })).toMatchObject({ presenceId: id, loggedIn: true });
    org.control.logout({ userId: nadia });
    org.control.login({ userId: nadia });
    expect(shown(org)).toBe("Available");
  });

  test("through the API obeys the same rules as the rep's own", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    await org.setPresence(nadia, PRESENCE_ID.busy);
    org.control.acceptConversation({ userId: nadia, units: 100 });
    expect(shown(org)).toBe("Busy - DND");
    await org.setPresence(nadia, lunch);
    org.control.closeConversation({ userId: nadia, units: 100 });
    expect(shown(org)).toBe("Lunch");
  });

  test("needs an open desktop and a presence that people may set", async () => {
    await using org = await openOrganization();
    const choose = (presenceId: string) => () => org.control.choose({ userId: nadia, presenceId });
    expect(choose(PRESENCE_ID.busy)).toThrow("not logged in");
    org.control.login({ userId: nadia });
    expect(choose(PRESENCE_ID.inactive)).toThrow("cannot choose");
    org.control.removePresence({ id: lunch });
    expect(choose(lunch)).toThrow("cannot choose");
    org.control.addPresence({ id: lunch, name: "Pause", basePresence: 192360003 });
    choose(lunch)();
    expect(shown(org)).toBe("Pause");
  });

  test("of what is already shown writes no row, unless the organisation is set so", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.choose({ userId: nadia, presenceId: lunch });
    const before = await org.rowWhen(nadia, (it) => it["_msdyn_currentpresenceid_value"] === lunch);
    await org.setPresence(nadia, lunch);
    org.control.settings({ repeatWritesRow: true });
    await org.setPresence(nadia, lunch);
    const after = await org.rowWhen(nadia, (it) => it["versionnumber"] !== before["versionnumber"]);
    expect(after["msdyn_presencemodifiedonwithmilliseconds"]).not.toBeUndefined();
    const histories = await org.get(
      `msdyn_agentstatushistories?$filter=_msdyn_agentid_value eq ${nadia}` +
        "&$expand=msdyn_Agentid($select=fullname),msdyn_presenceid($select=msdyn_name)",
    );
    expect(histories.rows).toMatchObject([
      { msdyn_presenceid: { msdyn_name: "Available" }, msdyn_endtime: expect.any(String) },
      { msdyn_presenceid: { msdyn_name: "Lunch" }, msdyn_endtime: expect.any(String) },
      { msdyn_Agentid: { fullname: "Nadia Okonkwo" }, msdyn_endtime: null },
    ]);
  });
});

describe("a notification", () => {
  test("that is missed makes the rep Inactive until she chooses again", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.missNotification({ userId: nadia });
    expect(org.control.state({ userId: nadia })).toMatchObject({
      presenceId: PRESENCE_ID.inactive,
      basePresence: 192360003,
    });
    org.control.choose({ userId: nadia, presenceId: PRESENCE_ID.available });
    expect(shown(org)).toBe("Available");
  });

  test("that is rejected makes her Do not disturb", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.rejectNotification({ userId: nadia });
    expect(shown(org)).toBe("Busy - DND");
  });

  test("changes nothing where the organisation has the feature off", async () => {
    const settings = { missedNotifications: false, rejectedNotifications: false };
    await using org = await openOrganization({ settings });
    org.control.login({ userId: nadia });
    org.control.missNotification({ userId: nadia });
    org.control.rejectNotification({ userId: nadia });
    expect(shown(org)).toBe("Available");
  });
});

describe("a disconnect", () => {
  test("shows Offline at once, and what was before when she is back within two and a half minutes", async () => {
    await using org = await openOrganization({ nowMs: () => 1_800_000_000_000 });
    org.control.login({ userId: nadia });
    org.control.choose({ userId: nadia, presenceId: lunch });
    org.control.disconnect({ userId: nadia });
    expect(org.control.state({ userId: nadia })).toMatchObject({
      name: "Offline",
      loggedIn: false,
    });
    org.control.advance({ ms: 2.5 * MINUTE_MS });
    org.control.login({ userId: nadia });
    expect(shown(org)).toBe("Lunch");
    org.control.acceptConversation({ userId: nadia, units: 10 });
    expect(shown(org)).toBe("Lunch");
  });

  test("that lasts longer is a new sign-in", async () => {
    await using org = await openOrganization({ nowMs: () => 1_800_000_000_000 });
    org.control.login({ userId: nadia });
    org.control.choose({ userId: nadia, presenceId: lunch });
    org.control.disconnect({ userId: nadia });
    org.control.advance({ ms: 2.5 * MINUTE_MS + 1 });
    org.control.login({ userId: nadia });
    expect(shown(org)).toBe("Available");
  });
});

describe("the agent status row", () => {
  test("follows the engine after a delay, with the time of the change and not of the write", async () => {
    await using org = await openOrganization({
      nowMs: () => Date.parse("2026-03-02T09:00:00.250Z"),
      projectionDelayMs: MINUTE_MS,
    });
    org.control.login({ userId: nadia });
    expect(org.control.state({ userId: nadia })).toMatchObject({
      name: "Available",
      row: { _msdyn_currentpresenceid_value: PRESENCE_ID.offline, msdyn_isagentloggedin: false },
    });
    org.control.advance({ ms: MINUTE_MS });
    const row = await org.rowWhen(nadia, (it) => it["msdyn_isagentloggedin"] === true);
    expect(row).toMatchObject({
      _msdyn_currentpresenceid_value: PRESENCE_ID.available,
      msdyn_presencemodifiedby: "SYSTEM",
      msdyn_presencemodifiedon: "2026-03-02T09:00:00Z",
      msdyn_presencemodifiedonwithmilliseconds: "2026-03-02T09:00:00.250Z",
      modifiedon: "2026-03-02T09:01:00Z",
    });
  });

  test("says who set the presence: AGENT for a person, SYSTEM for the engine, either for the API", async () => {
    await using org = await openOrganization();
    const by = (userId: string, presenceId: string) =>
      org.rowWhen(userId, (it) => it["_msdyn_currentpresenceid_value"] === presenceId);
    org.control.login({ userId: nadia });
    org.control.login({ userId: meiling });
    org.control.login({ userId: priya });
    org.control.choose({ userId: nadia, presenceId: lunch });
    expect(await by(nadia, lunch)).toMatchObject({
      msdyn_presencemodifiedby: "AGENT",
      _msdyn_presencemodifiedbyuserid_value: nadia,
    });
    await org.setPresence(meiling, lunch);
    expect(await by(meiling, lunch)).toMatchObject({ msdyn_presencemodifiedby: "AGENT" });
    org.control.settings({ apiModifiedBy: "SYSTEM", apiModifiedByUser: "none" });
    await org.setPresence(priya, lunch);
    expect(await by(priya, lunch)).toMatchObject({
      msdyn_presencemodifiedby: "SYSTEM",
      _msdyn_presencemodifiedbyuserid_value: null,
    });
  });

  test("exists for the bot and for the disabled user too, who are no reps", async () => {
    await using org = await openOrganization();
    const answer = await org.get(
      "msdyn_agentstatuses?$select=msdyn_name&$expand=msdyn_agentid($select=applicationid,isdisabled,azureactivedirectoryobjectid)",
    );
    const people = answer.rows.map((row) => row["msdyn_agentid"] as Record<string, unknown>);
    expect(people.filter((user) => user["applicationid"] !== null)).toHaveLength(1);
    expect(people.filter((user) => user["isdisabled"] === true)).toHaveLength(1);
    const reps = people.filter((user) => user["applicationid"] === null && !user["isdisabled"]);
    expect(reps).toHaveLength(11);
  });
});
