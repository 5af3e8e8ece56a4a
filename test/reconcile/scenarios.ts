import assert from "node:assert/strict";
import { DYNAMICS, systemName, TEAMS } from "../../src/presence/identity.ts";
import type { Core } from "../model/core.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { POLICY } from "./profiles.ts";
import { Stage } from "./stage.ts";

/**
 * What the model cannot say of itself, because it asks the core which status is wanted. Each is played on the
 * real core, and on the mutant that it must kill.
 */
export const SCENARIOS: Readonly<Record<string, (core: Core) => void>> = {
  "a choice made after a meeting began counts": (core) => {
    const stage = Stage.settled(core);
    stage.teams("InAMeeting");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Available");
    const writes = stage.settle();
    assert.deepEqual(
      writes.filter(({ system }) => system === DYNAMICS),
      [],
    );
    assert.equal(stage.endpoint(DYNAMICS).seen, "Available");
  },

  "a meeting in Teams is left alone in Teams": (core) => {
    const stage = Stage.settled(core);
    stage.teams("InAMeeting");
    const written = stage.settle().map(({ system, shows }) => [system, shows]);
    assert.deepEqual(written, [[DYNAMICS, "Busy"]]);
  },

  "[R315] what replaced her choice is put back after a call": (core) => {
    const stage = Stage.settled(core);
    stage.teams("Away");
    stage.settle();
    stage.wait(60_000);
    stage.hold("screen", 600_000, "DoNotDisturb");
    stage.settle();
    stage.release("screen");
    stage.settle();
    stage.hold("call");
    stage.settle();
    stage.wait(60_000);
    stage.release("call");
    const written = stage.settle().filter(({ system }) => system === TEAMS);
    assert.deepEqual(
      written.map(({ from, to, shows }) => [from, to, shows]),
      [["session", "preferred", "Away"]],
    );
  },

  "[R314] a session that was cut in half still takes our entry away": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Away");
    stage.settle();
    stage.hold("call");
    // The second is not even sent: that the first was cut in half is not forgotten for it.
    for (const outcome of ["unknown", "deferred", "unknown"] as const) {
      const write = stage.nextWrite(TEAMS);
      assert.deepEqual([write.from, write.to], ["preferred", "session"]);
      stage.answer(write, outcome);
      stage.wait(60_000);
      stage.teams("Away");
    }
    assert.equal(stage.nextWrite(TEAMS).from, "preferred");
  },

  "[R312] a meeting that began beneath our entry protects her when it comes to light": (core) => {
    const stage = Stage.settled(core);
    for (const chosen of ["Away", "Available"] as const) {
      stage.dynamics(chosen);
      stage.settle();
      stage.wait(60_000);
    }
    stage.dynamics("Busy", { automatic: "soft" });
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Available", { automatic: "soft" });
    stage.answer(stage.nextWrite(TEAMS), "accepted");
    stage.wait(60_000);
    assert.equal(stage.teams("InAMeeting"), "uncovered");
    stage.settle();
    assert.equal(stage.endpoint(DYNAMICS).seen, "Busy");
  },

  "[R311] a call is seen where what Dynamics counts by itself is not shown in Teams": (core) => {
    const systems = POLICY.systems.map((profile) =>
      profile.name === DYNAMICS ? { ...profile, keepsToItself: ["Busy" as const] } : profile,
    );
    const stage = Stage.settled(core, { ...POLICY, systems });
    stage.dynamics("Busy", { automatic: "soft" });
    assert.deepEqual(stage.settle(), []);
    assert.equal(core.topOf(stage.rep)?.status, "Busy");
    stage.wait(60_000);
    stage.teams("InACall");
    stage.settle();
    assert.equal(core.topOf(stage.rep)?.status, "InACall");
    stage.dynamics("Busy - DND", { automatic: "soft" });
    stage.teams("Available");
    const written = stage.settle().map(({ system, shows }) => [system, shows]);
    assert.deepEqual(written, [[TEAMS, "DoNotDisturb"]]);
  },

  "a meeting does not replace what she chose in Dynamics": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Away");
    stage.settle();
    stage.wait(60_000);
    stage.teams("InAMeeting");
    assert.deepEqual(stage.settle(), []);
  },

  "a call that goes on after a long silence of its client still protects her": (core) => {
    const stage = Stage.settled(core);
    stage.teams("InACall");
    stage.settle();
    stage.teams("Offline");
    stage.wait(stage.policy.absenceGraceMs);
    stage.settle();
    assert.equal(stage.endpoint(DYNAMICS).seen, "Available");
    stage.teams("InACall");
    stage.settle();
    assert.equal(stage.endpoint(DYNAMICS).seen, "Busy");
  },

  "a write that fell into a lost connection was not taken back by her": (core) => {
    const stage = Stage.settled(core);
    stage.hold("call");
    const write = stage.nextWrite(DYNAMICS);
    stage.dynamics("Offline");
    stage.answer(write, "accepted");
    stage.wait(1_000);
    assert.equal(stage.dynamics("Available"), "returned");
    stage.wait(60_000);
    assert.equal(stage.dynamics("Available"), "settled");
    assert.equal(stage.nextWrite(DYNAMICS).shows, "Busy");
  },

  "[R51] what Dynamics refuses twice is not tried again": (core) => {
    const stage = Stage.settled(core);
    const toDynamics = (): readonly Write[] =>
      stage.plan().writes.filter(({ system }) => system === DYNAMICS);
    stage.hold("call");
    for (let time = 0; time < 2; time += 1) {
      stage.answer(stage.nextWrite(DYNAMICS), "refused");
      stage.wait(60_000);
    }
    stage.dynamics("Available");
    assert.deepEqual(toDynamics(), []);
    assert.equal(stage.endpoint(DYNAMICS).health, "rejected");
    stage.decree("DoNotDisturb");
    assert.equal(stage.nextWrite(DYNAMICS).shows, "DoNotDisturb");
  },

  "a read of Teams that left before the call ended does not release Dynamics": (core) => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.settle();
    const startedTick = stage.rep.tick;
    stage.release("call");
    stage.teams("Available", { startedTick });
    stage.dynamics("Busy");
    const { reads, writes } = stage.plan();
    assert.deepEqual([reads, writes], [[TEAMS], []]);
  },

  "a call does not weaken DoNotDisturb in Dynamics": (core) => {
    const stage = Stage.settled(core);
    stage.teams("DoNotDisturb");
    stage.settle();
    stage.wait(60_000);
    stage.hold("call");
    stage.settle();
    assert.equal(stage.endpoint(DYNAMICS).seen, "DoNotDisturb");
  },

  "a manual status of hers that agreed with ours is not ours to clear": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Away");
    assert.equal(stage.teams("Away"), "agrees");
    stage.settle();
    stage.wait(60_000);
    stage.hold("call");
    const toTeams = stage.settle().filter(({ system }) => system === TEAMS);
    assert.deepEqual(
      toTeams.map(({ from }) => from),
      ["none"],
    );
  },

  "[R7] a late clearing of a preferred status is no choice of Available": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.hold("call");
    const cut = stage.nextWrite(TEAMS);
    assert.deepEqual([cut.from, cut.to], ["preferred", "session"]);
    stage.answer(cut, "unknown");
    stage.wait(1_000);
    // Its first half arrived: a session, which the preferred status hides.
    stage.teams("Busy");
    stage.release("call");
    stage.settle();
    assert.equal(stage.endpoint(TEAMS).seen, "Busy");
    stage.wait(1_000);
    assert.equal(stage.teams("Available"), "late echo");
    stage.settle();
    assert.equal(stage.endpoint(TEAMS).seen, "Busy");
    assert.equal(stage.rep.base.status, "Busy");
  },

  "a manual status that she put over ours is not ours to clear": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(60_000);
    stage.teams("BeRightBack");
    stage.settle();
    stage.wait(60_000);
    stage.hold("call");
    const toTeams = stage.settle().filter(({ system }) => system === TEAMS);
    assert.deepEqual(
      toTeams.map(({ from }) => from),
      ["none"],
    );
  },

  "[R110] [R111] [R112] another automation is not fed, is named, and is left behind when it stops":
    (core) => {
      const stage = Stage.settled(core);
      const flip = (times: number): Write[] =>
        Array.from({ length: times }, (_, time) => {
          stage.dynamics(time % 2 === 0 ? "Busy" : "Available", { by: "user 42" });
          const written = stage.settle();
          stage.wait(1_000);
          return written;
        }).flat();
      const writes = flip(200);
      assert.ok(writes.length > 0 && writes.length < 20, `${writes.length} writes`);
      assert.equal(stage.rep.fight?.system, DYNAMICS);
      assert.equal(stage.rep.fight.by, "user 42");
      assert.deepEqual(stage.rep.fight.between.toSorted(), ["Available", "Busy"]);
      assert.equal(stage.rep.fight.changes, 200);
      stage.dynamics("Busy");
      assert.deepEqual(stage.settle(), []);
      // What a desk phone reports is no part of the fight.
      stage.hold("call");
      assert.equal(stage.settle().length, 1);
      stage.release("call");
      stage.settle();
      stage.wait(stage.policy.fightQuietMs);
      stage.settle();
      assert.equal(stage.rep.fight, null);
      assert.equal(stage.endpoint(TEAMS).seen, "Busy");
      stage.wait(60_000);
      stage.dynamics("Available");
      assert.notEqual(stage.settle().length, 0);
      assert.equal(stage.endpoint(TEAMS).seen, "Available");
    },

  "[R110] a rep whom people keep busy is no fight": (core) => {
    const stage = Stage.settled(core);
    for (let call = 0; call < 9; call += 1) {
      stage.teams("InACall");
      stage.settle();
      stage.wait(60_000);
      stage.teams("Available");
      stage.settle();
      stage.wait(6_000);
      assert.equal(stage.endpoint(DYNAMICS).seen, "Available");
    }
    assert.equal(stage.rep.fight, null);
  },

  "[R37] what is left of a spent budget goes to a write that protects": (core) => {
    const stage = Stage.settled(core, { ...POLICY, writesPerHour: 4 });
    const talk = (): void => {
      stage.teams("InACall");
      stage.settle();
      stage.wait(400_000);
      stage.teams("Available");
      stage.settle();
      stage.wait(400_000);
    };
    talk();
    assert.equal(stage.endpoint(DYNAMICS).seen, "Available");
    talk();
    assert.equal(stage.endpoint(DYNAMICS).seen, "Busy");
    assert.equal(stage.rep.writesMs.length, 3);
  },

  "[R119] a command that has an end gives way to what was chosen before": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Away");
    stage.settle();
    stage.wait(60_000);
    stage.decree("Busy", 600_000);
    stage.settle();
    assert.equal(stage.endpoint(TEAMS).seen, "Busy");
    stage.wait(600_000);
    stage.settle();
    assert.equal(stage.endpoint(TEAMS).seen, "Away");
  },

  "[R111] who fights is remembered": (core) => {
    const stage = Stage.settled(core);
    for (let change = 0; change < 22; change += 1) {
      const by = change < 20 ? { by: "another automation" } : {};
      stage.dynamics(change % 2 === 0 ? "Busy" : "Available", by);
      stage.wait(5_000);
    }
    assert.equal(stage.rep.fight?.by, "another automation");
  },

  "[R117] a renewed entry hides since it was first set": (core) => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    const sinceMs = stage.nowMs;
    stage.settle();
    for (let hour = 0; hour < 9; hour += 1) {
      stage.wait(3_600_000);
      stage.settle();
    }
    assert.equal(stage.endpoint(TEAMS).coveredSinceMs, sinceMs);
  },

  "[R58] a shift end during a call applies when it is over": (core) => {
    const stage = Stage.settled(core);
    stage.hold("call");
    stage.settle();
    const origin = { source: systemName("planner"), eventId: "1", atMs: stage.nowMs };
    stage.rep = core.takeEvent(stage.rep, { type: "shift.ended" }, origin, stage.policy);
    stage.settle();
    assert.equal(stage.endpoint(TEAMS).seen, "InACall");
    stage.release("call");
    stage.settle();
    assert.equal(stage.endpoint(TEAMS).seen, "Offline");
  },

  "[R322] a choice that she made since is not lifted": (core) => {
    const stage = Stage.settled(core);
    stage.teams("DoNotDisturb");
    stage.settle();
    const choice = stage.rep.base.intent;
    stage.teams("Away");
    stage.settle();
    const origin = { source: systemName("a manager"), eventId: "1", atMs: stage.nowMs };
    stage.rep = core.takeEvent(stage.rep, { type: "manual.lifted", choice }, origin, stage.policy);
    assert.equal(stage.rep.base.status, "Away");
  },

  "[R309] what follows Inactive is her choice": (core) => {
    const stage = Stage.settled(core);
    stage.teams("Busy");
    stage.settle();
    stage.dynamics("Inactive");
    stage.settle();
    stage.teams("BeRightBack");
    stage.settle();
    stage.dynamics("Busy");
    assert.equal(stage.rep.base.status, "Busy");
  },

  "[R307] a call that was given up does not come to light": (core) => {
    const { stage, withdrawal } = beforeGivingUp(core);
    stage.answer(withdrawal, "accepted");
    stage.wait(stage.policy.absenceGraceMs);
    stage.plan();
    const { intent } = stage.rep;
    assert.equal(stage.teams("Available"), "uncovered");
    assert.equal(stage.rep.intent, intent);
    assert.equal(stage.settle().at(-1)?.shows, "Busy");
  },

  "[R307] a call that was given up does not wait behind a closed client": (core) => {
    const { stage, withdrawal } = beforeGivingUp(core);
    stage.wait(stage.policy.absenceGraceMs);
    stage.plan();
    stage.answer(withdrawal, "accepted");
    stage.wait(5_000);
    stage.teams("Offline");
    stage.teams("Available");
    assert.equal(stage.rep.base.status, "Busy");
  },
};

/** Busy was written beneath a call of hers, then she closed Teams: our entry is being taken away to lay the call bare. */
function beforeGivingUp(core: Core): { readonly stage: Stage; readonly withdrawal: Write } {
  const stage = Stage.settled(core);
  stage.dynamics("Busy");
  const busy = stage.nextWrite(TEAMS);
  stage.teams("InACall");
  stage.answer(busy, "accepted");
  stage.wait(5_000);
  stage.teams("Offline");
  const withdrawal = stage.nextWrite(TEAMS);
  assert.equal(withdrawal.to, "none");
  return { stage, withdrawal };
}
