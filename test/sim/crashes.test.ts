import { describe, expect, it } from "vitest";
import type { ClimateName } from "./climate.ts";
import { runSeeds } from "./seeds.ts";

const SEEDS = 75;
const CLIMATES: readonly ClimateName[] = ["disk", "swizzle"];

const INVARIANTS =
  "[P1] it converges, [P2] writes are bounded, [P3] [P4] each has a cause, [P5] nothing is taken twice, " +
  "[P6] nothing goes back, [P7] crossing choices join, [P8] no promise is lost, [P9] recorded before it is sent, " +
  "[P10] nobody stays behind, [P11] within the limits, [P12] the webhook harms nobody, [P13] a call protects, " +
  "[P14] nobody crosses, [P15] then it is quiet";

describe(`on a disk that fails under a process that dies: ${INVARIANTS}`, () => {
  it.each(CLIMATES)(`%s, ${SEEDS} seeds`, { timeout: 1_200_000 }, async (climate) => {
    const run = await runSeeds(climate, 0, SEEDS, (seed) => seed % 25 === 0);
    expect(run.failures).toEqual([]);
    expect(run.events / SEEDS).toBeGreaterThan(2_000);
    expect(run.writes / SEEDS).toBeGreaterThan(10);
    expect(run.covered.get("run twice, same hash")).toBe(Math.ceil(SEEDS / 25));
  });
});
