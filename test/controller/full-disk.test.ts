import { describe, expect, test } from "vitest";
import { type Engine, engineWith } from "../../src/engine/engine.ts";
import { DYNAMICS } from "../../src/presence/identity.ts";
import { ANA, Crew, type Watch } from "./crew.ts";

const SOON_MS = 15_000;

/** A crew whose engine stores nothing while its disk is full. */
async function withDisk(): Promise<{
  readonly crew: Crew;
  readonly watch: Watch;
  readonly disk: { full: boolean };
}> {
  const crew = await Crew.stored();
  const disk = { full: false };
  const commit: Engine["commit"] = async (wanted) => {
    if (disk.full) throw new Error("the disk is full");
    return crew.engine.commit(wanted);
  };
  const watch = await crew.begin(engineWith(crew.engine, { commit }));
  await crew.clock.advance(SOON_MS);
  return { crew, watch, disk };
}

describe("[R49] a write is durable before it is sent", () => {
  test("while nothing can be stored, nothing leaves; once it can, everything does", async () => {
    const { crew, watch, disk } = await withDisk();
    disk.full = true;
    await crew.tell(watch, crew.call());
    await crew.clock.advance(60_000);
    expect(crew.writes).toBe(0);
    expect(crew.faults.length).toBeLessThan(20);
    expect(await crew.engine.unsettled()).toHaveLength(1);

    disk.full = false;
    await crew.clock.advance(120_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(await crew.engine.unsettled()).toEqual([]);
    expect(crew.teams.arrivals).toHaveLength(1);
    expect(crew.dynamics.arrivals).toHaveLength(1);
  });

  test("[R43] nor does the answer of a slower system bring her back any sooner", async () => {
    const { crew, watch, disk } = await withDisk();
    crew.dynamics.latencyMs = 60;
    disk.full = true;
    await crew.tell(watch, crew.call());
    await crew.clock.advance(60_000);
    expect(crew.faults.length).toBeLessThan(20);
    disk.full = false;
    await crew.clock.advance(120_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("every write that arrives is already in the store", async () => {
    const { crew, watch } = await Crew.onDuty();
    const change = crew.dynamics.write.bind(crew.dynamics);
    const pending: unknown[] = [];
    crew.dynamics.write = async (rep, write) => {
      const stored = await crew.engine.get(rep.rep);
      pending.push([write.intent, stored?.rep.systems[DYNAMICS]?.pending?.intent]);
      await change(rep, write);
    };
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.hangUp());
    await crew.clock.advance(SOON_MS);
    expect(pending).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });

  test("an answer that could not be stored at first is not lost", async () => {
    const { crew, watch, disk } = await withDisk();
    await crew.tell(watch, crew.call());
    await crew.clock.advance(40);
    disk.full = true;
    await crew.clock.advance(3_000);
    expect(crew.faults.length).toBeGreaterThan(0);
    disk.full = false;
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    const { systems } = watch.controller.document(ANA.rep)?.rep ?? {};
    for (const endpoint of Object.values(systems ?? {})) expect(endpoint.pending).toBeNull();
    expect(crew.writes).toBe(2);
  });

  test("nor is what a hint made us read, although no sweep would find it again", async () => {
    const { crew, watch, disk } = await withDisk();
    for (const sweep of watch.sweeps) await sweep.stop();
    crew.dynamics.choose(ANA.rep, "Busy");
    disk.full = true;
    watch.controller.hint(ANA.rep, DYNAMICS);
    await crew.clock.advance(3_000);
    expect(crew.writes).toBe(0);
    disk.full = false;
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Busy", "Busy"]);
  });
});
