import { describe, expect, test } from "vitest";
import { type Engine, engineWith } from "../../src/engine/engine.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { ANA, Crew, end } from "./crew.ts";

const SOON_MS = 15_000;

/** Two watches over the same reps, on one engine. */
async function twoOnDuty(): Promise<Crew> {
  const { crew } = await Crew.onDuty();
  await crew.begin();
  await crew.clock.advance(SOON_MS);
  return crew;
}

const pendings = async ({ engine }: Crew): Promise<readonly unknown[]> => {
  const stored = await engine.get(ANA.rep);
  return [TEAMS, DYNAMICS].map((system) => stored?.rep.systems[system]?.pending ?? null);
};

describe("two instances on one store", () => {
  test("[R305] what one has under way is left to it: one change costs one write for each system", async () => {
    const crew = await twoOnDuty();
    // A write takes so long that the other instance sees the record, and Teams unchanged, before the answer.
    const write = crew.teams.write.bind(crew.teams);
    crew.teams.write = async (...slowly) => {
      await new Promise<void>((resolve) => void crew.clock.after(3_000, resolve));
      await write(...slowly);
    };
    const { writes } = crew;
    crew.dynamics.choose(ANA.rep, "Busy");
    await crew.clock.advance(2 * SOON_MS);
    expect(crew.shown()).toEqual(["Busy", "Busy"]);
    expect(crew.writes - writes).toBe(1);
    expect(await pendings(crew)).toEqual([null, null]);
  });

  test("[R305] what an instance sent that died is of unknown outcome after 45 s, and read", async () => {
    const { crew, watch: first } = await Crew.onDuty();
    await end(first);
    let dead = false;
    const commit: Engine["commit"] = (wanted) =>
      dead ? new Promise(() => undefined) : crew.engine.commit(wanted);
    const dying = await crew.begin(engineWith(crew.engine, { commit }));
    const living = await crew.begin();
    await crew.clock.advance(SOON_MS);
    crew.dynamics.writeTroubles.push({ kind: "silent" });
    for (const sweep of living.sweeps) await sweep.stop();
    await crew.tell(dying, crew.call());
    await crew.clock.advance(1_000);
    dead = true;
    living.controller.hint(ANA.rep, TEAMS);
    await crew.clock.advance(30_000);
    expect(crew.shown()).toEqual(["InACall", "Available"]);
    await crew.clock.advance(30_000);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(await pendings(crew)).toEqual([null, null]);
  });
});
