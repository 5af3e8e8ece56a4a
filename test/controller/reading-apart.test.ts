import { describe, expect, test } from "vitest";
import { TEAMS } from "../../src/presence/identity.ts";
import { ANA, Crew, POLL_MS } from "./crew.ts";

/** One write a minute leaves, after the first. */
const SLOW = { burst: 1, perSecond: 1 / 60 };
const throttled = { kind: "throttled", retryAfterMs: 120_000 } as const;

describe("a registration that only reads Teams", () => {
  test("[R323] is not slowed down by writes that wait", async () => {
    const { crew } = await Crew.onDuty({ reader: true, teamsPace: SLOW });
    for (const presence of ["Busy", "Away", "Busy - DND"]) {
      crew.dynamics.choose(ANA.rep, presence);
      await crew.clock.advance(POLL_MS);
    }
    const { reads } = crew.teams;
    await crew.clock.advance(6 * POLL_MS);
    expect(crew.teams.reads).toBeGreaterThanOrEqual(reads + 6);
  });

  test("[R323] [R46] goes on reading while Graph wants no writes", async () => {
    const { crew, watch } = await Crew.onDuty({ reader: true });
    crew.teams.writeTroubles.push(throttled);
    crew.dynamics.choose(ANA.rep, "Busy");
    await crew.clock.advance(2 * POLL_MS);
    expect(watch.paces.teams.isPaused).toBe(true);
    const { reads } = crew.teams;
    crew.teams.client(ANA.rep, "InACall");
    await crew.clock.advance(3 * POLL_MS);
    expect(crew.teams.reads).toBeGreaterThan(reads + 1);
    expect(crew.dynamics.presence(ANA.rep)).toBe("Busy");
    await crew.clock.advance(120_000);
    expect(watch.paces.teams.isPaused).toBe(false);
  });

  test("[R323] reads whom it has a hint about while Graph wants no writes", async () => {
    const { crew, watch } = await Crew.onDuty({ reader: true });
    crew.teams.writeTroubles.push(throttled);
    crew.dynamics.choose(ANA.rep, "Busy");
    await crew.clock.advance(2 * POLL_MS);
    expect(watch.paces.teams.isPaused).toBe(true);
    const { reads } = crew.teams;
    watch.controller.hint(ANA.rep, TEAMS);
    await crew.clock.advance(100);
    expect(crew.teams.reads).toBe(reads + 1);
  });

  test("[R323] [R34] that is told to be silent holds writes back too, but only because they want a read", async () => {
    const { crew, watch } = await Crew.onDuty({ reader: true });
    crew.teams.readTroubles.push(throttled);
    await crew.clock.advance(POLL_MS);
    crew.dynamics.choose(ANA.rep, "Busy");
    await crew.clock.advance(4 * POLL_MS);
    expect(watch.paces.teams.isPaused).toBe(false);
    expect(crew.teams.shows(ANA.rep)).toBe("Available");
    await crew.clock.advance(120_000);
    expect(crew.shown(ANA)).toEqual(["Busy", "Busy"]);
  });
});
