import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import {
  INTEGRATION_RECORD,
  type KeptIntegration,
} from "../../src/api/integrations/integration.ts";
import { eventually } from "../service/launch.ts";
import { listen } from "./listener.ts";
import { ANA, APPS, BEN, keptIntegration, Office, secretOf } from "./office.ts";
import { openSubscriber } from "./subscriber.ts";

const HOLD = { status: "InACall", ttlSeconds: 60 };
const CALL = `/reps/${ANA.rep}/holds/c`;

async function keep(office: Office, name: string, body: KeptIntegration): Promise<void> {
  await office.engine.keep({ kind: INTEGRATION_RECORD, id: name, body, expiresAtMs: null });
  await office.clock.advance(2_500);
  await office.clock.settle();
}

test("[R188] an application of our tenant may read by its app role, and write once it is bound", async () => {
  const office = await Office.open();
  const [reader, writer, nobody] = [
    await office.token("reader"),
    await office.token("writer"),
    await office.token("nobody"),
  ];
  expect((await office.ask(`GET /reps/${ANA.rep}`, { token: reader })).status).toBe(200);
  const refused = await office.ask(`PUT ${CALL}`, { token: reader, body: HOLD });
  expect(refused).toMatchObject({ status: 403, json: { code: "api-permission-missing" } });
  expect((await office.ask("GET /reps", { token: nobody })).status).toBe(403);
  const unbound = await office.ask(`PUT ${CALL}`, { token: writer, body: HOLD });
  expect(unbound).toMatchObject({
    status: 403,
    json: { code: "api-application-unbound", detail: expect.stringContaining("cli partners") },
  });
  expect((await office.ask("GET /reps", { token: writer })).status).toBe(200);
  await keep(office, "crm", keptIntegration("crm", { appId: APPS.writer }));
  expect((await office.ask(`PUT ${CALL}`, { token: writer, body: HOLD })).status).toBe(202);
  expect(await office.statusOf(ANA)).toBe("InACall");
  expect(office.document(ANA).rep.cause?.source).toBe("crm");
  const byUri = await office.token("writer", "api://0b1d2c3e-0000-4000-8000-000000000002");
  expect((await office.ask("GET /reps", { token: byUri })).status).toBe(200);
  // Bound without the role it may do nothing that Entra has not granted.
  await keep(office, "viewer", keptIntegration("viewer", { appId: APPS.reader }));
  const roleless = await office.ask(`PUT ${CALL}`, { token: reader, body: HOLD });
  expect(roleless).toMatchObject({ status: 403, json: { code: "api-permission-missing" } });
});

test("[R188, R199] what an application subscribed to before it was bound ends with the binding", async () => {
  const office = await Office.open({ planner: {} });
  const token = await office.token("reader");
  const receiver = await openSubscriber();
  const body = { url: receiver.url };
  expect((await office.ask("POST /subscriptions", { token, body })).status).toBe(201);
  const listener = await listen(office, "", {}, { token });
  const set = ({ rep }: typeof ANA, status: string) =>
    office.ask(`PUT /reps/${rep}/status`, { as: "planner", body: { status } });
  await set(ANA, "Busy");
  await eventually("both are told", () => receiver.deliveries.length + listener.told.length === 2);
  await keep(office, "viewer", keptIntegration("viewer", { appId: APPS.reader, reps: [BEN.rep] }));
  await set(ANA, "Away");
  await office.statusOf(ANA);
  await office.clock.advance(20_000);
  await eventually("the stream has ended", () => listener.ended);
  expect([receiver.deliveries.length, listener.told.length]).toEqual([1, 1]);
});

test("[R188] a token that is not for us, or is over, is refused like any other false one", async () => {
  const office = await Office.open();
  const foreign = await office.token("writer", "https://graph.microsoft.com");
  const good = await office.token("writer");
  const [header = "", payload = ""] = good.split(".");
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url")}.${payload}.AA`;
  const bent = `${header}.${payload}.${Buffer.alloc(256, 1).toString("base64url")}`;
  const answers = [];
  for (const token of [foreign, unsigned, bent, "no.token", "x"]) {
    answers.push(await office.ask("GET /reps", { token }));
  }
  await office.clock.advance(2 * 3_600_000);
  answers.push(await office.ask("GET /reps", { token: good }));
  for (const { status, json, headers } of answers) {
    expect(status).toBe(401);
    expect(json).toEqual(answers[0]?.json);
    expect(headers.get("www-authenticate")).toBe("Bearer");
  }
});

test("[R188] an application that is registered is bound as its integration is, and may be revoked", async () => {
  const bound = { appId: APPS.writer, reps: [BEN.teamsUserId], kinds: ["hold" as const] };
  const office = await Office.open({ crm: bound });
  const token = await office.token("writer");
  expect((await office.ask(`PUT ${CALL}`, { token, body: HOLD })).status).toBe(404);
  const mine = `/reps/${BEN.rep}`;
  expect((await office.ask(`PUT ${mine}/holds/c`, { token, body: HOLD })).status).toBe(202);
  const status = await office.ask(`PUT ${mine}/status`, { token, body: { status: "Away" } });
  expect(status).toMatchObject({ status: 403, json: { code: "api-kind-forbidden" } });
  await keep(office, "crm", keptIntegration("crm", { ...bound, revokedAtMs: 1 }));
  const revoked = await office.ask(`GET ${mine}`, { token });
  expect(revoked).toMatchObject({ status: 403, json: { code: "api-integration-revoked" } });
});

test("[R189] nobody reads, writes or learns of a rep beyond her binding, whatever the way", async () => {
  const office = await Office.open({ phone: {}, desk: { reps: [BEN.rep], kinds: ["hold"] } });
  const unknown = "cccccccc-0000-0000-0000-000000000009";
  const as = "desk";
  const rep = ANA.rep;
  const ways: readonly (readonly [string, unknown?])[] = [
    [`GET /reps/${rep}`],
    [`GET /reps/${rep}/shifts`],
    [`GET /history?rep=${rep}`],
    [`PUT /reps/${rep}/holds/c`, HOLD],
    [`DELETE /reps/${rep}/holds/c`],
    [`PUT /reps/${rep}/status`, { status: "Busy" }],
    [`DELETE /reps/${rep}/status`],
    [`PUT /reps/${rep}/shifts/s`, { fromMs: 0, untilMs: 2_000_000_000_000 }],
    [`DELETE /reps/${rep}/shifts/s`],
    ["POST /events", { type: "hold.started", rep, hold: "c", status: "Busy" }],
  ];
  for (const [line, body] of ways) {
    const answer = await office.ask(line, { as, body });
    const stranger = await office.ask(line.replace(rep, unknown), {
      as,
      body: body && JSON.parse(JSON.stringify(body).replace(rep, unknown)),
    });
    expect([line, answer.status]).toEqual([line, 404]);
    // A rep who is out of bounds is answered as one who does not exist.
    const told = (json: unknown): string => JSON.stringify(json).replaceAll(unknown, rep);
    expect([line, told(answer.json)]).toEqual([line, told(stranger.json)]);
  }
  const bulk = { items: [{ op: "putHold", rep, hold: "c", ...HOLD }] };
  const item = (await office.ask("POST /bulk", { as, body: bulk })).json;
  expect(item).toMatchObject({ results: [{ status: 404, code: "rep-unknown" }] });
  const list = (await office.ask("GET /reps", { as })).json;
  expect(list).toMatchObject({ reps: [{ rep: BEN.rep }], next: null });
  expect((await office.ask(`GET /reps?ids=${rep}`, { as })).json).toMatchObject({ reps: [] });
  expect(await office.statusOf(ANA)).toBe("Available");

  const event = { type: "status.set", rep: BEN.rep, status: "Busy" };
  expect(await office.ask("POST /events", { as, body: event })).toMatchObject({ status: 403 });
  const command = { status: "Busy", endsHolds: true };
  const over = await office.ask(`PUT /reps/${BEN.rep}/status`, { as, body: command });
  expect(over).toMatchObject({ status: 403, json: { code: "api-kind-forbidden" } });
});

test("[R189] ending the calls of others needs the kind override", async () => {
  const office = await Office.open({ phone: {}, boss: { kinds: ["status"] }, chief: {} });
  await office.ask(`PUT ${CALL}`, { as: "phone", body: HOLD });
  const line = `PUT /reps/${ANA.rep}/status`;
  const body = { status: "Available", endsHolds: true };
  expect((await office.ask(line, { as: "boss", body })).status).toBe(403);
  await office.ask(line, { as: "boss", body: { status: "Away" } });
  expect(await office.statusOf(ANA)).toBe("InACall");
  expect((await office.ask(line, { as: "chief", body })).status).toBe(202);
  expect(await office.statusOf(ANA)).toBe("Available");
});

test("[R190] a secret that is replaced serves on until its end, and the new one serves at once", async () => {
  const office = await Office.open();
  const [old, next] = [secretOf("phone"), secretOf("phone, the next")];
  const untilMs = office.clock.nowMs() + 60_000;
  const secrets = [
    { secret: old, untilMs },
    { secret: next, untilMs: null },
  ];
  await keep(office, "phone", keptIntegration("phone", { secrets }));
  for (const secret of [old, next]) {
    expect((await office.ask("GET /reps", { as: "phone", secret })).status).toBe(200);
  }
  await office.clock.advance(62_000);
  await office.clock.settle();
  expect((await office.ask("GET /reps", { as: "phone", secret: old })).status).toBe(401);
  expect((await office.ask("GET /reps", { as: "phone", secret: next })).status).toBe(200);
});

test("[R191] a signed write that is sent again does nothing again; a signed read is refused the second time", async () => {
  const office = await Office.open();
  const put = { as: "phone", id: "msg_1", body: HOLD };
  expect((await office.ask(`PUT ${CALL}`, put)).json).toMatchObject({ result: "accepted" });
  await office.ask(`DELETE ${CALL}`, { as: "phone" });
  expect(await office.statusOf(ANA)).toBe("Available");
  expect((await office.ask(`PUT ${CALL}`, put)).json).toMatchObject({ result: "duplicate" });
  expect(await office.statusOf(ANA)).toBe("Available");
  await office.restart();
  expect((await office.ask(`PUT ${CALL}`, put)).json).toMatchObject({ result: "duplicate" });
  expect(await office.statusOf(ANA)).toBe("Available");

  const read = { as: "phone", id: "msg_2" };
  expect((await office.ask("GET /reps", read)).status).toBe(200);
  expect((await office.ask("GET /reps", read)).status).toBe(401);
});

test("[R191] an id that was signed for one path is worth nothing for another", async () => {
  const office = await Office.open();
  const put = { as: "phone", id: "msg_1", body: HOLD };
  expect((await office.ask(`PUT ${CALL}`, put)).status).toBe(202);
  const elsewhere = await office.ask(`PUT /reps/${BEN.rep}/holds/c`, put);
  expect(elsewhere).toMatchObject({ status: 401, json: { code: "api-credentials-refused" } });
  expect(await office.statusOf(BEN)).toBe("Available");
});

test("[R191] an id belongs to its first request also if the store could keep that only the second time", async () => {
  const office = await Office.open();
  const put = { as: "phone", id: "msg_1", body: HOLD };
  const other = new DatabaseSync(office.path);
  other.exec("BEGIN IMMEDIATE");
  expect((await office.ask(`PUT ${CALL}`, put)).status).toBe(503);
  other.exec("ROLLBACK");
  other.close();
  expect((await office.ask(`PUT ${CALL}`, put)).status).toBe(202);
  await office.restart();
  expect((await office.ask(`PUT /reps/${BEN.rep}/holds/c`, put)).status).toBe(401);
  expect(await office.statusOf(BEN)).toBe("Available");
});

test("[R209] an id that served a read serves no write, also not after a restart", async () => {
  const office = await Office.open();
  await office.ask(`PUT ${CALL}`, { as: "phone", body: HOLD });
  const seen = { as: "phone", id: "msg_3" };
  expect((await office.ask(`GET /reps/${ANA.rep}`, seen)).status).toBe(200);
  for (const restarts of [false, true]) {
    if (restarts) await office.restart();
    for (const line of [`DELETE ${CALL}`, `GET /reps/${ANA.rep}`, "GET /reps"]) {
      expect([line, (await office.ask(line, seen)).status]).toEqual([line, 401]);
    }
  }
  expect(await office.statusOf(ANA)).toBe("InACall");
  // After ten minutes its time is over, whatever the id; nothing is kept of it any more.
  await office.clock.advance(11 * 60_000);
  await office.clock.settle();
  expect(await office.engine.kept("signed-request")).toEqual([]);
});

test("[R209] who was told to wait may send the very same request later", async () => {
  const quota = { ...keptIntegration("x").quota, requestsPerMinute: 60, burst: 1 };
  const office = await Office.open({ phone: { quota } });
  const again = { as: "phone", id: "msg_4" };
  await office.ask("GET /reps", { as: "phone" });
  expect((await office.ask(`GET /reps/${ANA.rep}`, again)).status).toBe(429);
  await office.clock.advance(1_000);
  expect((await office.ask(`GET /reps/${ANA.rep}`, again)).status).toBe(200);
});

test("[R192] one that floods is told to wait, and takes nothing from the others", async () => {
  const quota = { ...keptIntegration("x").quota, requestsPerMinute: 60, burst: 5 };
  const office = await Office.open({ flood: { quota }, phone: {} });
  const statuses: number[] = [];
  for (let index = 0; index < 12; index += 1) {
    const { status, headers } = await office.ask("GET /reps", { as: "flood" });
    statuses.push(status);
    if (status === 429) expect(headers.get("retry-after")).toBe("1");
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, ...Array<number>(7).fill(429)]);
  const event = { type: "hold.started", rep: ANA.rep, hold: "c", status: "Busy" };
  expect((await office.ask("POST /events", { as: "flood", body: event })).status).toBe(429);
  expect((await office.ask(`PUT ${CALL}`, { as: "phone", body: HOLD })).status).toBe(202);
  await office.clock.advance(1_000);
  expect((await office.ask("GET /reps", { as: "flood" })).status).toBe(200);
  expect((await office.ask("GET /reps", { as: "flood" })).status).toBe(429);
  // Each item of a bulk call counts, and one that is larger than the burst waits for a full bucket.
  await office.clock.advance(60_000);
  const items = Array.from({ length: 9 }, () => ({ op: "endHold", rep: ANA.rep, hold: "c" }));
  expect((await office.ask("POST /bulk", { as: "flood", body: { items } })).status).toBe(200);
  expect((await office.ask("GET /reps", { as: "flood" })).status).toBe(429);
  await office.clock.advance(4_000);
  expect((await office.ask("GET /reps", { as: "flood" })).status).toBe(429);
  await office.clock.advance(1_000);
  expect((await office.ask("GET /reps", { as: "flood" })).status).toBe(200);
});

test("[R192] no more calls lie on a rep than an integration may have there", async () => {
  const quota = { ...keptIntegration("x").quota, holdsPerRep: 2 };
  const office = await Office.open({ liar: { quota }, phone: {} });
  const put = (hold: string, as: string) =>
    office.ask(`PUT /reps/${ANA.rep}/holds/${hold}`, { as, body: HOLD });
  for (const hold of ["a", "b"]) expect((await put(hold, "liar")).status).toBe(202);
  await office.statusOf(ANA);
  expect(await put("c", "liar")).toMatchObject({
    status: 409,
    json: { code: "api-quota-reached" },
  });
  // Its heartbeats, the other reps and the other integrations go on.
  expect((await put("a", "liar")).status).toBe(202);
  expect((await put("c", "phone")).status).toBe(202);
});

test("[R192] nor if they come at once, and one that is over leaves its place to the next", async () => {
  const quota = { ...keptIntegration("x").quota, holdsPerRep: 2 };
  const office = await Office.open({ liar: { quota } });
  const as = "liar";
  const item = (op: string, hold: string) =>
    op === "putHold" ? { op, rep: ANA.rep, hold, ...HOLD } : { op, rep: ANA.rep, hold };
  const bulk = async (...items: readonly ReturnType<typeof item>[]) => {
    const { json } = await office.ask("POST /bulk", { as, body: { items } });
    return (json as { results: readonly { status: number }[] }).results.map(({ status }) => status);
  };
  const puts = ["a", "b", "c", "d"].map((hold) => item("putHold", hold));
  expect(await bulk(...puts)).toEqual([202, 202, 409, 409]);
  const put = async (hold: string): Promise<number> =>
    (await office.ask(`PUT /reps/${ANA.rep}/holds/${hold}`, { as, body: HOLD })).status;
  expect(await Promise.all(["c", "a", "d"].map(put))).toEqual([409, 202, 409]);
  expect(await bulk(item("endHold", "a"), item("putHold", "c"))).toEqual([202, 202]);
  await office.statusOf(ANA);
  expect(await Promise.all(["e", "c", "f"].map(put))).toEqual([409, 202, 409]);
});
