import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFECTS } from "../reconcile/defects.ts";
import { SCENARIOS } from "../reconcile/scenarios.ts";
import { loadCore } from "./core.ts";
import { explore } from "./explorer.ts";
import { writeMutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { BASE_SETTING } from "./setting.ts";

const MAX_STATES = 500_000;
const SPARED_STATES = 100_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mutants-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A checker that no longer kills these is broken, however green it looks. */
describe("a plausible shortcut in the core is caught", () => {
  it.each(MUTANTS)("$name", { timeout: 600_000 }, async (mutant) => {
    const core = await loadCore(await writeMutant(mutant, folder));
    const { killedBy } = mutant;
    if ("scenario" in killedBy) {
      const play = SCENARIOS[killedBy.scenario] ?? DEFECTS[killedBy.scenario];
      if (!play) throw new Error(`there is no scenario "${killedBy.scenario}"`);
      expect(() => play(core), "the mutant survives").toThrow();
      return;
    }
    const setting = { ...BASE_SETTING, ...killedBy.setting, name: mutant.name };
    const { violation } = explore(setting, core, MAX_STATES);
    expect(violation, "the mutant survives").not.toBeNull();
    expect(violation?.invariant).toBe(killedBy.invariant);
    if (!killedBy.spared) return;
    const poorer = { ...BASE_SETTING, ...killedBy.spared, name: mutant.name };
    expect(explore(poorer, core, SPARED_STATES).violation, "it takes less to find it").toBeNull();
  });
});
