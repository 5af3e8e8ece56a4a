import { describe, expect, test } from "vitest";
import { ANA, BEN, Crew, end, POLICY, type Watch } from "./crew.ts";

/** A sweep of each system, what follows from it, and the time until both have settled. */
const SOON_MS = 15_000;
const DAY_END = { type: "shift.ended" } as const;

async function quiet(crew: Crew, watch: Watch): Promise<void> {
  const before = crew.writes;
  await crew.clock.advance(120_000);
  expect(crew.writes).toBe(before);
  const { systems } = watch.controller.document(ANA.rep)?.rep ?? {};
  for (const endpoint of Object.values(systems ?? {})) expect(endpoint.pending).toBeNull();
}

describe("a change finds its way", () => {
  test("a Teams call makes her Busy in Dynamics, its echo is recognised, and its end restores her", async () => {
    const { crew, watch } = await Crew.onDuty();
    expect(crew.writes).toBe(0);

    crew.teams.client(ANA.rep, "InACall");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(crew.writes).toBe(1);
    expect(await crew.says("reading")).toContain(
      "Dynamics shows Busy: our own write, seen; nothing to do",
    );
    await quiet(crew, watch);

    crew.teams.client(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Available", "Available"]);
    expect(crew.writes).toBe(2);
    await quiet(crew, watch);
  });

  test("Lunch is Lunch again after a call on the desk phone, and not just Away", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.choose(ANA.rep, "Lunch");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Away", "Lunch"]);

    await crew.tell(watch, crew.call());
    await crew.clock.advance(2_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);

    await crew.tell(watch, crew.hangUp());
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Away", "Lunch"]);
    await quiet(crew, watch);
  });

  test("F34 a call whose end is never reported is over when its time is, and the history says so", async () => {
    const { crew, watch } = await Crew.onDuty();
    await crew.tell(watch, crew.call("call-1", 5));
    await crew.clock.advance(2_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    await crew.clock.advance(5 * 60_000 + SOON_MS);
    expect(crew.shown()).toEqual(["Available", "Available"]);
    expect(await crew.says("intent")).toContainEqual(
      expect.stringContaining("phone stopped confirming In a call"),
    );
  });

  test.each([
    ["Teams first", true],
    ["Dynamics first", false],
  ])("of two changes at once the less available one stands, read %s", async (_order, first) => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.choose(ANA.rep, "DoNotDisturb");
    crew.dynamics.choose(ANA.rep, "Away");
    const order = first ? ["teams", "dynamics"] : ["dynamics", "teams"];
    for (const name of order) {
      const sweep = name === "teams" ? watch.sweeps[0] : watch.sweeps[1];
      const swept = sweep?.once();
      await crew.clock.advance(25);
      await swept;
    }
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["DoNotDisturb", "Busy - DND"]);
    await quiet(crew, watch);
  });

  test("the end of a shift during a call applies when the call ends", async () => {
    const { crew, watch } = await Crew.onDuty();
    await crew.tell(watch, crew.call());
    await crew.clock.advance(2_000);
    await crew.tell(watch, DAY_END);
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);

    await crew.tell(watch, crew.hangUp());
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Offline", "Offline"]);
    await quiet(crew, watch);
  });

  test("signing out of Dynamics writes nothing there, whatever happens in Teams", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.choose(ANA.rep, "Offline");
    await crew.clock.advance(SOON_MS);
    crew.teams.choose(ANA.rep, "Busy");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Busy", "Offline"]);
    expect(crew.dynamics.arrivals).toEqual([]);
    await quiet(crew, watch);
  });

  test("closing Teams never logs her out of work", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.client(ANA.rep, "Offline");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Offline", "Available"]);
    await quiet(crew, watch);
  });

  test("a hint is enough: nobody waits for a sweep", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.choose(ANA.rep, "Busy");
    watch.controller.hint(ANA.rep, crew.dynamics.system);
    await crew.clock.advance(200);
    expect(crew.shown()).toEqual(["Busy", "Busy"]);
  });

  test("a hint for somebody unknown is harmless", async () => {
    const { crew, watch } = await Crew.onDuty();
    watch.controller.hint(BEN.rep, crew.dynamics.system, 100);
    await crew.clock.advance(1_000);
    expect(crew.faults).toEqual([]);
  });

  test("lifting her manual status in Teams uncovers a call there, and Dynamics follows", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.choose(ANA.rep, "DoNotDisturb");
    await crew.clock.advance(SOON_MS);
    crew.teams.client(ANA.rep, "InACall");
    crew.dynamics.choose(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    await quiet(crew, watch);
  });

  test("a write that Teams absorbs is not repeated", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.choose(ANA.rep, "DoNotDisturb");
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(600_000);
    // Her manual status hides our session, which lies there all the same.
    expect(crew.shown()).toEqual(["DoNotDisturb", "Busy - DND"]);
    expect(crew.teams.person(ANA.rep)).toMatchObject({ session: true });
    expect(crew.teams.arrivals).toHaveLength(1);

    await crew.tell(watch, crew.hangUp());
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["DoNotDisturb", "Busy - DND"]);
    expect(crew.teams.person(ANA.rep)).toMatchObject({ session: false });
    await quiet(crew, watch);
  });

  test("the effect of a write is looked for although no hint ever comes", async () => {
    const { crew, watch } = await Crew.onDuty();
    for (const sweep of watch.sweeps) await sweep.stop();
    await crew.tell(watch, crew.call());
    await crew.clock.advance(POLICY.systems[1]?.settleMs ?? 0);
    const { systems } = watch.controller.document(ANA.rep)?.rep ?? {};
    expect(Object.values(systems ?? {}).map(({ seen, pending }) => [seen, pending])).toEqual([
      ["InACall", null],
      ["Busy", null],
    ]);
  });
});

describe("[R48] what nobody changed is not written", () => {
  test("through a thousand sweeps", async () => {
    const { crew, watch } = await Crew.onDuty({ people: [ANA, BEN] });
    const stored = await crew.history();
    await crew.clock.advance(1_000 * 5_000);
    expect(watch.sweeps.map((sweep) => sweep.completed >= 990)).toEqual([true, true]);
    expect(crew.writes).toBe(0);
    expect(await crew.history()).toEqual(stored);
    await end(watch);
  });
});

describe("[R39] every write names its cause", () => {
  test("and each one that left has exactly one entry in the history", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.client(ANA.rep, "InACall");
    await crew.clock.advance(SOON_MS);
    crew.dynamics.choose(ANA.rep, "Lunch");
    await crew.clock.advance(SOON_MS);
    crew.teams.client(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.hangUp());
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, DAY_END);
    await crew.clock.advance(SOON_MS);

    const entries = (await crew.history()).filter(({ kind }) => kind === "write");
    expect(entries.length).toBeGreaterThan(5);
    for (const { cause, says } of entries) {
      expect(cause).not.toBeNull();
      expect(says).toContain("because");
    }
    for (const system of [crew.teams, crew.dynamics]) {
      const arrived = system.arrivals.map(({ shows, cause }) => [shows, cause]);
      const told = entries
        .filter(({ detail }) => detail["system"] === system.system)
        .map(({ detail, cause }) => [detail["status"], cause?.kind]);
      expect(told).toEqual(arrived);
    }
  });
});
