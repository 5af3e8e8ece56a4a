import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { ANA } from "../api/office.ts";

const KNOWN = { LOCKSTEP_URL: "http://127.0.0.1:1", LOCKSTEP_SECRET: "whsec_c2VjcmV0" };
const SIP = { ...KNOWN, PBX: "127.0.0.1:5060", LOCAL: "127.0.0.1:0", LINES: `201=${ANA.rep}` };

/** As a user starts it, with nothing of this process's environment. */
const start = (program: string, env: Readonly<Record<string, string>>) =>
  spawnSync(process.execPath, [`integrations/${program}/main.ts`, "--once"], {
    env,
    encoding: "utf8",
    timeout: 60_000,
  });

test.each([
  ["shifts", {}, "LOCKSTEP_URL is missing"],
  ["shifts", KNOWN, "TEAM_ID is missing"],
  ["sip-phone", {}, "LINES is missing"],
  ["sip-phone", { ...SIP, PBX: "10.0.0.5" }, "PBX must be an address"],
  ["sip-phone", { ...SIP, PBX: "localhost:5060" }, "PBX must be an address"],
  ["sip-phone", { ...SIP, LOCAL: "127.0.0.1:99999" }, "LOCAL must be an address"],
  ["sip-phone", { ...SIP, LINES: "201" }, "LINES must be pairs"],
] as const)("[R203, R204] %s with %j says what is wrong in one line", (program, env, says) => {
  const { status, stderr } = start(program, env);
  expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(says)]);
  expect(status).toBe(64);
});

test("[R204] a plan that could not be read is seen in the exit code of a single run", () => {
  const { status, stderr } = start("shifts", { ...KNOWN, PLAN_FILE: "/nowhere/plan.csv" });
  expect(stderr).toContain("ENOENT");
  expect(status).toBe(1);
});
