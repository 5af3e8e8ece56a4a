import { afterAll, beforeAll, expect, test } from "vitest";
import { forgeries } from "../bot/forgeries.ts";
import { eventually } from "../service/launch.ts";
import type { Chat, Press } from "./chat.ts";
import { GUEST, INGRID, NADIA, Office, OTHER_TENANT, PRIYA } from "./office.ts";

let office: Office;
let seat: Awaited<ReturnType<Office["sitDown"]>>;
let chat: Chat;
let form: Press;
let before: string;
beforeAll(async () => {
  office = await Office.open();
  seat = await office.sitDown(INGRID);
  ({ chat } = seat);
  await chat.cards.first().waitFor();
  before = office.shown(NADIA.name);
  // Her browser never sends the form that she fills in: what it would have sent is in the hands of others now.
  await chat.say("status Nadia");
  await chat.press("Set status");
  await chat.lastCard.getByRole("textbox").nth(1).fill("tampered");
  form = await chat.withhold("Set status");
});
afterAll(async () => {
  await seat[Symbol.asyncDispose]();
  await office.close();
});

const idOf = (name: string): string => {
  const user = office.tenant.people.users.find(({ fullname }) => fullname === name);
  return `id:${user?.systemUserId ?? ""}`;
};

/** The form with other contents, sent out of the Playground; what the bot answered. */
async function send(
  contents: Readonly<Record<string, unknown>>,
): Promise<{ readonly status: number; readonly text: string }> {
  const { value } = form;
  const data = { ...value.action.data, ...contents };
  const from = office.proxy.answers.length;
  await chat.send({ ...form, value: { action: { ...value.action, data } } });
  return office.answered("invoke adaptiveCard/action", from);
}

const statuses = (says: string): boolean => says.includes("Offline");
const recorded = async (): Promise<readonly string[]> =>
  (await office.history()).map(({ says, cause }) => `${says} ${JSON.stringify(cause)}`);

test.each([
  ["a manager", INGRID, false],
  ["the rep herself", NADIA, false],
  ["a foreign manager", PRIYA, false],
  ["a guest", GUEST, false],
  ["somebody of another tenant", INGRID, true],
] as const)(
  "[R221] no card that was tampered with has an effect: %s sends them",
  async (_role, visitor, isForeign) => {
    office.proxy.sender = office.sender(visitor, isForeign ? OTHER_TENANT : undefined);
    const targets = {
      own: idOf("Nadia Okonkwo"),
      other: idOf("Ingrid Solberg"),
      foreign: idOf("Lars Holmqvist"),
    };
    const refs = forgeries(String(form.value.action.data["ref"]), targets);
    expect(refs.length).toBeGreaterThanOrEqual(40);
    for (const ref of refs) {
      const { status, text } = await send({ ref, status: "Offline" });
      if (isForeign) expect([status, text]).toEqual([401, '{"code":"unauthorized"}']);
      else {
        expect(status).toBe(200);
        expect(text).toMatch(/belongs to another conversation|too old/);
      }
    }
    // As it was made, but in another conversation.
    office.proxy.conversationId = "another-chat";
    const elsewhere = await send({ status: "Offline" });
    office.proxy.conversationId = null;
    expect(elsewhere.text).not.toContain("is set to");
    expect(office.shown(NADIA.name)).toBe(before);
  },
);

test("[R216, R221] what nobody has changed sets, once, for who may, and nothing that was tampered with came before it", async () => {
  for (const [visitor, tenantId] of [
    [PRIYA, undefined],
    [GUEST, undefined],
    [INGRID, OTHER_TENANT],
  ] as const) {
    office.proxy.sender = office.sender(visitor, tenantId);
    const { text } = await send({ status: "Offline" });
    expect(text).not.toContain("is set to");
  }
  office.proxy.sender = null;
  expect((await send({ status: "DoNotDisturb" })).text).toContain("is set to Do not disturb");
  await eventually("it is seen in Dynamics", () => office.shown(NADIA.name) !== before);
  expect((await recorded()).filter(statuses)).toEqual([]);
  expect((await recorded()).filter((says) => says.includes("DoNotDisturb"))).not.toEqual([]);
});
