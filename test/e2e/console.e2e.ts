import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tabToken } from "../console/tab.ts";
import { eventually } from "../service/launch.ts";
import { openBrowser } from "./chromium.ts";
import { GUEST, INGRID, NADIA, Office } from "./office.ts";

let office: Office;
let browser: Browser;
beforeAll(async () => {
  office = await Office.open();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await office.close();
});

type Opened = { readonly page: Page; readonly errors: readonly string[] } & AsyncDisposable;

/**
 * Opens the tab in a real browser. Microsoft's library cannot be had without a network: what stands in for it says what
 * Teams would say, and the page's check of the library's hash is taken out, for that alone. `null`: not inside Teams.
 */
async function open(who: { readonly objectId: string } | null, more = ""): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (said) => {
    if (said.text().includes("Content Security Policy")) errors.push(said.text());
  });
  await page.route(/^https:/, async (route) => {
    if (!who || !route.request().url().endsWith("/MicrosoftTeams.min.js")) return route.abort();
    const context = { app: { theme: "dark", locale: "de-DE" }, page: {} };
    const token = await tabToken(office.tenant, { objectId: who.objectId });
    return route.fulfill({
      contentType: "text/javascript",
      headers: { "access-control-allow-origin": "*" },
      body: `window.microsoftTeams = {
        app: {
          initialize: async () => {},
          getContext: async () => (${JSON.stringify(context)}),
          registerOnThemeChangeHandler: () => {},
          notifySuccess: () => {},
        },
        authentication: { getAuthToken: async () => ${JSON.stringify(token)} },
      };`,
    });
  });
  await page.route(`${office.url}/`, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/ integrity="[^"]+"/, "");
    return route.fulfill({ response, body });
  });
  await page.goto(`${office.url}/${more}`);
  return { page, errors, [Symbol.asyncDispose]: () => page.close() };
}

const shows = (page: Page, text: string): Promise<unknown> =>
  eventually(`the page shows ${text}`, async () =>
    (await page.locator("main").innerText()).includes(text),
  );

test("[R338] in Teams a manager sees her team, in her language and colours, and asks for more", async () => {
  await using tab = await open(INGRID);
  const { page, errors } = tab;
  await shows(page, "Nadia Okonkwo");
  expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
  expect(await page.locator("main").innerText()).not.toMatch(/Priya|\d{4}-\d{2}-\d{2}T/);
  expect(await page.locator("main").getByRole("button").count()).toBe(0);
  await page.getByRole("textbox").fill("status nadia");
  await page.keyboard.press("Enter");
  await shows(page, "Dynamics");
  await page.getByRole("link", { name: "Lockstep" }).click();
  await shows(page, "Ihr Team");
  expect(errors).toEqual([]);
});

test("[R338] a link leads there, a guest sees nobody, and outside Teams nobody sees anything", async () => {
  const nadia = office.tenant.people.users.find(({ fullname }) => fullname === NADIA.name);
  const link = `#/reps/${nadia?.systemUserId}`;
  await using tab = await open(INGRID, link);
  await shows(tab.page, "Nadia Okonkwo");
  await using guests = await open(GUEST, link);
  await guests.page.locator("main .style-attention").waitFor();
  expect(await guests.page.locator("main").innerText()).not.toContain("Nadia");
  await using outside = await open(null, link);
  await shows(outside.page, "opens in Microsoft Teams");
  expect([...tab.errors, ...guests.errors, ...outside.errors]).toEqual([]);
});
