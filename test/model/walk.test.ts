import { describe, expect, it } from "vitest";
import { loadCore } from "./core.ts";
import { FLAPPING_SEEDS, PAUSING_SEEDS, walk } from "./walk.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const SEEDS = 1_000;
const LONG = { timeout: 1_800_000 };

/** Seeds that once showed a defect, with what was wrong. They stay. */
const REMEMBERED: readonly (readonly [number, string])[] = [
  [70, "a call given up after its grace is an intent of its own, planned once"],
  [125, "what Teams shows after a given-up call is no choice of hers"],
  [2510, "a read that left before the intent does not release Dynamics"],
  [2817, "nor does one that agrees with a choice made since"],
  [6426, "what a late clearing of our preferred status lays bare is no choice"],
  [11467, "what still shows does not prove that the late write of the same class has landed"],
];

describe("[P1] [P2] [P3] [P9] [P10] [P13] [P15] long random schedules end quiet, and stay quiet", () => {
  it.each(REMEMBERED)("seed %i: %s", (seed) => {
    const { violation, trace } = walk(seed, core);
    expect(violation, trace.slice(-40).join("\n")).toBeNull();
  });

  it(`[R113] [R115] ${SEEDS / 4} schedules in which syncing is paused and goes on`, LONG, () => {
    let pauses = 0;
    for (let seed = PAUSING_SEEDS; seed < PAUSING_SEEDS + SEEDS / 4; seed += 1) {
      const { violation, trace } = walk(seed, core);
      expect(violation, `seed ${seed}\n${trace.slice(-60).join("\n")}`).toBeNull();
      pauses += trace.filter((step) => step === "syncing is paused").length;
    }
    expect(pauses).toBeGreaterThan(SEEDS / 4);
  });

  it(`[R310] ${SEEDS / 4} schedules in which she loses her connection to Dynamics`, LONG, () => {
    let returns = 0;
    for (let seed = FLAPPING_SEEDS; seed < FLAPPING_SEEDS + SEEDS / 4; seed += 1) {
      const { violation, trace } = walk(seed, core);
      expect(violation, `seed ${seed}\n${trace.slice(-60).join("\n")}`).toBeNull();
      returns += trace.filter((step) => step.endsWith("(returned)")).length;
    }
    expect(returns).toBeGreaterThan(SEEDS / 10);
  });

  it(`${SEEDS} schedules of more than 900 steps on average`, LONG, () => {
    let steps = 0;
    let writes = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const result = walk(seed, core);
      const trace = result.trace.slice(-60).join("\n");
      expect(result.violation, `seed ${seed}\n${trace}`).toBeNull();
      steps += result.steps;
      writes += result.writes;
    }
    expect(steps / SEEDS).toBeGreaterThan(900);
    expect(writes / SEEDS).toBeGreaterThan(20);
  });
});
