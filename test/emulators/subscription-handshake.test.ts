import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { GraphTenant } from "./graph-tenant.ts";
import { openEndpoint, type NotificationEndpoint } from "./notification-endpoint.ts";
import { errorOf, Subscriber } from "./subscriber.ts";

const PLAIN = "text/plain; charset=utf-8";

let tenant: GraphTenant;
let endpoint: NotificationEndpoint;
let subscriber: Subscriber;

beforeAll(async () => {
  tenant = await GraphTenant.start();
  endpoint = await openEndpoint();
  subscriber = new Subscriber(tenant);
});

afterEach(() => {
  tenant.graph.control.removeSubscription();
  tenant.graph.control.setPush({
    validationSuffix: "",
    validationTimeoutMs: 10_000,
    validateOnRenew: true,
  });
  endpoint.behaviour.echo = (text) => ({ status: 200, type: "text/plain", text });
  endpoint.behaviour.pauseMs = 0;
  endpoint.forget();
});

afterAll(() => Promise.all([tenant.close(), endpoint.close()]));

const create = (more?: Readonly<Record<string, unknown>>) =>
  subscriber.create(endpoint.url, [tenant.addUser()], more);

describe("the handshake", () => {
  it("asks each URL, also twice the same one, each with a token of its own", async () => {
    expect((await create({ lifecycleNotificationUrl: endpoint.url })).status).toBe(201);
    expect(endpoint.validated).toHaveLength(2);
    expect(new Set(endpoint.validated.map(({ token }) => token)).size).toBe(2);
    for (const { token } of endpoint.validated) {
      expect(token).toMatch(/^Validation: Testing client application reachability .+: [0-9a-f-]+$/);
    }
    const spaces = endpoint.validated.map(({ raw }) => (raw.includes("%20") ? "%20" : "+"));
    expect(spaces.toSorted()).toEqual(["%20", "+"]);
  });

  it("keeps the query of the URL, and a token of any characters comes through", async () => {
    tenant.graph.control.setPush({ validationSuffix: " <b>&é+%41=#\"'" });
    const { status } = await create({ notificationUrl: `${endpoint.url}?shard=3` });
    expect(status).toBe(201);
    expect(endpoint.validated).toMatchObject([
      { raw: expect.stringMatching(/^\?shard=3&validationToken=/) },
    ]);
    expect(endpoint.validated[0]?.token.endsWith(" <b>&é+%41=#\"'")).toBe(true);
  });

  const spoilt: readonly (readonly [
    string,
    (token: string) => { status: number; type: string; text: string },
    RegExp,
  ])[] = [
    ["202", (text) => ({ status: 202, type: PLAIN, text }), /must respond with 200 OK/],
    ["HTML", (text) => ({ status: 200, type: "text/html", text }), /must exactly match/],
    ["another text", (text) => ({ status: 200, type: PLAIN, text: `${text} ` }), /exactly match/],
    [
      "the token still encoded",
      (text) => ({ status: 200, type: PLAIN, text: encodeURIComponent(text) }),
      /exactly match/,
    ],
  ];
  it.each(spoilt)("fails for %s", async (_what, echo, message) => {
    endpoint.behaviour.echo = echo;
    expect(errorOf(await create())).toMatchObject({
      status: 400,
      code: "InvalidRequest",
      message: expect.stringMatching(message),
    });
    expect(tenant.graph.control.subscriptions()).toEqual([]);
  });

  it("fails when one of two endpoints is not reachable or too slow", async () => {
    const timedOut = {
      status: 400,
      code: "InvalidRequest",
      message: "Subscription validation request timed out.",
    };
    const nowhere = { lifecycleNotificationUrl: "https://lifecycle.example/hook" };
    expect(errorOf(await create(nowhere))).toEqual(timedOut);
    tenant.graph.control.setPush({ validationTimeoutMs: 50 });
    endpoint.behaviour.pauseMs = 60_000;
    expect(errorOf(await create())).toEqual(timedOut);
  });

  it("fails by itself when it is told to, and only as often", async () => {
    tenant.graph.control.failHandshakes({ times: 1 });
    expect(errorOf(await create()).message).toBe("Subscription validation request timed out.");
    expect(endpoint.validated).toHaveLength(1);
    expect((await create()).status).toBe(201);
  });

  it("is repeated by PATCH and reauthorize, whose failure changes nothing", async () => {
    const { id } = await subscriber.subscribe(endpoint.url, [tenant.addUser()]);
    endpoint.forget();
    tenant.graph.control.advance({ ms: 60_000 });
    const [before] = tenant.graph.control.subscriptions();
    const renewal = { expirationDateTime: subscriber.inMinutes(60) };
    tenant.graph.control.failHandshakes({ times: 1 });
    expect((await subscriber.call("PATCH", `/subscriptions/${id}`, renewal)).status).toBe(400);
    expect(tenant.graph.control.subscriptions()).toEqual([before]);
    expect((await subscriber.call("PATCH", `/subscriptions/${id}`, renewal)).status).toBe(200);
    expect((await subscriber.call("POST", `/subscriptions/${id}/reauthorize`)).status).toBe(204);
    expect(endpoint.validated).toHaveLength(3);
    tenant.graph.control.setPush({ validateOnRenew: false });
    expect((await subscriber.call("PATCH", `/subscriptions/${id}`, renewal)).status).toBe(200);
    expect(endpoint.validated).toHaveLength(3);
  });

  it("reaches a public origin through its ingress", async () => {
    const { origin } = endpoint;
    tenant.graph.control.setIngress({ origin: "https://lockstep.example", to: origin });
    const notificationUrl = "https://lockstep.example/teams/notifications";
    expect((await create({ notificationUrl })).status).toBe(201);
    expect(endpoint.validated).toMatchObject([{ path: "/teams/notifications" }]);
  });
});
