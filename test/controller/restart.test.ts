import { describe, expect, test } from "vitest";
import { type Commit, type Engine, engineWith } from "../../src/engine/engine.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { ANA, Crew, end, type Watch } from "./crew.ts";

const SOON_MS = 15_000;
const never = <Value>(): Promise<Value> => new Promise<Value>(() => undefined);

/** Ends a watch as a shutdown does, or sees it time out. */
async function stop(crew: Crew, watch: Watch, withinMs = 30_000): Promise<void> {
  let stopped = false;
  const stopping = end(watch).then(() => {
    stopped = true;
  });
  await crew.clock.advance(withinMs);
  expect(stopped).toBe(true);
  await stopping;
}

/**
 * A process that dies: from the commit that `isLast` names, which is still carried out, it hears nothing from
 * its engine any more, and nothing it does afterwards is stored.
 */
function mortal(engine: Engine, isLast: (commit: Commit) => boolean): Engine {
  let dead = false;
  return engineWith(engine, {
    commit: async (commit) => {
      if (dead) return never();
      const result = await engine.commit(commit);
      dead = isLast(commit);
      return dead ? never() : result;
    },
  });
}

const writesTo =
  (system: typeof DYNAMICS) =>
  ({ history }: Commit): boolean =>
    history.some(({ kind, detail }) => kind === "write" && detail["system"] === system);

/** A crew whose first process dies in the commit that `isLast` names. */
async function doomed(isLast: (commit: Commit) => boolean): Promise<{ crew: Crew; old: Watch }> {
  const { crew, watch: first } = await Crew.onDuty();
  await stop(crew, first, 1_000);
  const old = await crew.begin(mortal(crew.engine, isLast));
  await crew.clock.advance(SOON_MS);
  return { crew, old };
}

async function restart(crew: Crew, old: Watch): Promise<Watch> {
  for (const sweep of old.sweeps) void sweep.stop();
  return crew.begin();
}

async function expectWhole(crew: Crew, watch: Watch): Promise<void> {
  expect(crew.shown()).toEqual(["InACall", "Busy"]);
  const rep = watch.controller.document(ANA.rep)?.rep;
  expect(rep?.systems[TEAMS]?.pending).toBeNull();
  expect(rep?.systems[DYNAMICS]?.pending).toBeNull();
  for (const { kind, cause } of await crew.history()) {
    if (kind === "write") expect(cause).toMatchObject({ kind: "hold", eventId: "event-1" });
  }
  expect(await crew.engine.unsettled()).toEqual([]);
}

describe("a process that dies", () => {
  test("between storing a write and sending it: the next one sends it", async () => {
    const { crew, old } = await doomed(writesTo(DYNAMICS));
    await crew.tell(old, crew.call());
    await crew.clock.advance(1_000);
    expect(crew.dynamics.presence(ANA.rep)).toBe("Available");

    const watch = await restart(crew, old);
    await crew.clock.advance(SOON_MS);
    await expectWhole(crew, watch);
    expect(crew.writes).toBe(2);
  });

  test.each([
    ["and the write arrived", "deaf", 1],
    ["and the write was lost", "silent", 1],
  ] as const)("between sending and the answer, %s", async (_what, kind, arrivals) => {
    const { crew, old } = await doomed(() => false);
    crew.dynamics.writeTroubles.push({ kind });
    await crew.tell(old, crew.call());
    await crew.clock.advance(1_000);

    const watch = await restart(crew, old);
    await crew.clock.advance(SOON_MS);
    await expectWhole(crew, watch);
    expect(crew.dynamics.arrivals).toHaveLength(arrivals);
    expect(crew.teams.arrivals).toHaveLength(1);
  });

  test("[R308] after the answer, before it was stored: the read tells, but of our session, which is repeated", async () => {
    let dead = false;
    const { crew, watch: first } = await Crew.onDuty();
    await stop(crew, first, 1_000);
    const old = await crew.begin(
      engineWith(crew.engine, {
        commit: async (commit) => (dead ? never() : crew.engine.commit(commit)),
      }),
    );
    await crew.clock.advance(SOON_MS);
    await crew.tell(old, crew.call());
    await crew.clock.advance(30);
    dead = true;
    await crew.clock.advance(2_000);
    expect(crew.writes).toBe(2);
    expect((await crew.engine.get(ANA.rep))?.rep.systems[DYNAMICS]?.pending?.ackTick).toBeNull();

    const watch = await restart(crew, old);
    await crew.clock.advance(SOON_MS);
    await expectWhole(crew, watch);
    expect(crew.dynamics.arrivals).toHaveLength(1);
    expect(crew.teams.arrivals).toHaveLength(2);
  });

  test("before it took what a partner told: the next one takes it, exactly once", async () => {
    const { crew, watch: old } = await Crew.onDuty();
    await stop(crew, old, 1_000);
    await crew.tell(null, crew.call());
    await crew.tell(null, { type: "status.set", status: "Away" });

    const watch = await crew.begin();
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    await stop(crew, watch);
    const again = await crew.begin();
    await crew.clock.advance(SOON_MS);
    expect(again.controller.document(ANA.rep)?.rep.base.status).toBe("Away");
    expect(await crew.says("event")).toEqual(["phone sent hold.started", "phone sent status.set"]);
    expect(await crew.engine.unsettled()).toEqual([]);
  });

  test("[R36] a call beneath our session still protects her, however long nobody was there", async () => {
    const { crew, watch } = await Crew.onDuty();
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    crew.teams.client(ANA.rep, "InACall");
    await crew.clock.advance(SOON_MS);
    await stop(crew, watch, 1_000);
    await crew.tell(null, crew.hangUp());
    await crew.clock.advance(20 * 60_000);

    await crew.begin();
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(crew.dynamics.arrivals).toHaveLength(1);
    crew.teams.client(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Available", "Available"]);
  });

  test("what she changed while nobody looked is her change, and is followed", async () => {
    const { crew, watch } = await Crew.onDuty();
    await stop(crew, watch, 1_000);
    crew.dynamics.choose(ANA.rep, "Busy - DND");
    await crew.begin();
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["DoNotDisturb", "Busy - DND"]);
    expect(crew.writes).toBe(1);
  });
});

describe("stop", () => {
  test("waits for the answers to what was sent, and stores them", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.latencyMs = 2_000;
    crew.teams.client(ANA.rep, "InACall");
    await crew.clock.advance(8_000);
    crew.dynamics.latencyMs = 4_000;
    await crew.clock.advance(50);
    await stop(crew, watch);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    const stored = await crew.engine.get(ANA.rep);
    expect(stored?.rep.systems[DYNAMICS]?.pending?.ackTick).not.toBeNull();

    const { writes } = crew;
    await crew.begin();
    await crew.clock.advance(SOON_MS);
    expect(crew.writes).toBe(writes);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("takes nothing new: what comes meanwhile is the next process's", async () => {
    const { crew, watch } = await Crew.onDuty();
    const stopping = end(watch);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    await stopping;
    expect(crew.writes).toBe(0);
    expect(await crew.engine.unsettled()).toHaveLength(1);
  });

  test("does not wait for a system that asked for silence", async () => {
    const { crew, watch } = await Crew.onDuty();
    watch.paces.dynamics.pause(600_000);
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    await stop(crew, watch, 1_000);
    expect(await crew.engine.unsettled()).toEqual([]);
  });

  test("reports what it could not store, and stops all the same", async () => {
    const { crew, watch: first } = await Crew.onDuty();
    await stop(crew, first, 1_000);
    let full = false;
    const watch = await crew.begin(
      engineWith(crew.engine, {
        commit: async (commit) => {
          if (full) throw new Error("the disk is full");
          return crew.engine.commit(commit);
        },
      }),
    );
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(30);
    full = true;
    await stop(crew, watch);
    expect(crew.faults.length).toBeGreaterThan(0);
  });
});

describe("a second writer on the same engine", () => {
  test("wrote first: her document is taken up as it is now, and nothing is written over", async () => {
    const { crew, watch } = await Crew.onDuty();
    const other = await crew.begin();
    await crew.clock.advance(SOON_MS);
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.dynamics.choose(ANA.rep, "Lunch");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Away", "Lunch"]);
    const { writes } = crew;
    const generation = (await crew.engine.get(ANA.rep))?.generation;

    // What the first one knows is old: to it, Available is still what she chose.
    expect(watch.controller.document(ANA.rep)?.generation).toBeLessThan(generation ?? 0);
    watch.controller.hint(ANA.rep, TEAMS);
    watch.controller.hint(ANA.rep, DYNAMICS);
    await crew.clock.advance(SOON_MS);
    expect(crew.faults).toEqual([
      new Error("another writer changed the rep's document; it is taken up again"),
    ]);
    expect(crew.shown()).toEqual(["Away", "Lunch"]);
    expect(crew.writes).toBe(writes);
    await stop(crew, other);
  });

  test("died with a write on its way: nobody waits for its answer for ever", async () => {
    const { crew, watch } = await Crew.onDuty();
    const other = await crew.begin();
    await crew.clock.advance(SOON_MS);
    crew.dynamics.writeTroubles.push({ kind: "silent" });
    for (const sweep of watch.sweeps) await sweep.stop();
    await crew.tell(other, crew.call());
    await crew.clock.advance(1_000);
    for (const sweep of other.sweeps) await sweep.stop();

    await crew.tell(watch, crew.call("call-2"));
    await crew.clock.advance(60_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });
});
