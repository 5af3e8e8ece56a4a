import { describe, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { type Answer, nadia, openOrganization, people, priya } from "./dataverse-caller.ts";

type Org = Awaited<ReturnType<typeof openOrganization>>;

const TRACK = { prefer: "odata.track-changes" };
const PATH = "msdyn_agentstatuses?$select=_msdyn_agentid_value,msdyn_isagentloggedin";

function linkOf(answer: Answer): string {
  return String(answer.json["@odata.deltaLink"]);
}

/** Every page from the first on; what `between` does happens after each page but the last. */
async function readAll(
  org: Org,
  path: string,
  prefer: string,
  between: () => Promise<unknown> = () => Promise.resolve(),
) {
  const ids: string[] = [];
  let answer = await org.get(path, { prefer });
  let pages = 1;
  for (;;) {
    for (const row of answer.rows) ids.push(String(row["_msdyn_agentid_value"] ?? row["id"]));
    const next = answer.json["@odata.nextLink"];
    if (typeof next !== "string") return { ids, pages, deltaLink: linkOf(answer) };
    await between();
    answer = await org.get(next, { prefer });
    pages += 1;
  }
}

async function signIn(org: Org, userId: string): Promise<void> {
  org.control.login({ userId });
  await org.rowWhen(userId, (row) => row["msdyn_isagentloggedin"] === true);
}

describe("a table read in pages with change tracking", () => {
  test("ends with a link that also tells what changed between the pages", async () => {
    await using org = await openOrganization();
    let changed = false;
    const whole = await readAll(org, PATH, "odata.track-changes,odata.maxpagesize=5", async () => {
      if (!changed) for (const { systemUserId } of people.users) await signIn(org, systemUserId);
      changed = true;
    });
    expect(whole.pages).toBe(3);
    expect(new Set(whole.ids).size).toBe(13);
    const delta = await readAll(org, whole.deltaLink, "odata.track-changes");
    expect(new Set(delta.ids)).toEqual(new Set(people.users.map((user) => user.systemUserId)));
    expect((await readAll(org, delta.deltaLink, "odata.track-changes")).ids).toEqual([]);
  });

  test("loses no row to another that is deleted meanwhile", async () => {
    await using org = await openOrganization();
    const path = "systemusers?$select=fullname";
    const first = await org.get(path, { prefer: "odata.track-changes,odata.maxpagesize=5" });
    const gone = String(first.rows[0]?.["systemuserid"]);
    org.control.deleteUser({ userId: gone });
    const second = await org.get(String(first.json["@odata.nextLink"]), {
      prefer: "odata.maxpagesize=50",
    });
    const ids = [...first.rows, ...second.rows].map((row) => row["systemuserid"]);
    expect(new Set(ids).size).toBe(people.users.length + 4);
    expect((await org.get(linkOf(second))).rows).toEqual([
      expect.objectContaining({ id: gone, reason: "deleted" }),
    ]);
  });

  test("hands out many changes in pages as well", async () => {
    await using org = await openOrganization();
    const { deltaLink } = await readAll(org, PATH, "odata.track-changes");
    for (const { systemUserId } of people.users) await signIn(org, systemUserId);
    const delta = await readAll(org, deltaLink, "odata.track-changes,odata.maxpagesize=4", () =>
      Promise.resolve(org.control.deleteUser({ userId: nadia })),
    );
    expect(delta.pages).toBe(4);
    expect(delta.ids).toContain("3d1feef9-604d-ef11-bfe3-6045bd03d9d8");
    expect((await org.get(delta.deltaLink)).rows).toEqual([]);
  });

  test("does not lose what a reader that lags could not see yet", async () => {
    await using org = await openOrganization();
    const { deltaLink } = await readAll(org, PATH, "odata.track-changes");
    org.control.staleReads({ lagMs: 60_000 });
    await signIn(org, priya);
    const early = await org.get(deltaLink, TRACK);
    expect(early.rows).toEqual([]);
    org.control.advance({ ms: 61_000 });
    expect((await org.get(linkOf(early), TRACK)).rows).toMatchObject([
      { _msdyn_agentid_value: priya },
    ]);
  });
});

describe("a delta token", () => {
  test("is a version and a date, as the documentation shows it", async () => {
    await using org = await openOrganization({ nowMs: () => Date.parse("2026-08-22T08:10:44Z") });
    const token = new URL(linkOf(await org.get(PATH, TRACK))).searchParams.get("$deltatoken");
    expect(token).toMatch(/^\d+!08\/22\/2026 08:10:44$/);
    const malformed = await org.get("msdyn_agentstatuses?$deltatoken=nonsense");
    expect(malformed).toMatchObject({ status: 400, json: { error: { code: "0x80060888" } } });
  });

  test("is good for as many days as the organisation says, and then asks for everything", async () => {
    await using org = await openOrganization();
    org.control.setOrganization({ expireChangeTrackingInDays: 30 });
    const link = linkOf(await org.get(PATH, TRACK));
    org.control.advance({ ms: 29 * 86_400_000 });
    expect(await org.get(link)).toMatchObject({ status: 200 });
    org.control.advance({ ms: 2 * 86_400_000 });
    const expired = await org.get(link);
    expect(expired).toMatchObject({ status: 400, json: { error: { code: "0x80044352" } } });
  });

  test("ends when the definition of the table changes; a new one is good again", async () => {
    await using org = await openOrganization();
    const link = linkOf(await org.get(PATH, TRACK));
    org.control.expireDeltaTokens();
    org.control.settings({ expiredTokenStatus: 410 });
    expect(await org.get(link)).toMatchObject({ status: 410 });
    const renewed = linkOf(await org.get(PATH, TRACK));
    await signIn(org, priya);
    expect((await org.get(renewed)).rows).toHaveLength(1);
  });
});

test("thirty thousand reps are read in six pages, and then only what changed", async () => {
  await using org = await openOrganization(makePeople(30_000));
  const whole = await readAll(org, PATH, "odata.track-changes");
  expect(whole.pages).toBe(6);
  expect(new Set(whole.ids).size).toBe(30_000);
  const someone = whole.ids[17_000] ?? "";
  await signIn(org, someone);
  expect((await readAll(org, whole.deltaLink, "odata.track-changes")).ids).toEqual([someone]);
  const plain = await readAll(org, PATH, "odata.maxpagesize=5000");
  expect(plain.ids).toHaveLength(30_000);
});
