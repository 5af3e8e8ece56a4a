import { describe, expect, test } from "vitest";
import { SystemError } from "../../src/connectors/connector.ts";
import { ANA, BEN, Crew, person, POLL_MS } from "./crew.ts";

describe("a sweep", () => {
  test("that fails is tried again at its next turn", async () => {
    const { crew, watch } = await Crew.onDuty();
    const [sweep] = watch.sweeps;
    const before = sweep?.completed ?? 0;
    crew.teams.readTroubles.push({ kind: "down" });
    await crew.clock.advance(POLL_MS);
    expect(sweep?.completed).toBe(before);
    expect(crew.systemErrors).toEqual([expect.any(SystemError)]);
    await crew.clock.advance(POLL_MS + 100);
    expect(sweep?.completed).toBe(before + 1);
  });

  test("nor does a fault that nobody foresaw end the sweeps", async () => {
    const { crew, watch } = await Crew.onDuty();
    const [sweep] = watch.sweeps;
    const before = sweep?.completed ?? 0;
    crew.teams.readTroubles.push({ kind: "broken" });
    await crew.clock.advance(2 * POLL_MS);
    expect(crew.faults).toEqual([expect.any(TypeError)]);
    expect(sweep?.completed).toBe(before + 1);
  });

  test("[R46] that is throttled pauses its system, and not the other one", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.readTroubles.push({ kind: "throttled", retryAfterMs: 60_000 });
    await crew.clock.advance(POLL_MS);
    expect([watch.paces.teams.isPaused, watch.paces.dynamics.isPaused]).toEqual([true, false]);
    const left = crew.teams.departuresMs.length;
    const swept = crew.dynamics.reads;
    await crew.clock.advance(50_000);
    expect(crew.teams.departuresMs).toHaveLength(left);
    expect(crew.dynamics.reads).toBeGreaterThan(swept + 5);
    await crew.clock.advance(20_000);
    expect(crew.teams.departuresMs.length).toBeGreaterThan(left);
  });

  test("is the first look at everybody who was there when it began: no calls are made for them one by one", async () => {
    const people = Array.from({ length: 50 }, (_, index) => person(`rep-${index}`));
    const { crew, watch } = await Crew.onDuty({ people });
    const sweeps = watch.sweeps.map(({ completed }) => completed);
    // What one system shows is compared with the other by one more look at all of them.
    const calls = crew.teams.reads + crew.dynamics.reads;
    expect(calls - sweeps.reduce((sum, completed) => sum + completed)).toBeLessThanOrEqual(1);
    const { rep } = watch.controller.document(person("rep-7").rep) ?? {};
    expect(Object.values(rep?.systems ?? {}).map(({ seen }) => seen)).toEqual([
      "Available",
      "Available",
    ]);
  });

  test("[R48] offers only news: a rep who is as she was is not looked at", async () => {
    const { crew, watch } = await Crew.onDuty({ people: [ANA, BEN] });
    const before = watch.controller.document(ANA.rep);
    crew.teams.choose(BEN.rep, "Busy");
    await crew.clock.advance(2 * POLL_MS);
    expect(watch.controller.document(ANA.rep)).toBe(before);
    expect(crew.shown(BEN)).toEqual(["Busy", "Busy"]);
  });

  test("says nothing about whoever the system does not mention", async () => {
    const { crew, watch } = await Crew.onDuty({ people: [ANA, BEN] });
    const before = watch.controller.document(ANA.rep);
    crew.teams.leave(ANA.rep);
    crew.dynamics.leave(ANA.rep);
    await crew.clock.advance(4 * POLL_MS);
    expect(watch.controller.document(ANA.rep)).toBe(before);
  });

  test("can be stopped while it reads, and reports nothing then", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.readTroubles.push({ kind: "down" });
    const [sweep] = watch.sweeps;
    const swept = sweep?.once();
    await crew.clock.settle();
    const stopped = sweep?.stop();
    await crew.clock.advance(1_000);
    await stopped;
    expect(await swept).toBe(false);
    expect(crew.systemErrors).toEqual([]);
    const { reads } = crew.teams;
    await crew.clock.advance(10 * POLL_MS);
    expect(crew.teams.reads).toBe(reads);
  });

  test("can be stopped while its system rests", async () => {
    const { crew, watch } = await Crew.onDuty();
    watch.paces.teams.pause(600_000);
    await crew.clock.advance(2 * POLL_MS);
    await watch.sweeps[0]?.stop();
    const { reads } = crew.teams;
    await crew.clock.advance(700_000);
    expect(crew.teams.reads).toBe(reads);
  });

  test("[R45] waits for as many permissions as it makes calls", async () => {
    const people = ["a", "b", "c", "d", "e"].map(person);
    const { crew, watch } = await Crew.onDuty({ people, teamsPace: { burst: 10, perSecond: 0.2 } });
    const [sweep] = watch.sweeps;
    crew.teams.repsPerCall = 2;
    while (watch.paces.teams.takeNow());
    const { completed = 0 } = sweep ?? {};
    // A part of a token was there already.
    await crew.clock.advance(2 * 5_000);
    expect(sweep?.completed).toBe(completed);
    await crew.clock.advance(5_100);
    expect(sweep?.completed).toBe(completed + 1);
  });
});
