import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { describeEndpoint, explainRep, maskOf, overrideOf } from "../../src/reconcile/explain.ts";
import { setPaused } from "../../src/reconcile/pause.ts";
import { loadCore } from "../model/core.ts";
import { POLICY } from "./profiles.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

describe("what we do not see", () => {
  it("[R117] is said while our own entry covers Teams, since when, and not a moment longer", () => {
    const stage = Stage.settled(core);
    expect(maskOf(stage.rep, TEAMS)).toBeNull();
    stage.dynamics("Busy");
    const sinceMs = stage.nowMs;
    stage.settle();
    stage.wait(60_000);
    expect(maskOf(stage.rep, TEAMS)).toEqual({ sinceMs, covering: "Busy" });
    expect(maskOf(stage.rep, DYNAMICS)).toBeNull();
    expect(describeEndpoint(stage.rep, TEAMS)).toMatch(/^Busy \(by us: .* hidden/);
    stage.dynamics("Available");
    stage.settle();
    expect(maskOf(stage.rep, TEAMS)).toBeNull();
    expect(describeEndpoint(stage.rep, TEAMS)).toBe("Available");
  });

  it("[R117] a renewed entry covers since it was first set", () => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    const sinceMs = stage.nowMs;
    stage.settle();
    for (let hour = 0; hour < 9; hour += 1) {
      stage.wait(3_600_000);
      stage.settle();
    }
    expect(maskOf(stage.rep, TEAMS)?.sinceMs).toBe(sinceMs);
  });
});

describe("her manual status in Teams", () => {
  it("[R118] stays under a call of the desk phone, and is shown as an override until that ends", () => {
    const stage = Stage.settled(core);
    stage.teams("DoNotDisturb");
    const sinceMs = stage.nowMs;
    stage.settle();
    expect(overrideOf(stage.rep, POLICY)).toBeNull();
    stage.wait(60_000);
    stage.hold("call");
    stage.teams("DoNotDisturb");
    const write = stage.nextWrite(TEAMS);
    expect([write.to, write.lifts]).toEqual(["session", false]);
    stage.answer(write, "accepted");
    stage.wait(10_000);
    stage.teams("DoNotDisturb");
    expect(overrideOf(stage.rep, POLICY)).toEqual({
      system: TEAMS,
      status: "DoNotDisturb",
      hides: "InACall",
      sinceMs,
    });
    stage.release("call");
    expect(overrideOf(stage.rep, POLICY)).toBeNull();
  });

  it("[R118] gives way to a later choice in Dynamics", () => {
    const stage = Stage.settled(core);
    stage.teams("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Available");
    expect(stage.settle().map(({ system, lifts }) => [system, lifts])).toEqual([[TEAMS, true]]);
  });
});

describe("a pause", () => {
  it("[R113] asked for twice is one, and says on whose word", () => {
    const { rep } = Stage.settled(core);
    const paused = setPaused(rep, { by: "the rep", sinceMs: 5 }, 5);
    expect(setPaused(paused, { by: "somebody else", sinceMs: 6 }, 6)).toBe(paused);
    expect(explainRep(paused)).toBe("Not synced: paused (the rep)");
    expect(setPaused(rep, null, 5)).toBe(rep);
  });
});
