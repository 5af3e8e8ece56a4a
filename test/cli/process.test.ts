import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/** The command as a shell runs it, with an environment of its own. */
async function shell(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const done = await promisify(execFile)(process.execPath, [MAIN, ...argv], { env: {} });
    return { code: 0, ...done };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe("the command, as a process", () => {
  test("says what it can do, and what a command wants", async () => {
    const help = await shell("--help");
    expect([help.code, help.stderr]).toEqual([0, ""]);
    for (const name of ["doctor", "register-webhook", "import", "directory", "scope", "sync"]) {
      expect(help.stdout).toContain(`  ${name} `);
      const own = await shell(name, "--help");
      expect([own.code, own.stderr]).toEqual([0, ""]);
      expect(own.stdout).toContain(`Usage: cli ${name}`);
      expect(await shell("help", name)).toEqual(own);
    }
  });

  test.each([
    [[], 64],
    [["operate"], 64],
    [["doctor", "--loudly"], 64],
    [["import"], 64],
    [["register-webhook"], 64],
    [["doctor"], 2],
  ])("[R156] %j exits with %s", async (argv, code) => {
    expect((await shell(...argv)).code).toBe(code);
  });
});
