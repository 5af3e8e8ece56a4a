import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { chromiumPath } from "./chromium.ts";

const run = promisify(execFile);

/** Installs Debian's Chromium where there is none and that can be done; otherwise the error says what to do. */
export async function setup(): Promise<void> {
  const found = await chromiumPath().then(
    () => true,
    () => false,
  );
  if (found) return;
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-qq"], { env }).catch(() => null);
    await run("apt-get", ["install", "-y", "-qq", "chromium"], { env, maxBuffer: 1 << 26 }).catch(
      () => null,
    );
  }
  await chromiumPath();
}
