import { describe, expect, test } from "vitest";
import { SystemError } from "../../src/connectors/connector.ts";
import { Pace } from "../../src/controller/pace.ts";
import { Reader } from "../../src/controller/reader.ts";
import { VirtualClock } from "./clock.ts";
import { ANA, BEN, person } from "./crew.ts";
import { EmulatedDynamics } from "./systems.ts";

const GATHER_MS = 4;

function bench() {
  const clock = new VirtualClock();
  const dynamics = new EmulatedDynamics(clock);
  for (const { rep } of [ANA, BEN]) dynamics.join(rep);
  const pace = new Pace(clock, { burst: 10, perSecond: 10 });
  let departures = 0;
  const reader = new Reader(dynamics, {
    clock,
    pace,
    gatherMs: GATHER_MS,
    depart: () => {
      departures += 1;
      return departures;
    },
    signal: new AbortController().signal,
  });
  return { clock, dynamics, pace, reader };
}

describe("[R47] reps that ask within a few milliseconds share one call", () => {
  test("and who asks later has a call of her own", async () => {
    const { clock, dynamics, reader } = bench();
    const both = Promise.all([reader.read(ANA, 1), reader.read(BEN, 2), reader.read(ANA, 3)]);
    await clock.advance(GATHER_MS);
    const later = reader.read(BEN, 4);
    await clock.advance(100);
    const seen = [...(await both), await later];
    expect(
      seen.map((reading) => [reading?.status, reading?.startedTick, reading?.departure]),
    ).toEqual([
      ["Available", 1, 1],
      ["Available", 2, 1],
      ["Available", 3, 1],
      ["Available", 4, 2],
    ]);
    expect(dynamics.reads).toBe(2);
  });

  test("while a call is under way, and nobody waits for company where there is none", async () => {
    const { clock, dynamics, reader } = bench();
    dynamics.latencyMs = 1_000;
    const leftMs = clock.nowMs();
    const alone = reader.read(ANA, 1);
    await clock.advance(1);
    const gathered = [reader.read(BEN, 1)];
    await clock.advance(GATHER_MS - 1);
    gathered.push(reader.read(ANA, 1));
    await clock.advance(2_000);
    expect(await alone).toMatchObject({ startedAtMs: leftMs });
    for (const reading of await Promise.all(gathered)) {
      expect(reading).toMatchObject({ startedAtMs: leftMs + 1 + GATHER_MS, departure: 2 });
    }
    expect(dynamics.reads).toBe(2);
  });

  test("also those who ask while the call waits for its turn", async () => {
    const { clock, dynamics, pace, reader } = bench();
    pace.pause(10_000);
    const first = reader.read(ANA, 1);
    await clock.advance(5_000);
    const second = reader.read(BEN, 1);
    await clock.advance(4_999);
    expect(dynamics.reads).toBe(0);
    await clock.advance(1_000);
    expect((await Promise.all([first, second])).map((reading) => reading?.departure)).toEqual([
      1, 1,
    ]);
    expect(dynamics.reads).toBe(1);
  });

  test("tick and time are from before the call left", async () => {
    const { clock, dynamics, reader } = bench();
    dynamics.latencyMs = 1_000;
    const askedAtMs = clock.nowMs();
    const asked = reader.read(ANA, 7);
    await clock.advance(GATHER_MS + 400);
    dynamics.choose(ANA.rep, "Busy");
    await clock.advance(1_000);
    expect(await asked).toMatchObject({
      status: "Busy",
      startedTick: 7,
      startedAtMs: askedAtMs,
    });
  });

  test("a failure is everybody's, in the connector's own words, and the next call is made afresh", async () => {
    const { clock, dynamics, reader } = bench();
    dynamics.readTroubles.push({ kind: "throttled", retryAfterMs: 5_000 });
    const asked = [reader.read(ANA, 1), reader.read(BEN, 1)];
    const settled = Promise.allSettled(asked);
    await clock.advance(100);
    for (const result of await settled) {
      expect(result).toMatchObject({ status: "rejected", reason: { retryAfterMs: 5_000 } });
      expect("reason" in result && result.reason).toBeInstanceOf(SystemError);
    }
    const again = reader.read(ANA, 1);
    await clock.advance(100);
    expect(await again).toMatchObject({ status: "Available" });
  });

  test("[R46] who waits for company while a call is refused does not leave inside the silence that it asks for", async () => {
    const { clock, dynamics, pace, reader } = bench();
    dynamics.latencyMs = GATHER_MS; // It is refused on its way there.
    dynamics.readTroubles.push({ kind: "throttled", retryAfterMs: 5_000 });
    const refused = reader.read(ANA, 1).catch((error: unknown) => {
      if (error instanceof SystemError) pace.pause(error.retryAfterMs ?? 0);
    });
    await clock.advance(1);
    const waits = reader.read(BEN, 1);
    await clock.advance(10_000);
    await refused;
    expect(await waits).toMatchObject({ status: "Available" });
    const [first = 0, second = 0] = dynamics.departuresMs;
    expect(second - first).toBeGreaterThan(5_000);
  });

  test("a rep who is not mentioned is no observation, and no failure of the others", async () => {
    const { clock, reader } = bench();
    const asked = Promise.all([reader.read(person("nobody"), 1), reader.read(ANA, 1)]);
    await clock.advance(100);
    const [nobody, ana] = await asked;
    expect(nobody).toBeNull();
    expect(ana).toMatchObject({ status: "Available" });
  });
});

describe("[R45] a read that takes several calls", () => {
  test("has permission for each of them before it leaves", async () => {
    const { clock, dynamics, pace, reader } = bench();
    dynamics.repsPerCall = 2;
    const five = ["a", "b", "c", "d", "e"].map(person);
    for (const { rep } of five) dynamics.join(rep);
    for (let taken = 0; taken < 9; taken += 1) expect(pace.takeNow()).toBe(true);
    const all = Promise.all(five.map((one) => reader.read(one, 1)));
    await clock.advance(GATHER_MS + 190);
    expect(dynamics.reads).toBe(0);
    await clock.advance(100);
    expect((await all).map((reading) => reading?.status)).toEqual(five.map(() => "Available"));
    expect(dynamics.reads).toBe(1);
  });
});
