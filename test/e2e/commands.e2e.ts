import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Visitor } from "../../src/story/playground.ts";
import { eventually } from "../service/launch.ts";
import type { Chat } from "./chat.ts";
import { GUEST, INGRID, NADIA, Office, OTHER_TENANT, PRIYA } from "./office.ts";

let office: Office;
let seat: Awaited<ReturnType<Office["sitDown"]>>;
let chat: Chat;
afterEach(() => {
  office.proxy.sender = null;
});
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

const NO = "You may not do that for this person. The attempt has been noted.";
const SHOW = "Show it to me";

/** A record is for its owner's own chat: elsewhere she is told so. */
const RECORD = "The complete record is below";

/** What is said, and what is read by Nadia's manager, by Nadia herself, by somebody else's manager, and by a guest. */
type Command = readonly [
  said: string,
  manager: string,
  rep: string,
  foreign: string,
  guest: string,
];

const alike = (said: string, answer: string): Command => [said, answer, answer, answer, answer];
const forStaff = (said: string, answer: string): Command => [said, answer, answer, answer, NO];
const forManagers = (said: string, answer: string): Command => [said, answer, NO, answer, NO];
const ofNadia = (said: string, answer: string): Command => [said, answer, answer, NO, NO];
const ofLars = (said: string, answer: string): Command => [said, NO, NO, answer, NO];

const COMMANDS: readonly Command[] = [
  forStaff("help", "What I can do"),
  ["me", INGRID.name, NADIA.name, PRIYA.name, NO],
  ofNadia("status Nadia", NADIA.name),
  ofNadia("is nadia free?", NADIA.name),
  ofNadia("why Nadia", "How it came to this"),
  ofNadia("history Nadia", "Nadia Okonkwo, today"),
  ofNadia("history Nadia yesterday at 10:42", "Nadia Okonkwo, yesterday"),
  ["who is available", NADIA.name, NO, "Lars Holmqvist", NO],
  forManagers("team", "1 person"),
  forManagers("queues", "Loyalty desk"),
  forManagers("queue Billing", "Can take work now"),
  forStaff("health", "Both systems are read"),
  forStaff("policy", "The default policy; nothing is changed"),
  ofNadia("set Nadia busy until 23:59 because training", "is set to Busy until"),
  ["release Nadia", "Available is what remains", "Nothing of ours lies over Nadia Okonkwo", NO, NO],
  ofNadia("notify me when Nadia is available", "is available already"),
  forManagers("digest at 8:00", "I will sum up here"),
  forManagers("digest off", "No digest will come"),
  forStaff("who looked me up", "Who looked you up"),
  forStaff("pause", "Your syncing is paused"),
  forStaff("resume", "Your syncing goes on"),
  forStaff("export", RECORD),
  forStaff("erase my data", "This erases what the bot keeps"),
  alike("statsu Nadia", "Did you mean"),
  alike("set Nadia busy until the cows come home", "did not understand the time"),
  ofLars("status Lars", "Lars Holmqvist"),
  ofLars("set Lars busy until 23:59 because training", "is set to Busy until"),
  ofLars("release Lars", "is what remains"),
];

describe.each([
  ["her own chat", null],
  ["the channel", "Floor"],
] as const)("every command, in %s", (_where, place) => {
  beforeAll(async () => {
    if (place !== null) await chat.openChannel(place);
  });

  const here = (answer: string): string =>
    answer === RECORD && place !== null ? "Ask me that in our own chat" : answer;

  /** What somebody reads in the newest card: where others read along, only when she presses. */
  async function read({ name }: Visitor): Promise<string> {
    const shown = await chat.lastCard.innerText();
    if (place === null || !shown.includes("Answer for")) return shown;
    expect(shown.replace(name, "")).not.toMatch(/Nadia|Lars|Priya|Ingrid/);
    return chat.press(SHOW);
  }

  test.each(COMMANDS)(
    "[R215, R217, R220] “%s” is answered by who asks",
    async (said, manager, rep, foreign, guest) => {
      const { proxy } = office;
      await (place === null ? chat.say(said) : chat.mention(said));
      expect(await read(INGRID), "her manager").toContain(here(manager));
      for (const [visitor, answer] of [
        [NADIA, rep],
        [PRIYA, foreign],
        [GUEST, guest],
      ] as const) {
        const before = await chat.cards.count();
        proxy.sender = office.sender(visitor);
        await proxy.again(proxy.sender, "message");
        await eventually("she is answered", async () => (await chat.cards.count()) > before);
        const shown = await read(visitor);
        expect(shown, visitor.name).toContain(here(answer));
        if (answer === NO) expect(shown).not.toContain(NADIA.name);
      }
      proxy.sender = null;
      const stranger = await proxy.again(office.sender(INGRID, OTHER_TENANT), "message");
      expect(stranger).toMatchObject({ status: 401, text: '{"code":"unauthorized"}' });
    },
  );
});
