import { describe, expect, it } from "vitest";
import { DYNAMICS, systemName, TEAMS } from "../../src/presence/identity.ts";
import { takeEvent, type RepEvent } from "../../src/reconcile/event.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const MINUTE_MS = 60_000;

function tell(stage: Stage, event: RepEvent): void {
  const origin = { source: systemName("a manager"), eventId: "1", atMs: stage.nowMs };
  stage.rep = takeEvent(stage.rep, event, origin, stage.policy);
}

const shown = (stage: Stage) => [stage.endpoint(TEAMS).seen, stage.endpoint(DYNAMICS).seen];

describe("a command", () => {
  it("[R119] ends by itself, and what she had chosen before comes back as itself", () => {
    const stage = Stage.settled(core);
    stage.dynamics("Away", { native: "Lunch" });
    stage.settle();
    stage.wait(MINUTE_MS);
    tell(stage, { type: "status.set", status: "Busy", untilMs: stage.nowMs + 10 * MINUTE_MS });
    stage.settle();
    expect(shown(stage)).toEqual(["Busy", "Busy"]);
    expect(stage.plan().recheckAtMs).toBe(stage.rep.base.untilMs);
    stage.wait(10 * MINUTE_MS);
    const writes = stage.settle();
    expect(shown(stage)).toEqual(["Away", "Away"]);
    expect(writes.find(({ system }) => system === DYNAMICS)).toMatchObject({ native: "Lunch" });
    expect(stage.rep.cause).toMatchObject({ kind: "command ended", source: "a manager" });
  });

  it("[R119] taken back, leaves what was there before the first of them", () => {
    const stage = Stage.settled(core);
    stage.teams("DoNotDisturb");
    stage.settle();
    stage.wait(MINUTE_MS);
    tell(stage, { type: "status.set", status: "Away" });
    stage.settle();
    tell(stage, { type: "status.set", status: "Busy" });
    stage.settle();
    expect(shown(stage)).toEqual(["Busy", "Busy"]);
    tell(stage, { type: "status.released" });
    stage.settle();
    expect(stage.rep.base.status).toBe("DoNotDisturb");
    expect(stage.rep.cause).toMatchObject({
      kind: "command ended",
      source: "a manager",
      status: "Busy",
      eventId: "1",
    });
    expect(stage.endpoint(DYNAMICS).seen).toBe("DoNotDisturb");
  });

  it("[R119] is over when she chooses herself, and then there is nothing to take back", () => {
    const stage = Stage.settled(core);
    tell(stage, { type: "status.set", status: "Busy", untilMs: stage.nowMs + 10 * MINUTE_MS });
    stage.settle();
    stage.wait(MINUTE_MS);
    stage.dynamics("Away");
    stage.settle();
    const { intent } = stage.rep;
    tell(stage, { type: "status.released" });
    stage.wait(20 * MINUTE_MS);
    expect(stage.settle()).toEqual([]);
    expect(stage.rep.intent).toBe(intent);
    expect(shown(stage)).toEqual(["Away", "Away"]);
  });

  it("[R20] [R119] lies under a call, unless it says that calls end too", () => {
    for (const endsHolds of [false, true]) {
      const stage = Stage.settled(core);
      stage.hold("call");
      stage.settle();
      tell(stage, { type: "status.set", status: "Available", endsHolds });
      stage.settle();
      expect(stage.endpoint(DYNAMICS).seen).toBe(endsHolds ? "Available" : "Busy");
      expect(Object.keys(stage.rep.holds)).toHaveLength(endsHolds ? 0 : 1);
    }
  });

  it("[R119] that was taken back keeps no meeting from showing", () => {
    const stage = Stage.settled(core);
    tell(stage, { type: "status.set", status: "Away", untilMs: stage.nowMs + 10 * MINUTE_MS });
    stage.settle();
    tell(stage, { type: "status.released" });
    stage.settle();
    stage.wait(MINUTE_MS);
    stage.teams("InAMeeting");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
  });
});
