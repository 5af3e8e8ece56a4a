import type { Browser, Locator, Page } from "playwright-core";
import { Playground, type Visitor } from "../../src/story/playground.ts";
import { eventually } from "../service/launch.ts";
import { openBrowser } from "./chromium.ts";

const WAIT_MS = 20_000;

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
    const box = this.page.getByRole("textbox").last();
    await box.click();
    await box.pressSequentially("@Lo");
    await this.page.getByRole("menuitem", { name: "Lockstep" }).click();
    await box.pressSequentially(` ${text}`);
    await this.page.keyboard.press("Enter");
    await this.cards.nth(before).waitFor({ timeout: WAIT_MS });
    return this.lastCard.innerText();
  }

  /** Goes to a channel or a group chat, by its name. */
  async openChannel(name: string): Promise<void> {
    await this.page.getByText(name, { exact: true }).first().click();
    await eventually(`${name} is open`, async () => (await this.cards.count()) === 0);
  }

  /** Clicks a button of the newest card, behind "…" if it waits there. */
  async click(title: string): Promise<void> {
    const button = this.lastCard.getByRole("button", { name: title, exact: true });
    if ((await button.count()) > 0) {
      await button.first().click();
      return;
    }
    await this.lastCard.getByRole("button", { name: "More options" }).click();
    await this.page.getByText(title, { exact: true }).last().click();
  }

  /** Presses a button of the newest card, and waits until the card has changed. */
  async press(title: string): Promise<string> {
    const before = await this.lastCard.innerText();
    await this.click(title);
    await eventually(`${title} answers`, async () => (await this.lastCard.innerText()) !== before);
    return this.lastCard.innerText();
  }
}
