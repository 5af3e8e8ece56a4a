import { describe, expect, test } from "vitest";
import type { Act } from "./day.ts";
import { expectationOf } from "./expectation.ts";
import type { Class, Side } from "./meaning.ts";
import { lasted, type Sight, type Written } from "./witness.ts";

const SOMEBODY = { teams: "t", dynamics: "d" };
const FREE: Sight = {
  atMs: -60_000,
  teams: "Available",
  dynamics: "Available",
  presenceId: "",
  inCall: false,
  hasManual: false,
};

type Happening = readonly [atMs: number, who: "she" | "we", side: Side, status: Class];

/**
 * What may stand, as `Busy of dynamics`, after what she chose (she) and what was written (we), in order. Both
 * show at once where they are made, and nowhere else.
 */
function mayStand(...happenings: readonly Happening[]): readonly string[] {
  const sights = [FREE];
  const acts: Act[] = [];
  const writes: Record<Side, Written[]> = { teams: [], dynamics: [] };
  for (const [atMs, who, side, status] of happenings) {
    const before = sights.at(-1) ?? FREE;
    sights.push({ ...before, atMs, [side]: status });
    if (who === "we") writes[side].push({ atMs, says: status });
    else {
      const act = { person: SOMEBODY, atMs, side, does: "choose", status } as const;
      acts.push({ ...act, presenceId: null, before });
    }
  }
  const { choices } = expectationOf(acts, {
    sightsOf: () => sights,
    writesTo: (_person, side) => writes[side],
    lastedMs: (_person, span, fits) => lasted(sights, span, fits),
  });
  return [...choices]
    .map((choice) => `${choice?.status ?? "Available"} of ${choice?.side ?? "nobody"}`)
    .toSorted();
}

describe("what may stand after somebody's choices", () => {
  test("her last choice, and nothing else, where nothing else was near", () => {
    expect(mayStand([0, "she", "dynamics", "Away"], [20_000, "she", "dynamics", "Busy"])).toEqual([
      "Busy of dynamics",
    ]);
    expect(mayStand([0, "we", "dynamics", "Busy"], [9_000, "she", "dynamics", "Away"])).toEqual([
      "Away of dynamics",
    ]);
  });

  test("of two that crossed the less available", () => {
    expect(mayStand([0, "she", "dynamics", "Busy"], [4_000, "she", "teams", "Away"])).toEqual([
      "Busy of dynamics",
    ]);
  });

  /** Within five seconds the service cannot know whether what it reads is its own write, shown late. */
  const again = (afterMs: number): readonly string[] =>
    mayStand(
      [-20_000, "she", "dynamics", "Away"],
      [-10_000, "she", "dynamics", "Available"],
      [0, "we", "dynamics", "Busy"],
      // So soon that nobody who looks five times a second saw what had been written.
      [76, "she", "dynamics", "DoNotDisturb"],
      [afterMs, "she", "dynamics", "Busy"],
    );

  test("a choice that says what was written a moment before counts or does not, though the write was hardly shown", () => {
    expect(again(5_200)).toEqual(["Busy of dynamics", "DoNotDisturb of dynamics"]);
    expect(again(5_600)).toEqual(["Busy of dynamics"]);
  });

  test("a choice that says anything else than what was written counts", () => {
    expect(
      mayStand([0, "we", "dynamics", "Busy"], [3_000, "she", "dynamics", "DoNotDisturb"]),
    ).toEqual(["DoNotDisturb of dynamics"]);
    expect(mayStand([0, "we", "teams", "Busy"], [3_000, "she", "dynamics", "Busy"])).toEqual([
      "Busy of dynamics",
    ]);
  });
});
