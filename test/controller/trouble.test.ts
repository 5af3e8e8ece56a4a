import { describe, expect, test } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { ANA, Crew, person, type Watch } from "./crew.ts";

const SOON_MS = 15_000;

describe("trouble in one system", () => {
  test.each(["silent", "deaf"] as const)(
    "a %s write does not hold up the other system",
    async (kind) => {
      const { crew, watch } = await Crew.onDuty();
      crew.teams.writeTroubles.push({ kind });
      await crew.tell(watch, crew.call());
      await crew.clock.advance(1_000);
      expect(crew.dynamics.presence(ANA.rep)).toBe("Busy");
      crew.dynamics.choose(ANA.rep, "Busy - DND");
      await crew.clock.advance(SOON_MS);
      expect(watch.controller.document(ANA.rep)?.rep.base.status).toBe("DoNotDisturb");
    },
  );

  test("nor does a read that gets no answer", async () => {
    const { crew, watch } = await Crew.onDuty();
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.teams.readTroubles.push({ kind: "silent" });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(1_000);
    expect(crew.dynamics.presence(ANA.rep)).toBe("Busy");
  });

  test("nor does silence that it asked for", async () => {
    const { crew, watch } = await Crew.onDuty();
    watch.paces.teams.pause(60_000);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(1_000);
    expect(crew.shown()).toEqual(["Available", "Busy"]);
    await crew.clock.advance(70_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("a system that is down is read again until it answers, and then written", async () => {
    const { crew, watch } = await Crew.onDuty();
    for (let reads = 0; reads < 12; reads += 1) crew.dynamics.readTroubles.push({ kind: "down" });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(5_000);
    expect(crew.shown()).toEqual(["InACall", "Available"]);
    await crew.clock.advance(60_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(crew.faults).toEqual([]);
  });

  test("what a partner told is settled although both rest", async () => {
    const { crew, watch } = await Crew.onDuty();
    watch.paces.teams.pause(600_000);
    watch.paces.dynamics.pause(600_000);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(1_000);
    expect(await crew.engine.unsettled()).toEqual([]);
    expect(watch.controller.document(ANA.rep)?.rep.holds).not.toEqual({});
  });

  test.each([-3_600_000, 3_600_000])("a clock that is set by %i ms stops nobody", async (byMs) => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.choose(ANA.rep, "DoNotDisturb");
    await crew.clock.advance(SOON_MS);
    crew.clock.set(byMs);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(100);
    crew.clock.set(-byMs);
    await crew.clock.advance(30_000);
    await crew.tell(watch, crew.hangUp());
    crew.teams.choose(ANA.rep, null);
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Available", "Available"]);
  });

  test("a read that failed is made again although no sweep comes", async () => {
    const { crew, watch } = await Crew.onDuty();
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.dynamics.readTroubles.push({ kind: "down" });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("while a slow system is being read for her, it is neither read again nor written", async () => {
    const { crew, watch } = await Crew.onDuty();
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.dynamics.latencyMs = 3_000;
    const { reads } = crew.dynamics;
    await crew.tell(watch, crew.call());
    await crew.clock.advance(2_500);
    expect(crew.teams.shows(ANA.rep)).toBe("InACall");
    expect(crew.dynamics.reads).toBe(reads + 1);
    expect(crew.dynamics.departuresMs).toHaveLength(reads + 1);
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("a system that did not know her is read when it says that something changed", async () => {
    const { crew, watch } = await Crew.onDuty();
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.dynamics.leave(ANA.rep);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    crew.dynamics.join(ANA.rep);
    watch.controller.hint(ANA.rep, DYNAMICS);
    await crew.clock.advance(1_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("a system that does not know her is left alone until it does", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.leave(ANA.rep);
    await crew.tell(watch, crew.call("call-1", 2));
    await crew.clock.advance(SOON_MS);
    const { reads } = crew.dynamics;
    await crew.clock.advance(60_000);
    expect(crew.dynamics.reads - reads).toBeLessThan(20);
    expect(crew.teams.shows(ANA.rep)).toBe("InACall");
    crew.dynamics.join(ANA.rep);
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    await crew.clock.advance(120_000);
    expect(crew.shown()).toEqual(["Available", "Available"]);
  });

  test.each([
    ["did not arrive", "lost", 1],
    ["did arrive", "late", 1],
  ] as const)(
    "a write that %s, as far as a time-out tells: read, then at most once more",
    async (_what, kind, arrivals) => {
      const { crew, watch } = await Crew.onDuty();
      crew.dynamics.writeTroubles.push({ kind });
      await crew.tell(watch, crew.call());
      await crew.clock.advance(60_000);
      expect(crew.shown()).toEqual(["InACall", "Busy"]);
      expect(crew.dynamics.arrivals).toHaveLength(arrivals);
      // It was ours, and no choice of hers: nothing of it stays when the call is over.
      await crew.tell(watch, crew.hangUp());
      await crew.clock.advance(SOON_MS);
      expect(crew.shown()).toEqual(["Available", "Available"]);
    },
  );

  test("what she chose while the answer was missing is not written over", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.writeTroubles.push({ kind: "lost" });
    crew.teams.choose(ANA.rep, "Away");
    await crew.clock.advance(9_000);
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.dynamics.choose(ANA.rep, "Busy - DND");
    await crew.clock.advance(60_000);
    expect(crew.shown()).toEqual(["DoNotDisturb", "Busy - DND"]);
  });

  test("[R51] a write that Dynamics rejects is tried once more: she may have been gone for a moment", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.writeTroubles.push({ kind: "rejected" });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(1_000);
    expect(crew.shown()).toEqual(["InACall", "Available"]);
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("[R51] one that it rejects again is not repeated for its intent, and the next intent is tried", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.writeTroubles.push({ kind: "rejected" }, { kind: "rejected" });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(300_000);
    expect(crew.shown()).toEqual(["InACall", "Available"]);
    expect(crew.dynamics.arrivals).toEqual([]);
    const refused = "Dynamics did not take the write (refused): wait";
    expect(await crew.says("answer")).toEqual([refused, refused]);
    crew.teams.choose(ANA.rep, "DoNotDisturb");
    await crew.clock.advance(SOON_MS);
    expect(crew.dynamics.presence(ANA.rep)).toBe("Busy - DND");
  });

  test("a fault of a connector's own counts as an unknown outcome, and is reported", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.writeTroubles.push({ kind: "broken" });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(crew.faults).toEqual([expect.any(TypeError)]);
  });

  test("[R46] [R42] throttled, it is left alone for as long as it asks; then the protective go first", async () => {
    const people = ["a", "b", "c", "d", "e", "f"].map(person);
    const slow = { burst: 1, perSecond: 1 };
    const { crew, watch } = await Crew.onDuty({ people, dynamicsPace: slow });
    const busy = people.slice(0, 3);
    for (const rep of busy) await crew.tell(watch, crew.call(rep.rep), rep);
    await crew.clock.advance(60_000);
    for (const { rep } of busy) expect(crew.dynamics.presence(rep)).toBe("Busy");

    for (const sweep of watch.sweeps) await sweep.stop();
    watch.paces.dynamics.pause(30_000);
    const pausedAtMs = crew.clock.nowMs();
    const before = crew.dynamics.arrivals.length;
    for (const rep of busy) await crew.tell(watch, crew.hangUp(rep.rep), rep);
    await crew.clock.advance(5_000);
    const others = people.slice(3);
    for (const rep of others) await crew.tell(watch, crew.call(rep.rep), rep);
    await crew.clock.advance(120_000);

    const inside = crew.dynamics.departuresMs.filter(
      (atMs) => atMs > pausedAtMs && atMs < pausedAtMs + 30_000,
    );
    expect(inside).toEqual([]);
    const arrived = crew.dynamics.arrivals.slice(before).map(({ shows }) => shows);
    expect(arrived).toEqual(["Busy", "Busy", "Busy", "Available", "Available", "Available"]);
  });

  test("an answer of 429 pauses the system, and the write is made afterwards", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.writeTroubles.push({ kind: "throttled", retryAfterMs: 40_000 });
    await crew.tell(watch, crew.call());
    await crew.clock.advance(30_000);
    expect(crew.shown()).toEqual(["InACall", "Available"]);
    expect(watch.paces.dynamics.isPaused).toBe(true);
    await crew.clock.advance(20_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(crew.dynamics.arrivals).toHaveLength(1);
  });
});

describe("what is shared", () => {
  const people = ["a", "b", "c", "d", "e", "f"].map(person);

  test("[R47] a call that failed for many reps is told of once", async () => {
    const { crew, watch } = await Crew.onDuty({ people });
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.dynamics.readTroubles.push({ kind: "throttled", retryAfterMs: 1_000 });
    for (const { rep } of people) watch.controller.hint(rep, DYNAMICS);
    await crew.clock.advance(30_000);
    expect(crew.systemErrors.map(({ code }) => code)).toHaveLength(1);
    expect(crew.shown(people[5])).toEqual(["Available", "Available"]);
  });

  test("[R45] a controller that stops leaves what its reps waited for to others who share the pace", async () => {
    const { crew, watch } = await Crew.onDuty({ people, dynamicsPace: { burst: 1, perSecond: 1 } });
    for (const sweep of watch.sweeps) await sweep.stop();
    await crew.clock.advance(5_000);
    for (const rep of people) await crew.tell(watch, crew.call(rep.rep), rep);
    const { dynamics: pace } = watch.paces;
    await crew.clock.advance(2_500);
    expect(pace.waiting).toBeGreaterThan(2);
    const stopped = watch.controller.stop();
    // One request a second: had each of them to be let go for good, it would take longer.
    await crew.clock.advance(2_000);
    await stopped;
    expect(pace.waiting).toBe(0);
  });
});

describe("another writer that never gives up", () => {
  const HOUR_MS = 3_600_000;

  /** Every 200 ms for an hour: what it costs us, whatever tells us of it. */
  async function fight(act: (change: number, crew: Crew, watch: Watch) => void) {
    const { crew, watch } = await Crew.onDuty();
    for (let change = 0; change * 200 < HOUR_MS; change += 1) {
      act(change, crew, watch);
      await crew.clock.advance(200);
    }
    const { writes } = crew;
    crew.dynamics.choose(ANA.rep, "Busy");
    await crew.clock.advance(HOUR_MS);
    return { crew, writes };
  }

  test("[P2] [R110] [R111] [R112] one that flips Dynamics every 200 ms is not fed, and told of once", async () => {
    const { crew, writes } = await fight((change, { dynamics }, { controller }) => {
      dynamics.choose(ANA.rep, change % 2 === 0 ? "Away" : "Available", "user 42");
      controller.hint(ANA.rep, DYNAMICS);
    });
    expect(writes).toBeGreaterThan(0);
    expect(writes).toBeLessThanOrEqual(60);
    const [began, ended, ...more] = await crew.says("held");
    expect(began).toMatch(/Dynamics was changed 20 times in \d+ s, between .* \(by user 42, /);
    expect(ended).toMatch(/Dynamics is left alone again, after \d{4,5} changes in 60 min/);
    expect(more).toEqual([]);
    expect(crew.shown()).toEqual(["Busy", "Busy"]);
  });

  test("[P2] [R110] one that undoes each of our writes is not fought with, however seldom we look", async () => {
    const { crew, writes } = await fight((change, { dynamics, teams }) => {
      if (change === 0) teams.client(ANA.rep, "InACall");
      if (dynamics.presence(ANA.rep) === "Busy") dynamics.choose(ANA.rep, "Available");
    });
    expect(writes).toBeGreaterThan(0);
    expect(writes).toBeLessThanOrEqual(60);
    expect(await crew.says("held")).not.toEqual([]);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });
});

describe("an old answer that comes late", () => {
  test("is told from a new one although the system gives no versions", async () => {
    const { crew, watch } = await Crew.onDuty();
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.teams.versioned = false;
    const left = { startedAtMs: crew.clock.nowMs(), departure: watch.controller.depart() };
    const old = {
      status: "Available",
      automatic: null,
      native: "Available",
      sequence: null,
    } as const;
    await crew.tell(watch, crew.call());
    await crew.clock.advance(3_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    const tick = watch.controller.document(ANA.rep)?.rep.tick ?? 0;
    watch.controller.offer(ANA.rep, TEAMS, { ...old, ...left, startedTick: tick });
    await crew.clock.advance(60_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(watch.controller.document(ANA.rep)?.rep.base.atMs).toBeLessThan(left.startedAtMs);
  });
});

describe("many at once", () => {
  test("of 500 reps each converges, and their readings share calls", async () => {
    const people = Array.from({ length: 500 }, (_, index) => person(`rep-${index}`));
    const { crew, watch } = await Crew.onDuty({ people });
    const { reads } = crew.dynamics;
    for (const { rep } of people) crew.teams.client(rep, "InACall");
    await crew.clock.advance(60_000);
    for (const rep of people) expect(crew.shown(rep)).toEqual(["InACall", "Busy"]);
    expect(crew.dynamics.arrivals).toHaveLength(500);
    expect(crew.dynamics.reads - reads).toBeLessThan(500);
    for (const { rep } of people) crew.teams.client(rep, "Available");
    await crew.clock.advance(60_000);
    for (const rep of people) expect(crew.shown(rep)).toEqual(["Available", "Available"]);
    expect(crew.dynamics.arrivals).toHaveLength(1_000);
    expect(watch.paces.dynamics.waiting).toBe(0);
    expect(crew.faults).toEqual([]);
  });
});
