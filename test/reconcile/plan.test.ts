import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { loadCore } from "../model/core.ts";
import { POLICY } from "./profiles.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const settled = (): Stage => Stage.settled(core);

describe("R30 a write in flight", () => {
  it("[R30] is waited for, and read when it has settled", () => {
    const stage = settled();
    stage.dynamics("Busy");
    const write = stage.nextWrite(TEAMS);
    expect(stage.plan()).toMatchObject({ reads: [], writes: [] });
    stage.answer(write, "accepted");
    expect(stage.plan().recheckAtMs).toBe(stage.nowMs + 2_000);
    stage.wait(2_000);
    expect(stage.plan().reads).toEqual([TEAMS]);
  });

  it("[R30] a newer intent does not overlap it", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.nextWrite(TEAMS);
    stage.dynamics("Away");
    stage.teams("Available");
    expect(stage.plan().writes).toEqual([]);
  });
});

describe("R31 a write of unknown outcome", () => {
  it("[R31] waits until its retry is due", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.answer(stage.nextWrite(TEAMS), "unknown");
    const { writes, recheckAtMs } = stage.plan();
    expect(writes).toEqual([]);
    expect(recheckAtMs).toBe(stage.nowMs + 500);
  });
});

describe("R32 once per intent", () => {
  it("[R32] an absorbed write is not tried again for the same intent", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(2_000);
    stage.teams("Available");
    expect(stage.plan()).toMatchObject({ reads: [], writes: [] });
  });

  it("[R32] it is tried for the next", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(2_000);
    stage.teams("Available");
    stage.dynamics("Away");
    expect(stage.nextWrite(TEAMS).shows).toBe("Away");
  });

  it("[R32] a lease is renewed at half, and that is no write of the budget", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(1_800_000);
    const before = stage.rep.writesMs.length;
    const write = stage.nextWrite(TEAMS);
    expect(write).toMatchObject({ renewal: true, shows: "Busy" });
    expect(stage.rep.writesMs).toHaveLength(before);
  });

  it("[R32] a shift end's Offline is not renewed: it runs out by itself", () => {
    const stage = settled();
    stage.decree("Offline");
    stage.settle();
    stage.wait(3_000_000);
    expect(stage.plan().writes).toEqual([]);
  });
});

describe("R33 signed out", () => {
  it("[R33] nothing is read or written there until she is back", () => {
    const stage = settled();
    stage.dynamics("Offline");
    stage.teams("Busy");
    expect(stage.plan()).toMatchObject({ reads: [], writes: [] });
    stage.dynamics("Available");
    expect(stage.nextWrite(DYNAMICS).shows).toBe("Busy");
  });
});

describe("R34 read before a write", () => {
  it("[R34] a system not read since the intent arose is read first", () => {
    const stage = settled();
    stage.dynamics("Busy");
    expect(stage.plan()).toMatchObject({ reads: [TEAMS], writes: [] });
    stage.teams("Available");
    expect(stage.plan().writes).toHaveLength(1);
  });

  it("[R34] a read that left before is not enough", () => {
    const stage = settled();
    const startedTick = stage.rep.tick;
    stage.dynamics("Busy");
    stage.teams("Available", { startedTick });
    expect(stage.plan()).toMatchObject({ reads: [TEAMS], writes: [] });
  });
});

describe("R35 satisfied", () => {
  it("[R35] a system that shows what it should is not written", () => {
    const stage = settled();
    stage.decree("Available");
    expect(stage.settle()).toEqual([]);
  });

  it("[R35] a cover of ours that is wanted no more is taken away, even if nothing would change", () => {
    const stage = settled();
    stage.hold("call");
    stage.settle();
    stage.release("call");
    expect(stage.nextWrite(TEAMS)).toMatchObject({ from: "session", to: "none" });
  });
});

describe("R36 Dynamics is released last", () => {
  const released = (): Stage => {
    const stage = settled();
    stage.hold("call");
    stage.settle();
    stage.release("call");
    stage.dynamics("Busy");
    return stage;
  };

  it("[R36] only when Teams was released and read again", () => {
    const stage = released();
    const write = stage.nextWrite(TEAMS);
    stage.answer(write, "accepted");
    expect(stage.plan().writes).toEqual([]);
    stage.wait(2_000);
    stage.teams("Available");
    expect(stage.plan().writes).toMatchObject([{ system: DYNAMICS, shows: "Available" }]);
  });

  it("[R36] not at all, if a call of hers comes to light", () => {
    const stage = released();
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(2_000);
    stage.teams("InACall");
    expect(stage.settle()).toEqual([]);
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
  });

  it("[R36] a Teams that cannot be reached is not waited for for ever", () => {
    const stage = released();
    expect(stage.plan().recheckAtMs).not.toBeNull();
    stage.wait(stage.policy.releasePatienceMs);
    expect(stage.plan().writes).toMatchObject([{ system: DYNAMICS, shows: "Available" }]);
  });

  it("[R36] raising protection waits for nobody", () => {
    const stage = settled();
    stage.hold("call");
    stage.dynamics("Available");
    expect(stage.plan().writes).toMatchObject([{ system: DYNAMICS, protective: true }]);
  });
});

describe("R37 the budget", () => {
  it("[R37] rests when it is spent, says so, and goes on later", () => {
    const stage = Stage.settled(core, { ...POLICY, writesPerMinute: 2 });
    stage.dynamics("Busy");
    stage.settle();
    stage.dynamics("Away");
    stage.teams("Busy");
    const { held, writes, recheckAtMs } = stage.plan();
    expect([held, writes]).toEqual([true, []]);
    expect(recheckAtMs).toBe(stage.nowMs + POLICY.heldMs);
    stage.wait(POLICY.heldMs);
    expect(stage.nextWrite(TEAMS).shows).toBe("Away");
  });
});

describe("R37 what was reported", () => {
  it("[R37] a call that a phone reported is written although the budget is spent, and spends none", () => {
    const stage = Stage.settled(core, { ...POLICY, writesPerMinute: 2 });
    stage.dynamics("Busy");
    stage.settle();
    stage.dynamics("Away");
    stage.teams("Busy");
    expect(stage.plan().held).toBe(true);
    const spent = stage.rep.writesMs.length;
    stage.hold("call");
    stage.teams("Busy");
    stage.dynamics("Away");
    expect(stage.plan().writes.map(({ cause }) => cause.kind)).toContain("hold");
    expect(stage.rep.writesMs).toHaveLength(spent);
  });
});

describe("R38 a write", () => {
  it("[P9] [R38] is recorded in the rep before it is sent, and carries its cause", () => {
    const stage = settled();
    stage.dynamics("Busy");
    const write = stage.nextWrite(TEAMS);
    expect(write.cause).toMatchObject({ kind: "choice", source: DYNAMICS, status: "Busy" });
    expect(stage.endpoint(TEAMS)).toMatchObject({
      tried: stage.rep.intent,
      pending: { intent: write.intent, status: "Busy", ackTick: null },
    });
  });

  it("[R38] a later Available elsewhere lifts an older manual status of hers", () => {
    const stage = settled();
    stage.teams("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Available");
    expect(stage.nextWrite(TEAMS)).toMatchObject({ lifts: true, to: "none" });
  });
});

describe("purity", () => {
  it("[P5] planning again yields no second write", () => {
    const stage = settled();
    stage.hold("call");
    stage.teams("Available");
    stage.dynamics("Available");
    expect(stage.plan().writes).toHaveLength(2);
    expect(stage.plan().writes).toEqual([]);
  });

  it("[P5] planning the same rep twice yields the same plan, and changes neither rep nor policy", () => {
    const stage = settled();
    stage.hold("call");
    stage.teams("Available");
    const { rep, policy, nowMs } = stage;
    const before = structuredClone(rep);
    expect(core.plan(rep, policy, nowMs)).toEqual(core.plan(rep, policy, nowMs));
    expect(rep).toEqual(before);
  });
});
