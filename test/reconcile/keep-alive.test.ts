import { describe, expect, it } from "vitest";
import { DEFAULT_MAPPINGS } from "../../src/presence/mapping.ts";
import { createPolicy, readPolicyFile } from "../../src/policy.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const POLICY = createPolicy(
  readPolicyFile(JSON.stringify({ teams: { writes: { Available: "session Available" } } })),
);
const MINUTE_MS = 60_000;

function back(policy = POLICY): Stage {
  const stage = Stage.settled(core, policy);
  stage.dynamics("Busy");
  stage.settle();
  stage.wait(MINUTE_MS);
  stage.dynamics("Available");
  stage.settle();
  return stage;
}

describe("Available, where the policy wants it kept alive", () => {
  it("[R28] is renewed before it fades, and costs no budget", () => {
    const stage = back();
    expect(stage.endpoint(TEAMS)).toMatchObject({ seen: "Available", cover: "session" });
    const budget = stage.rep.writesMs.length;
    const renewals = [];
    for (let minute = 0; minute < 30; minute += 1) {
      stage.wait(MINUTE_MS);
      renewals.push(...stage.settle());
      const { leaseUntilMs } = stage.endpoint(TEAMS);
      expect(leaseUntilMs).toBeGreaterThan(stage.nowMs);
    }
    expect(renewals.length).toBeGreaterThanOrEqual(9);
    expect(renewals.every(({ renewal, shows }) => renewal && shows === "Available")).toBe(true);
    expect(stage.rep.writesMs.length).toBeLessThanOrEqual(budget);
  });

  it("[R28] gives way to a call of hers, and to what she chooses", () => {
    const stage = back();
    stage.teams("InACall");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
    stage.teams("Available");
    stage.settle();
    stage.wait(MINUTE_MS);
    stage.teams("DoNotDisturb");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("DoNotDisturb");
  });

  it("[R28] fades to Away when nobody renewed it in time: that is no choice of hers", () => {
    const stage = back();
    stage.wait(6 * MINUTE_MS);
    expect(stage.teams("Away")).toBe("lease ended");
    stage.settle();
    expect(stage.endpoint(TEAMS).seen).toBe("Available");
  });

  it("[R28] [R113] [R114] is let go of when she is paused, and not kept alive any more", () => {
    const stage = back();
    stage.pause();
    expect(stage.settle()).toMatchObject([{ system: TEAMS, from: "session", to: "none" }]);
    expect(stage.endpoint(TEAMS).cover).toBe("none");
    stage.wait(60 * MINUTE_MS);
    expect(stage.settle()).toEqual([]);
  });

  it("[R28] is not kept alive by default", () => {
    const stage = back(createPolicy(DEFAULT_MAPPINGS));
    expect(stage.endpoint(TEAMS)).toMatchObject({ seen: "Available", cover: "none" });
    stage.wait(60 * MINUTE_MS);
    expect(stage.settle()).toEqual([]);
  });
});
