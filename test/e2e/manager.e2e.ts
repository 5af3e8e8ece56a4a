import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { namedPeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import type { Visitor } from "../../src/story/playground.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { eventually, launch, type Service } from "../service/launch.ts";
import { Chat } from "./chat.ts";

const MANAGERS = derivedGuid("group managers");
const MANAGER = "Ingrid Solberg";

let tenant: Tenant;
let service: Service;
let folder: string;
let chat: Chat;

beforeAll(async () => {
  tenant = await startTenant({ signedIn: true, projectionDelayMs: 0, tls: LOOPBACK_TLS });
  const visitors = namedPeople().users.flatMap(
    ({ fullname: name, azureObjectId: objectId, email, applicationId }): readonly Visitor[] =>
      objectId === null || applicationId ? [] : [{ name, objectId, email }],
  );
  for (const { objectId } of visitors) {
    tenant.graph.control.setClient({ userId: objectId, availability: "Available" });
  }
  const [me] = visitors.filter(({ name }) => name === MANAGER);
  if (!me) throw new Error("nobody manages");
  tenant.graph.control.setGroup({ groupId: MANAGERS, members: [me.objectId] });
  service = await launch(tenant, {
    programArguments: ["--local"],
    env: { BOT_MANAGERS: `${MANAGERS}=*` },
  });
  folder = await mkdtemp(join(tmpdir(), "lockstep-e2e-"));
  chat = await Chat.open({
    endpoint: `${service.url}/api/messages`,
    tenantId: tenant.tenantId,
    visitors: [me, ...visitors.filter((visitor) => visitor !== me)],
    folder,
  });
  await chat.cards.first().waitFor();
});
afterAll(async () => {
  await chat.close();
  await service[Symbol.asyncDispose]();
  await tenant.close();
  await rm(folder, { recursive: true, force: true });
});

const dynamicsOf = (name: string): string => {
  const user = tenant.people.users.find(({ fullname }) => fullname === name);
  const state = tenant.dataverse.control.state({ userId: user?.systemUserId ?? "" });
  return (state as { readonly name: string }).name;
};

describe("a manager in her own chat", () => {
  test("[R215] is greeted when she installs the bot", async () => {
    expect(await chat.cards.first().innerText()).toContain("Hello. I keep presence the same");
  });

  test.each([
    ["help", "What I can do"],
    ["status Priya", "Priya Raghunathan"],
    ["is jakub wisniewski free?", "Jakub Wiśniewski"],
    ["me", MANAGER],
    ["why Priya", "How it came to this"],
    ["history Priya", "Priya Raghunathan, today"],
    ["history Priya yesterday at 10:42", "Priya Raghunathan, yesterday"],
    ["who is available", "Available now"],
    ["team", "11 people"],
    ["queues", "Loyalty desk"],
    ["queue Billing", "Can take work now"],
    ["release Priya", "Nothing of ours lies over"],
    ["set Jakub busy until 17:30 because training", "is set to Busy until"],
    ["release Jakub", "is what remains"],
    ["notify me when Priya is available", "is available already"],
    ["board", "belongs into a channel"],
    ["alerts here", "Alerts belong into a channel"],
    ["digest at 8:00", "I will sum up here"],
    ["digest off", "No digest will come"],
    ["who looked me up", "Who looked you up"],
    ["pause", "Your syncing is paused"],
    ["resume", "Your syncing goes on"],
    ["export", "The complete record is below"],
    ["erase my data", "This erases what the bot keeps"],
    ["health", "Both systems are read"],
    ["policy", "The default policy"],
    ["statsu Priya", "Did you mean"],
    ["set Priya busy until the cows come home", "did not understand the time"],
  ])("[R215] says “%s” and reads “%s”", async (text, answer) => {
    expect(await chat.say(text)).toContain(answer);
  });

  test("[R216] sets a status with the form, sees it come true in Dynamics, and releases it", async () => {
    await chat.say("status Priya");
    expect(await chat.press("Set status")).toContain("Set the status of Priya Raghunathan");
    await chat.lastCard.getByRole("textbox").nth(0).fill("30 min");
    await chat.lastCard.getByRole("textbox").nth(1).fill("training");
    expect(await chat.press("Set status")).toContain("is set to Busy until");
    await eventually("Dynamics shows Busy", () => dynamicsOf("Priya Raghunathan") === "Busy");
    expect(await chat.press("Refresh")).toContain("Overridden by a manager");
    expect(await chat.press("Release")).toContain("Available is what remains");
    await eventually(
      "Dynamics shows Available",
      () => dynamicsOf("Priya Raghunathan") === "Available",
    );
  });

  test("[R215] presses the buttons of a card one after the other", async () => {
    await chat.say("status Nadia");
    expect(await chat.press("Why?")).toContain("How it came to this");
    expect(await chat.press("History")).toContain("Nadia Okonkwo, today");
    expect(await chat.press("yesterday")).toContain("Nadia Okonkwo, yesterday");
    expect(await chat.press("Why?")).toContain("How it came to this");
    expect(await chat.press("Set status")).toContain("Set the status of");
    expect(await chat.press("Back")).toContain("Shift");
    await chat.say("team");
    expect(await chat.press("Who is available")).toContain("Available now");
    expect(await chat.press("Team")).toContain("11 people");
  });
});

describe("a manager where others read along", () => {
  test("[R217] sees in the group chat only for whom the answer is, until she presses", async () => {
    await chat.page.getByText("Team leads").first().click();
    await eventually("the group chat is open", async () => (await chat.cards.count()) === 0);
    const shown = await chat.mention("status Priya");
    expect(shown).toContain(`Answer for ${MANAGER}`);
    expect(shown).not.toContain("Raghunathan");
    expect(await chat.press("Show it to me")).toContain("Priya Raghunathan");
  });

  test("[R224] puts up a board that edits itself", async () => {
    await chat.mention("board");
    const board = chat.cards.filter({ hasText: "Team board" }).last();
    await board.waitFor();
    expect(await board.innerText()).not.toMatch(/Priya|Nadia/);
    const before = await board.innerText();
    const nadia = tenant.people.users.find(({ fullname }) => fullname === "Nadia Okonkwo");
    tenant.graph.control.setManual({
      userId: nadia?.azureObjectId ?? "",
      availability: "DoNotDisturb",
    });
    await eventually("the board is edited", async () => (await board.innerText()) !== before, {
      deadlineMs: 60_000,
    });
    expect(await board.innerText()).toContain("Do not disturb");
  });
});
