import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { namedPeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import type { Visitor } from "../../src/story/playground.ts";
import { FakeTeams, ISSUER } from "../bot/teams.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { launch, type Service } from "../service/launch.ts";
import { Chat } from "./chat.ts";
import { startSigningProxy } from "./signing-proxy.ts";

const MANAGERS = derivedGuid("group managers");
const TEAM = derivedGuid("group team");
const FOREIGN_MANAGERS = derivedGuid("group foreign managers");
const OTHER_TEAM = derivedGuid("group other team");

let tenant: Tenant;
let service: Service;
let teams: FakeTeams;
let proxy: Awaited<ReturnType<typeof startSigningProxy>>;

const PEOPLE = namedPeople().users.flatMap(
  ({ fullname: name, azureObjectId: objectId, email, applicationId }): readonly Visitor[] =>
    objectId === null || applicationId ? [] : [{ name, objectId, email }],
);
const person = (name: string): Visitor => {
  const found = PEOPLE.find((visitor) => visitor.name === name);
  if (!found) throw new Error(`nobody is called ${name}`);
  return found;
};
const NADIA = person("Nadia Okonkwo");
const PRIYA = person("Priya Raghunathan");
const INGRID = person("Ingrid Solberg");
const GUEST = { name: "Gil Guest", objectId: derivedGuid("guest"), email: "gil@other.example" };

beforeAll(async () => {
  tenant = await startTenant({ signedIn: true, projectionDelayMs: 0, tls: LOOPBACK_TLS });
  const { control } = tenant.graph;
  for (const { objectId } of PEOPLE) {
    control.setClient({ userId: objectId, availability: "Available" });
  }
  control.addUser({
    id: GUEST.objectId,
    userPrincipalName: GUEST.email,
    displayName: GUEST.name,
  });
  control.setGroup({ groupId: MANAGERS, members: [INGRID.objectId] });
  control.setGroup({ groupId: TEAM, members: [NADIA.objectId] });
  control.setGroup({ groupId: FOREIGN_MANAGERS, members: [PRIYA.objectId] });
  control.setGroup({ groupId: OTHER_TEAM, members: [person("Lars Holmqvist").objectId] });
  teams = await FakeTeams.open();
  service = await launch(tenant, {
    env: {
      BOT_ID: tenant.clientId,
      BOT_METADATA_URL: `${teams.url}/metadata`,
      BOT_TOKEN_ISSUER: ISSUER,
      BOT_SERVICE_HOSTS: "localhost,127.0.0.1",
      BOT_MANAGERS: `${MANAGERS}=${TEAM},${FOREIGN_MANAGERS}=${OTHER_TEAM}`,
    },
  });
  const target = `${service.url}/api/messages`;
  proxy = await startSigningProxy({ teams, appId: tenant.clientId, target });
});
afterAll(async () => {
  await proxy.close();
  await service[Symbol.asyncDispose]();
  await teams.close();
  await tenant.close();
});

/** Lets somebody sit down in front of the Playground, of a tenant. */
async function sitDown(
  visitor: Visitor,
  tenantId: string,
): Promise<{ chat: Chat } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-e2e-"));
  const visitors = [visitor, ...PEOPLE.filter((other) => other.name !== visitor.name)];
  const chat = await Chat.open({ endpoint: proxy.url, tenantId, visitors, folder });
  return {
    chat,
    [Symbol.asyncDispose]: async () => {
      await chat.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const NO = "You may not do that";
const ROLES: readonly (readonly [string, Visitor, Readonly<Record<string, string>>])[] = [
  [
    "a rep",
    NADIA,
    { me: "Nadia Okonkwo", "status Priya": NO, team: NO, "set Priya busy because x": NO },
  ],
  [
    "a manager",
    INGRID,
    {
      "status Nadia": "Nadia Okonkwo",
      "status Priya": NO,
      team: "1 people",
      "why Nadia": "How it came",
    },
  ],
  [
    "a foreign manager",
    PRIYA,
    { "status Nadia": NO, "status Lars": "Lars Holmqvist", "set Nadia offline because x": NO },
  ],
  ["a guest", GUEST, { me: NO, "status Nadia": NO, team: NO, health: NO }],
];

test.each(ROLES)(
  "[R215] %s, with messages signed as Teams signs them",
  async (_role, visitor, asked) => {
    await using seat = await sitDown(visitor, tenant.tenantId);
    await seat.chat.cards.first().waitFor();
    for (const [text, answer] of Object.entries(asked)) {
      expect(await seat.chat.say(text), text).toContain(answer);
    }
  },
);

test("[R220] somebody of another tenant gets no answer at all", async () => {
  await using seat = await sitDown(INGRID, derivedGuid("another tenant"));
  const { page, cards } = seat.chat;
  const box = page.getByRole("textbox").last();
  await box.click();
  await box.pressSequentially("status Nadia");
  await page.keyboard.press("Enter");
  await page.getByText("401", { exact: false }).first().waitFor();
  expect(await cards.count()).toBe(0);
});
