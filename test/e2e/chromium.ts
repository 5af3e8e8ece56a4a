import { access } from "node:fs/promises";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is: `CHROMIUM_PATH`, or where Debian puts it. Throws with what to do. */
export async function chromiumPath(): Promise<string> {
  const given = process.env["CHROMIUM_PATH"];
  for (const path of given === undefined ? PLACES : [given]) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  throw new Error(
    "no Chromium here: run `apt-get install -y chromium`, or set CHROMIUM_PATH to a Chrome or Chromium",
  );
}

/** A browser that talks to nobody but us. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await chromiumPath(),
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
