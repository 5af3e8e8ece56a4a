import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { namedPeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { launch, type Service } from "../service/launch.ts";
import { type TabToken, tabToken } from "./tab.ts";

const MANAGERS = derivedGuid("group managers");
const TEAM = derivedGuid("group team");

const idOf = (name: string): string => {
  const found = namedPeople().users.find(({ fullname }) => fullname === name);
  if (!found?.azureObjectId) throw new Error(`nobody is called ${name}`);
  return found.azureObjectId;
};
const repOf = (name: string): string => {
  const found = namedPeople().users.find(({ fullname }) => fullname === name);
  return found?.systemUserId ?? "";
};
const INGRID = idOf("Ingrid Solberg");
const NADIA = idOf("Nadia Okonkwo");
const STRANGER = derivedGuid("guest");

let tenant: Tenant;
let service: Service;
let folder: string;
beforeAll(async () => {
  tenant = await startTenant({ signedIn: true, projectionDelayMs: 0, tls: LOOPBACK_TLS });
  const { control } = tenant.graph;
  for (const { azureObjectId: userId, applicationId } of tenant.people.users) {
    if (userId !== null && !applicationId) control.setClient({ userId, availability: "Available" });
  }
  control.setGroup({ groupId: MANAGERS, members: [INGRID] });
  control.setGroup({ groupId: TEAM, members: [NADIA] });
  control.addUser({ id: STRANGER, userPrincipalName: "gil@other.example", displayName: "Gil" });
  folder = await mkdtemp(join(tmpdir(), "lockstep-console-"));
  const POLICY_FILE = join(folder, "policy.json");
  await writeFile(POLICY_FILE, '{"dynamics":{"writes":{"InACall":"Busy - DND"}}}');
  const env = { BOT_ID: tenant.clientId, BOT_MANAGERS: `${MANAGERS}=${TEAM}`, POLICY_FILE };
  service = await launch(tenant, { webhook: "none", env });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await tenant.close();
  await rm(folder, { recursive: true, force: true });
});

type Read = { readonly status: number; readonly text: string; readonly headers: Headers };

async function get(path: string, headers: Record<string, string> = {}): Promise<Read> {
  const answer = await fetch(`${service.url}${path}`, { headers });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

async function look(
  who: TabToken | string,
  place: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Read> {
  const token = await tabToken(tenant, typeof who === "string" ? { objectId: who } : who);
  const query = new URLSearchParams({ place, ...more });
  return get(`/console/cards?${query.toString()}`, { authorization: `Bearer ${token}` });
}

describe("the page of the tab", () => {
  test("[R338] holds nothing about anybody, runs nothing but its own script and TeamsJS, and only inside Teams", async () => {
    const page = await get("/");
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/Nadia|Ingrid/);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(policy).toMatch(/frame-ancestors https:\/\/teams\.microsoft\.com /);
    expect(page.text).toMatch(
      /<script src="https:\/\/res\.cdn\.office\.net\/[^"]+" integrity="sha384-/,
    );
    expect(page.headers.get("set-cookie")).toBeNull();
  });

  test("[R212, R338] speaks the reader's language", async () => {
    expect((await get("/", { "accept-language": "de-AT,en;q=0.5" })).text).toContain(
      "Wird gelesen",
    );
    expect((await get("/", { "accept-language": "xx" })).text).toContain("Reading …");
  });
});

describe("what the console shows", () => {
  test("[R215, R338] a manager sees her team, her queues and how the service is; a rep sees herself", async () => {
    const manager = await look(INGRID, "");
    expect(manager.status).toBe(200);
    for (const title of ["Your team", "Available now", "Queues", "Health"]) {
      expect(manager.text).toContain(title);
    }
    expect(manager.text).toContain("1 person");
    expect(manager.text).toContain("Nadia Okonkwo");
    expect(manager.text).not.toContain("Priya");
    const rep = await look(NADIA, "");
    expect(rep.text).toContain("Nadia Okonkwo");
    expect(rep.text).not.toMatch(/Your team|Queues/);
  });

  test("[R215, R338] a link leads to whoever may see it, and to nobody else", async () => {
    const place = `reps/${repOf("Nadia Okonkwo")}`;
    const mine = await look(INGRID, place);
    expect(mine.text).toContain("Nadia Okonkwo");
    expect(mine.text).toContain("Nadia Okonkwo, today");
    const notMine = await look(INGRID, `reps/${repOf("Priya Raghunathan")}`);
    expect(notMine.text).toContain("You may not do that");
    expect(notMine.text).not.toContain("Priya");
    const stranger = await look(STRANGER, place);
    expect(stranger.text).toContain("You may not do that");
    expect(stranger.text).not.toContain("Nadia");
  });

  test("[R338] a link to nobody is answered once, by the id that it names", async () => {
    const { status, text } = await look(INGRID, "reps/4711");
    expect(status).toBe(200);
    expect(text.match(/I know nobody called “4711”/g)).toHaveLength(1);
  });

  test("[R219, R338] who was looked at there is told so", async () => {
    await look(INGRID, `reps/${repOf("Nadia Okonkwo")}`);
    const told = await look(NADIA, "ask/who looked me up");
    expect(told.text).toContain("Ingrid Solberg asked: status");
  });

  test("[R338] answers what is typed, and carries out nothing that would change anything", async () => {
    expect((await look(INGRID, "ask/why Nadia")).text).toContain("How it came to this");
    expect((await look(INGRID, "ask/status Nadia", { locale: "de-DE" })).text).toContain("gelesen");
    const before = await service.history();
    const commands = [
      "set Nadia busy because x",
      "release Nadia",
      "pause",
      "erase",
      "board",
      "gibberish",
    ];
    for (const text of [
      ...commands,
      "notify me when Nadia is available",
      "digest at 8:00",
      "export",
    ]) {
      const { status, text: html } = await look(INGRID, `ask/${text}`);
      expect([text, status]).toEqual([text, 200]);
      expect(html).toContain("reads and changes nothing");
    }
    expect(await service.history()).toEqual(before);
  });

  test("[R375, R376, R338] the policy has a place of its own, for whoever is shown how the service is", async () => {
    for (const who of [INGRID, NADIA]) {
      const { text } = await look(who, "policy");
      expect(text).toContain("1 cell differs from the default");
      expect(text).toMatch(/By default written as: Busy\./);
    }
    expect((await look(INGRID, "ask/policy", { locale: "de-DE" })).text).toContain("Regelwerk");
    const stranger = await look(STRANGER, "policy");
    expect(stranger.text).toContain("You may not do that");
    expect(stranger.text).not.toContain("default");
    expect((await get("/")).text).toContain('href="#/policy"');
  });

  test.each([
    ["policy/", {}],
    ["policies", {}],
    ["reps/", {}],
    ["reps/a/b", {}],
    ["nowhere/4711", {}],
    ["ask", {}],
    ["x".repeat(257), {}],
    ["", { locale: "<script>" }],
    ["", { offset: "99999" }],
    ["", { offset: "soon" }],
  ])(
    "[R338] refuses the place %s with %o",
    async (place, more: Readonly<Record<string, string>>) => {
      const { status, text } = await look(INGRID, place, more);
      expect([status, text]).toEqual([400, '{"code":"console-malformed"}']);
    },
  );
});

describe("who may read it", () => {
  const REFUSED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    "of an application": { scp: undefined },
    "for another scope": { scp: "Presence.Read User.Read" },
    "of another tenant": { tid: derivedGuid("another tenant") },
    "for another application": { aud: derivedGuid("another app") },
    "of somebody else": { iss: "https://login.example/v2.0" },
    "that is over": { exp: Math.floor(Date.now() / 1_000) - 3_600 },
    "of nobody": { oid: undefined },
  };

  test.each(Object.entries(REFUSED))("[R338] nobody with a token %s", async (_what, claims) => {
    const { status, text } = await look({ objectId: INGRID, claims }, "");
    expect([status, text]).toEqual([401, '{"code":"unauthorized"}']);
  });

  test("[R338] nobody without a token, or with two", async () => {
    const token = await tabToken(tenant, { objectId: INGRID });
    for (const authorization of ["", "Basic eDp5", "Bearer", `Bearer ${token}, Bearer ${token}`]) {
      const headers: Record<string, string> = authorization === "" ? {} : { authorization };
      expect((await get("/console/cards", headers)).status).toBe(401);
    }
  });

  test("[R338] there is no console beside a bot that believes whoever calls", async () => {
    const programArguments = ["--local"];
    await using open = await launch(tenant, { webhook: "none", programArguments });
    expect((await fetch(`${open.url}/`)).status).toBe(404);
    expect((await fetch(`${open.url}/console/cards`)).status).toBe(404);
  });
});
