import { describe, expect, it } from "vitest";
import { DYNAMICS, systemName, TEAMS } from "../../src/presence/identity.ts";
import { DEFAULT_MAPPINGS } from "../../src/presence/mapping.ts";
import { createPolicy } from "../../src/policy.ts";
import { type RepEvent, takeEvent } from "../../src/reconcile/event.ts";
import { describeEndpoint, explainRep, maskOf, overrideOf } from "../../src/reconcile/explain.ts";
import { setPaused } from "../../src/reconcile/pause.ts";
import { withEndpoint } from "../../src/reconcile/rep.ts";
import { loadCore } from "../model/core.ts";
import { POLICY } from "./profiles.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

describe("what we do not see", () => {
  it("[R117] [R320] is said while our own entry covers Teams, since when, and not a moment longer", () => {
    const stage = Stage.settled(core);
    expect(maskOf(stage.rep, TEAMS)).toBeNull();
    stage.dynamics("Busy");
    const sinceMs = stage.nowMs;
    stage.settle();
    stage.wait(60_000);
    expect(maskOf(stage.rep, TEAMS)).toEqual({ sinceMs, covering: "Busy" });
    expect(maskOf(stage.rep, DYNAMICS)).toBeNull();
    expect(describeEndpoint(stage.rep, TEAMS, POLICY)).toBe(
      "Busy (beneath it: unknown since 1970-01-01 00:17:40 UTC, covered by our Busy)",
    );
    stage.dynamics("Available");
    stage.settle();
    expect(maskOf(stage.rep, TEAMS)).toBeNull();
    expect(describeEndpoint(stage.rep, TEAMS, POLICY)).toBe("Available");
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
      endsMs: null,
      choice: stage.rep.base.intent,
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

/** She chose in Teams, the desk phone rings a minute later, and Teams does not show the call. */
function overridden(chose: "Available" | "DoNotDisturb"): Stage {
  const stage = Stage.settled(core, createPolicy(DEFAULT_MAPPINGS));
  if (chose !== "Available") stage.teams(chose);
  stage.settle();
  stage.wait(60_000);
  stage.hold("call");
  stage.teams(chose);
  stage.answer(stage.nextWrite(TEAMS), "accepted");
  stage.wait(10_000);
  stage.teams(chose);
  stage.settle();
  return stage;
}

function tell(stage: Stage, event: RepEvent, source = "the rep herself"): void {
  const origin = { source: systemName(source), eventId: "1", atMs: stage.nowMs };
  stage.rep = takeEvent(stage.rep, event, origin, stage.policy);
}

describe("what an override hides", () => {
  it("[R321] is said with the end that Teams gives such a status", () => {
    const { rep, policy } = overridden("DoNotDisturb");
    expect(describeEndpoint(rep, TEAMS, policy)).toBe(
      "Do not disturb, set by hand in Teams since 1970-01-01 00:17:40 UTC, keeps In a call from showing there (until 1970-01-02 00:17:40 UTC, unless another time was set in Teams)",
    );
  });

  it("[R321] is said of a manual Available too, whose beginning and end nobody knows", () => {
    const { rep, policy } = overridden("Available");
    const override = overrideOf(rep, policy);
    expect(override).toMatchObject({ status: "Available", hides: "InACall", sinceMs: null });
    expect(describeEndpoint(rep, TEAMS, policy)).toBe(
      "Available, set by hand in Teams, keeps In a call from showing there (Teams does not say until when)",
    );
  });

  it("[R321] is no Offline of ours behind a closed client: nobody set that by hand", () => {
    const { rep, policy } = overridden("Available");
    expect(overrideOf(rep, policy)).toMatchObject({ status: "Available" });
    expect(overrideOf(withEndpoint(rep, TEAMS, { seen: "Offline" }), policy)).toBeNull();
  });

  it.each(["Available", "DoNotDisturb"] as const)(
    "[R322] shows once %s is lifted, and Dynamics is released when it ends, not before",
    (chose) => {
      const stage = overridden(chose);
      const { choice = 0 } = overrideOf(stage.rep, stage.policy) ?? {};
      tell(stage, { type: "manual.lifted", choice });
      expect(stage.rep.cause).toMatchObject({ kind: "manual lifted", status: chose });
      const [lifting, ...more] = stage.settle();
      const shown = more.map(({ system, shows }) => [system, shows]);
      expect(lifting).toMatchObject({
        system: TEAMS,
        shows: "InACall",
        to: "session",
        lifts: true,
      });
      expect(shown).toEqual(chose === "Available" ? [] : [[DYNAMICS, "Busy"]]);
      expect(overrideOf(stage.rep, stage.policy)).toBeNull();
      expect(explainRep(stage.rep)).toBe(
        "In a call: phone reports it; Available (set by the rep herself) returns when it ends",
      );
      expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
      stage.release("call");
      expect(stage.settle().map(({ system, shows }) => [system, shows])).toEqual([
        [TEAMS, "Available"],
        [DYNAMICS, "Available"],
      ]);
    },
  );

  it("[R322] may be what Dynamics shows by itself: it goes on, and nothing is written over it", () => {
    const stage = Stage.settled(core);
    stage.teams("Away");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Busy", { automatic: "soft" });
    stage.settle();
    const { choice = 0, hides } = overrideOf(stage.rep, stage.policy) ?? {};
    expect(hides).toBe("Busy");
    tell(stage, { type: "manual.lifted", choice }, "a manager");
    expect(stage.settle().map(({ system, shows, to }) => [system, shows, to])).toEqual([
      [TEAMS, "Busy", "preferred"],
    ]);
  });

  it("[R322] stays hidden by a choice that she made since", () => {
    const stage = overridden("DoNotDisturb");
    const { choice = 0 } = overrideOf(stage.rep, stage.policy) ?? {};
    stage.teams("Away");
    stage.settle();
    const { rep } = stage;
    tell(stage, { type: "manual.lifted", choice });
    expect(stage.rep).toBe(rep);
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
