import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../service/launch.ts";
import type { Chat } from "./chat.ts";
import { GUEST, INGRID, NADIA, Office, OTHER_TENANT, PRIYA } from "./office.ts";

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

/** How a manager comes to a card: what she says, then what she presses; and the buttons that she finds there. */
const CARDS: readonly (readonly [way: readonly string[], buttons: readonly string[]])[] = [
  [["status Nadia"], ["Refresh", "Why?", "Set status", "History"]],
  [
    ["status Nadia", "Why?"],
    ["Refresh", "History", "Set status"],
  ],
  [["history Nadia"], ["Refresh", "Why?", "yesterday"]],
  [
    ["status Nadia", "Set status"],
    ["Back", "Set status"],
  ],
  [["team"], ["Refresh", "Who is available"]],
  [["who is available"], ["Refresh", "Team"]],
  [["queues"], ["Refresh"]],
  [["queue Billing"], ["Refresh", "Who is available", "Tell me when free"]],
  [["health"], ["Refresh"]],
  [["help"], ["Show it to me", "Team"]],
  [["who looked me up"], ["Refresh"]],
  [["erase my data"], ["Erase it"]],
  [["statsu Nadia"], ["status Nadia"]],
];
const PRESSES = CARDS.flatMap(([way, buttons]) => buttons.map((button) => [way, button] as const));

/** Presses a button of the newest card, and gives what the bot answered. */
async function press(title: string): Promise<{ readonly status: number; readonly text: string }> {
  const { answers } = office.proxy;
  const from = answers.length;
  await chat.click(title);
  let found: (typeof answers)[number] | undefined;
  await eventually(`${title} is answered`, () => {
    found = answers.slice(from).find(({ kind }) => kind === "invoke adaptiveCard/action");
    return found !== undefined;
  });
  return found ?? { status: 0, text: "" };
}

const TROUBLE = /went wrong|may not|another conversation|too old|could not/;

describe("every button of every card, in her own chat", () => {
  test.each(PRESSES)(
    "[R215, R220, R221] %s, then %s: works for the manager, and shows nobody else what she may not see",
    async ([said = "", ...pressed], button) => {
      await chat.say(said);
      for (const title of pressed) await chat.press(title);
      if (pressed.includes("Set status") && button === "Set status") {
        await chat.lastCard.getByRole("textbox").nth(1).fill("training");
      }
      const { status, text } = await press(button);
      expect(status).toBe(200);
      expect(text).toContain('"type":"AdaptiveCard"');
      expect(text).not.toMatch(TROUBLE);

      // The same press, out of the clients of others.
      const { proxy } = office;
      const guest = await proxy.again(office.sender(GUEST));
      expect(guest.text).toContain("You may not");
      const foreign = await proxy.again(office.sender(PRIYA));
      expect(foreign.text).not.toContain("Nadia Okonkwo");
      const rep = await proxy.again(office.sender(NADIA));
      // Who looked her up is hers to know.
      if (said !== "who looked me up") expect(rep.text).not.toMatch(/Priya|Lars|Ingrid/);
      expect([guest.status, foreign.status, rep.status]).toEqual([200, 200, 200]);
      const stranger = await proxy.again(office.sender(INGRID, OTHER_TENANT));
      expect(stranger).toMatchObject({ status: 401, text: '{"code":"unauthorized"}' });
    },
  );
});

describe("where others read along", () => {
  const asked = [
    "status Nadia",
    "why Nadia",
    "history Nadia",
    "team",
    "who is available",
    "queues",
  ];

  test.each([
    ["in the channel", "Floor"],
    ["in the group chat", "Team leads"],
  ])("[R217] %s an answer opens for whoever may see it, and for nobody else", async (_, place) => {
    await chat.openChannel(place);
    for (const text of asked) {
      for (const [visitor, mayNot] of [
        [INGRID, false],
        [PRIYA, true],
        [GUEST, true],
      ] as const) {
        office.proxy.sender = null;
        const placeholder = await chat.mention(text);
        expect(placeholder).toContain("Answer for Ingrid Solberg");
        expect(placeholder).not.toContain("Nadia");
        office.proxy.sender = office.sender(visitor);
        const { status, text: answer } = await press("Show it to me");
        expect(status).toBe(200);
        if (mayNot) expect(answer, `${visitor.name}: ${text}`).not.toContain("Nadia Okonkwo");
        else expect(answer, text).not.toMatch(TROUBLE);
      }
    }
    office.proxy.sender = null;
  });
});
