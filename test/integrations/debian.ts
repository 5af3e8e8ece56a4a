import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where Debian's mirrors cannot be reached that is soon known. */
const PATIENCE = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=15"];
const DEADLINE_MS = 200_000;

const has = async (command: string): Promise<boolean> =>
  run("sh", ["-c", 'command -v "$0"', command]).then(
    () => true,
    () => false,
  );

/** Whether a command is here, after Debian's package was installed where it was not and that can be done. */
export async function obtained(command: string, packageName: string): Promise<boolean> {
  if (await has(command)) return true;
  if (process.getuid?.() !== 0 || !(await has("apt-get"))) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // One at a time: test files run side by side, and each waits for the lock of whoever came first.
  const lock = join(tmpdir(), "lockstep-apt.lock");
  const apt = (...words: readonly string[]) =>
    run("flock", [lock, "apt-get", ...PATIENCE, ...words], {
      env,
      maxBuffer: 1 << 26,
      timeout: DEADLINE_MS,
    }).catch(() => null);
  await apt("update", "-qq");
  await apt("install", "-y", "-qq", "--no-install-recommends", packageName);
  return has(command);
}

/** Throws with what to do if the command cannot be had. */
export async function need(command: string, packageName = command): Promise<void> {
  if (await obtained(command, packageName)) return;
  throw new Error(`no ${command} here: run \`apt-get install -y ${packageName}\``);
}
