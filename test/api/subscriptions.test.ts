import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import type { Attempt } from "../../src/api/subscriptions/sender.ts";
import {
  attempted,
  DISABLED_AFTER_MS,
  RETRY_DELAYS_MS,
  type Subscription,
  SUBSCRIPTION_RECORD,
  taken,
} from "../../src/api/subscriptions/subscription.ts";
import { ANA, BEN, keptIntegration, Office } from "./office.ts";
import { type Delivery, openSubscriber, verify } from "./subscriber.ts";
import { eventually } from "../service/launch.ts";
import { INTEGRATION_RECORD } from "../../src/api/integrations/integration.ts";

const EMPTY: Subscription = {
  id: "s",
  integration: "phone",
  url: "https://crm.example/hook",
  secret: "whsec_",
  reps: null,
  queues: null,
  kinds: ["status"],
  position: 0,
  waiting: [],
  dead: [],
  failingSinceMs: null,
  disabled: null,
};
const HOUR = 3_600_000;
const PHONE = { as: "phone" } as const;

type View = {
  readonly id: string;
  readonly secret: string;
  readonly state: string;
  readonly says: string;
  readonly position: number;
  readonly waiting: readonly { readonly position: number; readonly attempt: number }[];
  readonly dead: readonly { readonly position: number; readonly says: string }[];
};

async function subscribe(
  office: Office,
  url: string,
  more: object = {},
  as = "phone",
): Promise<View> {
  const { status, json } = await office.ask("POST /subscriptions", { as, body: { url, ...more } });
  expect([status, json]).toMatchObject([201, { state: "live" }]);
  return json as View;
}

const view = async (office: Office, { id }: View): Promise<View> =>
  (await office.ask(`GET /subscriptions/${id}`, PHONE)).json as View;

const set = (office: Office, { rep }: typeof ANA, status: string) =>
  office.ask(`PUT /reps/${rep}/status`, { as: "planner", body: { status } });

/** Real sockets, virtual time: what is under way is waited for without moving the clock. */
const told = (deliveries: readonly Delivery[], count: number): Promise<unknown> =>
  eventually(`${count} deliveries have come`, () => deliveries.length >= count, { everyMs: 5 });

const settled = async (
  office: Office,
  subscription: View,
  so: (now: View) => boolean,
): Promise<View> => {
  let now = await view(office, subscription);
  await eventually(
    "the subscription has come so far",
    async () => so((now = await view(office, subscription))),
    { everyMs: 10 },
  );
  return now;
};

test("[R194] a change is told in a signed CloudEvent, and only what was asked for is", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  const subscription = await subscribe(office, receiver.url, { reps: [ANA.teamsUserId] });
  expect(subscription.secret).toMatch(/^whsec_/);
  await set(office, BEN, "Away");
  await set(office, ANA, "Busy");
  await told(receiver.deliveries, 1);
  const [delivery] = receiver.deliveries;
  if (!delivery) throw new Error("nothing came");
  verify(delivery, subscription.secret);
  expect(() => verify(delivery, `whsec_${"A".repeat(43)}=`)).toThrow("not signed");
  expect(delivery.type).toBe("application/cloudevents+json; charset=utf-8");
  expect(delivery.event).toMatchObject({
    specversion: "1.0",
    source: "/api/v1/history",
    type: "lockstep.rep.status",
    subject: ANA.rep,
    time: new Date(office.clock.nowMs()).toISOString(),
    datacontenttype: "application/json",
    data: { rep: ANA.rep, kind: "status", source: "planner", detail: { status: "Busy" } },
  });
  expect(delivery.id).toBe(`${subscription.id}_${delivery.event.id}`);
  await settled(office, subscription, ({ waiting }) => waiting.length === 0);
  expect(receiver.deliveries).toHaveLength(1);
  // The secret is shown once.
  expect(JSON.stringify(await view(office, subscription))).not.toContain("whsec_");
});

test("[R195] a message is tried ten times over three days, each time later, and then given up", () => {
  const first = taken(EMPTY, 1, true, 0);
  const failed: Attempt = { status: 500, says: "answered 500", retryAfterSeconds: null };
  let [state, nowMs] = [first, 0];
  const waits: number[] = [];
  for (let tries = 1; state.dead.length === 0; tries += 1) {
    state = attempted(state, 1, failed, nowMs, () => 0);
    const next = state.waiting[0];
    if (next) waits.push((next.dueMs - nowMs) / 1_000);
    nowMs = next?.dueMs ?? nowMs;
    expect(tries).toBeLessThan(11);
  }
  expect(waits).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
  expect(nowMs / 1_000).toBe(75 * 3_600 + 35 * 60 + 5);
  expect(state).toMatchObject({ waiting: [], dead: [{ position: 1, says: "answered 500" }] });
  const late = attempted(first, 1, failed, 0, () => 1);
  expect(late.waiting[0]?.dueMs).toBe(5_500);
});

test("[R195] a message that is not accepted is sent again with the same id, and given up at last", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  receiver.answer = () => 500;
  const subscription = await subscribe(office, receiver.url);
  await set(office, ANA, "Away");
  let tries = 1;
  await told(receiver.deliveries, tries);
  for (const delayMs of [5_000, 300_000]) {
    await settled(office, subscription, ({ waiting }) => waiting[0]?.attempt === tries);
    await office.clock.advance(delayMs - 1);
    expect(receiver.deliveries).toHaveLength(tries);
    await office.clock.advance(delayMs * 0.1 + 1);
    tries += 1;
    await told(receiver.deliveries, tries);
  }
  await settled(office, subscription, ({ waiting }) => waiting[0]?.attempt === tries);
  expect(new Set(receiver.deliveries.map(({ id }) => id)).size).toBe(1);
  const stamps = receiver.deliveries.map(({ headers }) => headers["webhook-timestamp"]);
  expect(new Set(stamps).size).toBe(3);

  // Three days later, after a restart, the last attempt is due.
  await office.end();
  const store = await openSqliteEngine({ path: office.path });
  const [record] = await store.kept(SUBSCRIPTION_RECORD);
  if (!record) throw new Error("it is kept");
  const body = record.body as Subscription;
  const waiting = body.waiting.map((one) => ({
    ...one,
    attempt: RETRY_DELAYS_MS.length,
    dueMs: 0,
  }));
  await store.keep({ ...record, body: { ...body, waiting } });
  await store.close();
  await office.begin();
  await told(receiver.deliveries, tries + 1);
  const now = await settled(office, subscription, ({ dead }) => dead.length === 1);
  expect(now).toMatchObject({ waiting: [], dead: [{ says: "answered 500" }] });

  // What was given up can be had again.
  receiver.answer = () => 204;
  const replay = `POST /subscriptions/${subscription.id}/replay`;
  expect((await office.ask(replay, { ...PHONE, body: {} })).status).toBe(200);
  await told(receiver.deliveries, tries + 2);
  expect(receiver.deliveries.at(-1)?.id).toBe(receiver.deliveries[0]?.id);
  await settled(
    office,
    subscription,
    ({ dead, waiting: left, state }) => dead.length + left.length === 0 && state === "live",
  );
});

test("[R195] a receiver that asks for time gets it", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  const subscription = await subscribe(office, receiver.url);
  receiver.answer = () => ({ status: 429, headers: { "retry-after": "120" } });
  await set(office, ANA, "Busy");
  await told(receiver.deliveries, 1);
  await settled(office, subscription, ({ state }) => state === "failing");
  receiver.answer = () => 204;
  await office.clock.advance(119_000);
  expect(receiver.deliveries).toHaveLength(1);
  await office.clock.advance(1_000);
  await told(receiver.deliveries, 2);
});

test("[R196] a receiver that was down gets everything once it is back, each message of a rep in order", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  receiver.answer = () => 503;
  const subscription = await subscribe(office, receiver.url);
  const statuses = ["Busy", "Away", "BeRightBack", "DoNotDisturb"];
  for (let index = 0; index < 120; index += 1) {
    await set(office, ANA, statuses[index % 4] ?? "Busy");
    await office.statusOf(ANA);
  }
  // No more than a hundred wait: the rest stays where it is, in the history.
  await settled(office, subscription, ({ waiting }) => waiting.length === 100);
  await office.restart();
  const before = receiver.deliveries.length;
  receiver.answer = () => 204;
  await office.clock.advance(6 * 60_000);
  await settled(
    office,
    subscription,
    ({ waiting, position }) => waiting.length === 0 && position >= 240,
  );
  const sequences = receiver.deliveries.slice(before).map(({ event }) => event.sequence);
  expect(new Set(sequences).size).toBe(120);
  expect(sequences.slice(-20)).toEqual(sequences.slice(-20).toSorted());
  expect(receiver.deliveries.at(-1)?.event.data.detail["status"]).toBe("DoNotDisturb");
});

test("[R196] whoever wants it again from a position gets it again, with the ids that it had", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  const subscription = await subscribe(office, receiver.url);
  for (const status of ["Busy", "Away"]) await set(office, ANA, status);
  await told(receiver.deliveries, 2);
  await settled(office, subscription, ({ waiting }) => waiting.length === 0);
  await office.ask(`POST /subscriptions/${subscription.id}/replay`, {
    ...PHONE,
    body: { after: 0 },
  });
  await told(receiver.deliveries, 4);
  const ids = receiver.deliveries.map(({ id }) => id);
  expect(ids.slice(2)).toEqual(ids.slice(0, 2));
});

test("[R197] a receiver that accepts nothing for five days is disabled, and that is said", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  receiver.answer = () => 500;
  const subscription = await subscribe(office, receiver.url);
  await set(office, ANA, "Busy");
  await told(receiver.deliveries, 1);
  await settled(office, subscription, ({ waiting }) => waiting[0]?.attempt === 1);
  // Four days and a half later it is still tried; after five days no more.
  office.clock.set(108 * HOUR);
  await set(office, ANA, "Away");
  await settled(
    office,
    subscription,
    ({ waiting }) => waiting.length === 2 && waiting.every(({ attempt }) => attempt > 0),
  );
  expect((await view(office, subscription)).state).toBe("failing");
  office.clock.set(DISABLED_AFTER_MS - 108 * HOUR);
  await set(office, ANA, "BeRightBack");
  const now = await settled(office, subscription, ({ state }) => state === "disabled");
  expect(now.says).toContain(
    "nothing was accepted for five days; at last the receiver answered 500",
  );
  expect(office.disabled).toEqual([subscription.id]);
  const { length } = receiver.deliveries;
  await set(office, ANA, "DoNotDisturb");
  await office.clock.advance(HOUR);
  expect(receiver.deliveries).toHaveLength(length);
  receiver.answer = () => 204;
  await office.restart();
  expect((await view(office, subscription)).state).toBe("disabled");
  await office.ask(`POST /subscriptions/${subscription.id}/replay`, { ...PHONE, body: {} });
  await settled(
    office,
    subscription,
    ({ state, waiting }) => state === "live" && waiting.length === 0,
  );
  expect(receiver.deliveries.at(-1)?.event.data.detail["status"]).toBe("DoNotDisturb");
});

test("[R197] 410 Gone disables at once", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  receiver.answer = () => 410;
  const subscription = await subscribe(office, receiver.url);
  await set(office, ANA, "Busy");
  const now = await settled(office, subscription, ({ state }) => state === "disabled");
  expect(now.says).toContain("410 Gone");
});

test("[R198] nothing is sent to an address inside, in the clear, or where a redirect points", async () => {
  const office = await Office.open();
  const inside = await openSubscriber();
  const urls = [
    inside.url.replace("localhost", "127.0.0.1"),
    inside.url.replace("localhost", "[::1]"),
    inside.url.replace("localhost", "[::ffff:127.0.0.1]"),
    inside.url.replace("localhost", "0x7f.1"),
    inside.url.replace("https:", "http:"),
    inside.url.replace("https://", "https://user:word@"),
    "https://169.254.169.254/latest",
    "https://10.1.2.3/",
    "https://no-such-host.invalid/",
    "https:///",
    "file:///etc/passwd",
  ];
  for (const url of urls) {
    const { status, json } = await office.ask("POST /subscriptions", { ...PHONE, body: { url } });
    expect([url, status]).toEqual([url, 400]);
    expect(["api-address-forbidden", "api-input-malformed"]).toContain(
      (json as { readonly code: string }).code,
    );
  }
  const outside = await openSubscriber();
  outside.answer = () => ({ status: 307, headers: { location: inside.url } });
  const subscription = await subscribe(office, outside.url);
  await set(office, ANA, "Busy");
  await told(outside.deliveries, 1);
  const now = await settled(office, subscription, ({ state }) => state === "failing");
  expect(now.waiting).toHaveLength(1);
  expect(inside.deliveries).toEqual([]);
});

test("[R199] a subscription tells nobody of a rep beyond its binding, and dies with its integration", async () => {
  const office = await Office.open({ phone: { reps: [ANA.rep] }, planner: {} });
  const receiver = await openSubscriber();
  const body = { url: receiver.url, reps: [BEN.rep] };
  expect((await office.ask("POST /subscriptions", { ...PHONE, body })).status).toBe(404);
  const subscription = await subscribe(office, receiver.url);
  await set(office, BEN, "Away");
  await set(office, ANA, "Busy");
  await told(receiver.deliveries, 1);
  expect(receiver.deliveries.map(({ event }) => event.subject)).toEqual([ANA.rep]);
  for (const line of ["GET", "DELETE"]) {
    const foreign = await office.ask(`${line} /subscriptions/${subscription.id}`, {
      as: "planner",
    });
    expect(foreign).toMatchObject({ status: 404, json: { code: "api-not-found" } });
  }
  const revoked = keptIntegration("phone", { revokedAtMs: 1 });
  await office.engine.keep({
    kind: INTEGRATION_RECORD,
    id: "phone",
    body: revoked,
    expiresAtMs: null,
  });
  await office.clock.advance(2_500);
  await office.clock.settle();
  await set(office, ANA, "DoNotDisturb");
  await office.statusOf(ANA);
  await office.clock.advance(60_000);
  expect(receiver.deliveries).toHaveLength(1);
});

test("[R199] a subscription that is taken back tells nothing more, and there are no more than the quota", async () => {
  const quota = { ...keptIntegration("x").quota, subscriptions: 1 };
  const office = await Office.open({ phone: { quota }, planner: {} });
  const receiver = await openSubscriber();
  const subscription = await subscribe(office, receiver.url);
  const second = await office.ask("POST /subscriptions", { ...PHONE, body: { url: receiver.url } });
  expect(second).toMatchObject({ status: 409, json: { code: "api-quota-reached" } });
  expect((await office.ask(`DELETE /subscriptions/${subscription.id}`, PHONE)).status).toBe(204);
  await set(office, ANA, "Busy");
  await office.statusOf(ANA);
  await office.clock.advance(1_000);
  expect(receiver.deliveries).toEqual([]);
  expect((await office.ask("GET /subscriptions", PHONE)).json).toEqual({ subscriptions: [] });
});

test("[R192] [R199] of subscriptions that are made at once there are as many as may be", async () => {
  const quota = { ...keptIntegration("x").quota, subscriptions: 2 };
  const office = await Office.open({ phone: { quota } });
  const { url } = await openSubscriber();
  const make = () => office.ask("POST /subscriptions", { ...PHONE, body: { url } });
  const made = await Promise.all(Array.from({ length: 4 }, make));
  expect(made.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 409, 409]);
});

test("[R199] a subscription that could not be taken back is still there, and is gone for good when it could", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  const subscription = await subscribe(office, receiver.url);
  const line = `DELETE /subscriptions/${subscription.id}`;
  const other = new DatabaseSync(office.path);
  other.exec("BEGIN IMMEDIATE");
  expect((await office.ask(line, PHONE)).status).toBe(503);
  other.exec("ROLLBACK");
  other.close();
  expect((await office.ask(line, PHONE)).status).toBe(204);
  await office.restart();
  expect((await office.ask("GET /subscriptions", PHONE)).json).toEqual({ subscriptions: [] });
});
