import { connect } from "node:net";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { INTEGRATION_RECORD } from "../../src/api/integrations/integration.ts";
import { listen, type Told } from "./listener.ts";
import { ANA, BEN, keptIntegration, Office } from "./office.ts";
import { eventually } from "../service/launch.ts";

const set = (office: Office, { rep }: typeof ANA, status: string) =>
  office.ask(`PUT /reps/${rep}/status`, { as: "planner", body: { status } });

const statuses = (told: readonly Told[]): unknown[] =>
  told.map(
    ({ data }) =>
      (JSON.parse(data) as { data: { detail: { status: unknown } } }).data.detail.status,
  );

test("[R200] a stream tells what was asked for as it happens, and a heartbeat keeps it open", async () => {
  const office = await Office.open();
  await set(office, ANA, "Away");
  await office.statusOf(ANA);
  const stream = await listen(office, `?reps=${ANA.teamsUserId}`);
  expect(stream.answer.headers.get("content-type")).toBe("text/event-stream");
  await set(office, BEN, "Away");
  await set(office, ANA, "Busy");
  await eventually("it is told", () => stream.told.length > 0, { everyMs: 5 });
  expect(statuses(stream.told)).toEqual(["Busy"]);
  const [first] = stream.told;
  expect(first).toMatchObject({ event: "status", id: stream.lastId });
  expect(JSON.parse(first?.data ?? "")).toMatchObject({
    specversion: "1.0",
    id: first?.id,
    subject: ANA.rep,
  });
  await set(office, BEN, "Busy");
  await office.statusOf(BEN);
  const before = Number(stream.lastId);
  // A heartbeat moves the id past what others did.
  await eventually(
    "a heartbeat comes",
    async () => {
      await office.clock.advance(15_000);
      return Number(stream.lastId) > before;
    },
    { everyMs: 10 },
  );
  expect(stream.told).toHaveLength(1);
});

test("[R388] a stream of which nobody else's news ever cease is not silent for longer than a heartbeat", async () => {
  const office = await Office.open();
  const stream = await listen(office, `?reps=${ANA.teamsUserId}`);
  const before = Number(stream.lastId);
  for (const status of ["Away", "Busy", "Away", "Busy", "Away"]) {
    await set(office, BEN, status);
    await office.statusOf(BEN);
    await office.clock.advance(5_000);
  }
  await eventually("a heartbeat has come", () => Number(stream.lastId) > before, { everyMs: 5 });
  expect(stream.told).toEqual([]);
});

test("[R200] whoever comes back with the last id misses nothing and hears nothing twice, also after a restart", async () => {
  const office = await Office.open();
  const heard: Told[] = [];
  let lastId = "0";
  const wanted: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const stream = await listen(office, "", { "last-event-id": lastId });
    for (const status of ["Busy", "Away"]) {
      await set(office, ANA, status);
      await office.statusOf(ANA);
      wanted.push(status);
    }
    // It leaves at any moment: having heard all, some, or nothing of the round.
    if (round % 3 === 0)
      await eventually("all is heard", () => heard.length + stream.told.length >= wanted.length, {
        everyMs: 5,
      });
    if (round % 3 === 1)
      await eventually("something is heard", () => stream.told.length > 0, { everyMs: 5 });
    stream.leave();
    heard.push(...stream.told);
    lastId = stream.told.at(-1)?.id ?? lastId;
    if (round === 3) await office.restart();
  }
  const rest = await listen(office, "", { "last-event-id": lastId });
  await eventually("the rest is heard", () => heard.length + rest.told.length >= wanted.length, {
    everyMs: 5,
  });
  heard.push(...rest.told);
  expect(statuses(heard)).toEqual(wanted);
  const ids = heard.map(({ id }) => Number(id));
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
});

test("[R201] a reader that takes nothing is cut, and holds up nobody", async () => {
  const office = await Office.open({ phone: {}, planner: {} }, { drainMs: 200 });
  const { port } = new URL(office.url);
  const slow = connect(Number(port), "127.0.0.1");
  onTestFinished(() => void slow.destroy());
  slow.on("error", () => undefined);
  const headers = office.headersFor("", { as: "phone" });
  const lines = Object.entries({ host: "localhost", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  slow.pause();
  slow.write(`GET /api/v1/stream?after=0&kinds=event,status HTTP/1.1\r\n${lines.join("")}\r\n`);
  const closed = once(slow, "close");
  const follow = (lastId: string) =>
    listen(office, "?kinds=event", { "last-event-id": lastId }, { as: "planner" });
  let quick = await follow("0");
  // Enough to fill what the sockets hold.
  const position = await fill(office, 30_000);
  await eventually("the quick one has heard all", async () => {
    // Held up together with the server, it has been slow itself, and comes back.
    if (quick.ended) quick = await follow(quick.lastId || "0");
    return Number(quick.lastId) >= position;
  });
  await eventually("the slow one is gone", () => office.streams("phone") === 0);
  slow.resume();
  await closed;
});

/** Many entries at once, as a busy day makes them. */
async function fill(office: Office, entries: number): Promise<number> {
  const document = office.document(ANA);
  let { generation } = document;
  for (let done = 0; done < entries; done += 500) {
    const history = Array.from({ length: 500 }, () => ({
      rep: ANA.rep,
      atMs: office.clock.nowMs(),
      kind: "event" as const,
      says: "phone sent hold.started",
      cause: null,
      detail: { source: "phone", type: "hold.started" },
    }));
    const result = await office.engine.commit({
      document: { ...document, generation },
      history,
      settles: [],
    });
    if (!result.ok) throw new Error("nobody else commits here");
    ({ generation } = result);
  }
  const [last] = (await office.engine.history({ after: entries - 1, limit: 1_000 })).slice(-1);
  return last?.position ?? entries;
}

test("[R199] a stream ends when its integration is revoked, and there are no more than the quota", async () => {
  const quota = { ...keptIntegration("x").quota, streams: 1 };
  const office = await Office.open({ phone: { quota, reps: [ANA.rep] }, planner: {} });
  const stream = await listen(office, "?kinds=status,event");
  expect(stream.status).toBe(200);
  expect((await listen(office)).status).toBe(409);
  expect((await listen(office, `?reps=${BEN.rep}`)).status).toBe(404);
  await set(office, BEN, "Busy");
  await set(office, ANA, "Busy");
  await eventually("it is told", () => stream.told.length >= 2, { everyMs: 5 });
  expect(
    new Set(stream.told.map(({ data }) => (JSON.parse(data) as { subject: string }).subject)),
  ).toEqual(new Set([ANA.rep]));
  const revoked = keptIntegration("phone", { revokedAtMs: 1 });
  await office.engine.keep({
    kind: INTEGRATION_RECORD,
    id: "phone",
    body: revoked,
    expiresAtMs: null,
  });
  await office.clock.advance(2_500);
  await office.clock.settle();
  await set(office, ANA, "Away");
  await eventually("it has ended", () => stream.ended, { everyMs: 5 });
  expect(statuses(stream.told)).not.toContain("Away");
});

test("[R201] closing the service ends its streams at once", async () => {
  const office = await Office.open();
  const stream = await listen(office);
  await office.end();
  await eventually("it has ended", () => stream.ended, { everyMs: 5 });
});
