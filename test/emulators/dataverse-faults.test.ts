import { describe, expect, test } from "vitest";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import { eventually, meiling, nadia, openOrganization, READER_APP } from "./dataverse-caller.ts";

const MODIFY = "CCaaS_ModifyAgentPresence";

describe("service protection", () => {
  test("refuses beyond the limit with the time to wait, and admits again when the window has moved", async () => {
    await using org = await openOrganization({ nowMs: () => 1_800_000_000_000 });
    org.control.limit({ requests: 2, windowSeconds: 300 });
    const first = await org.get("WhoAmI");
    expect(first.headers.get("x-ms-ratelimit-burst-remaining-xrm-requests")).toBe("1");
    org.control.advance({ ms: 100_000 });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 200 });
    const refused = await org.get("WhoAmI");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("200");
    expect(refused.json).toMatchObject({ error: { code: "0x80072322" } });
    org.control.advance({ ms: 200_000 });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 200 });
  });

  test("counts every user alone, and charges an impersonated call to the rep", async () => {
    await using org = await openOrganization();
    org.control.limit({ requests: 1, windowSeconds: 300 });
    await org.get("WhoAmI");
    const reader = { authorization: `Bearer ${READER_APP}` };
    expect(await org.get("WhoAmI", reader)).toMatchObject({ status: 200 });
    const asNadia = { mscrmcallerid: nadia };
    expect(await org.get("CCaaS_GetPresence", asNadia)).toMatchObject({ status: 200 });
    expect(await org.get("CCaaS_GetPresence", asNadia)).toMatchObject({ status: 429 });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 429 });
  });

  test("counts a batch as one request", async () => {
    await using org = await openOrganization();
    org.control.limit({ requests: 1, windowSeconds: 300 });
    const part = "--b\r\nContent-Type: application/http\r\n\r\nGET WhoAmI HTTP/1.1\r\n\r\n";
    const type = { "content-type": "multipart/mixed; boundary=b" };
    const answer = await org.call("POST", "$batch", type, `${part}${part}--b--`);
    expect(answer.text.match(/200 OK/g)).toHaveLength(2);
    expect(org.control.requests()).toEqual({ WhoAmI: 2 });
  });

  test.each(["0x80072321", "0x80072326"])("refuses with %s on request", async (code) => {
    await using org = await openOrganization();
    org.control.failNext({ status: 429, code, retryAfter: 7 });
    const refused = await org.get("WhoAmI");
    expect(refused).toMatchObject({ status: 429, json: { error: { code } } });
    expect(refused.headers.get("retry-after")).toBe("7");
  });
});

describe("a fault", () => {
  test("hits the operation named, as often as asked for, and no other", async () => {
    await using org = await openOrganization();
    org.control.failNext({ operation: "WhoAmI", status: 503, times: 2 });
    expect(await org.get("queues")).toMatchObject({ status: 200 });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 503 });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 503 });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 200 });
  });

  test("of a lost acknowledgement has its effect and cuts the connection", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.dropAckNext({ operation: MODIFY });
    await expect(org.setPresence(nadia, PRESENCE_ID.away)).rejects.toThrow("fetch failed");
    expect(org.control.state({ userId: nadia })).toMatchObject({ name: "Away", writes: 1 });
    expect(await org.setPresence(nadia, PRESENCE_ID.busy)).toMatchObject({ status: 204 });
  });

  test("of a late effect is acknowledged long before it shows", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.applyLate({ delayMs: 60_000 });
    expect(await org.setPresence(nadia, PRESENCE_ID.away)).toMatchObject({ status: 204 });
    expect(org.control.state({ userId: nadia }).name).toBe("Available");
    expect(await org.setPresence(nadia, PRESENCE_ID.busy)).toMatchObject({ status: 204 });
    org.control.advance({ ms: 60_000 });
    expect(org.control.state({ userId: nadia }).name).toBe("Away");
  });

  test("of absorption is acknowledged and never shows", async () => {
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    org.control.absorbNext({ times: 1 });
    expect(await org.setPresence(nadia, PRESENCE_ID.away)).toMatchObject({ status: 204 });
    expect(org.control.state({ userId: nadia })).toMatchObject({ name: "Available", writes: 1 });
    await org.setPresence(nadia, PRESENCE_ID.busy);
    expect(org.control.state({ userId: nadia }).name).toBe("Busy");
  });

  test("of delay holds the answer back until its time", async () => {
    await using org = await openOrganization();
    org.control.delay({ operation: "WhoAmI", minMs: 3_600_000, maxMs: 3_600_000 });
    const slow = org.get("WhoAmI");
    await eventually(() => org.control.requests()["WhoAmI"]);
    expect(await org.get("queues")).toMatchObject({ status: 200 });
    org.control.advance({ ms: 3_600_000 });
    expect(await slow).toMatchObject({ status: 200 });
    org.control.delay({ operation: "WhoAmI", minMs: 0, maxMs: 0 });
    expect(await org.get("WhoAmI")).toMatchObject({ status: 200 });
  });

  test("of stale reads shows the tables as they were, and catches up", async () => {
    await using org = await openOrganization({ nowMs: () => 1_800_000_000_000 });
    org.control.advance({ ms: 60_000 });
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (row) => row["msdyn_isagentloggedin"] === true);
    org.control.staleReads({ lagMs: 30_000 });
    const loggedIn = async () => {
      const path = `msdyn_agentstatuses?$filter=_msdyn_agentid_value eq ${nadia}`;
      return (await org.get(path)).rows[0]?.["msdyn_isagentloggedin"];
    };
    expect(await loggedIn()).toBe(false);
    org.control.advance({ ms: 30_000 });
    expect(await loggedIn()).toBe(true);
  });
});

describe("people and presences", () => {
  test("come and go while the organisation runs", async () => {
    await using org = await openOrganization();
    const userId = "5a5a5a5a-1111-4222-8333-444444444444";
    org.control.addUser({
      systemUserId: userId,
      fullname: "Noor Haddad",
      email: "noor.haddad@northharbor.example",
      azureObjectId: null,
      roles: ["Omnichannel Agent"],
    });
    const row = await org.rowWhen(userId, () => true);
    expect(row).toMatchObject({ msdyn_isagentloggedin: false, msdyn_presencemodifiedby: "SYSTEM" });
    org.control.disableUser({ userId });
    const user = await org.get(`systemusers(${userId})?$select=isdisabled`);
    expect(user.json).toMatchObject({ isdisabled: true });
    org.control.deleteUser({ userId });
    expect(await org.get(`systemusers(${userId})`)).toMatchObject({ status: 404 });
    const rows = await org.get(`msdyn_agentstatuses?$filter=_msdyn_agentid_value eq ${userId}`);
    expect(rows.rows).toEqual([]);
  });

  test("sign in all at once, when a day has begun", async () => {
    await using org = await openOrganization();
    org.control.loginAll();
    const states = org.control.states();
    expect(states).toHaveLength(13);
    expect(states.every((state) => state.loggedIn)).toBe(true);
  });
});

describe("the control over HTTP", () => {
  const post = async (url: string, name: string, body?: string) => {
    const answer = await fetch(`${url}/control/${name}`, { method: "POST", body });
    return { status: answer.status, json: await answer.json() };
  };

  test("takes the same commands, without a token", async () => {
    await using org = await openOrganization();
    const { url } = org.dataverse;
    const userId = meiling;
    expect(await post(url, "login", JSON.stringify({ userId }))).toEqual({ status: 200, json: {} });
    const choice = { userId, presenceId: PRESENCE_ID.away };
    await post(url, "choose", JSON.stringify(choice));
    expect(await post(url, "state", JSON.stringify({ userId }))).toMatchObject({
      json: { name: "Away", loggedIn: true, writes: 0, row: expect.anything() },
    });
    expect(await post(url, "writes")).toEqual({ status: 200, json: [] });
  });

  test("refuses unknown commands, unknown people and wrong bodies", async () => {
    await using org = await openOrganization();
    const { url } = org.dataverse;
    const nobody = JSON.stringify({ userId: "00000000-0000-4000-8000-000000000001" });
    expect(await post(url, "explode")).toMatchObject({ status: 404 });
    expect(await post(url, "state", nobody)).toMatchObject({ status: 404 });
    expect(await post(url, "login", JSON.stringify({ user: meiling }))).toMatchObject({
      status: 400,
    });
    expect(await post(url, "login", "{")).toMatchObject({ status: 400 });
    const logout = await post(
      url,
      "choose",
      JSON.stringify({ userId: nadia, presenceId: PRESENCE_ID.busy }),
    );
    expect(logout).toMatchObject({ status: 409 });
  });
});
