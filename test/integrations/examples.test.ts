import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { ANA, Office, secretOf } from "../api/office.ts";
import { need } from "./debian.ts";

const run = promisify(execFile);
const FOLDER = join(import.meta.dirname, "../../integrations/examples");

beforeAll(async () => {
  for (const command of ["curl", "openssl", "python3"]) await need(command);
}, 600_000);

const EXAMPLES = [
  ["curl", "sh", "example.sh"],
  ["TypeScript", process.execPath, "example.ts"],
  ["Python", "python3", "example.py"],
] as const;

test.each(EXAMPLES)(
  "[R205] the example in %s is no longer than 20 lines",
  async (...[, , file]) => {
    const text = await readFile(join(FOLDER, file), "utf8");
    const lines = text.split("\n").filter((line) => !/^\s*(#|\/\/|""".*"""$|$)/.test(line));
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThanOrEqual(20);
  },
);

test.each(EXAMPLES)(
  "[R205] the example in %s reports a call, reads the rep, and reports the end",
  async (_language, command, file) => {
    const office = await Office.open();
    office.clock.set(Date.now() - office.clock.nowMs());
    const env = {
      PATH: process.env["PATH"],
      LOCKSTEP_URL: office.url.replace("/api/v1", "/"),
      LOCKSTEP_SECRET: secretOf("phone"),
      REP: ANA.rep,
    };
    const { stdout } = await run(command, [join(FOLDER, file)], { env });
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(answers).toMatchObject([
      { result: "accepted" },
      { rep: ANA.rep },
      { result: "accepted" },
    ]);
    expect(await office.statusOf(ANA)).toBe("Available");
    const history = await office.engine.history({ rep: ANA.rep, limit: 100 });
    const events = history
      .filter(({ kind }) => kind === "event")
      .map(({ detail }) => detail["type"]);
    expect(events).toEqual(["hold.started", "hold.ended"]);
  },
);
