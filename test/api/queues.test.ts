import { expect, test } from "vitest";
import { SUBSCRIPTION_RECORD } from "../../src/api/subscriptions/subscription.ts";
import { listen } from "./listener.ts";
import { ANA, BEN, CLEO, Office, REPAIRS, SALES } from "./office.ts";
import { openSubscriber } from "./subscriber.ts";
import { eventually } from "../service/launch.ts";

type Kept = {
  readonly id: string;
  readonly position: number;
  readonly waiting: readonly unknown[];
};

const PHONE = { as: "phone" } as const;
const NOWHERE = "dddddddd-0000-0000-0000-000000000009";
/** Membership is looked at again after so long, by us and by the board behind us. */
const READ_AGAIN_MS = 80_000;

const set = (office: Office, { rep }: typeof ANA, status: string) =>
  office.ask(`PUT /reps/${rep}/status`, { as: "planner", body: { status } });

const repsOf = (json: unknown): readonly string[] =>
  (json as { readonly reps: readonly { readonly rep: string }[] }).reps.map(({ rep }) => rep);

test("[R172] whoever may read is told of every queue; by signature or token alike", async () => {
  const office = await Office.open();
  const reader = { token: await office.token("reader") };
  for (const asked of [PHONE, reader]) {
    const { json, headers } = await office.ask("GET /queues", asked);
    expect(json).toEqual({
      queues: [
        { id: REPAIRS, name: "Repairs" },
        { id: SALES, name: "Sales" },
      ],
    });
    expect(headers.get("cache-control")).toBe("no-store");
    const { status } = await office.ask(`GET /queues/${SALES.toUpperCase()}/availability`, asked);
    expect(status).toBe(200);
  }
  for (const line of ["GET /queues", `GET /queues/${SALES}/availability`]) {
    expect((await office.ask(line)).status).toBe(401);
    const nobody = await office.ask(line, { token: await office.token("nobody") });
    expect(nobody).toMatchObject({ status: 403, json: { code: "api-permission-missing" } });
  }
});

test("[R172] whoever is bound to some reps knows the queues in which they work, and no others", async () => {
  const office = await Office.open({
    desk: { reps: [BEN.teamsUserId] },
    blind: { permissions: [] },
  });
  const as = "desk";
  expect((await office.ask("GET /queues", { as })).json).toEqual({
    queues: [{ id: SALES, name: "Sales" }],
  });
  expect((await office.ask(`GET /queues/${SALES}/availability`, { as })).status).toBe(200);
  const receiver = await openSubscriber();
  const hidden = [
    await office.ask(`GET /queues/${REPAIRS}/availability`, { as }),
    await office.ask(`GET /queues/${NOWHERE}/availability`, { as }),
    await office.ask(`GET /reps?queue=${REPAIRS}`, { as }),
    await office.ask(`GET /stream?queues=${REPAIRS}`, { as }),
    await office.ask("POST /subscriptions", {
      as,
      body: { url: receiver.url, queues: [SALES, REPAIRS] },
    }),
  ];
  for (const { status, json } of hidden) {
    expect([status, json]).toEqual([404, hidden[0]?.json]);
    expect(json).toMatchObject({ code: "availability-queue-unknown" });
  }
  // Of a queue that she knows she still sees nobody but her own.
  expect(repsOf((await office.ask(`GET /reps?queue=${SALES}`, { as })).json)).toEqual([BEN.rep]);
  expect((await office.ask("GET /queues", { as: "blind" })).status).toBe(403);
});

test("[R207] reps are read by queue, as membership is at the moment", async () => {
  const office = await Office.open();
  const inSales = async () => repsOf((await office.ask(`GET /reps?queue=${SALES}`, PHONE)).json);
  expect(await inSales()).toEqual([ANA.rep, BEN.rep]);
  const both = await office.ask(`GET /reps?queue=${SALES}&ids=${CLEO.rep},${BEN.rep}`, PHONE);
  expect(repsOf(both.json)).toEqual([BEN.rep]);
  office.queues = [{ id: SALES, name: "Sales", hours: null, members: [CLEO.systemUserId] }];
  await office.clock.advance(READ_AGAIN_MS);
  expect(await inSales()).toEqual([CLEO.rep]);
});

test("[R207] a stream of a queue tells of those who work there", async () => {
  const office = await Office.open();
  const all = office.queues ?? [];
  const listener = await listen(office, `?queues=${SALES}`);
  await eventually("it listens", () => office.streams("phone") === 1);
  await set(office, CLEO, "Away");
  await set(office, ANA, "Busy");
  await eventually("Ana is told", () => listener.told.length === 1);
  office.queues = all.map((queue) => ({ ...queue, members: [CLEO.systemUserId] }));
  await office.clock.advance(READ_AGAIN_MS);
  await set(office, ANA, "Away");
  await set(office, CLEO, "Busy");
  await eventually("Cleo is told", () => listener.told.length === 2);
  const subjects = listener.told.map(
    ({ data }) => (JSON.parse(data) as { subject: string }).subject,
  );
  expect(subjects).toEqual([ANA.rep, CLEO.rep]);
  listener.leave();
});

test("[R207] a subscription to a queue waits for what it must know, and loses nothing meanwhile", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  const body = { url: receiver.url, queues: [SALES] };
  const made = await office.ask("POST /subscriptions", { ...PHONE, body });
  expect(made).toMatchObject({ status: 201, json: { queues: [SALES], reps: null } });
  const known = office.queues;
  office.queues = null;
  // It knows nothing of queues after a restart, and cannot ask.
  await office.restart();
  await set(office, CLEO, "Busy");
  await set(office, BEN, "Busy");
  await office.statusOf(BEN);
  await office.clock.advance(10_000);
  await office.clock.settle();
  expect(receiver.deliveries).toEqual([]);
  for (const line of ["GET /queues", `GET /reps?queue=${SALES}`, `GET /stream?queues=${SALES}`]) {
    const refused = await office.ask(line, PHONE);
    expect(refused).toMatchObject({ status: 503, json: { code: "availability-unreadable" } });
    expect(refused.headers.get("retry-after")).toBe("5");
  }
  office.queues = known;
  await office.clock.advance(10_000);
  await eventually("Ben is told", () => receiver.deliveries.length > 0);
  expect(receiver.deliveries.map(({ event }) => event.subject)).toEqual([BEN.rep]);
});

test("[R389] what a subscriber was not meant for is not told after a restart, though it would be meant for it now", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  const body = { url: receiver.url, queues: [REPAIRS] };
  const { json } = await office.ask("POST /subscriptions", { ...PHONE, body });
  const { id, position } = json as Kept;
  const now = async (): Promise<Kept> =>
    (await office.ask(`GET /subscriptions/${id}`, PHONE)).json as Kept;
  await set(office, ANA, "Away");
  await eventually("it was looked at", async () => (await now()).position > position);
  await office.end();
  office.queues = [{ id: REPAIRS, name: "Repairs", hours: null, members: [ANA.systemUserId] }];
  await office.begin();
  await set(office, ANA, "Busy");
  await eventually("she is told of", () => receiver.deliveries.length > 0);
  await eventually("nothing waits", async () => (await now()).waiting.length === 0);
  expect(receiver.deliveries.map(({ event }) => event.data.detail["status"])).toEqual(["Busy"]);
});

test("[R389] how far a subscription came is kept, though there was nothing to tell it", async () => {
  const office = await Office.open();
  const receiver = await openSubscriber();
  const body = { url: receiver.url, reps: [BEN.rep] };
  const { json } = await office.ask("POST /subscriptions", { ...PHONE, body });
  const { position } = json as Kept;
  const told = {
    rep: ANA.rep,
    atMs: office.clock.nowMs(),
    kind: "event" as const,
    says: "phone sent hold.started",
    cause: null,
    detail: { source: "phone", type: "hold.started" },
  };
  const history = Array.from({ length: 2_500 }, () => told);
  await office.engine.commit({ document: office.document(ANA), history, settles: [] });
  await eventually("it is kept", async () => {
    const records = await office.engine.kept(SUBSCRIPTION_RECORD);
    return records.some(({ body: kept }) => (kept as Kept).position - position >= 1_500);
  });
  expect(receiver.deliveries).toEqual([]);
});
