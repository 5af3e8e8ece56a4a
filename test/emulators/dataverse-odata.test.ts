import { describe, expect, test } from "vitest";
import { PRESENCE_ID } from "../../src/emulators/dataverse/presence.ts";
import type { Answer } from "./dataverse-caller.ts";
import { eventually, meiling, nadia, openOrganization, people, priya } from "./dataverse-caller.ts";

const org = await openOrganization();
const nadiaRow = "3d1feef9-604d-ef11-bfe3-6045bd03d9d8";

function names(answer: Answer): string[] {
  return answer.rows.map((row) => String(row["fullname"] ?? row["msdyn_name"] ?? row["name"]));
}

function filtered(set: string, filter: string): Promise<Answer> {
  return org.get(`${set}?$filter=${encodeURIComponent(filter)}`);
}

describe("a list", () => {
  test("holds the tables that presence needs, under every version of the API we know", async () => {
    for (const set of [
      "organizations",
      "systemusers",
      "msdyn_presences",
      "msdyn_agentstatuses",
      "msdyn_agentstatushistories",
      "queues",
      "queuememberships",
      "asyncoperations",
    ]) {
      expect(await org.get(set)).toMatchObject({ status: 200 });
    }
    for (const version of ["v9.0", "v9.1", "v9.2"]) {
      const answer = await org.get(`${org.dataverse.url}/api/data/${version}/organizations`);
      expect(answer.rows).toHaveLength(1);
    }
  });

  test("has the six presences of every organisation beside its own", async () => {
    expect(names(await org.get("msdyn_presences")).toSorted()).toEqual([
      "Available",
      "Away",
      "Busy",
      "Busy - DND",
      "Inactive",
      "Lunch",
      "Offline",
      "Paperwork",
      "Training",
    ]);
  });

  test("returns the columns selected, the key and the ETag, and nothing else", async () => {
    const answer = await org.get("msdyn_presences?$select=msdyn_name&$top=1");
    expect(answer.headers.get("odata-version")).toBe("4.0");
    expect(answer.json["@odata.context"]).toContain(
      "#msdyn_presences(msdyn_presenceid,msdyn_name)",
    );
    expect(Object.keys(answer.rows[0] ?? {})).toEqual([
      "@odata.etag",
      "msdyn_presenceid",
      "msdyn_name",
    ]);
  });

  test("expands a lookup, with its own columns", async () => {
    const answer = await org.get(
      `msdyn_agentstatuses?$select=msdyn_isagentloggedin&$filter=_msdyn_agentid_value eq ${nadia}` +
        "&$expand=msdyn_agentid($select=fullname,isdisabled),msdyn_currentpresenceid($select=msdyn_name)",
    );
    expect(answer.rows).toMatchObject([
      {
        msdyn_agentstatusid: nadiaRow,
        msdyn_agentid: { systemuserid: nadia, fullname: "Nadia Okonkwo", isdisabled: false },
        msdyn_currentpresenceid: { msdyn_presenceid: PRESENCE_ID.offline, msdyn_name: "Offline" },
      },
    ]);
  });

  test("orders, cuts and counts", async () => {
    const answer = await org.get("queues?$orderby=name desc&$top=2&$count=true");
    expect(names(answer)).toEqual(["Technical support", "Loyalty desk"]);
    expect(answer.json["@odata.count"]).toBe(3);
  });

  test("comes in pages of the preferred size, each with a link to the next, and repeats nobody", async () => {
    const seen: string[] = [];
    let pages = 0;
    let next: string | undefined = "systemusers?$select=fullname&$orderby=fullname";
    while (next !== undefined) {
      const page: Answer = await org.get(next, { prefer: "odata.maxpagesize=5" });
      expect(page.headers.get("preference-applied")).toBe("odata.maxpagesize=5");
      expect(page.rows.length).toBeLessThanOrEqual(5);
      seen.push(...page.rows.map((row) => String(row["systemuserid"])));
      pages += 1;
      next = page.json["@odata.nextLink"] as string | undefined;
    }
    const users = people.users.length + 4;
    expect(pages).toBe(Math.ceil(users / 5));
    expect(new Set(seen).size).toBe(users);
  });

  test("explains its values when annotations are preferred", async () => {
    const answer = await org.get(
      `msdyn_agentstatuses?$filter=_msdyn_agentid_value eq ${nadia}` +
        "&$select=_msdyn_currentpresenceid_value,msdyn_isagentloggedin,statecode",
      { prefer: 'odata.include-annotations="*"' },
    );
    const formatted = "OData.Community.Display.V1.FormattedValue";
    expect(answer.rows[0]).toMatchObject({
      [`_msdyn_currentpresenceid_value@${formatted}`]: "Offline",
      "_msdyn_currentpresenceid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "msdyn_presence",
      "_msdyn_currentpresenceid_value@Microsoft.Dynamics.CRM.associatednavigationproperty":
        "msdyn_currentpresenceid",
      [`msdyn_isagentloggedin@${formatted}`]: "No",
      [`statecode@${formatted}`]: "Active",
    });
  });
});

describe("a filter", () => {
  test.each([
    ["msdyn_name eq 'lunch'", ["Lunch"]],
    ["msdyn_basepresencestatus eq 192360002", ["Busy - DND", "Training"]],
    [
      "msdyn_basepresencestatus ge 192360003 and msdyn_canuserset eq true",
      ["Away", "Lunch", "Offline"],
    ],
    ["msdyn_canuserset ne true", ["Inactive"]],
    ["not (msdyn_canuserset eq true)", ["Inactive"]],
    ["msdyn_name eq 'Lunch' or msdyn_name eq 'Busy' and msdyn_canuserset eq false", ["Lunch"]],
    [
      "(msdyn_name eq 'Lunch' or msdyn_name eq 'Busy') and msdyn_canuserset eq true",
      ["Busy", "Lunch"],
    ],
    ["contains(msdyn_name,'dnd')", ["Busy - DND"]],
    ["startswith(msdyn_name,'Aw') or endswith(msdyn_name,'ing')", ["Away", "Training"]],
    ["msdyn_description ne null", []],
    [`msdyn_presenceid eq ${PRESENCE_ID.busy}`, ["Busy"]],
    ["createdon gt 2199-01-01T00:00:00Z", []],
    ["createdon gt 2001-01-01 and msdyn_name lt 'Away'", ["Available"]],
    [
      "Microsoft.Dynamics.CRM.In(PropertyName='msdyn_name',PropertyValues=['Lunch','Busy'])",
      ["Busy", "Lunch"],
    ],
    [
      `Microsoft.Dynamics.CRM.In(PropertyName='msdyn_presenceid',PropertyValues=['${PRESENCE_ID.away}'])`,
      ["Away"],
    ],
  ])("%s finds %j", async (filter, expected) => {
    expect(names(await filtered("msdyn_presences", filter)).toSorted()).toEqual(expected);
  });

  test("takes values from parameter aliases", async () => {
    const answer = await org.get(
      "systemusers?$select=fullname&$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)" +
        `&@p1='systemuserid'&@p2=["${nadia}","${priya}"]`,
    );
    expect(names(answer)).toEqual(["Nadia Okonkwo", "Priya Raghunathan"]);
  });

  test("reaches through a lookup", async () => {
    const enabled = await filtered("msdyn_agentstatuses", "msdyn_agentid/isdisabled eq true");
    expect(names(enabled)).toEqual(["Walter Nkemelu"]);
    const listed = await filtered(
      "msdyn_agentstatuses",
      `Microsoft.Dynamics.CRM.In(PropertyName='msdyn_agentid',PropertyValues=['${nadia}','${meiling}'])`,
    );
    expect(names(listed)).toEqual(["Nadia Okonkwo", "Mei-Ling Zhou"]);
  });

  test.each([
    ["no_such_column eq 1", "Could not find a property named 'no_such_column'"],
    ["msdyn_name eq 5", "incompatible types"],
    ["msdyn_presenceid eq 'f523f628-c07a-e811-8162-000d3aa11f50'", "'Edm.Guid' and 'Edm.String'"],
    ["msdyn_name in ('Lunch','Busy')", "The query node In is not supported"],
    ["msdyn_name eq 'Lunch", "Syntax error at position 14"],
    ["msdyn_name eq 'Lunch' and", "Syntax error"],
    ["(msdyn_name eq 'Lunch'", "Syntax error"],
    ["tolower(msdyn_name) eq 'lunch'", "unknown function"],
  ])("%s is refused: %s", async (filter, message) => {
    const answer = await filtered("msdyn_presences", filter);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      error: { code: "0x80060888", message: expect.stringContaining(message) },
    });
  });
});

describe("a query that is wrong", () => {
  test.each([
    ["msdyn_agentstatuses?$select=msdyn_presence", 400, "0x80060888"],
    ["msdyn_agentstatuses?$expand=msdyn_presence", 400, "0x80060888"],
    ["msdyn_agentstatuses?$expand=msdyn_agentid($filter=isdisabled eq true)", 400, "0x80060888"],
    ["msdyn_agentstatuses?$orderby=presence", 400, "0x80060888"],
    ["msdyn_agentstatuses?$top=many", 400, "0x80060888"],
    ["msdyn_agentstatuses?$search=nadia", 400, "0x80060888"],
    ["msdyn_agentstatus", 404, "0x8006088a"],
    ["msdyn_agentstatuses(nadia)", 400, "0x8006088a"],
    ["msdyn_agentstatuses(00000000-0000-0000-0000-000000000001)", 404, "0x80040217"],
  ])("%s answers %i with %s", async (path, status, code) => {
    const answer = await org.get(path);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ error: { code, message: expect.any(String) } });
  });

  test("cannot write a table", async () => {
    const answer = await org.call("PATCH", `msdyn_agentstatuses(${nadiaRow})`, {}, "{}");
    expect(answer.status).toBe(405);
  });

  test("is too long beyond 32 KB, and not before", async () => {
    const filter = (length: number) =>
      `msdyn_presences?$filter=msdyn_name eq '${"x".repeat(length)}'`;
    expect(await org.get(filter(25_000))).toMatchObject({ status: 200 });
    expect(await org.get(filter(33_000))).toMatchObject({ status: 414 });
  });
});

describe("a single row", () => {
  test("answers 304 to a caller who holds this version, until the row changes", async () => {
    const path = `msdyn_agentstatuses(${nadiaRow})?$select=_msdyn_currentpresenceid_value`;
    const etag = String((await org.get(path)).json["@odata.etag"]);
    expect(await org.get(path, { "if-none-match": etag })).toMatchObject({ status: 304, text: "" });
    expect(await org.get(path, { "if-none-match": "null" })).toMatchObject({ status: 200 });
    org.control.login({ userId: nadia });
    await org.rowWhen(nadia, (row) => row["msdyn_isagentloggedin"] === true);
    const changed = await org.get(path, { "if-none-match": etag });
    expect(changed.status).toBe(200);
    expect(changed.json["@odata.etag"]).not.toBe(etag);
  });
});

describe("change tracking", () => {
  test("hands out the rows changed and deleted since, again and again", async () => {
    await using own = await openOrganization();
    const track = { prefer: "odata.track-changes" };
    const path = "msdyn_agentstatuses?$select=_msdyn_agentid_value,_msdyn_currentpresenceid_value";
    const first = await own.get(path, track);
    expect(first.headers.get("preference-applied")).toBe("odata.track-changes");
    expect(first.rows).toHaveLength(13);
    const link = String(first.json["@odata.deltaLink"]);
    expect((await own.get(link, track)).rows).toEqual([]);

    own.control.login({ userId: priya });
    own.control.deleteUser({ userId: meiling });
    const delta = await eventually(async () => {
      const answer = await own.get(link, track);
      return answer.rows.length === 2 ? answer : undefined;
    });
    expect(delta.json["@odata.context"]).toMatch(/\/\$delta$/);
    expect(delta.rows).toContainEqual(
      expect.objectContaining({
        _msdyn_agentid_value: priya,
        _msdyn_currentpresenceid_value: PRESENCE_ID.available,
      }),
    );
    expect(delta.rows).toContainEqual(
      expect.objectContaining({
        reason: "deleted",
        "@odata.context": expect.stringContaining("$deletedEntity"),
      }),
    );
    const again = await own.get(String(delta.json["@odata.deltaLink"]), track);
    expect(again.rows).toEqual([]);
  });

  test("goes with none of the options that Dataverse refuses beside it", async () => {
    const track = { prefer: "odata.track-changes" };
    for (const option of ["$filter=statecode eq 0", "$orderby=createdon", "$top=1"]) {
      expect(await org.get(`msdyn_agentstatuses?${option}`, track)).toMatchObject({ status: 400 });
    }
  });

  test("forgets a token after seven days", async () => {
    await using own = await openOrganization();
    const first = await own.get("msdyn_agentstatuses", { prefer: "odata.track-changes" });
    own.control.advance({ ms: 8 * 86_400_000 });
    expect(await own.get(String(first.json["@odata.deltaLink"]))).toMatchObject({ status: 400 });
  });

  test("is refused where the organisation has it off, and the table's definition says so", async () => {
    await using own = await openOrganization({ settings: { changeTracking: false } });
    const refused = await own.get("msdyn_agentstatuses", { prefer: "odata.track-changes" });
    expect(refused.status).toBe(400);
    const definition = await own.get(
      "EntityDefinitions(LogicalName='msdyn_agentstatus')?$select=ChangeTrackingEnabled",
    );
    expect(definition.json).toMatchObject({ ChangeTrackingEnabled: false });
  });
});

describe("a batch", () => {
  const part = (line: string, headers = "") =>
    `--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n${line} HTTP/1.1\r\n${headers}\r\n\r\n`;
  const send = (body: string, headers: Record<string, string> = {}) =>
    org.call(
      "POST",
      "$batch",
      { "content-type": "multipart/mixed; boundary=batch_1", ...headers },
      `${body}--batch_1--\r\n`,
    );

  test("answers its parts in order, whether their paths are relative or whole", async () => {
    const answer = await send(
      part("GET WhoAmI") +
        part("GET /api/data/v9.2/queues?$select=name&$top=1", "Accept: application/json\r\n") +
        part(`GET ${org.dataverse.url}/api/data/v9.2/msdyn_presences(${PRESENCE_ID.busy})`),
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain(
      "multipart/mixed; boundary=batchresponse_",
    );
    expect(answer.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    expect(answer.text).toMatch(/OrganizationId.*Billing.*"Busy"/s);
  });

  test("stops at the first error unless told to go on", async () => {
    const body = part("GET nothing") + part("GET WhoAmI");
    expect((await send(body)).text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404"]);
    const all = await send(body, { prefer: "odata.continue-on-error" });
    expect(all.text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 200"]);
  });
});
