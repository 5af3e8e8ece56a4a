import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { Organization } from "../../src/connectors/dynamics/dynamics.ts";
import {
  createDynamicsInbound,
  type DynamicsInboundOptions,
} from "../../src/connectors/dynamics/inbound.ts";
import { type RepId, repId, systemUserId } from "../../src/presence/identity.ts";
import { ask, type RawAnswer, request, type Running, start } from "../http/raw-http.ts";
import { ANSWERED, type Sending, SENT } from "../http/sender-thread.ts";

const fixture = (name: string): Promise<Buffer> =>
  readFile(new URL(`../fixtures/msdyn_agentstatus.${name}.json`, import.meta.url));
const CREATE = await fixture("create.sync");
const UPDATE = await fixture("update.async");
const NEWER = await fixture("update.newer-page");

const KEY = "the key of today";
const NEXT = "the key of tomorrow";
/** Who the published bodies are about, and where they come from. */
const CREATED = repId("a7f9a9ed-b311-ef11-9f89-000d3a544b4c");
const UPDATED = repId("97c90b02-4e38-ef11-a315-000d3a5a54dc");
const STATUS_ROW = "3d1feef9-604d-ef11-bfe3-6045bd03d9d8";
const OURS: Organization = {
  organizationId: "6042beb1-a93a-ef11-8e4b-00224802c699",
  name: "unq6042beb1a93aef118e4b00224802c",
};

/** What the route left behind. */
type Left = {
  readonly hints: { readonly rep: RepId; readonly againMs: number }[];
  readonly counts: string[];
  sweeps: number;
};

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
});

async function serve(
  change: Partial<DynamicsInboundOptions> = {},
): Promise<{ readonly port: number; readonly left: Left }> {
  const left: Left = { hints: [], counts: [], sweeps: 0 };
  const route = createDynamicsInbound({
    keys: [KEY],
    organization: () => null,
    organizationIds: [],
    repOfAgentStatus: () => null,
    isRep: () => true,
    isNews: () => true,
    hint: (rep, againMs) => left.hints.push({ rep, againMs }),
    sweep: () => {
      left.sweeps += 1;
    },
    count: (result) => left.counts.push(result),
    ...change,
  });
  running = await start(() => [route]);
  return { port: running.port, left };
}

function post(port: number, body: Buffer | string, key: string | null = KEY): Promise<RawAnswer> {
  const headers = { "content-type": "application/json" };
  const sent = key === null ? headers : { ...headers, "x-lockstep-key": key };
  return ask(port, request("POST /webhooks/dataverse", sent, Buffer.from(body)));
}

/** The published Update, changed. */
function updated(change: Record<string, unknown>): string {
  return JSON.stringify({ ...(JSON.parse(UPDATE.toString("utf8")) as object), ...change });
}

describe("[R79] a webhook about a rep leaves a hint, now and once more, and is answered 2xx", () => {
  test.each([
    ["the published synchronous Create", CREATE, CREATED],
    ["the published asynchronous Update", UPDATE, UPDATED],
  ])("%s", async (_what, body, rep) => {
    const { port, left } = await serve();
    const answer = await post(port, body);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { result: "hint" }]);
    expect(left).toEqual({ hints: [{ rep, againMs: 1_200 }], counts: ["hint"], sweeps: 0 });
  });

  test("the Update of the newer page, whoever it names", async () => {
    const { port, left } = await serve();
    expect((await post(port, NEWER)).status).toBe(200);
    expect(left.hints).toHaveLength(1);
  });

  test("a body without its parameters is looked up by its row", async () => {
    const { port, left } = await serve({
      repOfAgentStatus: (id) => (id === STATUS_ROW ? systemUserId(UPDATED) : null),
    });
    expect((await post(port, updated({ InputParameters: null }))).status).toBe(200);
    expect(left.hints).toEqual([{ rep: UPDATED, againMs: 1_200 }]);
  });
});

test("[R395] webhooks that came together are all answered before what the first of them causes begins", async () => {
  const COUNT = 3;
  const seen = new Int32Array(new SharedArrayBuffer(8));
  /** The thread that serves stands still meanwhile. */
  const standUntil = (what: number): number => {
    for (let count = Atomics.load(seen, what); count < COUNT; count = Atomics.load(seen, what)) {
      if (Atomics.wait(seen, what, count, 20_000) === "timed-out") return count;
    }
    return COUNT;
  };
  const begun = Promise.withResolvers<number>();
  let isFirst = false;
  const { port } = await serve({
    hint: () => {
      if (isFirst) begun.resolve(standUntil(ANSWERED));
      isFirst = false;
    },
  });
  const head = { connection: "keep-alive", "x-lockstep-key": KEY };
  const bytes = request("POST /webhooks/dataverse", head, UPDATE);
  const requests = Array.from({ length: COUNT }, () => bytes);
  const program = new URL("../http/sender-thread.ts", import.meta.url);
  const sending: Sending = { port, requests, counts: seen.buffer };
  const sender = new Worker(program, { workerData: sending });
  try {
    await once(sender, "message");
    isFirst = true;
    sender.postMessage("again");
    expect(standUntil(SENT)).toBe(COUNT);
    expect(await begun.promise).toBe(COUNT);
  } finally {
    await sender.terminate();
  }
});

describe("[R79] what is none of our business is answered 2xx and counted", () => {
  test("a rep whom we do not know: everybody is looked at", async () => {
    const { port, left } = await serve({ isRep: () => false });
    const answer = await post(port, UPDATE);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { result: "unknown-rep" }]);
    expect(left).toEqual({ hints: [], counts: ["unknown-rep"], sweeps: 1 });
  });

  test("a row that nobody can name: everybody is looked at", async () => {
    const { port, left } = await serve();
    expect((await post(port, updated({ InputParameters: [] }))).status).toBe(200);
    expect(left).toEqual({ hints: [], counts: ["unknown-rep"], sweeps: 1 });
  });

  test.each([
    ["another table", { PrimaryEntityName: "account" }],
    ["another message", { MessageName: "Delete" }],
  ])("%s", async (_what, change) => {
    const { port, left } = await serve();
    expect((await post(port, updated(change))).status).toBe(200);
    expect(left).toEqual({ hints: [], counts: ["ignored"], sweeps: 0 });
  });
});

describe("[R79] a copied environment keeps its webhooks: the organization is compared", () => {
  const ELSEWHERE = "11111111-1111-1111-1111-111111111111";
  const OTHERS: Organization = { organizationId: ELSEWHERE, name: "unq1" };

  test.each<[string, Partial<DynamicsInboundOptions>, string]>([
    ["ours, by id", { organization: () => ({ ...OURS, name: null }) }, "hint"],
    [
      "ours, by its unique name",
      { organization: () => ({ ...OURS, organizationId: ELSEWHERE }) },
      "hint",
    ],
    [
      "ours, because it is configured",
      { organization: () => OTHERS, organizationIds: [OURS.organizationId] },
      "hint",
    ],
    ["another one", { organization: () => OTHERS }, "other-organization"],
    ["not known yet", { organization: () => null }, "hint"],
  ])("%s", async (_which, change, result) => {
    const { port, left } = await serve(change);
    const answer = await post(port, UPDATE);
    expect([answer.status, left.counts]).toEqual([200, [result]]);
    expect(left.hints).toHaveLength(result === "hint" ? 1 : 0);
    expect(left.sweeps).toBe(0);
  });
});

describe("[R79] only a wrong key and a body that is no webhook are refused", () => {
  test.each<[string, readonly string[], string | null, number]>([
    ["the key", [KEY], KEY, 200],
    ["the next key, during a rotation", [KEY, NEXT], NEXT, 200],
    ["the old key, during a rotation", [KEY, NEXT], KEY, 200],
    ["the old key, after it", [NEXT], KEY, 401],
    ["no key", [KEY], null, 401],
    ["an empty key", [KEY], "", 401],
    ["any key, while none is configured", [], KEY, 401],
    ["no key, while none is configured", [], null, 401],
    ["an empty key, while an empty one is configured", [""], "", 401],
  ])("%s", async (_what, keys, sent, status) => {
    const { port, left } = await serve({ keys });
    const answer = await post(port, UPDATE, sent);
    expect(answer.status).toBe(status);
    expect(left.hints).toHaveLength(status === 200 ? 1 : 0);
    if (status === 401) expect(JSON.parse(answer.body)).toEqual({ code: "unauthorized" });
  });

  test("who has no key learns nothing about what would be taken", async () => {
    const { port, left } = await serve();
    const answers = await Promise.all([post(port, "{", "no"), post(port, UPDATE, "no")]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    expect(left).toEqual({ hints: [], counts: [], sweeps: 0 });
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["an object that is no webhook", "{}"],
    ["a webhook without its row", updated({ PrimaryEntityId: "x" })],
  ])("%s", async (_what, body) => {
    const { port, left } = await serve();
    const answer = await post(port, body);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([400, { code: "malformed" }]);
    expect(left).toEqual({ hints: [], counts: [], sweeps: 0 });
  });
});
