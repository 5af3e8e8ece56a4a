import { randomUUID } from "node:crypto";
import { ClientSecretCredential } from "@azure/identity";
import { Client, ResponseType } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  GraphTenant,
  NOBODY,
  OTHER_WRITER,
  READER,
  SECRET,
  TENANT_ID,
  WRITER,
} from "./graph-tenant.ts";

let tenant: GraphTenant;
beforeAll(async () => {
  tenant = await GraphTenant.start();
});
afterAll(() => tenant.close());

type Listed = {
  readonly value: readonly Record<string, unknown>[];
  readonly "@odata.nextLink"?: string;
};

const read = async (ids: readonly string[], as = READER) =>
  tenant.request("POST", "/communications/getPresencesByUserId", { body: { ids }, as });
const call = {
  sessionId: WRITER,
  availability: "Busy",
  activity: "InACall",
  expirationDuration: "PT1H",
};

describe("Microsoft's Graph client", () => {
  it("reads, writes and reports errors with a token of @azure/identity", async () => {
    const userId = tenant.addUser();
    const options = { authorityHost: tenant.entra.url, disableInstanceDiscovery: true };
    const credential = new ClientSecretCredential(TENANT_ID, WRITER, SECRET, options);
    const scopes = ["https://graph.microsoft.com/.default"];
    const client = Client.initWithMiddleware({
      authProvider: new TokenCredentialAuthenticationProvider(credential, { scopes }),
      baseUrl: tenant.graph.url,
      customHosts: new Set(["localhost"]),
    });
    const written: unknown = await client
      .api(`/users/${userId}/presence/setPresence`)
      .responseType(ResponseType.TEXT)
      .post(call);
    expect(written).toBe("");
    expect(
      await client.api("/communications/getPresencesByUserId").post({ ids: [userId] }),
    ).toMatchObject({
      value: [{ id: userId, availability: "Busy", activity: "InACall" }],
    });
    await expect(client.api(`/users/${randomUUID()}/presence`).get()).rejects.toMatchObject({
      statusCode: 404,
      code: "NotFound",
    });
  });
});

describe("reading presence", () => {
  it("gives one user under both of its addresses and both versions, with everything a presence has", async () => {
    const userId = tenant.addUser();
    tenant.graph.control.setClient({ userId, availability: "Busy" });
    tenant.graph.control.setOutOfOffice({ userId, isOutOfOffice: true, message: "Back on Monday" });
    const body = {
      statusMessage: {
        message: { content: "At the dentist", contentType: "text" },
        expiryDateTime: { dateTime: "2999-01-01T00:00:00.0000000", timeZone: "UTC" },
      },
    };
    expect(await tenant.act(userId, "setStatusMessage", body)).toBe(200);
    for (const path of [`/users/${userId}/presence`, `/communications/presences/${userId}`]) {
      const { status, text, headers } = await tenant.request("GET", path, { as: READER });
      expect({ status, body: JSON.parse(text) }).toMatchObject({
        status: 200,
        body: {
          id: userId,
          availability: "Busy",
          activity: "Busy",
          outOfOfficeSettings: { isOutOfOffice: true, message: "Back on Monday" },
          statusMessage: { message: { content: "At the dentist", contentType: "text" } },
          sequenceNumber: expect.stringMatching(/^A\d{10}$/),
        },
      });
      expect(text).not.toContain("2999");
      expect(headers.get("request-id")).toBeTruthy();
    }
    const beta = await fetch(`${tenant.graph.url}/beta/users/${userId}/presence`, {
      headers: { authorization: `Bearer ${await tenant.tokenOf(READER)}` },
    });
    expect(beta.status).toBe(200);
  });

  it("takes 650 ids at once and refuses 651", async () => {
    const ids = Array.from({ length: 651 }, () => tenant.addUser());
    const many = await read(ids.slice(0, 650));
    expect((JSON.parse(many.text) as Listed).value).toHaveLength(650);
    expect(await read(ids)).toMatchObject({ status: 400 });
    expect(tenant.graph.control.requests().idsPerBulkRead.slice(-2)).toEqual([650, 651]);
  });

  it("answers in another order than it was asked, and each user once", async () => {
    const [a, b] = [tenant.addUser(), tenant.addUser()];
    const { text } = await read([a, b, a]);
    expect((JSON.parse(text) as Listed).value.map(({ id }) => id)).toEqual([b, a]);
  });

  it("leaves unknown users and versions in or out of a bulk read, as it is told", async () => {
    const [known, unknown] = [tenant.addUser(), randomUUID()];
    const value = async () => (JSON.parse((await read([known, unknown])).text) as Listed).value;
    expect(await value()).toEqual([
      expect.objectContaining({ id: known, sequenceNumber: expect.any(String) }),
    ]);
    tenant.graph.control.setBulkReads({ unknownUsers: "PresenceUnknown", sequenceNumbers: false });
    const [first, second] = await value();
    expect(first).toMatchObject({ id: unknown, availability: "PresenceUnknown" });
    expect(second).not.toHaveProperty("sequenceNumber");
    tenant.graph.control.setBulkReads({ unknownUsers: "omit", sequenceNumbers: true });
  });

  it("refuses a principal name where an object id is needed, and does not find a removed user", async () => {
    const userId = tenant.addUser();
    const byName = await tenant.request("GET", "/users/dana@contoso.example/presence");
    expect(byName.status).toBe(400);
    expect((await read(["dana@contoso.example"])).status).toBe(400);
    tenant.graph.control.removeUser({ userId });
    expect((await tenant.request("GET", `/users/${userId}/presence`)).status).toBe(404);
    expect(await tenant.act(userId, "setPresence", call)).toBe(404);
  });
});

describe("writing presence", () => {
  it("answers 200 without a body, under both addresses", async () => {
    const userId = tenant.addUser();
    for (const base of [`/users/${userId}/presence`, `/communications/presences/${userId}`]) {
      const answer = await tenant.request("POST", `${base}/setPresence`, { body: call });
      expect(answer).toMatchObject({ status: 200, text: "" });
      expect(answer.headers.get("content-type")).toBeNull();
    }
    expect(await tenant.shown(userId)).toBe("Busy/InACall");
  });

  const availabilities = ["Available", "Busy", "DoNotDisturb", "BeRightBack", "Away", "Offline"];
  const activities = [
    "Available",
    "Busy",
    "DoNotDisturb",
    "BeRightBack",
    "Away",
    "Offline",
    "OffWork",
    "InACall",
    "InAConferenceCall",
    "Presenting",
  ];
  const every = availabilities.flatMap((availability) =>
    activities.map((activity) => ({ availability, activity })),
  );
  const accepted = async (action: string, extra: object) => {
    const userId = tenant.addUser();
    const pairs: string[] = [];
    for (const pair of every) {
      const status = await tenant.act(userId, action, { ...pair, ...extra });
      expect([200, 400]).toContain(status);
      if (status === 200) pairs.push(`${pair.availability}/${pair.activity}`);
    }
    return pairs.toSorted();
  };

  it("takes exactly five pairs for a session", async () => {
    expect(await accepted("setPresence", { sessionId: WRITER })).toEqual([
      "Available/Available",
      "Away/Away",
      "Busy/InACall",
      "Busy/InAConferenceCall",
      "DoNotDisturb/Presenting",
    ]);
  });

  it("takes exactly six pairs for a preferred presence", async () => {
    expect(await accepted("setUserPreferredPresence", {})).toEqual([
      "Available/Available",
      "Away/Away",
      "BeRightBack/BeRightBack",
      "Busy/Busy",
      "DoNotDisturb/DoNotDisturb",
      "Offline/OffWork",
    ]);
  });

  it("gives a meeting that an app claims no effect", async () => {
    const userId = tenant.addUser();
    expect(await tenant.act(userId, "setPresence", { ...call, activity: "InAMeeting" })).toBe(200);
    expect(await tenant.shown(userId)).toBe("Offline/Offline");
  });

  it.each([
    ["PT5M", 200],
    ["PT4H", 200],
    ["PT3H59M60S", 200],
    ["PT4M59S", 400],
    ["PT4H1S", 400],
    ["P1D", 400],
    ["-PT1H", 400],
    ["P", 400],
    ["PT", 400],
    ["1 hour", 400],
  ])("answers a session of %s with %i", async (expirationDuration, status) => {
    const userId = tenant.addUser();
    expect(await tenant.act(userId, "setPresence", { ...call, expirationDuration })).toBe(status);
  });

  it("refuses a session id that is not the caller's, an unknown field, and unreadable JSON", async () => {
    const userId = tenant.addUser();
    expect(await tenant.act(userId, "setPresence", { ...call, sessionId: OTHER_WRITER })).toBe(400);
    expect(await tenant.act(userId, "setPresence", { ...call, expiration: "PT1H" })).toBe(400);
    expect(await tenant.act(userId, "setPresence", { sessionId: WRITER })).toBe(400);
    const answer = await fetch(`${tenant.graph.url}/v1.0/users/${userId}/presence/setPresence`, {
      method: "POST",
      headers: { authorization: `Bearer ${await tenant.tokenOf(WRITER)}` },
      body: "{",
    });
    expect(answer.status).toBe(400);
  });

  it("does not find a session that was never set, was cleared, or has expired", async () => {
    const userId = tenant.addUser();
    const clear = () => tenant.act(userId, "clearPresence", { sessionId: WRITER });
    expect(await clear()).toBe(404);
    await tenant.act(userId, "setPresence", call);
    expect([await clear(), await clear()]).toEqual([200, 404]);
    await tenant.act(userId, "setPresence", call);
    tenant.graph.control.advance({ ms: 3_600_000 });
    expect(await clear()).toBe(404);
  });

  it("is journalled with its writer, its body and its place", async () => {
    const userId = tenant.addUser();
    const sinceIndex = tenant.graph.control.writes().length;
    await tenant.act(userId, "setPresence", call);
    await tenant.act(userId, "setPresence", { ...call, activity: "Busy" });
    await tenant.act(userId, "clearUserPreferredPresence", {}, OTHER_WRITER);
    expect(tenant.graph.control.writes({ sinceIndex })).toMatchObject([
      {
        index: sinceIndex,
        userId,
        operation: "setPresence",
        body: call,
        appId: WRITER,
        outcome: "applied",
      },
      { index: sinceIndex + 1, operation: "clearUserPreferredPresence", appId: OTHER_WRITER },
    ]);
    expect(tenant.graph.control.state({ userId }).writes).toBe(2);
  });
});

describe("permission", () => {
  it.each([
    ["a reader may read", READER, "read", 200],
    ["a writer may read", WRITER, "read", 200],
    ["a reader may not write", READER, "write", 403],
    ["a writer may write", WRITER, "write", 200],
    ["an app without roles may not read", NOBODY, "read", 403],
    ["a writer with a user role may list users", WRITER, "list", 200],
    ["a reader of presence may not list users", READER, "list", 403],
  ])("%s", async (_title, as, what, status) => {
    const userId = tenant.addUser();
    const answer =
      what === "read"
        ? await tenant.request("GET", `/users/${userId}/presence`, { as })
        : what === "list"
          ? await tenant.request("GET", "/users", { as })
          : await tenant.request("POST", `/users/${userId}/presence/setUserPreferredPresence`, {
              as,
              body: { availability: "Busy", activity: "Busy" },
            });
    expect(answer.status).toBe(status);
    if (status === 403 && what !== "list") {
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: "Forbidden", message: "" } });
    }
  });

  it("needs a valid token, and one that is meant for Graph", async () => {
    for (const token of [
      "nonsense",
      await tenant.tokenOf(WRITER, "https://org.crm.dynamics.com"),
    ]) {
      const answer = await tenant.request("GET", "/users", { token });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      expect(JSON.parse(answer.text)).toMatchObject({
        error: { code: "InvalidAuthenticationToken" },
      });
    }
    const own = await tenant.tokenOf(WRITER, tenant.graph.url);
    expect((await tenant.request("GET", "/users", { token: own })).status).toBe(200);
  });

  it("to subscribe to presence is for signed-in users only, and so is /me", async () => {
    const body = { changeType: "updated", resource: "/communications/presences/x" };
    expect((await tenant.request("POST", "/subscriptions", { body })).status).toBe(403);
    const { status, text } = await tenant.request("GET", "/me/presence");
    expect({ status, text }).toMatchObject({
      status: 400,
      text: expect.stringContaining("delegated"),
    });
  });
});

describe("the directory", () => {
  it("gives selected properties in pages that link to the next", async () => {
    const disabled = tenant.addUser(false);
    tenant.addUser();
    const seen: Record<string, unknown>[] = [];
    let next: string | undefined = "/users?$select=id,accountEnabled&$top=2";
    while (next) {
      const page = JSON.parse((await tenant.request("GET", next)).text) as Listed;
      expect(page.value.length).toBeLessThanOrEqual(2);
      seen.push(...page.value);
      next = page["@odata.nextLink"]?.replace(`${tenant.graph.url}/v1.0`, "");
      if (seen.length > 8) break;
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    const one = await tenant.request("GET", `/users/${disabled}?$select=id,accountEnabled`);
    expect(JSON.parse(one.text)).toEqual({ id: disabled, accountEnabled: false });
  });

  it("leaves accountEnabled out unless it is selected", async () => {
    tenant.addUser();
    const { value } = JSON.parse((await tenant.request("GET", "/users?$top=1")).text) as Listed;
    expect(Object.keys(value[0] ?? {})).toEqual(["id", "userPrincipalName", "displayName"]);
  });
});

describe("a batch", () => {
  const post = (requests: readonly object[]) =>
    tenant.request("POST", "/$batch", { body: { requests } });

  it("answers each of its requests for itself, in no promised order", async () => {
    const userId = tenant.addUser();
    const url = `/users/${userId}/presence`;
    const headers = { "Content-Type": "application/json" };
    const { status, text } = await post([
      { id: "1", method: "POST", url: `${url}/setPresence`, headers, body: call },
      { id: "2", method: "GET", url, dependsOn: ["1"] },
      { id: "3", method: "GET", url: `/users/${randomUUID()}/presence` },
      { id: "4", method: "GET", url, dependsOn: ["3"] },
    ]);
    expect(status).toBe(200);
    const { responses } = JSON.parse(text) as { responses: readonly { id: string }[] };
    expect(responses.map(({ id }) => id)).not.toEqual(["1", "2", "3", "4"]);
    expect(responses.toSorted((a, b) => a.id.localeCompare(b.id))).toMatchObject([
      { id: "1", status: 200 },
      { id: "2", status: 200, body: { availability: "Busy" } },
      { id: "3", status: 404, body: { error: { code: "NotFound" } } },
      { id: "4", status: 424 },
    ]);
  });

  it("takes 20 requests with different ids, and no more", async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        id: `${i}`,
        method: "GET",
        url: "/users?$top=1",
      }));
    expect((await post(many(20))).status).toBe(200);
    expect((await post(many(21))).status).toBe(400);
    expect((await post([...many(1), ...many(1)])).status).toBe(400);
  });

  it("is throttled request by request", async () => {
    tenant.graph.control.advance({ ms: 60_000 });
    tenant.graph.control.limit({ requests: 1, windowSeconds: 30 });
    const url = `/users/${tenant.addUser()}/presence`;
    const { status, text } = await post([
      { id: "1", method: "GET", url },
      { id: "2", method: "GET", url },
    ]);
    tenant.graph.control.limit({ requests: 1500, windowSeconds: 30 });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      responses: [
        { id: "2", status: 429, headers: { "retry-after": "30.000" } },
        { id: "1", status: 200 },
      ],
    });
  });
});
