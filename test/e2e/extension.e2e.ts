import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "../service/launch.ts";
import type { Chat } from "./chat.ts";
import { CONSOLE_URL, GUEST, INGRID, NADIA, Office, OTHER_TENANT, PRIYA } from "./office.ts";

let office: Office;
let seat: Awaited<ReturnType<Office["sitDown"]>>;
let chat: Chat;
beforeAll(async () => {
  office = await Office.open();
  seat = await office.sitDown(INGRID);
  ({ chat } = seat);
  await chat.cards.first().waitFor();
});
afterAll(async () => {
  await seat[Symbol.asyncDispose]();
  await office.close();
});
beforeEach(() => {
  office.proxy.sender = null;
});

test.each([
  ["findRep", "Nadia Okonkwo", "Dynamics"],
  ["findQueue", "Billing", "Can take work now"],
])(
  "[R332] a manager searches with %s, puts %s into her message, and opens it there",
  async (command, name, detail) => {
    await chat.search(command, name.slice(0, 4));
    await chat.pick(name);
    const inserted = await chat.lastCard.innerText();
    expect(inserted).toContain(name);
    expect(inserted).not.toContain(detail);
    const { answers } = office.proxy;
    const from = answers.length;
    const cards = await chat.cards.count();
    await chat.page.keyboard.press("Enter");
    // Sent, and answered with nothing: it is no question.
    await office.answered("message", from);
    expect(await chat.press("Show it to me")).toContain(detail);
    expect(await chat.cards.count()).toBe(cards);
  },
);

test("[R332] nobody finds whom she may not see", async () => {
  for (const [visitor, finds] of [
    [INGRID, true],
    [NADIA, true],
    [PRIYA, false],
    [GUEST, false],
  ] as const) {
    office.proxy.sender = office.sender(visitor);
    const from = office.proxy.answers.length;
    await chat.search("findRep", "Nadi");
    const { status, text } = await office.answered("invoke composeExtension/query", from);
    expect(status).toBe(200);
    expect(text.includes("Nadia Okonkwo"), visitor.name).toBe(finds);
    await chat.closeDialog();
  }
  office.proxy.sender = office.sender(INGRID, OTHER_TENANT);
  const from = office.proxy.answers.length;
  await chat.search("findRep", "Nadi");
  const refused = await office.answered("invoke composeExtension/query", from);
  expect(refused).toMatchObject({ status: 401, text: '{"code":"unauthorized"}' });
  await chat.closeDialog();
});

test("[R333] a link to the console becomes a card for whoever may see her, and stays a link for others", async () => {
  const nadia = office.tenant.people.users.find(({ fullname }) => fullname === NADIA.name);
  const url = `${CONSOLE_URL}/#/reps/${nadia?.systemUserId}`;
  const from = office.proxy.answers.length;
  await chat.pasteLink(url);
  const { text: unfurled } = await office.answered("invoke composeExtension/queryLink", from);
  expect(unfurled).toContain(NADIA.name);
  const send = chat.page.getByRole("button", { name: "Send to Conversation" });
  await send.click();
  await send.waitFor({ state: "hidden" });
  await eventually("the card is there", async () =>
    (await chat.lastCard.innerText()).includes(NADIA.name),
  );
  expect(await chat.press("Show it to me")).toContain("Dynamics");
  for (const [visitor, unfurls] of [
    [NADIA, true],
    [PRIYA, false],
    [GUEST, false],
  ] as const) {
    const { status, text } = await office.proxy.again(
      office.sender(visitor),
      "invoke composeExtension/queryLink",
    );
    expect(status).toBe(200);
    expect(text.includes(NADIA.name), visitor.name).toBe(unfurls);
  }
});
