import assert from "node:assert/strict";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { Core } from "../model/core.ts";
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
};
