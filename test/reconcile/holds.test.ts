import { describe, expect, it } from "vitest";
import { DYNAMICS, holdId, TEAMS } from "../../src/presence/identity.ts";
import { statusOf } from "../../src/reconcile/resolve.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const inACall = (): Stage => {
  const stage = Stage.settled(core);
  stage.hold("call");
  stage.settle();
  return stage;
};

describe("R55 heartbeat", () => {
  it("[R55] the same hold again moves its end and is no new intent", () => {
    const stage = inACall();
    const { intent } = stage.rep;
    stage.wait(60_000);
    stage.hold("call");
    expect(stage.rep.intent).toBe(intent);
    expect(stage.rep.holds[holdId("call")]?.untilMs).toBe(stage.nowMs + 600_000);
  });
});

describe("R56 overlapping holds", () => {
  it("[R56] only the end of the last one releases her", () => {
    const stage = inACall();
    stage.hold("second");
    stage.release("call");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
    stage.release("second");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("Available");
  });

  it("[R35] [R56] a second call, while the first is shown, costs no write", () => {
    const stage = inACall();
    stage.wait(60_000);
    stage.hold("second");
    expect(stage.settle()).toEqual([]);
    stage.release("call");
    expect(stage.settle()).toEqual([]);
  });

  it("[R56] releasing what is not held changes nothing", () => {
    const stage = inACall();
    const before = stage.rep;
    stage.release("another");
    expect(stage.rep).toBe(before);
  });
});

describe("R57 expiry", () => {
  it("[R57] a hold without a heartbeat ends by itself, and plan says when", () => {
    const stage = Stage.settled(core);
    stage.hold("call", 300_000);
    const endsAtMs = stage.nowMs + 300_000;
    stage.settle();
    expect(stage.plan().recheckAtMs).toBe(endsAtMs);
    stage.nowMs = endsAtMs;
    stage.settle();
    expect(stage.rep.holds).toEqual({});
    expect(stage.endpoint(DYNAMICS).seen).toBe("Available");
  });
});

describe("R58 a shift end during a call", () => {
  it("[R58] applies when the last hold ends", () => {
    const stage = inACall();
    stage.decree("Offline");
    stage.settle();
    expect(statusOf(stage.rep)).toBe("InACall");
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
    stage.release("call");
    stage.settle();
    expect([stage.endpoint(TEAMS).seen, stage.endpoint(DYNAMICS).seen]).toEqual([
      "Offline",
      "Offline",
    ]);
  });
});

describe("R59 what a call restores", () => {
  it("[R59] Lunch stays Lunch: the system's own presence comes back, not another with its base status", () => {
    const stage = Stage.settled(core);
    stage.read(DYNAMICS, { status: "Away", native: "lunch" });
    stage.settle();
    stage.wait(60_000);
    stage.hold("call");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
    stage.release("call");
    const back = stage.settle().find(({ system }) => system === DYNAMICS);
    expect(back).toMatchObject({ shows: "Away", native: "lunch" });
  });

  it("[R59] a call that ends never makes her Available if she was not", () => {
    const stage = Stage.settled(core);
    stage.teams("Busy");
    stage.settle();
    stage.hold("call");
    stage.settle();
    stage.release("call");
    const written = stage.settle();
    expect(
      written.filter(({ system, shows }) => system === DYNAMICS && shows === "Available"),
    ).toEqual([]);
    expect(statusOf(stage.rep)).toBe("Busy");
  });
});
