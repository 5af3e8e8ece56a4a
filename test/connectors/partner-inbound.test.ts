import { createHmac } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { decodeEvent } from "../../src/connectors/partner/event.ts";
import { createPartnerInbound } from "../../src/connectors/partner/inbound.ts";
import type { InboxEvent } from "../../src/engine/engine.ts";
import { parseJson } from "../../src/http/json.ts";
import {
  holdId,
  type RepIdentity,
  repId,
  systemName,
  systemUserId,
  teamsUserId,
} from "../../src/presence/identity.ts";
import type { RepEvent } from "../../src/reconcile/event.ts";
import { ask, type RawAnswer, request, type Running, start } from "../http/raw-http.ts";

const SYSTEM_USER = "aaaaaaaa-0000-0000-0000-000000000001";
const ENTRA_OBJECT = "bbbbbbbb-0000-0000-0000-000000000001";
const ANA: RepIdentity = {
  rep: repId(SYSTEM_USER),
  systemUserId: systemUserId(SYSTEM_USER),
  teamsUserId: teamsUserId(ENTRA_OBJECT),
};
const KEY = Buffer.alloc(32, 7);
const NOW_MS = 1_800_000_000_000;
const CALL = { type: "hold.started", rep: SYSTEM_USER, hold: "call-1", status: "InACall" };

/** Ids that were made durable, and what happened in which order. */
type World = Running & {
  readonly stored: Map<string, InboxEvent>;
  readonly order: string[];
  breaks: boolean;
};

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
});

async function serve(): Promise<World> {
  const stored = new Map<string, InboxEvent>();
  const order: string[] = [];
  const route = createPartnerInbound({
    partners: () => [{ name: systemName("phone"), keys: [KEY] }],
    refuse: () => null,
    find: (id) => (id === SYSTEM_USER || id === ENTRA_OBJECT ? ANA : null),
    findLeaver: () => null,
    accept: async (event) => {
      if (made.breaks) throw new Error("disk full: canary");
      await Promise.resolve();
      const result = stored.has(event.id) ? "duplicate" : "accepted";
      stored.set(event.id, stored.get(event.id) ?? event);
      order.push(`${result} ${event.id}`);
      return result;
    },
    submit: ({ rep }) => order.push(`submit ${rep}`),
    parse: (body) => parseJson(body, { strict: true }),
    nowMs: () => NOW_MS,
  });
  const made: World = { ...(await start(() => [route])), stored, order, breaks: false };
  world = made;
  return made;
}

type Sent = { readonly id?: string; readonly key?: Buffer; readonly atMs?: number };

function send(port: number, body: unknown, sent: Sent = {}): Promise<RawAnswer> {
  const { id = "msg_1", key = KEY, atMs = NOW_MS } = sent;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const timestamp = String(Math.floor(atMs / 1000));
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytes);
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${hmac.digest("base64")}`,
  };
  return ask(port, request("POST /api/v1/events", headers, bytes));
}

test("[R87] an event is stored, then it is handed over, then it is answered 202", async () => {
  const { port, stored, order } = await serve();
  const answer = await send(port, { ...CALL, ttlSeconds: 60, unknown: "dropped" });
  expect(answer.status).toBe(202);
  expect(JSON.parse(answer.body)).toEqual({ id: "msg_1", result: "accepted" });
  expect(order).toEqual(["accepted msg_1", `submit ${ANA.rep}`]);
  expect(stored.get("msg_1")).toEqual({
    id: "msg_1",
    source: "phone",
    rep: ANA.rep,
    receivedAtMs: NOW_MS,
    body: {
      type: "hold.started",
      hold: "phone:call-1",
      status: "InACall",
      untilMs: NOW_MS + 60_000,
    },
  });
});

test("[R87] the same event again is answered 200 and does nothing", async () => {
  const { port, order } = await serve();
  await send(port, CALL);
  const again = await send(port, CALL);
  expect(again.status).toBe(200);
  expect(JSON.parse(again.body)).toEqual({ id: "msg_1", result: "duplicate" });
  expect(order).toEqual(["accepted msg_1", `submit ${ANA.rep}`, "duplicate msg_1"]);
});

test("[R87] what could not be stored is answered 503, and taken when it is sent again", async () => {
  const made = await serve();
  made.breaks = true;
  const failed = await send(made.port, CALL);
  expect(failed.status).toBe(503);
  expect(failed.headers.get("retry-after")).toBe("5");
  expect(failed.text).not.toContain("canary");
  expect(made.order).toEqual([]);
  made.breaks = false;
  expect((await send(made.port, CALL)).status).toBe(202);
});

test("a rep is found by either id, in either case", async () => {
  const { port, stored } = await serve();
  const events = [SYSTEM_USER, ENTRA_OBJECT.toUpperCase()].map((rep) => ({ ...CALL, rep }));
  for (const [index, event] of events.entries()) {
    expect((await send(port, event, { id: `msg_${index}` })).status).toBe(202);
  }
  expect([...stored.values()].map(({ rep }) => rep)).toEqual([ANA.rep, ANA.rep]);
});

test("an unknown rep is a 404 that says which id was looked for", async () => {
  const { port, stored } = await serve();
  const rep = "cccccccc-0000-0000-0000-000000000001";
  const answer = await send(port, { ...CALL, rep });
  expect(answer.status).toBe(404);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(JSON.parse(answer.body)).toMatchObject({ status: 404, title: "Unknown rep" });
  expect(answer.body).toContain(rep);
  expect(stored.size).toBe(0);
});

test("[R86] every way to fail the signature has the same answer", async () => {
  const { port, stored, logged } = await serve();
  const unsigned = ask(port, request("POST /api/v1/events", {}, JSON.stringify(CALL)));
  const answers = [
    await send(port, CALL, { key: Buffer.alloc(32, 8) }),
    await send(port, CALL, { atMs: NOW_MS - 301_000 }),
    await send(port, CALL, { atMs: NOW_MS + 301_000 }),
    await send(port, CALL, { id: "msg.1" }),
    await unsigned,
  ];
  for (const answer of answers) {
    expect([answer.status, answer.body]).toEqual([401, '{"code":"unauthorized"}']);
  }
  expect(stored.size).toBe(0);
  expect(logged).toHaveLength(1);
});

const GUID_WANTED = "expected a GUID: the rep's Dataverse system user id or Entra object id";
const malformed: readonly (readonly [string, unknown, string, string])[] = [
  ["no object", [], "#", "expected a JSON object"],
  ["an unknown type", { ...CALL, type: "call" }, "#/type", "expected one of hold.started"],
  ["a name for a rep", { ...CALL, rep: "ana@contoso.com" }, "#/rep", GUID_WANTED],
  ["no hold", { ...CALL, hold: undefined }, "#/hold", "expected the partner's own id"],
  [
    "a hold of Available",
    { ...CALL, status: "Available" },
    "#/status",
    "expected one of BeRightBack",
  ],
  ["too short a hold", { ...CALL, ttlSeconds: 59 }, "#/ttlSeconds", "expected at least 60 seconds"],
  ["too long a hold", { ...CALL, ttlSeconds: 14_401 }, "#/ttlSeconds", "expected at most 14400"],
  [
    "an end that a status cannot have",
    { type: "status.set", rep: SYSTEM_USER, status: "Busy", untilMs: NOW_MS },
    "#/untilMs",
    "it must be a hold with ttlSeconds",
  ],
  [
    "an unknown status",
    { type: "status.set", rep: SYSTEM_USER, status: "Lunch" },
    "#/status",
    "expected one of Available",
  ],
];
test.each(malformed)("%s is a 400 that names the field and what it wants", async (...row) => {
  const [, body, pointer, detail] = row;
  const { port, stored } = await serve();
  const answer = await send(port, body);
  expect(answer.status).toBe(400);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const { errors } = JSON.parse(answer.body) as { errors: { pointer: string; detail: string }[] };
  expect(errors).toHaveLength(1);
  expect(errors[0]?.pointer).toBe(pointer);
  expect(errors[0]?.detail).toContain(detail);
  expect(stored.size).toBe(0);
});

test.each([
  ["[".repeat(60_000), "nests deeper"],
  [`{"type":"shift.ended","rep":"${SYSTEM_USER}","rep":"x"}`, "same key twice"],
  ['{"__proto__":{"type":"shift.ended"}}', "__proto__"],
  ["not json", "not JSON"],
])("[R88] a signed body can be hostile all the same", async (text, says) => {
  const { port, stored } = await serve();
  const answer = await send(port, Buffer.from(text));
  expect(answer.status).toBe(400);
  expect(answer.body).toContain(says);
  expect(stored.size).toBe(0);
});

const FOUR_HOURS_LATER = NOW_MS + 14_400_000;
const hold = holdId("phone:call-1");
const events: readonly (readonly [Record<string, unknown>, RepEvent])[] = [
  [
    { type: "hold.started", hold: "call-1", status: "InACall" },
    { type: "hold.started", hold, status: "InACall", untilMs: FOUR_HOURS_LATER },
  ],
  [
    { type: "hold.renewed", hold: "call-1", ttlSeconds: 120 },
    { type: "hold.renewed", hold, untilMs: NOW_MS + 120_000 },
  ],
  [
    { type: "hold.ended", hold: "call-1" },
    { type: "hold.ended", hold },
  ],
  [{ type: "shift.started" }, { type: "shift.started" }],
  [{ type: "shift.ended" }, { type: "shift.ended" }],
  [
    { type: "status.set", status: "Offline" },
    { type: "status.set", status: "Offline" },
  ],
];
test.each(events)("%j becomes an event that the reconciler takes", async (sent, expected) => {
  const decoded = decodeEvent(
    { ...sent, rep: SYSTEM_USER },
    { partner: systemName("phone"), receivedAtMs: NOW_MS },
  );
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.problems));
  const taken: RepEvent = decoded.event;
  expect(taken).toEqual(expected);
});

test("a hold of one partner is out of another's reach, though they chose the same id", async () => {
  const ended = { type: "hold.ended", hold: "call-1", rep: SYSTEM_USER };
  const holds = ["phone", "rota"].map((name) => {
    const decoded = decodeEvent(ended, { partner: systemName(name), receivedAtMs: NOW_MS });
    return decoded.ok && "hold" in decoded.event ? decoded.event.hold : null;
  });
  expect(holds).toEqual(["phone:call-1", "rota:call-1"]);
});
