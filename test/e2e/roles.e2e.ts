import { afterAll, beforeAll, expect, test } from "vitest";
import type { Visitor } from "../../src/story/playground.ts";
import { GUEST, INGRID, NADIA, Office, OTHER_TENANT, PRIYA } from "./office.ts";

let office: Office;
beforeAll(async () => {
  office = await Office.open();
});
afterAll(() => office.close());

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
      team: "1 person",
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
    await using seat = await office.sitDown(visitor);
    const { chat } = seat;
    await chat.cards.first().waitFor();
    for (const [text, answer] of Object.entries(asked)) {
      expect(await chat.say(text), text).toContain(answer);
    }
    await chat.openChannel("Floor");
    for (const [text, answer] of Object.entries(asked)) {
      const shown = await chat.mention(text);
      expect(shown, text).toContain(`Answer for ${visitor.name}`);
      expect(shown.replace(visitor.name, ""), text).not.toContain(answer);
      expect(await chat.press("Show it to me"), text).toContain(answer);
    }
  },
);

test("[R220] somebody of another tenant gets no answer at all", async () => {
  await using seat = await office.sitDown(INGRID, OTHER_TENANT);
  const { page, cards } = seat.chat;
  const box = page.getByRole("textbox").last();
  await box.click();
  await box.pressSequentially("status Nadia");
  await page.keyboard.press("Enter");
  await page.getByText("401", { exact: false }).first().waitFor();
  expect(await cards.count()).toBe(0);
});
