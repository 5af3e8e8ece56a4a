import { describe, expect, it } from "vitest";
import { loadCore } from "../model/core.ts";
import { explore } from "../model/explorer.ts";
import { EVERY_RUN } from "../model/settings.ts";
import { walk } from "../model/walk.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

/** Breadth first, so that what is near the beginning is complete; a mutant is asked hundreds of times. */
const MAX_STATES = 1_000;

/**
 * The explorer as far as mutation testing can afford it: the beginning of every setting. `npm test` does not run
 * this file, because `explorer.test.ts` goes much further.
 */
describe("whatever the order of the first events", () => {
  it.each(EVERY_RUN)("$setting.name", ({ setting }) => {
    const { violation } = explore(setting, core, MAX_STATES);
    expect(violation, `${violation?.invariant}: ${violation?.says}`).toBeNull();
  });
});

const SCHEDULES = 6;

describe("whatever happens for long", () => {
  it(`${SCHEDULES} random schedules`, () => {
    for (let seed = 0; seed < SCHEDULES; seed += 1) {
      const { violation } = walk(seed, core);
      expect(violation, `seed ${seed}: ${violation?.says}`).toBeNull();
    }
  });
});
