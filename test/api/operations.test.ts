import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { OPERATIONS } from "../../src/api/operations.ts";
import { ANA, BEN, CLEO, Office } from "./office.ts";

const HOLD = { status: "InACall", ttlSeconds: 60 };
const PHONE = { as: "phone" } as const;

test("[R180] the OpenAPI document is valid 3.1, and has every operation with its input and its refusals", async () => {
  const office = await Office.open();
  const { status, json } = await office.ask("GET /openapi.json");
  expect(status).toBe(200);
  const result = await new Validator().validate(structuredClone(json) as Record<string, unknown>);
  expect(result).toMatchObject({ valid: true });
  const document = json as {
    readonly openapi: string;
    readonly paths: Readonly<
      Record<string, Readonly<Record<string, { operationId: string; responses: object }>>>
    >;
  };
  expect(document.openapi).toBe("3.1.0");
  const described = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(described.map(({ operationId }) => operationId).toSorted()).toEqual(
    Object.keys(OPERATIONS).toSorted(),
  );
  for (const { responses } of described) expect(Object.keys(responses)).toContain("429");
  const put = document.paths["/reps/{rep}/holds/{hold}"]?.["put"];
  expect(JSON.stringify(put)).toContain('"InACall"');
  expect(JSON.stringify(put)).toContain('"maximum":14400');
});

test("[R180] a document that was bent is found to be no OpenAPI", async () => {
  const office = await Office.open();
  const { json } = await office.ask("GET /openapi.json");
  const bent = { ...(json as object), paths: { "no slash": {} }, info: {} };
  expect(await new Validator().validate(bent)).toMatchObject({ valid: false });
});

test("[R181] a call lies over what she is until its end, and its reporter alone sees its id and detail", async () => {
  const office = await Office.open();
  const path = `/reps/${ANA.teamsUserId.toUpperCase()}/holds/call-7`;
  const put = await office.ask(`PUT ${path}`, { ...PHONE, body: { ...HOLD, detail: "line 2" } });
  expect(put.status).toBe(202);
  expect(put.json).toEqual({ result: "accepted", untilMs: office.clock.nowMs() + 60_000 });
  expect(await office.statusOf(ANA)).toBe("InACall");

  const own = await office.ask(`GET /reps/${ANA.rep}`, PHONE);
  expect(own.json).toMatchObject({
    rep: ANA.rep,
    status: "InACall",
    available: false,
    why: "In a call: phone reports it; Available (nothing was chosen yet) returns when it ends",
    holds: [{ id: "call-7", detail: "line 2", source: "phone", status: "InACall" }],
  });
  const others = await office.ask(`GET /reps/${ANA.rep}`, { as: "planner" });
  expect(others.json).toMatchObject({ holds: [{ id: null, detail: null, source: "phone" }] });

  expect((await office.ask(`DELETE ${path}`, PHONE)).status).toBe(202);
  expect(await office.statusOf(ANA)).toBe("Available");
  expect(await office.engine.kept("hold-detail")).toEqual([]);
});

test("[R181] a call that is put again goes on; one that is not ends by itself", async () => {
  const office = await Office.open();
  const put = () => office.ask(`PUT /reps/${ANA.rep}/holds/c`, { ...PHONE, body: HOLD });
  await put();
  await office.clock.advance(50_000);
  await put();
  await office.clock.advance(50_000);
  expect(await office.statusOf(ANA)).toBe("InACall");
  await office.clock.advance(11_000);
  expect(await office.statusOf(ANA)).toBe("Available");
});

test("[R181] an integration can neither end nor see into a call of another", async () => {
  const office = await Office.open();
  await office.ask(`PUT /reps/${ANA.rep}/holds/c`, { ...PHONE, body: HOLD });
  await office.ask(`DELETE /reps/${ANA.rep}/holds/c`, { as: "planner" });
  await office.ask(`DELETE /reps/${ANA.rep}/holds/phone:c`, { as: "planner" });
  expect(await office.statusOf(ANA)).toBe("InACall");
});

test("[R182] a status ends by itself, or is taken back by the one who set it and by nobody else", async () => {
  const office = await Office.open();
  const path = `/reps/${ANA.rep}/status`;
  const set = { status: "DoNotDisturb", ttlSeconds: 600 };
  expect((await office.ask(`PUT ${path}`, { as: "planner", body: set })).status).toBe(202);
  expect(await office.statusOf(ANA)).toBe("DoNotDisturb");
  const foreign = await office.ask(`DELETE ${path}`, PHONE);
  expect(foreign).toMatchObject({ status: 409, json: { code: "api-not-yours" } });
  expect(await office.statusOf(ANA)).toBe("DoNotDisturb");
  expect((await office.ask(`DELETE ${path}`, { as: "planner" })).status).toBe(202);
  expect(await office.statusOf(ANA)).toBe("Available");
  await office.ask(`PUT ${path}`, { as: "planner", body: set });
  expect(await office.statusOf(ANA)).toBe("DoNotDisturb");
  await office.clock.advance(601_000);
  expect(await office.statusOf(ANA)).toBe("Available");
});

test("[R183] reps are read a page at a time, each once, and 304 says that nothing has changed", async () => {
  const office = await Office.open();
  type Page = { readonly reps: readonly { readonly rep: string }[]; readonly next: string | null };
  const seen: string[] = [];
  let next: string | null = "";
  while (next !== null) {
    const { json } = await office.ask(`GET /reps?limit=2&after=${next}`, PHONE);
    const page = json as Page;
    expect(page.reps.length).toBeLessThanOrEqual(2);
    seen.push(...page.reps.map(({ rep }) => rep));
    ({ next } = page);
  }
  expect(seen).toEqual([ANA.rep, BEN.rep, CLEO.rep]);
  const ids = `${CLEO.teamsUserId},${ANA.rep},${ANA.teamsUserId},cccccccc-0000-0000-0000-000000000009`;
  const some = (await office.ask(`GET /reps?ids=${ids}`, PHONE)).json as Page;
  expect(some.reps.map(({ rep }) => rep)).toEqual([ANA.rep, CLEO.rep]);

  const first = await office.ask(`GET /reps/${ANA.rep}`, PHONE);
  const etag = first.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]+"$/);
  const again = { ...PHONE, headers: { "if-none-match": etag } };
  expect(await office.ask(`GET /reps/${ANA.rep}`, again)).toMatchObject({
    status: 304,
    json: null,
  });
  await office.ask(`PUT /reps/${ANA.rep}/holds/c`, { ...PHONE, body: HOLD });
  await office.statusOf(ANA);
  const changed = await office.ask(`GET /reps/${ANA.rep}`, again);
  expect(changed.status).toBe(200);
  expect(changed.headers.get("etag")).not.toBe(etag);
});

test("[R184] a bulk call of a thousand gives each item a result of its own, and one that is wrong spoils no other", async () => {
  const office = await Office.open();
  const items = Array.from({ length: 1_000 }, (_, index): object => {
    if (index === 7) return { op: "putHold", rep: ANA.rep, hold: "x", status: "Available" };
    if (index === 8)
      return { op: "endHold", rep: "cccccccc-0000-0000-0000-000000000009", hold: "x" };
    const { rep } = [ANA, BEN, CLEO][index % 3] ?? ANA;
    return index < 900
      ? { op: "putHold", rep, hold: `c${index % 15}`, ...HOLD }
      : { op: "endHold", rep, hold: `c${index % 15}` };
  });
  const { status, json } = await office.ask("POST /bulk", { ...PHONE, body: { items } });
  expect(status).toBe(200);
  const { results } = json as { readonly results: readonly { status: number; code?: string }[] };
  expect(results).toHaveLength(1_000);
  expect(results[7]).toMatchObject({ index: 7, status: 400, code: "api-input-malformed" });
  expect(results[8]).toMatchObject({ index: 8, status: 404, code: "rep-unknown" });
  expect(results.filter((result) => result.status === 202)).toHaveLength(998);
  // Items on one rep are taken in their order: the ends came last.
  for (const rep of [ANA, BEN, CLEO]) expect(await office.statusOf(rep)).toBe("Available");
  const tooMany = { items: [...items, items[0]] };
  const refused = await office.ask("POST /bulk", { ...PHONE, body: tooMany });
  expect(refused).toMatchObject({ status: 400, json: { code: "api-input-malformed" } });
});

test("[R185] the same Idempotency-Key is answered as before and does nothing again, also after a restart", async () => {
  const office = await Office.open();
  const items = [{ op: "setStatus", rep: ANA.rep, status: "Busy" }];
  const asked = { ...PHONE, body: { items }, headers: { "idempotency-key": '"k-1"' } };
  const first = await office.ask("POST /bulk", asked);
  expect(await office.statusOf(ANA)).toBe("Busy");
  await office.ask(`DELETE /reps/${ANA.rep}/status`, PHONE);
  for (const restarts of [false, true]) {
    if (restarts) await office.restart();
    const again = await office.ask("POST /bulk", asked);
    expect(again.json).toEqual(first.json);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await office.statusOf(ANA)).toBe("Available");
  }
  const other = { ...asked, body: { items: [{ ...items[0], status: "Away" }] } };
  expect(await office.ask("POST /bulk", other)).toMatchObject({
    status: 422,
    json: { code: "api-key-reused" },
  });
  // The key is the integration's own.
  expect((await office.ask("POST /bulk", { ...other, as: "planner" })).status).toBe(200);
  expect(await office.statusOf(ANA)).toBe("Away");
  await office.clock.advance(25 * 3_600_000);
  expect((await office.ask("POST /bulk", other)).status).toBe(200);
});

test("[R186] every refusal is a problem of RFC 9457 with a code, and quotes nothing", async () => {
  const office = await Office.open();
  const canary = "canary-4711";
  const rep = `/reps/${ANA.rep}`;
  const asked: readonly (readonly [string, Parameters<Office["ask"]>[1], number, string])[] = [
    [`PUT ${rep}/holds/c`, { ...PHONE, body: { status: canary } }, 400, "api-input-malformed"],
    [
      `PUT ${rep}/holds/c`,
      { ...PHONE, body: { ...HOLD, [canary]: 1 } },
      400,
      "api-input-malformed",
    ],
    [
      `PUT ${rep}/holds/c`,
      { ...PHONE, body: { ...HOLD, ttlSeconds: 59 } },
      400,
      "api-input-malformed",
    ],
    [`PUT /reps/${canary}/holds/c`, { ...PHONE, body: HOLD }, 400, "api-input-malformed"],
    [`GET /reps?limit=${canary}`, PHONE, 400, "api-input-malformed"],
    [`GET ${rep}`, {}, 401, "api-credentials-missing"],
    [`GET ${rep}`, { ...PHONE, secret: `whsec_${"A".repeat(32)}` }, 401, "api-credentials-refused"],
    [`GET ${rep}`, { token: canary }, 401, "api-credentials-refused"],
    [`GET /reps/cccccccc-0000-0000-0000-000000000009`, PHONE, 404, "rep-unknown"],
    [
      `PUT ${rep}/holds/c`,
      { ...PHONE, body: { ...HOLD, detail: "x".repeat(9_000) } },
      413,
      "body-too-large",
    ],
  ];
  for (const [line, given, status, code] of asked) {
    const answer = await office.ask(line, given);
    expect([line, answer.status]).toEqual([line, status]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.json).toMatchObject({ type: "about:blank", status, code });
    expect(JSON.stringify(answer.json)).not.toContain(canary);
  }
  expect(JSON.stringify(office.logged)).not.toContain(canary);
  expect(await office.statusOf(ANA)).toBe("Available");
});

test("[R186] what cannot be stored is answered 503, and can be sent again", async () => {
  const office = await Office.open();
  await office.engine.close();
  const hold = `/reps/${ANA.rep}/holds/c`;
  const failed = await office.ask(`PUT ${hold}`, { ...PHONE, body: HOLD });
  expect(failed).toMatchObject({ status: 503, json: { code: "api-not-stored" } });
  expect(failed.headers.get("retry-after")).toBe("5");
});

test("[R187, R208] the history says who set what, and shows a caller the reps it is bound to", async () => {
  const office = await Office.open({ phone: {}, desk: { reps: [BEN.rep] } });
  await office.ask(`PUT /reps/${ANA.rep}/status`, { ...PHONE, body: { status: "Busy" } });
  await office.ask(`PUT /reps/${BEN.rep}/holds/c`, { as: "desk", body: HOLD });
  await office.statusOf(BEN);
  type Page = {
    entries: { position: number; rep: string; source: string; says: string; detail: object }[];
  };
  const all = (await office.ask("GET /history?kinds=event", PHONE)).json as Page;
  expect(all.entries.map(({ rep, source, says }) => [rep, source, says])).toEqual([
    [ANA.rep, "phone", "phone sent status.set"],
    [BEN.rep, "desk", "desk sent hold.started"],
  ]);
  // What it was, and until when, stands beside it.
  expect(all.entries.map(({ detail }) => detail)).toMatchObject([
    { type: "status.set", status: "Busy" },
    { type: "hold.started", status: "InACall", untilMs: office.clock.nowMs() + 60_000 },
  ]);
  const some = (await office.ask("GET /history", { as: "desk" })).json as Page;
  expect(some.entries.length).toBeGreaterThan(1);
  expect(new Set(some.entries.map(({ rep }) => rep))).toEqual(new Set([BEN.rep]));
  const foreign = await office.ask(`GET /history?rep=${ANA.rep}`, { as: "desk" });
  expect(foreign).toMatchObject({ status: 404, json: { code: "rep-unknown" } });
  // A page that was cut goes on where it stopped.
  const walked: number[] = [];
  let after: number | null = 0;
  while (after !== null) {
    const page: Page & { next: number | null } = (
      await office.ask(`GET /history?limit=1&after=${after}`, PHONE)
    ).json as never;
    walked.push(...page.entries.map(({ position }) => position));
    after = page.next;
  }
  expect(walked).toEqual([...new Set(walked)].toSorted((a, b) => a - b));
  expect(walked.length).toBe(4);
});
