import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadDrive } from "./drive.ts";
import { DRIVE_MUTANTS, writeDriveMutant } from "./mutants.ts";
import { simulate } from "./simulation.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drive-mutants-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A simulation that no longer kills these is broken, however green it looks. */
describe("a plausible shortcut in the driving layer is caught", () => {
  it.each(DRIVE_MUTANTS)("$name", { timeout: 600_000 }, async (mutant) => {
    const drive = await loadDrive(await writeDriveMutant(mutant, folder));
    let caught: string | null = null;
    for (let seed = 0; seed < mutant.seeds && caught === null; seed += 1) {
      const { violation } = await simulate(seed, mutant.climate, drive);
      caught = violation?.message ?? null;
    }
    expect(caught, "the mutant survives").not.toBeNull();
  });
});
