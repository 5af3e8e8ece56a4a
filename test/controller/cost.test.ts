import { expect, test } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { ANA, Crew, end, person, type Watch } from "./crew.ts";

const stored = ({ controller }: Watch): number => controller.document(ANA.rep)?.generation ?? 0;

test("[R355] a change is stored twice, and a look that finds what is known stores nothing", async () => {
  const { crew, watch } = await Crew.onDuty();
  const before = stored(watch);
  crew.dynamics.choose(ANA.rep, "Busy");
  watch.controller.hint(ANA.rep, DYNAMICS);
  await crew.clock.advance(100);
  expect(stored(watch)).toBe(before + 1);
  await crew.clock.advance(5_000);
  expect(crew.shown()).toEqual(["Busy", "Busy"]);
  expect(stored(watch)).toBe(before + 2);

  const { reads } = crew.dynamics;
  watch.controller.hint(ANA.rep, DYNAMICS);
  await crew.clock.advance(1_000);
  expect(crew.dynamics.reads).toBeGreaterThan(reads);
  expect(stored(watch)).toBe(before + 2);
  await end(watch);
});

test("[R355] whoever stops before the second is stored has stored what was accepted", async () => {
  const { crew, watch } = await Crew.onDuty();
  crew.dynamics.choose(ANA.rep, "Busy");
  watch.controller.hint(ANA.rep, DYNAMICS);
  await crew.clock.advance(100);
  expect(crew.writes).toBe(1);
  await end(watch);
  const document = await crew.engine.get(ANA.rep);
  expect(document?.rep.systems[TEAMS]?.pending).toMatchObject({ unknown: false });
  expect(document?.rep.systems[TEAMS]?.pending?.ackTick).not.toBeNull();
});

test("[R54] [R355] whoever dies before it leaves a write of unknown outcome: it is read, and nothing is written twice", async () => {
  const { crew, watch } = await Crew.onDuty();
  crew.dynamics.choose(ANA.rep, "Busy");
  watch.controller.hint(ANA.rep, DYNAMICS);
  await crew.clock.advance(100);
  for (const sweep of watch.sweeps) void sweep.stop();
  expect((await crew.engine.get(ANA.rep))?.rep.systems[TEAMS]?.pending?.ackTick).toBeNull();

  const next = await crew.begin();
  await crew.clock.advance(15_000);
  expect(crew.shown()).toEqual(["Busy", "Busy"]);
  expect(next.controller.document(ANA.rep)?.rep.systems[TEAMS]?.pending).toBeNull();
  expect(crew.writes).toBe(1);
  await end(next);
});

test("[R47] those who are to be looked at later share the moment, and with it the call", async () => {
  const people = Array.from({ length: 20 }, (_, index) => person(`rep${index}`));
  const { crew, watch } = await Crew.onDuty({ people });
  crew.dynamics.latencyMs = 0;
  const { reads } = crew.dynamics;
  const fromMs = crew.clock.nowMs();
  for (const { rep } of people) {
    watch.controller.hint(rep, DYNAMICS, 200);
    await crew.clock.advance(5);
  }
  await crew.clock.advance(400);
  const left = crew.dynamics.departuresMs.slice(reads).filter((atMs) => atMs >= fromMs + 200);
  // A hundred milliseconds hold two or three moments; a poll may fall between them.
  expect(left.length).toBeGreaterThanOrEqual(2);
  expect(left.length).toBeLessThanOrEqual(4);
  await end(watch);
});

test("[R357] [P15] a session that her own status hides is renewed twice an hour, and no more often", async () => {
  const { crew, watch } = await Crew.onDuty();
  await crew.tell(watch, crew.call("call-1", 240));
  await crew.clock.advance(60_000);
  crew.teams.choose(ANA.rep, "DoNotDisturb");
  await crew.clock.advance(60_000);
  crew.dynamics.choose(ANA.rep, "Busy");
  await crew.clock.advance(60_000);
  expect(crew.teams.person(ANA.rep)).toMatchObject({ session: true, preferred: "DoNotDisturb" });
  const before = crew.teams.arrivals.length;
  await crew.clock.advance(3 * 3_600_000);
  const renewals = crew.teams.arrivals.slice(before);
  expect(renewals.every(({ renewal }) => renewal)).toBe(true);
  expect(renewals.length).toBeGreaterThanOrEqual(5);
  expect(renewals.length).toBeLessThanOrEqual(7);
  await end(watch);
});
