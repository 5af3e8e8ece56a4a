import { describe, expect, test } from "vitest";
import { ANA, Crew, end } from "./crew.ts";

const SOON_MS = 15_000;
/** Dynamics gives back what was there to whoever is back within this time. */
const RESTORED_WITHIN_MS = 150_000;
const GRACE_MS = 180_000;

const atLunch = async () => {
  const { crew, watch } = await Crew.onDuty();
  crew.dynamics.choose(ANA.rep, "Lunch");
  await crew.clock.advance(SOON_MS);
  expect(crew.shown()).toEqual(["Away", "Lunch"]);
  return { crew, watch };
};

describe("a rep whose connection to Dynamics is lost", () => {
  test("[R310] two and a half minutes of Offline cost no write, and nobody in Teams sees them", async () => {
    const { crew } = await atLunch();
    const { writes } = crew;
    crew.dynamics.choose(ANA.rep, "Offline");
    await crew.clock.advance(RESTORED_WITHIN_MS);
    expect(crew.shown()).toEqual(["Away", "Offline"]);
    crew.dynamics.choose(ANA.rep, "Lunch");
    await crew.clock.advance(2 * GRACE_MS);
    expect(crew.shown()).toEqual(["Away", "Lunch"]);
    expect(crew.writes).toBe(writes);
    const said = (await crew.history()).map(({ says }) => says);
    expect(said).toContain("Dynamics shows Away again: the rep was only disconnected");
  });

  test("[R310] who stays away is signed out when the grace is over, a restart in between or not", async () => {
    for (const restarts of [false, true]) {
      const { crew, watch } = await atLunch();
      crew.dynamics.choose(ANA.rep, "Offline");
      await crew.clock.advance(GRACE_MS - SOON_MS);
      expect(crew.shown()).toEqual(["Away", "Offline"]);
      if (restarts) {
        const stopped = end(watch);
        await crew.clock.advance(100);
        await stopped;
        await crew.begin();
      }
      await crew.clock.advance(2 * SOON_MS);
      expect(crew.shown()).toEqual(["Available", "Offline"]);
    }
  });

  test("[R310] a call that begins while she is gone is written when she is back", async () => {
    const { crew, watch } = await atLunch();
    crew.dynamics.choose(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    crew.dynamics.choose(ANA.rep, "Offline");
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Offline"]);
    crew.dynamics.choose(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
  });

  test("[R310] the end of a shift waits for nothing", async () => {
    const { crew, watch } = await atLunch();
    await crew.tell(watch, { type: "shift.ended" });
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Offline", "Offline"]);
  });
});
