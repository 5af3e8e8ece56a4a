import type { Browser, Locator, Page } from "playwright-core";
import { Playground, type Visitor } from "../../src/story/playground.ts";
import { eventually } from "../service/launch.ts";
import { openBrowser } from "./chromium.ts";

/** A safety net. */
const WAIT_MS = 60_000;
const REDRAWN_MS = 2_000;

const INVOKE = "_conversation/v1/invoke";

/** What the Playground's page sends to its server when somebody presses a button of a card. */
export type Press = {
  readonly value: { readonly action: { readonly data: Readonly<Record<string, unknown>> } };
};

/** One person in front of Microsoft's Agents Playground: she types, she presses, she reads. */
export class Chat {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #playground: Playground;

  private constructor(page: Page, browser: Browser, playground: Playground) {
    this.page = page;
    this.#browser = browser;
    this.#playground = playground;
  }

  static async open(options: {
    readonly endpoint: string;
    readonly tenantId: string;
    readonly visitors: readonly Visitor[];
    readonly folder: string;
  }): Promise<Chat> {
    const playground = await Playground.open(options);
    try {
      const browser = await openBrowser();
      const page = await browser.newPage({ viewport: { width: 1300, height: 1000 } });
      page.setDefaultTimeout(WAIT_MS);
      await page.goto(playground.url);
      await page.getByRole("textbox").last().waitFor({ timeout: WAIT_MS });
      return new Chat(page, browser, playground);
    } catch (error) {
      await playground.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#playground.close();
  }

  /** The cards in this conversation, oldest first. */
  get cards(): Locator {
    return this.page.locator(".ac-adaptiveCard");
  }

  get lastCard(): Locator {
    return this.cards.last();
  }

  /** Says it and waits for the card that comes back. */
  async say(text: string): Promise<string> {
    const before = await this.cards.count();
    const box = this.page.getByRole("textbox").last();
    await box.click();
    await box.pressSequentially(text);
    await this.page.keyboard.press("Enter");
    await this.cards.nth(before).waitFor({ timeout: WAIT_MS });
    return this.lastCard.innerText();
  }

  /** Mentions the bot, as one must where others are, and says it. */
  async mention(text: string): Promise<string> {
    const before = await this.cards.count();
    await this.callOut(text);
    await this.cards.nth(before).waitFor({ timeout: WAIT_MS });
    return this.lastCard.innerText();
  }

  /** The same, without waiting: somebody may get no answer. */
  async callOut(text: string): Promise<void> {
    const box = this.page.getByRole("textbox").last();
    await box.click();
    await box.pressSequentially("@Lo");
    await this.page.getByRole("menuitem", { name: "Lockstep" }).click();
    await box.pressSequentially(` ${text}`);
    await this.page.keyboard.press("Enter");
  }

  /** Goes to a channel or a group chat, by its name. */
  async openChannel(name: string): Promise<void> {
    await this.page.getByText(name, { exact: true }).first().click();
    await eventually(`${name} is open`, async () => (await this.cards.count()) === 0);
  }

  /** Clicks a button of the newest card, behind "…" if it waits there. */
  async click(title: string): Promise<void> {
    const button = this.lastCard.getByRole("button", { name: title, exact: true });
    const more = this.lastCard.getByRole("button", { name: "More options" });
    // A card that has just come may have its words before its buttons.
    await button.or(more).first().waitFor({ timeout: WAIT_MS });
    if ((await button.count()) > 0) {
      await button.first().click();
      return;
    }
    await more.click();
    await this.page.getByText(title, { exact: true }).last().click();
  }

  /** Presses a button of the newest card, and waits until the card has changed. */
  async press(title: string): Promise<string> {
    const before = await this.lastCard.innerText();
    await this.click(title);
    await eventually(`${title} answers`, async () => (await this.lastCard.innerText()) !== before);
    return this.lastCard.innerText();
  }

  /** Searches from the compose box. The Playground reads no manifest: it is told the command. */
  async search(command: string, text: string): Promise<void> {
    await this.#openExtension("Search Command");
    const id = this.page.getByPlaceholder("Command ID");
    const parameter = this.page.getByPlaceholder("Parameter name");
    // The dialog may draw itself anew while one types, and may remember that a command is to be named.
    await eventually("the command is named", async () => {
      try {
        if (!(await id.isVisible())) await this.page.getByText("Specify Command ID").click();
        await id.fill(command, { timeout: REDRAWN_MS });
        await parameter.fill("name", { timeout: REDRAWN_MS });
        return (await id.inputValue()) === command && (await parameter.isVisible());
      } catch {
        return false;
      }
    });
    await this.page.getByPlaceholder("Enter a search term").fill(text);
  }

  /** Puts what the search has found into the message. */
  async pick(name: string): Promise<void> {
    const before = await this.cards.count();
    await this.page.getByText(name, { exact: true }).last().click();
    await this.cards.nth(before).waitFor({ timeout: WAIT_MS });
  }

  /** Has the Playground ask what a link leads to. */
  async pasteLink(url: string): Promise<void> {
    await this.#openExtension("Link Unfurling");
    await this.page.getByRole("textbox").last().fill(url);
  }

  async closeDialog(): Promise<void> {
    await this.page.getByRole("button", { name: "Close" }).last().click();
  }

  /** Presses a button, but keeps what her browser would have sent. */
  async withhold(title: string): Promise<Press> {
    let held: Press | null = null;
    await this.page.route(
      `**/${INVOKE}`,
      async (route) => {
        held = route.request().postDataJSON() as Press;
        await route.abort();
      },
      { times: 1 },
    );
    await this.click(title);
    return eventually(`${title} is sent`, () => held);
  }

  /** Sends it as her browser would, whatever it is now. */
  async send(press: Press): Promise<void> {
    await this.page.request.post(new URL(INVOKE, this.page.url()).href, { data: press });
  }

  async #openExtension(kind: string): Promise<void> {
    await this.page.getByRole("button", { name: "Trigger Message Extension App" }).click();
    await this.page.getByRole("menuitem", { name: kind }).click();
  }
}
