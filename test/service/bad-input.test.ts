import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { namedPeople, type People } from "../../src/emulators/people.ts";
import { type Company, openCompany } from "../scenarios/company.ts";
import { eventually, WEBHOOK_KEY } from "./launch.ts";
import { PARTNER_SECRET, sendEvent } from "./partner.ts";

const NADIA = "97c90b02-4e38-ef11-a315-000d3a5a54dc";
const LARS = derivedGuid("systemuser lars.holmqvist");
const TWIN = derivedGuid("systemuser twin");
const STRANGE = derivedGuid("presence strange");
const GONE = derivedGuid("presence gone");
const CANARY = "canary-8f3b1c";
const UPDATE = await readFile(
  new URL("../fixtures/msdyn_agentstatus.update.async.json", import.meta.url),
  "utf8",
);

/** Mei-Ling has two system users, and the organization two presences that nobody can make sense of. */
function oddPeople(): People {
  const people = namedPeople();
  const mei = people.users.find(({ fullname }) => fullname === "Mei-Ling Zhou");
  if (!mei) throw new Error("Mei-Ling works here");
  const twin = { ...mei, systemUserId: TWIN, agentStatusId: derivedGuid("agentstatus twin") };
  const custom = [...people.customPresences, { id: GONE, name: CANARY, basePresence: 192360003 }];
  return { ...people, users: [...people.users, twin], customPresences: custom };
}

let company: Company;
beforeAll(async () => {
  company = await openCompany({
    people: oddPeople(),
    unwatched: true,
    before: ({ dataverse, graph }) => {
      dataverse.control.addPresence({ id: STRANGE, name: CANARY, basePresence: 192360000 });
      dataverse.control.removePresence({ id: STRANGE });
      dataverse.control.choose({ userId: LARS, presenceId: GONE });
      dataverse.control.removePresence({ id: GONE });
      graph.control.setClient({
        userId: derivedGuid("entra user jakub.wisniewski"),
        availability: "Available",
        activity: "QuantumLeap",
      });
      graph.control.removeUser({ userId: derivedGuid("entra user yusuf.demir") });
      graph.control.setBulkReads({ unknownUsers: "PresenceUnknown" });
    },
  });
});
afterAll(() => company[Symbol.asyncDispose]());

type Sent = {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly path?: string;
};

/** By hand, because fetch would fold two headers of one name into one. */
function post({ body = "", headers = {}, path = "/webhooks/dataverse" }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${company.service.url}${path}`, { method: "POST" }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode ?? 0));
    });
    sent.once("error", reject);
    for (const [name, value] of Object.entries(headers)) sent.setHeader(name, value);
    sent.end(body);
  });
}

const JSON_TYPE = { "content-type": "application/json" };
const KEYED = { ...JSON_TYPE, "x-lockstep-key": WEBHOOK_KEY };
const withKey = (key: string | readonly string[]) => ({ ...JSON_TYPE, "x-lockstep-key": key });
const changed = (from: string | RegExp, to: string): string => {
  const text = UPDATE.replaceAll(from, to);
  if (text === UPDATE) throw new Error("the fixture has changed");
  return text;
};
const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("[P12] the Dataverse webhook", () => {
  const cases: readonly (readonly [what: string, status: number, sent: Sent])[] = [
    ["a true one", 200, { body: UPDATE, headers: KEYED }],
    [
      "of another organization",
      200,
      { body: changed(/6042beb1a?-?[^"]*"/g, `${randomUUID()}"`), headers: KEYED },
    ],
    [
      "about a rep that nobody knows",
      200,
      { body: changed(new RegExp(NADIA, "gi"), randomUUID()), headers: KEYED },
    ],
    [
      "about another table",
      200,
      {
        body: changed(/"PrimaryEntityName":"[^"]*"/g, `"PrimaryEntityName":"account"`),
        headers: KEYED,
      },
    ],
    [
      "with a message that is none of ours",
      200,
      { body: changed(/"MessageName":"[^"]*"/g, `"MessageName":"Delete"`), headers: KEYED },
    ],
    ["without a key", 401, { body: UPDATE, headers: JSON_TYPE }],
    ["with an empty key", 401, { body: UPDATE, headers: withKey("") }],
    ["with a wrong key", 401, { body: UPDATE, headers: withKey(CANARY) }],
    ["with the key twice", 401, { body: UPDATE, headers: withKey([WEBHOOK_KEY, WEBHOOK_KEY]) }],
    ["with the key and more", 401, { body: UPDATE, headers: withKey(`${WEBHOOK_KEY} `.repeat(2)) }],
    ["that is garbage", 400, { body: `{"${CANARY}`, headers: KEYED }],
    ["that is bytes", 400, { body: Buffer.from([0xff, 0xfe, 0x00, 0x80]), headers: KEYED }],
    ["that is empty", 400, { headers: KEYED }],
    ["that is null", 400, { body: "null", headers: KEYED }],
    ["with a prototype in it", 400, { body: `{"__proto__":{"a":"${CANARY}"}}`, headers: KEYED }],
    ["100 000 levels deep", 400, { body: deep(100_000), headers: KEYED }],
    ["of 10 MB", 413, { body: Buffer.alloc(10_000_000, "["), headers: KEYED }],
    [
      "that is a gzip bomb",
      415,
      {
        body: gzipSync(Buffer.alloc(50_000_000)),
        headers: { ...KEYED, "content-encoding": "gzip" },
      },
    ],
    ["of another type", 415, { body: UPDATE, headers: { ...KEYED, "content-type": "text/xml" } }],
  ];
  test.each(cases)("%s is answered %i", async (_what, status, sent) => {
    expect(await post(sent)).toBe(status);
  });
});

describe("[P8] a partner", () => {
  const event = { type: "hold.ended", rep: NADIA, hold: CANARY } as const;
  const status = async (
    ...given: Parameters<typeof sendEvent> extends [unknown, ...infer R] ? R : never
  ) => (await sendEvent(company.service, ...given)).status;

  test("with a signature of another key is refused", async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    expect(await status(event, { secret })).toBe(401);
  });
  test("with a signature of yesterday, or of tomorrow, is refused", async () => {
    const [yesterday, tomorrow] = [-1, 1].map((days) => new Date(Date.now() + days * 86_400_000));
    expect(await status(event, { at: yesterday })).toBe(401);
    expect(await status(event, { at: tomorrow })).toBe(401);
  });
  test("that repeats itself is told so, and nothing happens twice", async () => {
    const id = randomUUID();
    expect(await status(event, { id })).toBe(202);
    expect(await status(event, { id })).toBe(200);
    await eventually("it is recorded", async () =>
      (await company.service.history(NADIA)).some(({ detail }) => detail["event"] === id),
    );
    const entries = await company.service.history(NADIA);
    expect(entries.filter(({ detail }) => detail["event"] === id)).toHaveLength(1);
  });
  test("that names nobody whom we know is told so", async () => {
    expect(await status({ ...event, rep: randomUUID() })).toBe(404);
  });
  test("that says what means nothing is told so", async () => {
    expect(await status({ ...event, type: CANARY })).toBe(400);
    expect(await status({ ...event, rep: CANARY })).toBe(400);
    expect(await status({ type: "hold.started", rep: NADIA, hold: "a", status: "Available" })).toBe(
      400,
    );
  });
  test("without a signature is refused", async () => {
    expect(await post({ path: "/api/v1/events", body: "{}", headers: JSON_TYPE })).toBe(401);
  });
});

describe("after all of that", () => {
  test("[P3] nothing was written", async () => {
    await sleep(3_000);
    expect(company.writes()).toBe(0);
    const unused = company.service.lines.filter(({ msg }) => msg === "webhook not used");
    const results = new Set(unused.map(({ result }) => result));
    expect(results).toEqual(new Set(["other-organization", "unknown-rep", "ignored"]));
  });

  test("[P14] two system users with one Teams account are both left alone", async () => {
    const { dataverse } = company.tenant;
    expect(company.service.lines.find(({ msg }) => msg === "directory")).toMatchObject({
      leftOut: { "shared Entra object id": 2, disabled: 1, application: 1 },
    });
    dataverse.control.choose({ userId: TWIN, presenceId: "3dacae76-c07a-e811-8162-000d3aa11f50" });
    await sleep(2_500);
    expect(company.writes()).toBe(0);
  });

  test("the service is alive and does its work", async () => {
    const { graph, dataverse } = company.tenant;
    const userId = derivedGuid("entra user nadia.okonkwo");
    graph.control.startCall({ userId });
    await eventually(
      "Dynamics shows Busy",
      () => dataverse.control.state({ userId: NADIA }).name === "Busy",
    );
    expect((await fetch(`${company.service.url}/livez`)).status).toBe(200);
    expect((await fetch(`${company.service.url}/readyz`)).status).toBe(200);
  });

  test("its log holds no secret, no token, no name and nothing of what was sent", async () => {
    await company.service.stop();
    const { printed, errors } = company.service;
    const { tenant } = company;
    const names = tenant.people.users.flatMap(({ fullname, email }) => [
      ...fullname.split(" "),
      email,
      email.split("@")[0] ?? "",
    ]);
    const forbidden = [
      CANARY,
      WEBHOOK_KEY,
      PARTNER_SECRET,
      PARTNER_SECRET.slice("whsec_".length),
      tenant.clientSecret,
      "eyJ",
      "Bearer",
      "northharbor",
      ...names,
    ];
    expect(errors).toBe("");
    expect(printed.length).toBeGreaterThan(500);
    const found = forbidden.filter((text) => printed.toLowerCase().includes(text.toLowerCase()));
    expect(found).toEqual([]);
  });
});
