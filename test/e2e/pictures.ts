import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Card } from "../../src/bot/cards/element.ts";
import { languagesFor } from "../../src/bot/commands/languages.ts";
import type { Words } from "../../src/bot/commands/words.ts";
import { cardHtml } from "../../src/console/card-html.ts";
import { consolePage } from "../../src/console/page.ts";
import { samples } from "../bot/cards/samples.ts";
import { openBrowser } from "./chromium.ts";
import { hostConfig, styleSheet, type Theme } from "./host-config.ts";

const PHONE_PX = 320;
const DESKTOP_PX = 480;
const CONSOLE_PX = 1_000;
const OVERVIEW = ["rep", "team", "available", "queues", "health"];

async function draw(
  page: Page,
  card: Card,
  theme: Theme,
  widthPx: number,
  path: string,
): Promise<void> {
  await page.setContent(`<style>${styleSheet(theme, widthPx)}</style><div id="card"></div>`);
  await page.addScriptTag({
    path: createRequire(import.meta.url).resolve("adaptivecards/dist/adaptivecards.min.js"),
  });
  const script = `
    const card = new AdaptiveCards.AdaptiveCard();
    AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
      const html = text.replace(/&/g, "&amp;").replace(/</g, "&lt;")
        .replace(/\\\\([\\\\\`*_~[\\]])/g, (_, c) => "&#" + c.charCodeAt(0) + ";")
        .replace(/\\*\\*(.+?)\\*\\*/g, "<b>$1</b>");
      result.outputHtml = html; result.didProcess = true;
    };
    card.hostConfig = new AdaptiveCards.HostConfig(${JSON.stringify(hostConfig(theme))});
    card.parse(${JSON.stringify(card)});
    document.getElementById("card").append(card.render());
  `;
  await page.evaluate(script);
  await page.locator("#card").screenshot({ path });
}

/** The console's page with the overview of a manager on it, as its own script would put it there. */
async function drawConsole(
  page: Page,
  words: Words,
  theme: Theme,
  widthPx: number,
  path: string,
): Promise<void> {
  const all = samples(words);
  const cards = OVERVIEW.flatMap((name) => all[name] ?? [])
    .map(cardHtml)
    .join("");
  const html = (consolePage(words).text ?? "")
    .replaceAll(/<script.*?<\/script>/gs, "")
    .replace("<html ", `<html data-theme="${theme === "dark" ? "dark" : "default"}" `)
    .replace(/<main.*?<\/main>/s, `<main>${cards}</main>`);
  await page.setViewportSize({ width: widthPx, height: 600 });
  await page.setContent(html);
  await page.evaluate(`
    for (const time of document.querySelectorAll("time")) {
      const shows = time.dataset.shows === "time" ? { timeStyle: "short" } : { dateStyle: "medium" };
      time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, shows).format(new Date(time.dateTime));
    }
  `);
  await page.screenshot({ path, fullPage: true });
}

/** All cards of one kind side by side, as one picture. */
async function drawTogether(
  page: Page,
  folder: string,
  names: readonly string[],
  kind: "dark" | "light" | "phone",
): Promise<void> {
  const figures = names.map(async (name) => {
    const png = await readFile(join(folder, `${name}-${kind}.png`));
    const source = `data:image/png;base64,${png.toString("base64")}`;
    return `<img style="width:100%;margin-bottom:10px" src="${source}">`;
  });
  const looks = `background:${kind === "dark" ? "#1f1f1f" : "#ebebeb"};columns:${kind === "phone" ? 4 : 3}`;
  const style = `margin:0;padding:10px;width:1020px;column-gap:10px;${looks}`;
  await page.setContent(
    `<!doctype html><body style="${style}">${(await Promise.all(figures)).join("")}</body>`,
  );
  await page.locator("body").screenshot({ path: join(folder, `cards-${kind}.png`) });
}

/**
 * `node test/e2e/pictures.ts FOLDER [LANGUAGE]`: draws every sample card with Microsoft's open renderer and the colours
 * of Teams: light, dark, and at the width of a phone; all of one kind together as `cards-light.png` and so on; and the console. To be looked at; the
 * README's pictures come from here.
 */
async function pictures(folder: string, language: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ deviceScaleFactor: 2, timezoneId: "Europe/Oslo" });
    const [words] = languagesFor(language);
    for (const [name, card] of Object.entries(samples(words))) {
      await draw(page, card, "light", DESKTOP_PX, join(folder, `${name}-light.png`));
      await draw(page, card, "dark", DESKTOP_PX, join(folder, `${name}-dark.png`));
      await draw(page, card, "light", PHONE_PX, join(folder, `${name}-phone.png`));
    }
    await drawConsole(page, words, "light", CONSOLE_PX, join(folder, "console.png"));
    await drawConsole(page, words, "dark", CONSOLE_PX, join(folder, "console-dark.png"));
    await drawConsole(page, words, "light", PHONE_PX, join(folder, "console-phone.png"));
    const sheet = await browser.newPage();
    const names = Object.keys(samples(words));
    for (const kind of ["light", "dark", "phone"] as const) {
      await drawTogether(sheet, folder, names, kind);
    }
  } finally {
    await browser.close();
  }
}

await pictures(process.argv[2] ?? "pictures", process.argv[3] ?? "en");
