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

test("[R375, R376] the policy is a link away, and fits a phone without being pushed sideways", async () => {
  await using tab = await open(INGRID);
  const { page, errors } = tab;
  await shows(page, "Nadia Okonkwo");
  await page.getByRole("link", { name: "Policy" }).click();
  await shows(page, "bevorzugter Status Beschäftigt");
  await page.setViewportSize({ width: 320, height: 640 });
  const overflows = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
  expect(await page.evaluate(overflows)).toBe(false);
  // Whoever has it read aloud hears each status, then what each system reads and writes for it.
  const said = await page.locator("main").innerText();
  const order = ["Beschäftigt", "Teams", "Busy, BusyIdle", "bevorzugter Status", "Dynamics"];
  const from = said.indexOf("\nBeschäftigt\n");
  const places = order.map((one) => said.indexOf(one, from));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places).not.toContain(-1);
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

test("[R381] the same question is asked anew, an answer that comes too late is not shown, and a failure is mended by itself", async () => {
  await using tab = await open(INGRID);
  const { page, errors } = tab;
  await shows(page, "Nadia Okonkwo");
  await page.clock.install();
  await page.reload();
  await shows(page, "Nadia Okonkwo");
  const asked: string[] = [];
  let isDown = false;
  let hold: Promise<void> | null = null;
  await page.route("**/console/cards?*", async (route) => {
    asked.push(new URL(route.request().url()).searchParams.get("place") ?? "");
    const waits = hold;
    hold = null;
    await waits;
    return isDown ? route.abort() : route.continue();
  });
  const box = page.getByRole("textbox");
  const ask = async (text: string): Promise<void> => {
    await box.fill(text);
    await box.press("Enter");
  };

  await ask("health");
  await eventually("it is asked", async () => asked.length === 1);
  await ask("health");
  await eventually("it is asked again", async () => asked.length === 2);

  const { promise, resolve: letGo } = Promise.withResolvers<undefined>();
  hold = promise;
  await ask("status nadia");
  await eventually("it is on its way", async () => asked.length === 3);
  await ask("queues");
  await shows(page, "Billing");
  isDown = true;
  const failed = page.waitForEvent("requestfailed");
  letGo(undefined);
  await failed;
  expect(await page.locator("main").innerText()).toContain("Billing");

  await ask("status nadia");
  await shows(page, "could not be read");
  isDown = false;
  await page.clock.fastForward(31_000);
  await shows(page, "Dynamics");
  const looks = asked.length;
  await page.clock.fastForward(31_000);
  await ask("health");
  await shows(page, "Abgeglichen");
  expect(asked.slice(looks)).toEqual(["ask/health"]);
  await page.goto(`${office.url}/#/%`);
  await shows(page, "could not be read");
  expect(errors).toEqual([]);
});
