import { expect, test } from "vitest";
import { Crew, end, person } from "./crew.ts";

test("[R45] a write that takes two calls counts as two: who comes after it waits so much longer", async () => {
  const people = Array.from({ length: 30 }, (_, index) => person(`rep${index}`));
  const { crew, watch } = await Crew.onDuty({ people, teamsPace: { burst: 4, perSecond: 2 } });
  crew.teams.callsPerWrite = 2;
  // The bucket is full again.
  await crew.clock.advance(5_000);
  const fromMs = crew.clock.nowMs();
  for (const { rep } of people) {
    crew.dynamics.choose(rep, "Busy");
    watch.controller.hint(rep, crew.dynamics.system);
  }
  await crew.clock.advance(120_000);
  for (const one of people) expect(crew.shown(one)).toEqual(["Busy", "Busy"]);
  expect(crew.teams.arrivals).toHaveLength(30);
  const writtenMs = Math.max(...crew.teams.arrivals.map(({ atMs }) => atMs));
  const next = crew.teams.departuresMs.find((atMs) => atMs > writtenMs) ?? 0;
  // 60 calls at two a second, less a burst; the reads come on top.
  expect(next - fromMs).toBeGreaterThan(((60 - 4) / 2) * 1_000);
  await end(watch);
});
