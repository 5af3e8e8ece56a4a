import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphTenant, NOBODY, SUBSCRIBER, WRITER } from "./graph-tenant.ts";
import { errorOf } from "./subscriber.ts";

let tenant: GraphTenant;
let me: string;

beforeAll(async () => {
  tenant = await GraphTenant.start();
  const account = tenant.entra.control.accounts().find(({ upn }) => upn === SUBSCRIBER);
  me = account?.oid ?? "";
  tenant.graph.control.addUser({ id: me, userPrincipalName: SUBSCRIBER, displayName: "Reader" });
});

afterAll(() => tenant.close());

/** Every application acts with exactly the permission named: consents add up, so each has its own scope. */
async function asMe(scope: string, method: "GET" | "POST", path: string, body?: unknown) {
  const token = await tenant.delegatedTokenOf(SUBSCRIBER, { scope });
  return tenant.request(method, path, { token, body });
}

const busy = { sessionId: WRITER, availability: "Busy", activity: "InACall" };

describe("a person's token", () => {
  it("reads her own presence with Presence.Read, and everybody's with Presence.Read.All", async () => {
    const other = tenant.addUser();
    for (const path of ["/me/presence", `/users/${me}/presence`]) {
      const { status, text } = await asMe("Presence.Read", "GET", path);
      expect(status).toBe(200);
      expect(JSON.parse(text)).toMatchObject({ id: me });
    }
    const ids = { ids: [me, other] };
    const bulk = "/communications/getPresencesByUserId";
    for (const refused of [
      await asMe("Presence.Read", "GET", `/communications/presences/${other}`),
      await asMe("Presence.Read", "POST", bulk, ids),
      await asMe("User.Read", "GET", "/me/presence"),
    ]) {
      expect(errorOf(refused)).toMatchObject({ status: 403, code: "Forbidden" });
    }
    const { text } = await asMe("Presence.Read.All", "POST", bulk, ids);
    expect((JSON.parse(text) as { value: unknown[] }).value).toHaveLength(2);
  });

  it("writes her own presence, and nobody else's", async () => {
    const own = await asMe("Presence.ReadWrite", "POST", "/me/presence/setPresence", busy);
    expect(own.status).toBe(200);
    expect(await tenant.shown(me)).toBe("Busy/InACall");
    const path = `/users/${tenant.addUser()}/presence/setPresence`;
    expect(errorOf(await asMe("Presence.ReadWrite", "POST", path, busy))).toEqual({
      status: 401,
      code: "Unauthorized",
      message: "Cannot set the presence of another user",
    });
    expect(errorOf(await asMe("Presence.Read.All", "POST", path, busy))).toMatchObject({
      status: 403,
    });
  });

  it("tells who she is with User.Read", async () => {
    const { text } = await asMe("User.Read", "GET", "/me");
    expect(JSON.parse(text)).toMatchObject({ id: me, userPrincipalName: SUBSCRIBER });
    expect(errorOf(await asMe("User.Read", "GET", "/users"))).toMatchObject({
      status: 403,
      code: "Authorization_RequestDenied",
    });
  });

  it("does not take over the permissions of its application", async () => {
    const token = await tenant.delegatedTokenOf(SUBSCRIBER, { scope: "User.Read", as: WRITER });
    const { status } = await tenant.request("GET", `/users/${tenant.addUser()}/presence`, {
      token,
    });
    expect(status).toBe(403);
  });

  it("is what /me needs", async () => {
    expect((await tenant.request("GET", "/me/presence", { as: WRITER })).status).toBe(400);
    expect((await tenant.request("GET", "/me", { as: NOBODY })).status).toBe(403);
  });
});
