import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import { eventually, nadia, openOrganization, people, tomas } from "./dataverse-caller.ts";
import { type Delivery, openReceiver } from "./webhook-receiver.ts";

type Body = Delivery["body"];

async function published(name: string): Promise<Body> {
  const path = new URL(`../fixtures/msdyn_agentstatus.${name}.json`, import.meta.url);
  return JSON.parse(await readFile(path, "utf8")) as Body;
}

/**
 * What two bodies of the same make have in common: every member, and of each value its kind, down to
 * whether a date carries an offset. Lists of `{key,value}` become objects, as their order means nothing.
 */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    const pairs = value as { key?: string; value?: unknown }[];
    if (pairs.length > 0 && pairs.every((pair) => typeof pair.key === "string")) {
      return Object.fromEntries(pairs.map((pair) => [pair.key, shapeOf(pair.value)]));
    }
    return value.map(shapeOf);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, shapeOf(it)]));
  }
  if (typeof value !== "string") return value === null ? "null" : typeof value;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) return "guid";
  return value
    .replace(/^\d+$/, "number text")
    .replace(/^\/Date\(\d+(?:([+-])\d{4})?\)\/$/, "date $1")
    .replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-00:00$/, "formatted date");
}

/** Members whose values belong to one organisation or one moment. */
function withoutNames(body: Body): Body {
  const names = { OrganizationName: "", OwningExtension: "", InitiatingUserAgent: "" };
  const parent = body["ParentContext"] as Body;
  return { ...body, ...names, ParentContext: { ...parent, ...names } };
}

function attributesOf(body: Body): Map<string, unknown> {
  const [target] = body["InputParameters"] as [
    { value: { Attributes: { key: string; value: unknown }[] } },
  ];
  return new Map(target.value.Attributes.map(({ key, value }) => [key, value]));
}

describe("the body", () => {
  test("of an asynchronous Update has the shape of the published one", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (row) => row["msdyn_isagentloggedin"] === true);
    org.control.registerWebhook({ url: receiver.url, mode: "async", messages: ["Update"] });
    org.control.choose({ userId: nadia, presenceId: PRESENCE_ID.busy });

    const { body } = await eventually(() => receiver.deliveries[0]);
    const example = await published("update.async");
    expect(shapeOf(withoutNames(body))).toEqual(shapeOf(withoutNames(example)));
    const same = ["OrganizationId", "OrganizationName", "PrimaryEntityId", "InitiatingUserAgent"];
    for (const key of same) expect(body[key]).toEqual(example[key]);
    for (const key of ["msdyn_agentid", "msdyn_currentpresenceid", "msdyn_presencemodifiedby"]) {
      expect(attributesOf(body).get(key)).toEqual(attributesOf(example).get(key));
    }
    expect([...attributesOf(body).keys()]).toEqual([...attributesOf(example).keys()]);
  });

  test("of an asynchronous Update carries the version that the row then has", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    org.control.registerWebhook({ url: receiver.url, mode: "async", messages: ["Update"] });
    org.control.login({ userId: nadia });
    const { body } = await eventually(() => receiver.deliveries[0]);
    const { row } = org.control.state({ userId: nadia });
    const [target] = body["InputParameters"] as [{ value: { RowVersion: string } }];
    expect(target.value.RowVersion).toBe(String(row?.["versionnumber"]));
    expect(body["PrimaryEntityId"]).toBe(row?.["msdyn_agentstatusid"]);
  });

  test("of a synchronous Create has the shape of the published one", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    org.control.registerWebhook({ url: receiver.url, mode: "sync", messages: ["Create"] });
    org.control.login({ userId: tomas });

    const { body } = await eventually(() => receiver.deliveries[0]);
    const example = await published("create.sync");
    const parentOf = (it: Body) => it["ParentContext"] as Body;
    const withParentDates = (shape: unknown) =>
      JSON.parse(JSON.stringify(shape).replaceAll('"date +"', '"date "')) as unknown;
    expect(shapeOf({ ...withoutNames(body), ParentContext: null })).toEqual(
      shapeOf({ ...withoutNames(example), ParentContext: null }),
    );
    expect(withParentDates(shapeOf(parentOf(withoutNames(body))))).toEqual(
      withParentDates(shapeOf(parentOf(withoutNames(example)))),
    );
    expect(body["RequestId"]).toBe(body["OperationId"]);
    for (const key of ["msdyn_agentid", "msdyn_currentpresenceid", "msdyn_presencemodifiedby"]) {
      expect(attributesOf(body).get(key)).toEqual(attributesOf(example).get(key));
    }
    expect(body["PrimaryEntityId"]).toBe(example["PrimaryEntityId"]);
  });

  test("of a synchronous Update runs in the transaction, before there is a row version", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    org.control.registerWebhook({ url: receiver.url, mode: "sync", messages: ["Update"] });
    org.control.login({ userId: nadia });
    const { body } = await eventually(() => receiver.deliveries[0]);
    expect(body).toMatchObject({
      Mode: 0,
      IsInTransaction: true,
      MessageName: "Update",
      OutputParameters: [],
      PostEntityImages: [],
      InputParameters: [{ value: { RowVersion: null } }],
    });
    expect(JSON.stringify(body)).toContain('{"key":"msdyn_isagentloggedin","value":"Yes"}');
  });

  test("above the size limit says so and keeps only what identifies the row", async () => {
    await using receiver = await openReceiver();
    await using org = await openOrganization();
    org.control.registerWebhook({ url: receiver.url, mode: "async" });
    org.control.hooks({ oversized: true });
    org.control.login({ userId: nadia });
    const { body, headers } = await eventually(() => receiver.deliveries[0]);
    expect(headers["x-ms-dynamics-msg-size-exceeded"]).toBe("true");
    expect(body).toMatchObject({
      InputParameters: [],
      ParentContext: null,
      PrimaryEntityId: "3d1feef9-604d-ef11-bfe3-6045bd03d9d8",
    });
  });
});

test("the headers name the organisation, the table, the message and the secret, and nothing signs the body", async () => {
  await using receiver = await openReceiver();
  await using org = await openOrganization();
  org.control.registerWebhook({
    url: receiver.url,
    mode: "sync",
    headerName: "x-lockstep-key",
    headerValue: "s3cret",
  });
  org.control.login({ userId: nadia });
  const { headers, body } = await eventually(() => receiver.deliveries[0]);
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "x-ms-dynamics-organization": new URL(org.dataverse.url).host,
    "x-ms-dynamics-entity-name": "msdyn_agentstatus",
    "x-ms-dynamics-request-name": "Update",
    "x-ms-correlation-request-id": body["CorrelationId"],
    "x-lockstep-key": "s3cret",
  });
  expect(Object.keys(headers).filter((name) => name.includes("signature"))).toEqual([]);
  expect(body["OrganizationId"]).toBe(people.organizationId);
});
