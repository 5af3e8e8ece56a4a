import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../service/launch.ts";
import type { Chat } from "./chat.ts";
import { GUEST, HANA, INGRID, NADIA, Office, OTHER_TENANT, PRIYA } from "./office.ts";

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

/** Has others do, each out of her own client, what Ingrid did last. */
async function others(mayTellOfManagers: boolean): Promise<void> {
  const { proxy } = office;
  const guest = await proxy.again(office.sender(GUEST));
  expect(guest.text).toContain("You may not");
  const foreign = await proxy.again(office.sender(PRIYA));
  expect(foreign.text).not.toContain("Nadia Okonkwo");
  const rep = await proxy.again(office.sender(NADIA));
  if (!mayTellOfManagers) expect(rep.text).not.toMatch(/Priya|Lars|Ingrid/);
  expect([guest.status, foreign.status, rep.status]).toEqual([200, 200, 200]);
  const stranger = await proxy.again(office.sender(INGRID, OTHER_TENANT));
  expect(stranger).toMatchObject({ status: 401, text: '{"code":"unauthorized"}' });
}

const PLACES: readonly (readonly [where: string, name: string | null])[] = [
  ["her own chat", null],
  ["the channel", "Floor"],
  ["the group chat", "Team leads"],
];

describe.each(PLACES)("every button of every card, in %s", (_where, place) => {
  beforeAll(async () => {
    if (place !== null) await chat.openChannel(place);
  });

  /** Asks; where others read along, it shows them only for whom the answer is, until she presses. */
  async function ask(said: string): Promise<void> {
    if (place === null) {
      await chat.say(said);
      return;
    }
    const shown = await chat.mention(said);
    expect(shown).not.toContain("Nadia Okonkwo");
    // What anybody may read is there at once.
    if (!shown.includes("Answer for Ingrid Solberg")) return;
    await chat.press("Show it to me");
    await others(said === "who looked me up");
  }

  test.each(PRESSES)(
    "[R215, R217, R220, R221] %s, then %s: works for the manager, and shows nobody else what she may not see",
    async ([said = "", ...pressed], button) => {
      await ask(said);
      for (const title of pressed) await chat.press(title);
      if (pressed.includes("Set status") && button === "Set status") {
        await chat.lastCard.getByRole("textbox").nth(1).fill("training");
      }
      const { status, text } = await press(button);
      expect(status).toBe(200);
      expect(text).toContain('"type":"AdaptiveCard"');
      expect(text).not.toMatch(TROUBLE);
      // Who looked her up is hers to know.
      await others(said === "who looked me up");
    },
  );

  if (place === null) return;
  test("[R215, R224] a board comes for whoever manages somebody, alerts for an administrator", async () => {
    const { proxy } = office;
    for (const [visitor, board, alerts] of [
      [INGRID, "keeps itself up to date", "You may not"],
      [PRIYA, "keeps itself up to date", "You may not"],
      [HANA, "You may not", "Alerts will come here"],
      [NADIA, "You may not", "You may not"],
      [GUEST, "You may not", "You may not"],
    ] as const) {
      proxy.sender = office.sender(visitor);
      for (const [text, wanted] of [
        ["board", board],
        ["alerts here", alerts],
      ] as const) {
        const before = await chat.cards.count();
        await chat.mention(text);
        const came = await eventually(`${visitor.name}: ${text}`, async () =>
          (await chat.cards.allInnerTexts()).slice(before).find((card) => card.includes(wanted)),
        );
        expect(came).not.toMatch(/Nadia|Lars|Ingrid|Priya|Hana/);
      }
    }
    proxy.sender = office.sender(INGRID, OTHER_TENANT);
    for (const text of ["board", "alerts here"]) {
      const [cards, from] = [await chat.cards.count(), proxy.answers.length];
      await chat.callOut(text);
      expect(await office.answered("message", from)).toMatchObject({ status: 401 });
      expect(await chat.cards.count()).toBe(cards);
    }
    proxy.sender = null;
  });
});
