import { describe, expect, it } from "vitest";
import { DYNAMICS, type SystemName, TEAMS } from "../../src/presence/identity.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const settled = (): Stage => Stage.settled(core);

/** Busy was chosen in the other system, and our write of it to this one was accepted. */
function written(to: SystemName): Stage {
  const stage = settled();
  if (to === TEAMS) stage.dynamics("Busy");
  else stage.teams("Busy");
  stage.answer(stage.nextWrite(to), "accepted");
  return stage;
}

describe("R1 unusable", () => {
  it("[R1] a state that means nothing changes nothing", () => {
    const stage = settled();
    const before = stage.rep;
    expect(stage.teams("PresenceUnknown")).toBe("unusable");
    expect(stage.rep).toBe(before);
  });
});

describe("R2 stale", () => {
  it("[R2] an older version than the newest one read is ignored", () => {
    const stage = settled();
    stage.dynamics("Busy", { sequence: "5" });
    const before = stage.rep;
    expect(stage.dynamics("Available", { sequence: "4" })).toBe("stale");
    expect(stage.rep).toBe(before);
  });

  it("[R2] the same version again is not stale, and a source without versions never is", () => {
    const stage = settled();
    stage.dynamics("Busy", { sequence: "5" });
    expect(stage.dynamics("Busy", { sequence: "5" })).toBe("same");
    expect(stage.dynamics("Away", { sequence: null })).toBe("choice");
  });
});

describe("R3 echo", () => {
  it("[R3] our own write, read after its answer, is no choice of hers", () => {
    const stage = written(TEAMS);
    const { intent } = stage.rep;
    expect(stage.teams("Busy")).toBe("echo");
    expect(stage.rep.intent).toBe(intent);
    expect(stage.rep.base.origin).toBe(DYNAMICS);
  });

  it("[R3] it is one before the answer too, and the answer then closes the write", () => {
    const stage = settled();
    stage.dynamics("Busy");
    const write = stage.nextWrite(TEAMS);
    expect(stage.teams("Busy")).toBe("echo");
    stage.answer(write, "accepted");
    expect(stage.endpoint(TEAMS).pending).toBeNull();
  });

  it("[R3] another class than the one written is a choice", () => {
    const stage = written(TEAMS);
    stage.wait(60_000);
    expect(stage.teams("DoNotDisturb")).toBe("choice");
  });
});

describe("R4 a write that has had its time", () => {
  it("[R4] Teams accepts a write and shows something else: absorbed, and no choice", () => {
    const stage = written(TEAMS);
    stage.wait(2_000);
    expect(stage.teams("Available")).toBe("absorbed");
    expect(stage.endpoint(TEAMS)).toMatchObject({ health: "absorbed", pending: null });
    expect(stage.rep.base.status).toBe("Busy");
  });

  it("[R4] before it has settled, a read proves nothing", () => {
    const stage = written(TEAMS);
    stage.wait(1_999);
    expect(stage.teams("Available")).toBe("same");
    expect(stage.endpoint(TEAMS).pending).not.toBeNull();
  });

  it("[R4] our session is withdrawn, and her own call comes to light", () => {
    const stage = settled();
    stage.hold("call");
    stage.settle();
    stage.release("call");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(2_000);
    expect(stage.teams("InACall")).toBe("uncovered");
    expect(stage.rep.overlays[TEAMS]?.status).toBe("InACall");
  });

  it("[R4] in Dynamics she took it back before we looked: a choice", () => {
    const stage = written(DYNAMICS);
    stage.wait(stage.policy.concurrentMs + 1);
    expect(stage.dynamics("Available")).toBe("choice");
    expect(stage.rep.base).toMatchObject({ status: "Available", origin: DYNAMICS });
  });

  it("[R4] what Dynamics shows is wanted again meanwhile: settled", () => {
    const stage = written(DYNAMICS);
    stage.teams("Available");
    stage.wait(5_000);
    expect(stage.dynamics("Available")).toBe("settled");
    expect(stage.endpoint(DYNAMICS).pending).toBeNull();
  });
});

describe("R5 same", () => {
  it("[R5] what was read before, read again, makes no intent", () => {
    const stage = settled();
    const { intent } = stage.rep;
    expect(stage.teams("Available")).toBe("same");
    expect(stage.rep.intent).toBe(intent);
  });
});

describe("R6 absent", () => {
  it("[R6] closing Teams is no choice", () => {
    const stage = settled();
    stage.teams("Busy");
    stage.settle();
    expect(stage.teams("Offline")).toBe("absent");
    expect(stage.rep.base.status).toBe("Busy");
    expect(stage.settle()).toEqual([]);
  });

  it("[R6] signing out of Dynamics takes back what she chose there, and hides her nowhere", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.settle();
    expect(stage.dynamics("Offline")).toBe("absent");
    stage.wait(stage.policy.reconnectMs);
    const written = stage.settle().map(({ system, shows }) => [system, shows]);
    expect(written).toEqual([[TEAMS, "Available"]]);
  });

  it("[R6] signing out of Dynamics leaves what she chose in Teams", () => {
    const stage = settled();
    stage.teams("Busy");
    stage.settle();
    expect(stage.dynamics("Offline")).toBe("absent");
    expect(stage.rep.base).toMatchObject({ status: "Busy", origin: TEAMS });
    expect(stage.settle()).toEqual([]);
  });

  it("[R6] what was written into a closed client is no choice when she opens it", () => {
    const stage = settled();
    stage.teams("Offline");
    stage.dynamics("Busy");
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(2_000);
    stage.teams("Offline");
    stage.wait(60_000);
    stage.dynamics("Available");
    stage.wait(60_000);
    expect(stage.teams("Busy")).toBe("same");
    expect(stage.rep.base.status).toBe("Available");
  });
});

describe("R7 late echo", () => {
  const withLateBusy = (): Stage => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.answer(stage.nextWrite(TEAMS), "unknown");
    stage.wait(1_000);
    stage.dynamics("Available");
    stage.settle();
    return stage;
  };

  it("[R7] a write of unknown outcome that arrives late is no choice, and is written over", () => {
    const stage = withLateBusy();
    expect(stage.teams("Busy")).toBe("late echo");
    expect(stage.rep.base.status).toBe("Available");
    expect(stage.settle().map(({ shows }) => shows)).toEqual(["Available"]);
  });

  it("[R300] once a look has shown that it did not arrive in time, the same reading is a choice", () => {
    const stage = withLateBusy();
    stage.wait(stage.policy.lateMs);
    expect(stage.teams("Available")).toBe("same");
    expect(stage.teams("Busy")).toBe("choice");
  });

  it("[R300] as long as nobody looks, or a closed client shows nothing, it may lie there", () => {
    const unseen = withLateBusy();
    unseen.wait(10 * unseen.policy.lateMs);
    expect(unseen.teams("Busy")).toBe("late echo");
    const closed = withLateBusy();
    expect(closed.teams("Offline")).toBe("absent");
    closed.wait(10 * closed.policy.lateMs);
    expect(closed.teams("Offline")).toBe("absent");
    closed.plan();
    expect(closed.teams("Busy")).toBe("late echo");
  });

  it("[R302] what Dynamics does by itself is no late write of ours", () => {
    const stage = settled();
    stage.teams("Busy");
    stage.answer(stage.nextWrite(DYNAMICS), "unknown");
    stage.wait(1_000);
    stage.teams("Available");
    stage.settle();
    const byEngine = { status: "Busy", automatic: "soft", native: "Busy" } as const;
    expect(stage.read(DYNAMICS, byEngine)).toBe("automatic");
    expect(stage.read(DYNAMICS, { ...byEngine, automatic: null })).not.toBe("choice");
  });
});

describe("R8 first sight", () => {
  it("[R8] two systems never read before are joined, in either order", () => {
    for (const order of [
      [TEAMS, DYNAMICS],
      [DYNAMICS, TEAMS],
    ]) {
      const stage = new Stage(core);
      for (const system of order) {
        const heard = system === TEAMS ? stage.teams("Available") : stage.dynamics("Busy");
        expect(heard).toBe("first sight");
      }
      expect(stage.rep.base).toMatchObject({ status: "Busy", origin: DYNAMICS });
      expect(stage.settle().map(({ system, shows }) => [system, shows])).toEqual([[TEAMS, "Busy"]]);
    }
  });

  it("[R8] what a call hid at the first read is joined too, when the call ends", () => {
    const stage = new Stage(core);
    stage.dynamics("Busy");
    expect(stage.teams("InACall")).toBe("first sight");
    stage.settle();
    stage.wait(60_000);
    stage.teams("Available");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
  });
});

describe("R9 sign-in", () => {
  it("[R9] the default presence of a sign-in does not lift a status that protects her elsewhere", () => {
    const stage = settled();
    stage.dynamics("Offline");
    stage.teams("Busy");
    stage.settle();
    stage.wait(stage.policy.reconnectMs);
    expect(stage.dynamics("Available")).toBe("sign-in");
    expect(stage.rep.base).toMatchObject({ status: "Busy", origin: TEAMS });
    expect(stage.settle().map(({ shows }) => shows)).toEqual(["Busy"]);
  });

  it("[R9] it counts after the end of the last shift", () => {
    const stage = settled();
    stage.decree("Offline");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Offline");
    stage.wait(stage.policy.reconnectMs);
    expect(stage.dynamics("Available")).toBe("sign-in");
    expect(stage.rep.base).toMatchObject({ status: "Available", origin: DYNAMICS });
  });
});

describe("R10 lease ended", () => {
  const busyInTeams = (): Stage => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.settle();
    return stage;
  };

  it("[R10] our cover runs out: no choice, and it is put on again", () => {
    const stage = busyInTeams();
    stage.wait(3_600_000);
    expect(stage.teams("Available")).toBe("lease ended");
    expect(stage.settle().map(({ system, shows }) => [system, shows])).toEqual([[TEAMS, "Busy"]]);
  });

  it("[R10] before that, Available in Teams is a choice", () => {
    const stage = busyInTeams();
    stage.wait(600_000);
    expect(stage.teams("Available")).toBe("choice");
  });
});

describe("R11 uncovered", () => {
  it("[R11] a meeting under what we withdrew does not override the choice that made us withdraw", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Available");
    stage.nextWrite(TEAMS);
    expect(stage.teams("InAMeeting")).toBe("uncovered");
    expect(core.topOf(stage.rep)).toBeNull();
  });

  it("[R11] Away under what we withdrew may be an idle client, and is no choice", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Available");
    stage.nextWrite(TEAMS);
    expect(stage.teams("Away")).toBe("uncovered");
    expect(stage.rep.base.status).toBe("Available");
  });
});

describe("R12 and R13 what a system shows by itself", () => {
  it("[R12] a call in Teams lies over the base and does not change it", () => {
    const stage = settled();
    expect(stage.teams("InACall")).toBe("automatic");
    expect(stage.rep.base.status).toBe("Available");
    expect(stage.settle().map(({ system, shows }) => [system, shows])).toEqual([
      [DYNAMICS, "Busy"],
    ]);
  });

  it("[R13] its end restores what was there before", () => {
    const stage = settled();
    stage.teams("InACall");
    stage.settle();
    expect(stage.teams("Available")).toBe("automatic ended");
    expect(stage.rep.overlays).toEqual({});
    expect(stage.settle().map(({ shows }) => shows)).toEqual(["Available"]);
  });

  it("[R13] ending in something else than before is what she wants now", () => {
    const stage = settled();
    stage.teams("InACall");
    stage.settle();
    expect(stage.teams("DoNotDisturb")).toBe("automatic ended");
    expect(stage.rep.base).toMatchObject({ status: "DoNotDisturb", origin: TEAMS });
  });
});

describe("R14 agrees", () => {
  it("[R14] a system that already shows what it should is not written", () => {
    const stage = settled();
    stage.dynamics("Busy");
    stage.plan();
    expect(stage.teams("Busy")).toBe("agrees");
    expect(stage.settle()).toEqual([]);
  });

  it("[R14] Busy under a call that we have not written is hers, and stays when the call is over", () => {
    const stage = settled();
    stage.hold("call");
    expect(stage.dynamics("Busy")).toBe("choice");
    stage.settle();
    stage.release("call");
    stage.settle();
    expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
  });
});

describe("R15 outranked", () => {
  it("[R15] of two choices that cross, the less available stands, in either order", () => {
    const first = settled();
    first.teams("Busy");
    expect(first.dynamics("Away")).toBe("outranked");
    const second = settled();
    second.dynamics("Away");
    expect(second.teams("Busy")).toBe("choice");
    for (const stage of [first, second]) {
      stage.settle();
      expect(stage.rep.base.status).toBe("Busy");
      expect(stage.endpoint(DYNAMICS).seen).toBe("Busy");
    }
  });

  it("[R15] outside the window, the later one stands", () => {
    const stage = settled();
    stage.teams("Busy");
    stage.wait(stage.policy.concurrentMs + 1);
    expect(stage.dynamics("Away")).toBe("choice");
  });
});

describe("R16 choice", () => {
  it("[R16] anything unexplained is hers, and is one intent", () => {
    const stage = settled();
    const { intent } = stage.rep;
    expect(stage.teams("BeRightBack")).toBe("choice");
    expect(stage.rep.intent).toBe(intent + 1);
    expect(stage.rep.cause).toMatchObject({ kind: "choice", source: TEAMS, status: "BeRightBack" });
  });
});

describe("R17 unconfirmed", () => {
  it("[R17] a call that looked like our session before its answer, and is over, was hers", () => {
    const stage = settled();
    stage.hold("call");
    const write = stage.nextWrite(TEAMS);
    expect(stage.teams("InACall")).toBe("echo");
    expect(stage.teams("Available")).toBe("unconfirmed");
    stage.answer(write, "accepted");
    expect(stage.teams("InACall")).toBe("echo");
    expect(stage.rep.base.status).toBe("Available");
  });
});
