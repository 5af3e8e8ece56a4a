import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeWebhook,
  type DecodedWebhook,
  verifyWebhook,
} from "../../src/connectors/dynamics/webhook.ts";
import "../fuzz/same-cases.ts";

const fixture = (name: string): Promise<Buffer> =>
  readFile(new URL(`../fixtures/msdyn_agentstatus.${name}.json`, import.meta.url));
const CREATE = await fixture("create.sync");
const UPDATE = await fixture("update.async");
const NEWER = await fixture("update.newer-page");
const ID = "3d1feef9-604d-ef11-bfe3-6045bd03d9d8";

/** The published Update, as an object to change. */
const update = () => JSON.parse(UPDATE.toString("utf8")) as Record<string, unknown>;

describe("[R76] the webhook's secret", () => {
  const keys = ["the key of today", "the key of tomorrow"];
  const verify = (headers: readonly string[], configured = keys) =>
    verifyWebhook({ headers, keys: configured });

  test.each([
    ["the current key", ["x-lockstep-key", "the key of today"]],
    ["the next key", ["x-lockstep-key", "the key of tomorrow"]],
    ["another casing of the header", ["Host", "x", "X-Lockstep-Key", "the key of today"]],
  ])("%s is taken", (_what, headers) => {
    expect(verify(headers)).toEqual({ ok: true });
  });

  test.each<[string, readonly string[], readonly string[], string]>([
    ["no header", ["host", "x"], keys, "no key sent"],
    ["an empty header", ["x-lockstep-key", ""], keys, "no key sent"],
    ["a wrong key", ["x-lockstep-key", "the key of yesterday"], keys, "wrong key"],
    ["a prefix", ["x-lockstep-key", "the key of toda"], keys, "wrong key"],
    [
      "two headers, both right",
      ["x-lockstep-key", keys[0] ?? "", "X-LOCKSTEP-KEY", keys[0] ?? ""],
      keys,
      "key sent twice",
    ],
    ["a folded pair", ["x-lockstep-key", `${keys[0]}, ${keys[0]}`], keys, "wrong key"],
    [
      "the name of the header as a value",
      ["via", "x-lockstep-key", "the key of today", "x"],
      keys,
      "no key sent",
    ],
    ["nothing configured", ["x-lockstep-key", "x"], [], "no key configured"],
    ["an empty key configured", ["x-lockstep-key", ""], [""], "no key configured"],
    ["an empty key beside a good one", ["x-lockstep-key", ""], ["", "good"], "no key sent"],
  ])("%s is refused", (_what, headers, configured, reason) => {
    expect(verifyWebhook({ headers, keys: configured })).toEqual({ ok: false, reason });
  });
});

describe("[R77] a webhook body is a hint", () => {
  test("the published asynchronous Update", () => {
    expect(decodeWebhook(UPDATE)).toEqual({
      kind: "hint",
      rep: "97c90b02-4e38-ef11-a315-000d3a5a54dc",
      agentStatusId: ID,
      organizationId: "6042beb1-a93a-ef11-8e4b-00224802c699",
      organizationName: "unq6042beb1a93aef118e4b00224802c",
      inTransaction: false,
      message: "Update",
      presenceId: "efdeb843-c07a-e811-8162-000d3aa11f50",
      hasColumns: true,
      loggedIn: true,
      modifiedAtMs: Date.UTC(2024, 7, 2, 7, 0, 38),
      modifiedBy: "AGENT",
    });
  });

  test("the published synchronous Create, which may yet be rolled back", () => {
    expect(decodeWebhook(CREATE)).toEqual({
      kind: "hint",
      rep: "a7f9a9ed-b311-ef11-9f89-000d3a544b4c",
      agentStatusId: "4b1e3d75-a749-ef11-acce-00224802d26d",
      organizationId: "c09254de-a911-ef11-9f83-000d3a9d3b76",
      organizationName: "unqc09254dea911ef119f83000d3a9d3",
      inTransaction: true,
      message: "Create",
      presenceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      hasColumns: true,
      loggedIn: false,
      modifiedAtMs: Date.UTC(2024, 6, 24, 10, 28, 24),
      modifiedBy: "SYSTEM",
    });
  });

  test("the newer page's Update, and a body that was parsed before", () => {
    expect(decodeWebhook(NEWER)).toMatchObject({ kind: "hint", message: "Update" });
    expect(decodeWebhook(update())).toEqual(decodeWebhook(UPDATE));
  });

  test("both forms of a date, an offset or none, change nothing", () => {
    for (const date of [
      "/Date(1722582039000)/",
      "/Date(1722582039000-0700)/",
      "2024-07-24T10:28:24Z",
    ]) {
      expect(decodeWebhook({ ...update(), OperationCreatedOn: date })).toEqual(
        decodeWebhook(UPDATE),
      );
    }
  });

  test("without the rep, the row's id is left", () => {
    const text = UPDATE.toString("utf8").replaceAll("msdyn_agentid", "msdyn_other");
    expect(decodeWebhook(Buffer.from(text))).toMatchObject({
      kind: "hint",
      rep: null,
      agentStatusId: ID,
    });
  });

  test("what has a key and no value says nothing, and the next one of that key counts", () => {
    const body = update();
    const whole = decodeWebhook(Buffer.from(JSON.stringify(body)));
    const [target] = body["InputParameters"] as { value: { Attributes: { key: string }[] } }[];
    target?.value.Attributes.unshift({ key: "msdyn_agentid" }, { key: "msdyn_currentpresenceid" });
    body["InputParameters"] = [{ key: "Target" }, target];
    expect(decodeWebhook(Buffer.from(JSON.stringify(body)))).toEqual(whole);
  });

  test("stripped for its size, it is a hint for a row only", () => {
    const { InputParameters: _parameters, ParentContext: _parent, ...stripped } = update();
    expect(decodeWebhook(stripped)).toMatchObject({
      kind: "hint",
      rep: null,
      presenceId: null,
      agentStatusId: ID,
    });
  });

  test.each<[string, unknown, DecodedWebhook["kind"]]>([
    ["another table", { ...update(), PrimaryEntityName: "account" }, "ignored"],
    ["a deletion", { ...update(), MessageName: "Delete" }, "ignored"],
    ["a table in capitals", { ...update(), PrimaryEntityName: "MSDYN_AgentStatus" }, "hint"],
    ["no table", { ...update(), PrimaryEntityName: undefined }, "malformed"],
    ["no row", { ...update(), PrimaryEntityId: null }, "malformed"],
    ["a row that is no id", { ...update(), PrimaryEntityId: "'; drop" }, "malformed"],
    ["no organization", { ...update(), OrganizationId: null, OrganizationName: 7 }, "hint"],
    ["parameters of another form", { ...update(), InputParameters: { Target: 1 } }, "hint"],
    ["nothing", undefined, "malformed"],
    ["null", null, "malformed"],
    ["a list", [], "malformed"],
    ["a text", "hello", "malformed"],
    ["an empty body", Buffer.alloc(0), "malformed"],
    ["half a body", UPDATE.subarray(0, 3000), "malformed"],
    ["a byte order mark", Buffer.concat([Buffer.from("\uFEFF"), UPDATE]), "hint"],
    ["two MiB of blanks", Buffer.alloc(2 * 1024 * 1024, " "), "malformed"],
    ["100 000 brackets", Buffer.from("[".repeat(100_000) + "]".repeat(100_000)), "malformed"],
    ["too deep", { ...update(), Deep: nest(40) }, "malformed"],
    ["deep enough", { ...update(), Deep: nest(20) }, "hint"],
    [
      "too many members",
      { ...update(), Many: Array.from({ length: 10_001 }, () => 0) },
      "malformed",
    ],
    [
      "__proto__",
      Buffer.from(`{"__proto__":{"PrimaryEntityName":"msdyn_agentstatus"}}`),
      "malformed",
    ],
    ["__proto__ deep inside", { ...update(), Inner: JSON.parse('[{"__proto__":1}]') }, "malformed"],
    ["a circle", circle(), "malformed"],
  ])("%s is %s", (_what, body, kind) => {
    expect(decodeWebhook(body).kind).toBe(kind);
  });

  test("10 000 mutilated bodies are decoded without a throw, and a hint always names a row", () => {
    const bodies = fc.constantFrom(CREATE, UPDATE, NEWER);
    const bytes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    const leaves = fc.array(fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 })), {
      minLength: 1,
      maxLength: 6,
    });
    const check = (decoded: DecodedWebhook): void => {
      const said = decoded.kind === "hint" ? decoded.agentStatusId : decoded.reason;
      expect(said).toMatch(decoded.kind === "hint" ? /^[0-9a-f-]{36}$/ : /^[a-z]/i);
    };
    fc.assert(
      fc.property(bodies, bytes, (body, changes) => {
        const mutant = Buffer.from(body);
        for (const [at, value] of changes) mutant[at % mutant.length] = value;
        check(decodeWebhook(mutant));
      }),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(bodies, leaves, (body, changes) => {
        const mutant: unknown = JSON.parse(body.toString("utf8"));
        for (const [at, value] of changes) replaceNode(mutant, at, value);
        check(decodeWebhook(mutant));
      }),
      { numRuns: 5000 },
    );
  });
});

function nest(depth: number): unknown {
  return depth === 0 ? 0 : [nest(depth - 1)];
}

function circle(): unknown {
  const round: Record<string, unknown> = update();
  round["Round"] = round;
  return round;
}

/** Replaces the `at`-th member of the tree, counted modulo their number. */
function replaceNode(root: unknown, at: number, value: unknown): void {
  const places: [object, string][] = [];
  const open: unknown[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (typeof node !== "object" || node === null) continue;
    for (const [key, member] of Object.entries(node)) {
      places.push([node, key]);
      if (typeof member === "object") open.push(member);
    }
  }
  const place = places[at % places.length];
  if (place) Reflect.set(place[0], place[1], value);
}
