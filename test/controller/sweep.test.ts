import { describe, expect, test } from "vitest";
import { SystemError } from "../../src/connectors/connector.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
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
    await crew.clock.advance(2 * POLL_MS);
    const before = watch.controller.document(ANA.rep);
    crew.teams.choose(BEN.rep, "Busy");
    await crew.clock.advance(2 * POLL_MS);
    expect(watch.controller.document(ANA.rep)).toEqual(before);
    const busy = (who: typeof ANA): boolean =>
      [TEAMS, DYNAMICS].some((system) => watch.controller.ticks([who], system).has(who.rep));
    expect(busy(ANA), "she had no turn").toBe(false);
    expect(crew.shown(BEN)).toEqual(["Busy", "Busy"]);
  });

  test("[R390] of a system that says who has changed, looks at them and at whoever is not at rest", async () => {
    const { crew, watch } = await Crew.onDuty({ people: [ANA, BEN] });
    const { dynamics } = crew;
    await crew.clock.advance(2 * POLL_MS);
    dynamics.looked.length = 0;
    await crew.clock.advance(2 * POLL_MS);
    expect(dynamics.looked).toEqual([]);
    dynamics.choose(BEN.rep, "Busy");
    await crew.clock.advance(6 * POLL_MS);
    expect(crew.shown(BEN)).toEqual(["Busy", "Busy"]);
    expect(new Set(dynamics.looked)).toEqual(new Set([BEN.rep]));
    dynamics.looked.length = 0;
    await crew.clock.advance(2 * POLL_MS);
    expect(dynamics.looked).toEqual([]);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(2 * POLL_MS);
    expect(dynamics.looked).toContain(ANA.rep);
  });

  test("[R390] looks at everybody where that is not said, and after a sweep that failed", async () => {
    const { crew } = await Crew.onDuty({ people: [ANA, BEN] });
    const { dynamics } = crew;
    await crew.clock.advance(2 * POLL_MS);
    dynamics.readTroubles.push({ kind: "broken" });
    dynamics.looked.length = 0;
    await crew.clock.advance(2 * POLL_MS + 1_000);
    expect(dynamics.looked).toEqual([ANA.rep, BEN.rep]);
    dynamics.tells = false;
    dynamics.looked.length = 0;
    await crew.clock.advance(POLL_MS);
    expect(dynamics.looked).toEqual([ANA.rep, BEN.rep]);
  });

  test("[R390] misses nobody of whom it was told while it read others", async () => {
    const people = ["a", "b", "c"].map(person);
    const { crew } = await Crew.onDuty({ people });
    await crew.clock.advance(2 * POLL_MS);
    crew.dynamics.repsPerCall = 1;
    for (const { rep } of people) crew.dynamics.choose(rep, "Busy");
    await crew.clock.advance(2 * POLL_MS);
    expect(people.map((one) => crew.shown(one))).toEqual(people.map(() => ["Busy", "Busy"]));
  });

  test("[R390] looks at whoever has something under way in the other system until that is over", async () => {
    const { crew, watch } = await Crew.onDuty();
    await crew.clock.advance(2 * POLL_MS);
    crew.teams.latencyMs = 4 * POLL_MS;
    watch.controller.hint(ANA.rep, TEAMS);
    await crew.clock.advance(2 * POLL_MS);
    crew.dynamics.looked.length = 0;
    await crew.clock.advance(POLL_MS);
    expect(crew.dynamics.looked).toEqual([ANA.rep]);
  });

  test("[R390] is told of people who are no reps, or none yet, and makes nothing of it", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.join(BEN.rep);
    crew.dynamics.join(BEN.rep, "Busy");
    await crew.clock.advance(2 * POLL_MS);
    expect([crew.faults, await crew.history(BEN.rep)]).toEqual([[], []]);
    watch.controller.adopt(BEN, "by the next sweep");
    await crew.clock.advance(2 * POLL_MS);
    expect(crew.shown(BEN)).toEqual(["Busy", "Busy"]);
  });

  test("[R390] knows with which tick somebody woke to whom something happens while it reads", async () => {
    const { crew, watch } = await Crew.onDuty({ people: [ANA, BEN] });
    const { controller } = watch;
    const tick = (): number | undefined => controller.document(ANA.rep)?.rep.tick;
    await crew.clock.advance(2 * POLL_MS);
    expect(controller.ticks([ANA, BEN], DYNAMICS).size).toBe(0);
    const before = tick();
    expect(controller.tickAtRest(ANA.rep, DYNAMICS)).toBe(before);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(500);
    expect(tick()).toBeGreaterThan(before ?? Infinity);
    expect(controller.tickAtRest(ANA.rep, DYNAMICS)).toBe(before);
    expect([...controller.ticks([ANA, BEN], DYNAMICS)]).toEqual([[ANA.rep, tick()]]);
    controller.adopt(person("new"));
    expect(controller.tickAtRest(person("new").rep, DYNAMICS)).toBeNull();
  });

  test("[R390] what it saw counts, also of somebody to whom something happens before it is back", async () => {
    const { crew, watch } = await Crew.onDuty();
    const [teams] = watch.sweeps;
    await crew.clock.advance(2 * POLL_MS + 1_000);
    crew.teams.latencyMs = 400;
    crew.teams.choose(ANA.rep, "Busy");
    const swept = teams?.once();
    await crew.clock.advance(300);
    watch.controller.hint(ANA.rep, DYNAMICS);
    await crew.clock.advance(200);
    expect(await swept).toBe(true);
    expect(watch.controller.document(ANA.rep)?.rep.systems[TEAMS]?.seen).toBe("Busy");
  });

  test("[R390] looks again at whom a late write may still befall, though nothing has changed", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.writeTroubles.push({ kind: "lost" });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(8 * POLL_MS);
    const late = (): number =>
      watch.controller.document(ANA.rep)?.rep.systems[DYNAMICS]?.late.length ?? 0;
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    await crew.clock.advance(600_000);
    expect(late()).toBe(0);
  });

  test("says nothing about whoever the system does not mention", async () => {
    const { crew, watch } = await Crew.onDuty({ people: [ANA, BEN] });
    const before = watch.controller.document(ANA.rep);
    crew.teams.leave(ANA.rep);
    crew.dynamics.leave(ANA.rep);
    await crew.clock.advance(4 * POLL_MS);
    expect(watch.controller.document(ANA.rep)).toEqual(before);
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

  test("[R365] [R85] a part that fails costs the others nothing, and then not everybody was read", async () => {
    const people = ["a", "b", "c", "d", "e"].map(person);
    const { crew, watch } = await Crew.onDuty({ people });
    const [sweep] = watch.sweeps;
    const { completed = 0, lastReadAtMs = 0 } = sweep ?? {};
    crew.teams.repsPerCall = 1;
    // Of five calls the first fails, and another one.
    crew.teams.readTroubles.push({ kind: "down" }, { kind: "broken" }, { kind: "down" });
    for (const { rep } of people) crew.teams.choose(rep, "Busy");
    await crew.clock.advance(POLL_MS - 500);
    const busy = (): number =>
      people.filter((one) => crew.shown(one).join() === "Busy,Busy").length;
    expect(busy()).toBe(2);
    expect([sweep?.completed, sweep?.lastReadAtMs]).toEqual([completed, lastReadAtMs]);
    expect(crew.systemErrors.map(({ code }) => code)).toEqual(["down"]);
    expect(crew.faults).toEqual([expect.any(TypeError)]);
    await crew.clock.advance(POLL_MS);
    expect(busy()).toBe(5);
    expect(sweep?.completed).toBe(completed + 1);
  });

  test("[R365] [R46] a part that is throttled ends the sweep: nobody else is asked for", async () => {
    const people = Array.from({ length: 9 }, (_, index) => person(`rep-${index}`));
    const { crew } = await Crew.onDuty({ people });
    crew.teams.repsPerCall = 1;
    crew.teams.readTroubles.push({ kind: "throttled", retryAfterMs: 60_000 });
    crew.teams.latencyMs = 50;
    const left = crew.teams.departuresMs.length;
    await crew.clock.advance(POLL_MS + 30_000);
    // Four are under way at a time.
    expect(crew.teams.departuresMs.length - left).toBe(4);
    await crew.clock.advance(60_000);
    expect(crew.teams.departuresMs.length - left).toBeGreaterThan(4 + people.length);
  });

  test("[R391] parts leave five milliseconds apart, but for the first look at everybody", async () => {
    const people = ["a", "b", "c"].map(person);
    const { crew } = await Crew.onDuty({ people });
    crew.teams.repsPerCall = 1;
    const departed = async (): Promise<readonly number[]> => {
      const before = crew.teams.departuresMs.length;
      await crew.clock.advance(POLL_MS);
      const left = crew.teams.departuresMs.slice(before);
      return left.slice(0, 3).map((atMs) => atMs - (left[0] ?? 0));
    };
    expect(await departed()).toEqual([0, 5, 10]);
    const startedAtMs = crew.clock.nowMs();
    await crew.begin();
    await crew.clock.advance(1);
    expect(crew.teams.departuresMs.filter((atMs) => atMs === startedAtMs)).toHaveLength(3);
  });

  test("[R365] each part is dated by its own call, however late it leaves", async () => {
    const people = ["a", "b", "c"].map(person);
    const { crew, watch } = await Crew.onDuty({ people, teamsPace: { burst: 10, perSecond: 0.2 } });
    crew.teams.repsPerCall = 1;
    while (watch.paces.teams.takeNow());
    const last = person("c");
    const beganAtMs = crew.clock.nowMs();
    await crew.clock.advance(2 * POLL_MS);
    crew.teams.choose(last.rep, "Busy");
    const chosenAtMs = crew.clock.nowMs();
    await crew.clock.advance(4 * POLL_MS);
    expect(crew.shown(last)).toEqual(["Busy", "Busy"]);
    const seen = (await crew.history()).find(
      ({ kind, rep, atMs }) => kind === "reading" && rep === last.rep && atMs > beganAtMs,
    );
    expect(seen?.atMs).toBeGreaterThanOrEqual(chosenAtMs);
    expect(crew.teams.departuresMs).toContain(seen?.atMs);
  });

  test("[R365] a part counts as soon as it is there, whatever the others wait for", async () => {
    const people = ["a", "b", "c"].map(person);
    const { crew, watch } = await Crew.onDuty({ people, teamsPace: { burst: 10, perSecond: 0.2 } });
    const [sweep] = watch.sweeps;
    const { completed = 0 } = sweep ?? {};
    crew.teams.repsPerCall = 1;
    while (watch.paces.teams.takeNow());
    for (const { rep } of people) crew.teams.choose(rep, "Busy");
    await crew.clock.advance(POLL_MS + 2_000);
    expect(people.map((one) => crew.dynamics.presence(one.rep))).toContain("Busy");
    expect(sweep?.completed).toBe(completed);
  });
});
