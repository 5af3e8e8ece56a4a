import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { GraphTenant, OTHER_SUBSCRIBER, PATIENT, TENANT_ID, WRITER } from "./graph-tenant.ts";
import { openEndpoint, type NotificationEndpoint } from "./notification-endpoint.ts";
import { Subscriber } from "./subscriber.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let tenant: GraphTenant;
let endpoint: NotificationEndpoint;
let subscriber: Subscriber;

beforeAll(async () => {
  tenant = await GraphTenant.start();
  endpoint = await openEndpoint();
  subscriber = new Subscriber(tenant);
});

afterEach(async () => {
  const { control } = tenant.graph;
  control.removeSubscription();
  control.setPush({
    reauthorizationEveryMs: 15 * MINUTE_MS,
    delayMinMs: 0,
    delayMaxMs: 0,
    dropShare: 0,
    duplicateShare: 0,
    reorder: false,
    batchSize: 100,
    resourceForm: "filter",
    expiryZone: "",
    ...PATIENT,
    minimumResponses: 100,
  });
  await settled();
  endpoint.behaviour.statuses.length = 0;
  endpoint.behaviour.pauseMs = 0;
  endpoint.forget();
});

afterAll(() => Promise.all([tenant.close(), endpoint.close()]));

const settled = () => tenant.graph.control.deliveriesSettled();
const advance = (ms: number) => tenant.graph.control.advance({ ms });

function show(userId: string, availability: "Available" | "Busy" | "Away"): void {
  tenant.graph.control.setClient({ userId, availability });
}

/** Subscribes to `count` new users, and gives their ids. */
async function watch(count: number, more?: Readonly<Record<string, unknown>>) {
  const users = Array.from({ length: count }, () => tenant.addUser());
  const { id } = await subscriber.subscribe(endpoint.url, users, more);
  endpoint.forget();
  return { id, users: users as [string, ...string[]] };
}

describe("a notification", () => {
  it("says who changed, and not how", async () => {
    const { id, users } = await watch(1);
    show(users[0], "Busy");
    await settled();
    const [known] = tenant.graph.control.subscriptions();
    expect(endpoint.posted).toEqual([
      {
        path: "/hook",
        value: [
          {
            subscriptionId: id,
            clientState: "secret of the subscription",
            changeType: "updated",
            resource: `communications/presences?$filter=id+in+(%27${users[0]}%27)`,
            subscriptionExpirationDateTime: new Date(known?.expiresAtMs ?? 0)
              .toISOString()
              .replace("Z", "0000"),
            resourceData: {
              "@odata.type": "#Microsoft.Graph.presence",
              "@odata.id": `users/${users[0]}/presence`,
              id: users[0],
            },
            tenantId: TENANT_ID,
            organizationId: TENANT_ID,
          },
        ],
      },
    ]);
  });

  it("names the resource and the expiry in their other published forms too", async () => {
    tenant.graph.control.setPush({ resourceForm: "path", expiryZone: "Z" });
    const { users } = await watch(1);
    show(users[0], "Busy");
    await settled();
    expect(endpoint.posted[0]?.value[0]).toMatchObject({
      resource: `communications/presences/${users[0]}`,
      subscriptionExpirationDateTime: expect.stringMatching(/\d{7}Z$/),
    });
  });

  it("comes for a change that nobody made: a session that fades or ends", async () => {
    const { users } = await watch(1);
    const pair = { availability: "Available", activity: "Available" };
    const body = { sessionId: WRITER, ...pair, expirationDuration: "PT1H" };
    expect(await tenant.act(users[0], "setPresence", body)).toBe(200);
    await settled();
    expect(endpoint.users()).toEqual([users[0]]);
    advance(11 * MINUTE_MS);
    await settled();
    expect(endpoint.users()).toEqual([users[0], users[0], users[0]]);
  });

  it("does not come for a write that changes nothing, nor for anybody else", async () => {
    const { users } = await watch(1);
    show(tenant.addUser(), "Busy");
    show(users[0], "Busy");
    show(users[0], "Busy");
    await settled();
    expect(endpoint.users()).toEqual([users[0]]);
  });

  it("goes to every subscriber of the user", async () => {
    const { users } = await watch(1);
    const other = new Subscriber(tenant, OTHER_SUBSCRIBER);
    await other.subscribe(`${endpoint.url}/other`, users);
    show(users[0], "Busy");
    await settled();
    expect(endpoint.posted.map(({ path }) => path).toSorted()).toEqual(["/hook", "/hook/other"]);
  });

  it("shares a request with others of the same moment, up to the size of a batch", async () => {
    tenant.graph.control.setPush({ batchSize: 3 });
    const { users } = await watch(7);
    for (const userId of users) show(userId, "Busy");
    await settled();
    expect(endpoint.posted.map(({ value }) => value.length).toSorted((a, b) => a - b)).toEqual([
      1, 3, 3,
    ]);
    expect(new Set(endpoint.users())).toEqual(new Set(users));
  });

  it("ends with its subscription: deleted, removed or expired", async () => {
    const ends: readonly ((id: string) => unknown)[] = [
      (id) => subscriber.call("DELETE", `/subscriptions/${id}`),
      (id) => tenant.graph.control.removeSubscription({ subscriptionId: id }),
      () => advance(HOUR_MS),
    ];
    for (const end of ends) {
      const { id, users } = await watch(1);
      await end(id);
      show(users[0], "Busy");
      await settled();
      expect(endpoint.users()).toEqual([]);
    }
  });

  it("tells what happened before the expiry, even when everybody looks only later", async () => {
    const { users } = await watch(1);
    const pair = { availability: "Busy", activity: "InACall" };
    const body = { sessionId: WRITER, ...pair, expirationDuration: "PT30M" };
    await tenant.act(users[0], "setPresence", body);
    advance(3 * HOUR_MS);
    await settled();
    expect(endpoint.users()).toEqual([users[0], users[0]]);
  });

  it("does not come for what happens after the expiry, however late anybody looks", async () => {
    const { users } = await watch(1);
    const inACall = { availability: "Busy", activity: "InACall", expirationDuration: "PT2H" };
    await tenant.act(users[0], "setPresence", { sessionId: WRITER, ...inACall });
    advance(3 * HOUR_MS);
    await settled();
    expect(endpoint.users()).toEqual([users[0]]);
  });
});

describe("delivery", () => {
  it("takes as long as it is told to, on the emulator's clock", async () => {
    tenant.graph.control.setPush({ delayMaxMs: MINUTE_MS, delayMinMs: MINUTE_MS });
    const { users } = await watch(1);
    show(users[0], "Busy");
    await settled();
    expect(endpoint.users()).toEqual([]);
    advance(MINUTE_MS);
    await settled();
    expect(endpoint.users()).toEqual([users[0]]);
  });

  it("can lose, double and turn round what it delivers", async () => {
    const { users } = await watch(3);
    tenant.graph.control.setPush({ dropShare: 1 });
    show(users[0], "Away");
    await settled();
    expect(endpoint.users()).toEqual([]);
    tenant.graph.control.setPush({ dropShare: 0, duplicateShare: 1 });
    show(users[0], "Busy");
    await settled();
    expect(endpoint.posted.map(({ value }) => value.length)).toEqual([1, 1]);
    expect(endpoint.users()).toEqual([users[0], users[0]]);
    endpoint.forget();
    tenant.graph.control.setPush({ duplicateShare: 0, reorder: true });
    for (const userId of users) show(userId, "Available");
    await settled();
    expect(endpoint.users()).toEqual(users.toReversed());
  });

  it("tries again, with growing pauses, until the answer is 2xx", async () => {
    const { users } = await watch(1);
    endpoint.behaviour.statuses.push(500, 404);
    show(users[0], "Busy");
    await settled();
    advance(10_000);
    await settled();
    expect(endpoint.users()).toHaveLength(2);
    advance(10_000);
    await settled();
    expect(endpoint.users()).toHaveLength(2);
    advance(10_000);
    await settled();
    expect(endpoint.users()).toHaveLength(3);
    advance(HOUR_MS);
    await settled();
    expect(endpoint.users()).toHaveLength(3);
    const log = tenant.graph.control.deliveries().filter(({ kind }) => kind === "change");
    expect(log.slice(-3).map(({ attempt, status, outcome }) => [attempt, status, outcome])).toEqual(
      [
        [1, 500, "retrying"],
        [2, 404, "retrying"],
        [3, 202, "delivered"],
      ],
    );
  });

  it("gives up after four hours", async () => {
    const { users } = await watch(1);
    endpoint.behaviour.statuses.push(...Array.from({ length: 50 }, () => 503));
    show(users[0], "Busy");
    await settled();
    for (let minutes = 0; minutes < 6 * 60; minutes += 5) {
      advance(5 * MINUTE_MS);
      await settled();
    }
    const log = tenant.graph.control.deliveries().filter(({ userIds }) => userIds[0] === users[0]);
    expect(log.at(-1)).toMatchObject({ outcome: "givenUp", status: 503 });
    const [first] = log;
    for (const { atMs } of log) {
      expect(atMs - (first?.atMs ?? 0)).toBeLessThanOrEqual(4 * HOUR_MS + 5 * MINUTE_MS);
    }
  });

  it("counts an answer that is too late as none", async () => {
    tenant.graph.control.setPush({ firstTimeoutMs: 50 });
    const { users } = await watch(1);
    endpoint.behaviour.pauseMs = 60_000;
    show(users[0], "Busy");
    await settled();
    expect(tenant.graph.control.deliveries().at(-1)).toMatchObject({
      status: 0,
      attempt: 1,
      outcome: "retrying",
    });
    endpoint.behaviour.pauseMs = 0;
    advance(10_000);
    await settled();
    expect(endpoint.users()).toEqual([users[0]]);
  });

  it("stops silently when told to, while the subscription lives on and can be renewed", async () => {
    const { id, users } = await watch(1);
    tenant.graph.control.silence({ subscriptionId: id });
    show(users[0], "Busy");
    await settled();
    expect(endpoint.users()).toEqual([]);
    expect(tenant.graph.control.deliveries().at(-1)).toMatchObject({ outcome: "silenced" });
    const renewal = { expirationDateTime: subscriber.inMinutes(60) };
    expect((await subscriber.call("PATCH", `/subscriptions/${id}`, renewal)).status).toBe(200);
    tenant.graph.control.silence({ subscriptionId: id, silent: false });
    show(users[0], "Away");
    await settled();
    expect(endpoint.users()).toEqual([users[0]]);
  });

  it("waits while the subscriber's token is over, and goes on once it is renewed", async () => {
    tenant.entra.control.setTokenLifetime({ seconds: 600 });
    tenant.forgetTokens();
    const { id, users } = await watch(1);
    advance(11 * MINUTE_MS);
    show(users[0], "Busy");
    await settled();
    expect(endpoint.users()).toEqual([]);
    expect((await subscriber.call("POST", `/subscriptions/${id}/reauthorize`)).status).toBe(204);
    await settled();
    expect(endpoint.users()).toEqual([users[0]]);
    tenant.entra.control.setTokenLifetime({ seconds: 3599 });
    tenant.forgetTokens();
  });

  it("is steered and observed from another process too", async () => {
    const { id, users } = await watch(1);
    const control = async (name: string, body: unknown = {}): Promise<unknown> => {
      const answer = await fetch(`${tenant.graph.url}/control/${name}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      return answer.json();
    };
    await control("silence", { subscriptionId: id });
    await control("setClient", { userId: users[0], availability: "Busy" });
    await control("deliveriesSettled");
    const log = (await control("deliveries")) as Record<string, unknown>[];
    expect(log.at(-1)).toMatchObject({ subscriptionIds: [id], outcome: "silenced" });
    expect(await control("subscriptions")).toMatchObject([{ id, isSilent: true }]);
    expect(await control("silence", { subscriptionId: "none" })).toMatchObject({
      error: { message: "there is no subscription none" },
    });
  });

  it("can be made up, for a change that never was", async () => {
    const { id, users } = await watch(1);
    tenant.graph.control.sendNotification({ subscriptionId: id, userId: users[0], times: 2 });
    await settled();
    expect(endpoint.users()).toEqual([users[0], users[0]]);
  });
});

describe("an endpoint", () => {
  const fill = async (users: readonly string[], availability: "Busy" | "Away") => {
    tenant.graph.control.setPush({ batchSize: 1 });
    for (const userId of users) show(userId, availability);
    await settled();
  };
  const state = () => tenant.graph.control.endpoints()[endpoint.url];

  it("that is slow in more than a tenth of its answers is told ten minutes later", async () => {
    const { users } = await watch(3);
    advance(10 * MINUTE_MS);
    tenant.graph.control.setPush({ minimumResponses: 3, slowAfterMs: 1, dropAfterMs: 60_000 });
    await fill(users, "Busy");
    expect(state()).toBe("slow");
    endpoint.forget();
    await fill(users, "Away");
    expect(endpoint.users()).toEqual([]);
    tenant.graph.control.setPush({ slowAfterMs: 60_000 });
    advance(10 * MINUTE_MS);
    await settled();
    expect(new Set(endpoint.users())).toEqual(new Set(users));
    expect(state()).toBe("normal");
  });

  it("that is far too slow loses what happens in the next ten minutes, for good", async () => {
    const { users } = await watch(3);
    advance(10 * MINUTE_MS);
    tenant.graph.control.setPush({ minimumResponses: 3, slowAfterMs: 1, dropAfterMs: 1 });
    await fill(users, "Busy");
    expect(state()).toBe("drop");
    endpoint.forget();
    await fill(users, "Away");
    expect(tenant.graph.control.deliveries().at(-1)).toMatchObject({ outcome: "dropped" });
    tenant.graph.control.setPush({ slowAfterMs: 60_000, dropAfterMs: 60_000 });
    advance(10 * MINUTE_MS);
    await settled();
    expect(endpoint.users()).toEqual([]);
    await fill(users, "Busy");
    expect(endpoint.users()).toHaveLength(3);
  });
});

describe("a lifecycle notification", () => {
  const lifecycle = { lifecycleNotificationUrl: "" };
  const told = () => endpoint.posted.filter(({ path }) => path === "/lifecycle");
  const watchLife = () => {
    lifecycle.lifecycleNotificationUrl = `${endpoint.origin}/lifecycle`;
    return watch(1, lifecycle);
  };

  it("asks for reauthorisation every quarter of an hour until the subscription is renewed", async () => {
    const { id } = await watchLife();
    advance(16 * MINUTE_MS);
    await settled();
    expect(told()).toMatchObject([
      {
        value: [
          {
            subscriptionId: id,
            tenantId: TENANT_ID,
            clientState: "secret of the subscription",
            lifecycleEvent: "reauthorizationRequired",
          },
        ],
      },
    ]);
    expect(told()[0]?.value[0]).not.toHaveProperty("changeType");
    advance(15 * MINUTE_MS);
    await settled();
    expect(told()).toHaveLength(2);
    const renewal = { expirationDateTime: subscriber.inMinutes(60) };
    await subscriber.call("PATCH", `/subscriptions/${id}`, renewal);
    advance(14 * MINUTE_MS);
    await settled();
    expect(told()).toHaveLength(2);
  });

  it("can be forced, also one that nobody knows yet, and removal comes true", async () => {
    tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    const { id } = await watchLife();
    const events = ["reauthorizationRequired", "missed", "somethingNew", "subscriptionRemoved"];
    for (const event of events) {
      expect(tenant.graph.control.subscriptions()).toHaveLength(1);
      tenant.graph.control.sendLifecycle({ subscriptionId: id, event });
      await settled();
    }
    expect(told().flatMap(({ value }) => value.map((item) => item["lifecycleEvent"]))).toEqual(
      events,
    );
    expect(tenant.graph.control.subscriptions()).toEqual([]);
  });

  it("is not sent to a subscriber who gave no address for it", async () => {
    const { id } = await watch(1);
    tenant.graph.control.sendLifecycle({ subscriptionId: id, event: "missed" });
    advance(30 * MINUTE_MS);
    await settled();
    expect(endpoint.posted).toEqual([]);
  });
});
