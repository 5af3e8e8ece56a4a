import { expect, it } from "vitest";
import type { ClimateName } from "./climate.ts";
import { runSeeds } from "./seeds.ts";

/** Lives in which a promise was broken once, with what was wrong. They stay. */
const REMEMBERED: readonly (readonly [ClimateName, number, string])[] = [
  ["instances", 76, "[R305] what the other instance had under way was taken for lost"],
  ["instances", 163, "[R305] what the other instance had under way was taken for lost"],
  ["instances", 177, "[R305] what the other instance had under way was taken for lost"],
  ["instances", 329, "[R305] what the other instance had under way was taken for lost"],
  ["unversioned", 106, "[R300] what lay behind a closed client was forgotten after a while"],
  ["hours", 134, "[R300] what was written before hours of silence was forgotten"],
  ["hours", 278, "[R300] what was written before hours of silence was forgotten"],
  ["rush", 11_032, "[P7] the simulation let time pass before what it had let go could go on"],
  ["network", 209, "[P13] the simulation believed a call that was renewed after its time"],
  ["hours", 27, "[P2] the simulation did not count what it asks for at the end"],
  ["rush", 54, "[R315] what replaced her choice was not put back after a call"],
  ["network", 30_335, "[R315] nor where a command had replaced it, and was taken back"],
  ["disk", 30_235, "[R315] nor where a command had lifted it"],
  ["everything", 30_821, "[R36] a call that was seen while the disk was full was forgotten"],
  ["unversioned", 246, "[R301] what a write took away late was taken for her choice"],
  ["swizzle", 413, "[P4] the simulation ended a session of which the service knew"],
  ["unversioned", 1_653, "[P13] the simulation did not hear that a call was over"],
  [
    "everything",
    100_351,
    "[R116] who left was forgotten before a write for her arrived, and chose it when she was back",
  ],
  [
    "unversioned",
    940,
    "[R315] what she chose between two requests of ours was thought to lie there",
  ],
  ["rush", 1_682, "[R315] nor was it put back in a rush"],
  ["network", 293, "[R315] what she chose in the place of ours was taken for ours later"],
  ["hours", 231, "[R309] what she chose instead of Inactive was undone"],
  [
    "rush",
    2_432,
    "[R390] a poll that saw her call did not count, for Dynamics had spoken meanwhile",
  ],
];

it.each(REMEMBERED)("%s %i lives without a broken promise: %s", async (climate, seed) => {
  const { failures } = await runSeeds(climate, seed, 1);
  expect(failures).toEqual([]);
});
