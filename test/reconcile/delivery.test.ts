import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { backOffMs, deliver, type Outcome, recover } from "../../src/reconcile/delivery.ts";
import {
  type Endpoint,
  endpointOf,
  newRep,
  type Pending,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { loadCore } from "../model/core.ts";
import { POLICY } from "./profiles.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

/** She chose Busy in Dynamics, and the write of it to Teams has left. */
function writing(): { readonly stage: Stage; readonly write: Write } {
  const stage = Stage.settled(core);
  stage.dynamics("Busy");
  return { stage, write: stage.nextWrite(TEAMS) };
}

describe("R50 accepted", () => {
  it("[R50] predicts nothing but the lease", () => {
    const { stage, write } = writing();
    stage.answer(write, "accepted");
    const { seen, pending, leaseUntilMs } = stage.endpoint(TEAMS);
    expect(seen).toBe("Available");
    expect(pending).not.toBeNull();
    expect(leaseUntilMs).toBe(stage.nowMs + 3_600_000);
  });

  it("[P5] [R50] an answer that comes twice, or to another write, changes nothing", () => {
    const { stage, write } = writing();
    stage.answer(write, "accepted");
    const before = stage.rep;
    stage.answer(write, "accepted");
    stage.answer({ ...write, intent: write.intent + 1 }, "refused");
    expect(stage.rep).toBe(before);
  });
});

describe("R51 refused", () => {
  it("[R51] is not tried again for this intent, and shows in the health", () => {
    const { stage, write } = writing();
    stage.answer(write, "refused");
    stage.wait(600_000);
    expect(stage.plan()).toMatchObject({ reads: [], writes: [] });
    expect(stage.endpoint(TEAMS).health).toBe("rejected");
  });

  it("[R51] in Dynamics, is tried once more after a read that left when it must show the truth", () => {
    const stage = Stage.settled(core);
    stage.teams("Busy");
    const write = stage.nextWrite(DYNAMICS);
    const left = stage.rep.tick;
    stage.answer(write, "refused");
    expect(stage.plan()).toMatchObject({ reads: [], writes: [] });
    stage.wait(4_999);
    expect(stage.plan().recheckAtMs).toBe(stage.nowMs + 1);
    expect(stage.plan()).toMatchObject({ reads: [], writes: [] });
    stage.wait(1);
    stage.dynamics("Available", { startedTick: left });
    expect(stage.plan()).toMatchObject({ reads: [DYNAMICS], writes: [] });
    stage.dynamics("Available");
    expect(stage.plan().writes).toMatchObject([{ system: DYNAMICS, shows: "Busy" }]);
  });

  it("[R51] in Dynamics, does not keep what is wanted next waiting", () => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.answer(stage.nextWrite(DYNAMICS), "refused");
    stage.decree("DoNotDisturb");
    stage.dynamics("Available");
    expect(stage.plan().writes).toMatchObject([{ system: DYNAMICS, shows: "DoNotDisturb" }]);
  });

  it("[R51] in Dynamics, counts anew once she was seen gone", () => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.answer(stage.nextWrite(DYNAMICS), "refused");
    stage.wait(5_000);
    stage.dynamics("Offline");
    expect(stage.plan().writes.filter(({ system }) => system === DYNAMICS)).toEqual([]);
    stage.dynamics("Available");
    stage.answer(stage.nextWrite(DYNAMICS), "refused");
    stage.wait(5_000);
    expect(stage.nextWrite(DYNAMICS).shows).toBe("Busy");
  });

  it("[R51] is tried again for the next", () => {
    const { stage, write } = writing();
    stage.answer(write, "refused");
    stage.wait(60_000);
    stage.dynamics("Away");
    expect(stage.nextWrite(TEAMS).shows).toBe("Away");
  });
});

describe("R52 deferred", () => {
  it("[R52] is tried again, but not before its time", () => {
    const { stage, write } = writing();
    stage.answer(write, "deferred");
    expect(stage.plan().writes).toEqual([]);
    stage.wait(500);
    expect(stage.nextWrite(TEAMS)).toMatchObject({ shows: "Busy", intent: write.intent });
  });

  it("[R52] ever later, up to the policy's bound", () => {
    const waits = [1, 2, 3, 4].map((failures) => backOffMs(POLICY, failures));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    expect(backOffMs(POLICY, 1_000)).toBe(POLICY.retryMaxMs);
  });
});

describe("R53 unknown", () => {
  it("[R53] is never forgotten: its effect is an echo, however late it is read", () => {
    const { stage, write } = writing();
    stage.answer(write, "unknown");
    stage.wait(60_000);
    expect(stage.teams("Busy")).toBe("echo");
    expect(stage.settle()).toEqual([]);
  });

  it("[R53] what we put there before is still taken away, when the write that replaced it was lost", () => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Away");
    stage.answer(stage.nextWrite(TEAMS), "unknown");
    stage.wait(1_000);
    stage.dynamics("Offline", { disconnected: false });
    stage.teams("Busy");
    expect(stage.nextWrite(TEAMS)).toMatchObject({ from: "preferred", shows: "Available" });
  });

  it("[R53] is tried again when it was not seen", () => {
    const { stage, write } = writing();
    stage.answer(write, "unknown");
    stage.wait(500);
    stage.teams("Available");
    expect(stage.nextWrite(TEAMS).shows).toBe("Busy");
    expect(stage.endpoint(TEAMS).late).toHaveLength(1);
  });
});

describe("R54 after a restart", () => {
  it("[R54] every unanswered write is of unknown outcome, and may be tried at once", () => {
    const { stage } = writing();
    stage.restart();
    expect(stage.endpoint(TEAMS)).toMatchObject({ pending: { unknown: true }, retryAtMs: 0 });
    expect(stage.teams("Busy")).toBe("echo");
    expect(stage.rep.base.status).toBe("Busy");
  });

  it("[R54] an answered write only waits to be read", () => {
    const { stage, write } = writing();
    stage.answer(write, "accepted");
    const before = stage.rep;
    stage.restart();
    expect(stage.rep).toBe(before);
  });
});

const NOW_MS = 10_000_000;
const WRITE: Pending = {
  intent: 5,
  status: "Busy",
  meant: "Busy",
  over: "Available",
  cover: "preferred",
  withdraws: false,
  clears: false,
  sentAtMs: NOW_MS - 400,
  leaseUntilMs: NOW_MS + 3_600_000,
  ackTick: null,
  ackAtMs: null,
  unknown: false,
  confirmed: false,
  overtaken: false,
};
const WITHDRAWAL: Partial<Pending> = { status: "Available", cover: "none", withdraws: true };

/** Teams after the answer to a write of intent 5, while `intent` is wanted. */
function answered(
  outcome: Outcome,
  write: Partial<Pending> = {},
  endpoint: Partial<Endpoint> = {},
  intent = 5,
): Endpoint {
  const pending = { ...WRITE, ...write };
  const known = { ...newRep([TEAMS, DYNAMICS]), tick: 8, intent };
  const rep = withEndpoint(known, TEAMS, { pending, tried: 5, failures: 1, ...endpoint });
  return endpointOf(deliver(rep, TEAMS, 5, outcome, POLICY, NOW_MS), TEAMS);
}

describe("an answer to something else", () => {
  it("[P5] [R50] changes nothing: the write of another intent, or none at all", () => {
    const rep = withEndpoint(newRep([TEAMS]), TEAMS, { pending: WRITE });
    const idle = newRep([TEAMS]);
    for (const outcome of ["accepted", "refused", "deferred", "unknown"] as const) {
      expect(deliver(rep, TEAMS, 4, outcome, POLICY, NOW_MS)).toBe(rep);
      expect(deliver(idle, TEAMS, 5, outcome, POLICY, NOW_MS)).toBe(idle);
    }
  });
});

describe("a write that was seen before it was answered", () => {
  const CONFIRMED = { confirmed: true } as const;

  it("[R17] [R50] is done, unless what was seen may have been hers", () => {
    expect(answered("accepted", CONFIRMED).pending).toBeNull();
    const open = { ackTick: 9, ackAtMs: NOW_MS };
    expect(answered("accepted").pending).toMatchObject(open);
    expect(answered("accepted", { ...CONFIRMED, cover: "session" }).pending).toMatchObject(open);
    expect(answered("accepted", { ...CONFIRMED, overtaken: true }).pending).toMatchObject(open);
  });

  it("[R11] [R50] took our cover away, if that is what it was for", () => {
    const ours = { cover: "session", covering: "InACall" } as const;
    const after = (write: Partial<Pending>) => answered("accepted", write, ours);
    const gone = { cover: "none", covering: null };
    expect(after({ ...WITHDRAWAL, ...CONFIRMED })).toMatchObject(gone);
    expect(after(WITHDRAWAL)).toMatchObject(ours);
    expect(after({ ...WITHDRAWAL, ...CONFIRMED, overtaken: true })).toMatchObject(ours);
    expect(after(CONFIRMED)).toMatchObject({ cover: "preferred", covering: "Busy" });
  });

  it("[R53] needs no second attempt, even if its answer never comes", () => {
    expect(answered("unknown", CONFIRMED)).toMatchObject({ pending: null, tried: 5 });
  });

  it("[R308] [R53] is as if it had not been seen, where a call of hers looks just the same", () => {
    const session = { ...CONFIRMED, cover: "session", status: "InACall" } as const;
    expect(answered("unknown", session, { seen: "InACall" })).toMatchObject({
      seen: "Available",
      pending: { unknown: true, confirmed: false },
      tried: 4,
    });
  });
});

describe("what is tried again", () => {
  it("[R32] a write that is outdated when its answer comes is looked at again", () => {
    expect(answered("accepted", {}, { tried: 6 }, 6).tried).toBe(5);
    expect(answered("accepted", {}, { tried: 3 }, 6).tried).toBe(3);
    expect(answered("accepted", {}, { tried: 5 }, 5).tried).toBe(5);
  });

  it.each<Outcome>(["deferred", "unknown"])(
    "[R52] [R53] %s: for the same intent, later",
    (what) => {
      const later = { failures: 2, retryAtMs: NOW_MS + 1_000, tried: 4 };
      expect(answered(what)).toMatchObject(later);
      expect(answered(what, {}, { tried: 2 })).toMatchObject({ ...later, tried: 2 });
    },
  );

  it("[R51] a refusal changes nothing but the health", () => {
    expect(answered("refused")).toEqual({
      ...answered("deferred"),
      health: "rejected",
      tried: 5,
      failures: 1,
      retryAtMs: 0,
    });
  });

  it("[R31] an answer ends the waiting", () => {
    expect(answered("accepted", {}, { retryAtMs: 7 })).toMatchObject({ failures: 0, retryAtMs: 0 });
  });
});

describe("[R53] what lies in Teams while nobody knows whether a write arrived", () => {
  const preferred = { cover: "preferred", covering: "Away" } as const;
  const session = { cover: "session", covering: "InACall" } as const;
  const none = { cover: "none", covering: null } as const;

  it.each<[string, Partial<Pending>, Partial<Endpoint>, Partial<Endpoint>]>([
    ["one of ours that a preferred presence was to replace", {}, session, session],
    ["the preferred presence, where nothing lay", {}, none, { ...preferred, covering: "Busy" }],
    ["the session that was to lie over it", { ...session, status: "InACall" }, preferred, session],
    ["what was to be taken away", WITHDRAWAL, preferred, preferred],
  ])("%s", (_what, write, before, after) => {
    const { covering: _covering, ...rest } = write as Partial<Pending & Endpoint>;
    expect(answered("unknown", rest, before)).toMatchObject({
      ...after,
      pending: { unknown: true },
    });
  });
});

describe("[R54] a restart with another list of systems", () => {
  it("a system that the rep does not know yet has no write in flight", () => {
    const rep = newRep([TEAMS]);
    expect(recover(rep, POLICY, NOW_MS)).toBe(rep);
  });
});
