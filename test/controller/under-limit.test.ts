import { expect, test } from "vitest";
import { Crew, end, person, POLL_MS } from "./crew.ts";

const PACE = { burst: 5, perSecond: 10 };
/** The share of requests that are reads while writes wait. */
const ONE_READ_IN = 20;

test("[R45] [R47] under a limit what leaves is writes, and no window holds more than the limit", async () => {
  const people = Array.from({ length: 400 }, (_, index) => person(`rep${index}`));
  const { crew, watch } = await Crew.onDuty({ people, teamsPace: PACE });
  await crew.clock.advance(5_000);
  const fromMs = crew.clock.nowMs();
  for (const [index, { rep }] of people.entries()) {
    if (index % 2 === 0) crew.dynamics.choose(rep, "Busy");
    else crew.teams.choose(rep, "Busy");
    watch.controller.hint(rep, crew.dynamics.system);
  }
  await crew.clock.advance(120_000);
  for (const one of people) expect(crew.shown(one)).toEqual(["Busy", "Busy"]);

  const lastMs = Math.max(...crew.teams.arrivals.map(({ atMs }) => atMs));
  const left = crew.teams.departuresMs.filter((atMs) => atMs >= fromMs && atMs <= lastMs);
  const writes = crew.teams.arrivals.length;
  const polls = (lastMs - fromMs) / POLL_MS;
  expect(left.length - writes).toBeLessThan(left.length / ONE_READ_IN + polls + PACE.burst);

  // A write may hold its permission until the read comes that it waits for.
  const held = 2 * ONE_READ_IN;
  for (const [first, sinceMs] of left.entries()) {
    for (let last = first; last < left.length; last += 1) {
      const most = PACE.burst + held + (PACE.perSecond * ((left[last] ?? 0) - sinceMs)) / 1_000;
      expect(last - first + 1).toBeLessThanOrEqual(most);
    }
  }
  await end(watch);
});
