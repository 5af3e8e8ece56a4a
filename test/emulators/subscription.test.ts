import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { generate } from "selfsigned";
import { GraphTenant, NOBODY, OTHER_SUBSCRIBER, OTHER_WRITER, WRITER } from "./graph-tenant.ts";
import { openEndpoint, type NotificationEndpoint } from "./notification-endpoint.ts";
import { errorOf, resourceFor, Subscriber } from "./subscriber.ts";

const MINUTE_MS = 60_000;
const ANOTHER_ID = "0b1d2c3e-0000-4000-8000-00000000beef";

let tenant: GraphTenant;
let endpoint: NotificationEndpoint;
let subscriber: Subscriber;

beforeAll(async () => {
  tenant = await GraphTenant.start();
  endpoint = await openEndpoint();
  subscriber = new Subscriber(tenant);
});

afterEach(() => tenant.graph.control.removeSubscription());

afterAll(() => Promise.all([tenant.close(), endpoint.close()]));

async function listed(who = subscriber): Promise<Record<string, unknown>[]> {
  const { text } = await who.call("GET", "/subscriptions");
  return (JSON.parse(text) as { value: Record<string, unknown>[] }).value;
}

describe("a subscription", () => {
  it("is shown as it was asked for, without its secrets to anybody but its writer", async () => {
    const userId = tenant.addUser();
    const created = await subscriber.subscribe(endpoint.url, [userId]);
    expect(created).toMatchObject({
      resource: resourceFor([userId]),
      applicationId: WRITER,
      changeType: "updated",
      clientState: "secret of the subscription",
      notificationUrl: endpoint.url,
      lifecycleNotificationUrl: null,
      includeResourceData: false,
      encryptionCertificate: "",
      latestSupportedTlsVersion: "v1_2",
    });
    const { text } = await subscriber.call("GET", `/subscriptions/${created.id}`);
    expect(JSON.parse(text)).toMatchObject({ id: created.id, clientState: null });
    expect(await listed()).toMatchObject([{ id: created.id, clientState: null }]);
  });

  const forms: readonly (readonly [string, (id: string) => string])[] = [
    ["one user in the path", (id) => `communications/presences/${id}`],
    ["unquoted ids", (id) => `/communications/presences?$filter=id in (${id}, ${ANOTHER_ID})`],
    ["an encoded filter", (id) => `communications/presences?$filter=id+in+(%27${id}%27)`],
  ];
  it.each(forms)("takes %s", async (_form, resource) => {
    const userId = tenant.addUser();
    const created = await subscriber.subscribe(endpoint.url, [], { resource: resource(userId) });
    expect(created.resource).toBe(resource(userId));
    const [known] = tenant.graph.control.subscriptions();
    expect(known?.userIds).toContain(userId);
  });

  it("watches 650 users, and lives between 45 and 60 minutes", async () => {
    const many = Array.from({ length: 650 }, () => randomUUID());
    const created = await subscriber.subscribe(endpoint.url, many, {
      expirationDateTime: subscriber.inMinutes(5),
    });
    expect(Date.parse(created.expirationDateTime)).toBe(Date.parse(subscriber.inMinutes(45)));
  });

  it("can be shortened instead of refused when it asks for too long, if the tenant is set so", async () => {
    tenant.graph.control.setPush({ overMaxExpiry: "clamp" });
    const created = await subscriber.subscribe(endpoint.url, [tenant.addUser()], {
      expirationDateTime: subscriber.inMinutes(600),
    });
    tenant.graph.control.setPush({ overMaxExpiry: "refuse" });
    expect(Date.parse(created.expirationDateTime)).toBe(Date.parse(subscriber.inMinutes(60)));
  });

  it("ends with its time, without a word", async () => {
    const { id } = await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    tenant.graph.control.advance({ ms: 60 * MINUTE_MS });
    expect(tenant.graph.control.subscriptions()).toEqual([]);
    const change = { expirationDateTime: subscriber.inMinutes(60) };
    for (const answer of [
      await subscriber.call("PATCH", `/subscriptions/${id}`, change),
      await subscriber.call("GET", `/subscriptions/${id}`),
      await subscriber.call("DELETE", `/subscriptions/${id}`),
      await subscriber.call("POST", `/subscriptions/${id}/reauthorize`),
    ]) {
      expect(errorOf(answer)).toMatchObject({ status: 404, code: "ResourceNotFound" });
    }
  });

  it("is renewed by PATCH, which changes neither the users nor the secret", async () => {
    const { id } = await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    tenant.graph.control.advance({ ms: 30 * MINUTE_MS });
    const expirationDateTime = subscriber.inMinutes(60);
    const renewed = await subscriber.call("PATCH", `/subscriptions/${id}`, { expirationDateTime });
    expect(renewed.status).toBe(200);
    const { expirationDateTime: until } = JSON.parse(renewed.text) as Record<string, string>;
    expect(Date.parse(until ?? "")).toBe(Date.parse(expirationDateTime));
    for (const change of [{ resource: resourceFor([tenant.addUser()]) }, { clientState: "x" }]) {
      expect((await subscriber.call("PATCH", `/subscriptions/${id}`, change)).status).toBe(400);
    }
    tenant.graph.control.advance({ ms: 59 * MINUTE_MS });
    expect(tenant.graph.control.subscriptions()).toHaveLength(1);
  });

  it("is deleted with 204, and then another may be created", async () => {
    const { id } = await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    expect((await subscriber.call("DELETE", `/subscriptions/${id}`)).status).toBe(204);
    await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
  });
});

describe("a second subscription", () => {
  const CONFLICT =
    "Operation: Create; Exception: [Status Code: Conflict; Reason: A subscripton already exists. It must be deleted before a another can be made.]";

  it("of the same app and person is refused, for other users as for the same", async () => {
    const first = [tenant.addUser()];
    const { id } = await subscriber.subscribe(endpoint.url, first);
    expect(errorOf(await subscriber.create(endpoint.url, [tenant.addUser()]))).toEqual({
      status: 409,
      code: "ExtensionError",
      message: CONFLICT,
    });
    expect(errorOf(await subscriber.create(endpoint.url, first))).toMatchObject({
      status: 409,
      message: `Subscription Id ${id} already exists for the requested combination`,
    });
    expect(tenant.graph.control.subscriptions()).toHaveLength(1);
  });

  it("loses against another that is being created at the same time", async () => {
    const statuses = await Promise.all(
      [1, 2].map(async () => (await subscriber.create(endpoint.url, [tenant.addUser()])).status),
    );
    expect(new Set(statuses)).toEqual(new Set([201, 409]));
    expect(tenant.graph.control.subscriptions()).toHaveLength(1);
  });

  it("is allowed to another person, and each sees her own", async () => {
    const other = new Subscriber(tenant, OTHER_SUBSCRIBER);
    const mine = await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    const hers = await other.subscribe(endpoint.url, [tenant.addUser()]);
    expect(await listed()).toMatchObject([{ id: mine.id }]);
    expect(await listed(other)).toMatchObject([{ id: hers.id }]);
    expect((await other.call("DELETE", `/subscriptions/${mine.id}`)).status).toBe(404);
  });

  it("lists over pages, and an application by itself sees all of its own", async () => {
    const other = new Subscriber(tenant, OTHER_SUBSCRIBER);
    const mine = await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    const hers = await other.subscribe(endpoint.url, [tenant.addUser()]);
    tenant.graph.control.setPush({ pageSize: 1 });
    const first = await tenant.request("GET", "/subscriptions", { as: WRITER });
    type Page = { value: { id: string }[]; "@odata.nextLink"?: string };
    const page = JSON.parse(first.text) as Page;
    expect(page.value.map(({ id }) => id)).toEqual([mine.id]);
    const next = page["@odata.nextLink"]?.split("/v1.0")[1] ?? "";
    const rest = JSON.parse((await tenant.request("GET", next, { as: WRITER })).text) as Page;
    expect(rest.value.map(({ id }) => id)).toEqual([hers.id]);
    expect(rest["@odata.nextLink"]).toBeUndefined();
    tenant.graph.control.setPush({ pageSize: 100 });
    const others = await tenant.request("GET", "/subscriptions", { as: OTHER_WRITER });
    expect(JSON.parse(others.text)).toMatchObject({ value: [] });
    expect((await subscriber.call("GET", "/subscriptions?$top=1")).status).toBe(400);
  });
});

describe("a creation is refused", () => {
  it("to an application that acts for itself, and to a person without Presence.Read.All", async () => {
    const body = { changeType: "updated" };
    expect(errorOf(await tenant.request("POST", "/subscriptions", { body }))).toMatchObject({
      status: 403,
      code: "Forbidden",
    });
    const token = await tenant.delegatedTokenOf(undefined, { scope: "Presence.Read", as: NOBODY });
    expect(errorOf(await tenant.request("POST", "/subscriptions", { body, token }))).toMatchObject({
      status: 403,
      code: "Forbidden",
    });
  });

  it("to whom changes are refused as well: an application by itself may only look", async () => {
    const { id } = await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    const path = `/subscriptions/${id}`;
    expect((await tenant.request("GET", path)).status).toBe(200);
    for (const refused of [
      await tenant.request("PATCH", path, { body: {} }),
      await tenant.request("POST", `${path}/reauthorize`),
      await tenant.request("DELETE", path),
    ]) {
      expect(errorOf(refused)).toMatchObject({ status: 403, code: "Forbidden" });
    }
  });

  it("beyond what the tenant may have, whoever asks", async () => {
    await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    tenant.graph.control.setPush({ tenantQuota: 1 });
    const other = new Subscriber(tenant, OTHER_SUBSCRIBER);
    const refused = await other.create(endpoint.url, [tenant.addUser()]);
    tenant.graph.control.setPush({ tenantQuota: 10_000 });
    expect(errorOf(refused)).toMatchObject({
      status: 403,
      message: expect.stringContaining("limit"),
    });
    expect(tenant.graph.control.subscriptions()).toHaveLength(1);
  });

  it("and its answer can be lost although it has happened", async () => {
    tenant.graph.control.dropAckNext({ operation: "createSubscription" });
    await expect(subscriber.create(endpoint.url, [tenant.addUser()])).rejects.toThrow();
    expect(tenant.graph.control.subscriptions()).toHaveLength(1);
  });

  const wrong: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ["another changeType", { changeType: "created,updated" }],
    ["no changeType", { changeType: undefined }],
    ["no notificationUrl", { notificationUrl: undefined }],
    ["no expiry", { expirationDateTime: undefined }],
    ["plain HTTP", { notificationUrl: "http://localhost:1/hook" }],
    ["a lifecycle URL over plain HTTP", { lifecycleNotificationUrl: "http://localhost:1/hook" }],
    ["a clientState of 129 characters", { clientState: "x".repeat(129) }],
    ["another resource", { resource: "/users" }],
    ["a resource without users", { resource: "/communications/presences" }],
    ["an empty list", { resource: resourceFor([]) }],
    ["a user by name", { resource: resourceFor(["nadia@contoso.example"]) }],
    ["$select", { resource: `${resourceFor([randomUUID()])}&$select=availability` }],
    ["651 users", { resource: resourceFor(Array.from({ length: 651 }, () => randomUUID())) }],
    ["an expiry that is none", { expirationDateTime: "soon" }],
    ["an expiry in the past", { expirationDateTime: "2020-01-01T00:00:00Z" }],
    ["resource data without a certificate", { includeResourceData: true }],
    ["a certificate without an id", { encryptionCertificate: "MIIB" }],
    ["no certificate", { encryptionCertificate: "MIIB", encryptionCertificateId: "1" }],
    ["a certificate id of 129 characters", { encryptionCertificateId: "x".repeat(129) }],
    ["web push properties", { vapidPublicKey: "x" }],
  ];
  it.each(wrong)("for %s, before any endpoint is asked", async (_what, more) => {
    endpoint.forget();
    const answer = await subscriber.create(endpoint.url, [randomUUID()], more);
    expect(errorOf(answer)).toMatchObject({ status: 400, code: "InvalidRequest" });
    expect(endpoint.validated).toEqual([]);
    expect(tenant.graph.control.subscriptions()).toEqual([]);
  });

  it("for a certificate of the wrong kind or out of its time", async () => {
    const subject = [{ name: "commonName", value: "lockstep" }];
    const pems = [
      await generate(subject, { keyType: "ec", algorithm: "sha256" }),
      await generate(subject, { keySize: 2048, notAfterDate: new Date(Date.now() - 1000) }),
    ];
    for (const { cert } of pems) {
      const encryptionCertificate = cert.replaceAll(/-----[^-]+-----|\s/g, "");
      const answer = await subscriber.create(endpoint.url, [randomUUID()], {
        includeResourceData: true,
        encryptionCertificate,
        encryptionCertificateId: "1",
      });
      expect(errorOf(answer)).toMatchObject({ status: 400, code: "InvalidRequest" });
    }
  });

  it("for more than 60 minutes, with the text of the platform", async () => {
    const answer = await subscriber.create(endpoint.url, [randomUUID()], {
      expirationDateTime: subscriber.inMinutes(61),
    });
    expect(errorOf(answer)).toEqual({
      status: 400,
      code: "ExtensionError",
      message: "Subscription expiration can only be 60 minutes in the future.",
    });
  });

  const buckets = [
    ["subscriptionLists", 25, "GET", "/subscriptions"],
    ["subscriptionReads", 500, "GET", `/subscriptions/${randomUUID()}`],
    ["subscriptionWrites", 500, "DELETE", `/subscriptions/${randomUUID()}`],
    ["reauthorizations", 1000, "POST", `/subscriptions/${randomUUID()}/reauthorize`],
  ] as const;
  it.each(buckets)("beyond the limit of %s: %i in 20 s", async (_bucket, limit, method, path) => {
    tenant.graph.control.advance({ ms: 20_000 });
    for (let sent = 0; sent < limit; sent += 1) {
      const { status } = await subscriber.call(method, path);
      if (status === 429) throw new Error(`limited after ${sent}`);
    }
    const refused = await subscriber.call(method, path);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    tenant.graph.control.advance({ ms: 20_000 });
    expect((await subscriber.call(method, path)).status).not.toBe(429);
  });
});
