import { describe, expect, it } from "vitest";
import { TEAMS } from "../../src/presence/identity.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { backOffMs } from "../../src/reconcile/delivery.ts";
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
    stage.dynamics("Offline");
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
