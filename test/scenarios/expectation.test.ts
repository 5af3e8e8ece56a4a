import { describe, expect, test } from "vitest";
import type { StoredHistoryEntry } from "../../src/engine/engine.ts";
import { repId } from "../../src/presence/identity.ts";
import type { Act } from "./day.ts";
import { expectationOf, type Testimony } from "./expectation.ts";
import { latenessOf } from "./lateness.ts";
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
  return mayStandLate(0, happenings);
}

/** The same on a machine on which everything comes so much later. */
function mayStandLate(lateMs: number, happenings: readonly Happening[]): readonly string[] {
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
  const witness: Testimony = {
    sightsOf: () => sights,
    writesTo: (_person, side) => writes[side],
    lastedMs: (_person, span, fits) => lasted(sights, span, fits),
  };
  const { choices } = expectationOf(acts, witness, () => lateMs);
  const names = [...choices].map(
    (choice) => `${choice?.status ?? "Available"} of ${choice?.side ?? "nobody"}`,
  );
  return [...new Set(names)].toSorted();
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

  test("Away in Teams counts or does not where a status of ours was withdrawn a moment before", () => {
    const away = (afterMs: number): readonly string[] =>
      mayStand(
        [-30_000, "she", "dynamics", "Busy"],
        [-2_000, "she", "dynamics", "Available"],
        [0, "we", "teams", "Available"],
        [afterMs, "she", "teams", "Away"],
      );
    expect(away(2_300)).toEqual(["Available of dynamics", "Away of teams"]);
    expect(away(2_700)).toEqual(["Away of teams"]);
  });

  test("a choice that says anything else than what was written counts", () => {
    expect(
      mayStand([0, "we", "dynamics", "Busy"], [3_000, "she", "dynamics", "DoNotDisturb"]),
    ).toEqual(["DoNotDisturb of dynamics"]);
    expect(mayStand([0, "we", "teams", "Busy"], [3_000, "she", "dynamics", "Busy"])).toEqual([
      "Busy of dynamics",
    ]);
  });

  test("a status that stood before her when she chose was no crossing choice, however short it stood there", () => {
    expect(
      mayStand(
        [0, "she", "dynamics", "DoNotDisturb"],
        [3_000, "we", "teams", "DoNotDisturb"],
        // Looked at in the same moment: nobody can say for how long it had stood there.
        [3_000, "she", "teams", "Away"],
      ),
    ).toEqual(["Away of teams", "DoNotDisturb of dynamics"]);
  });
});

describe("on a machine that is busy with other things", () => {
  test("a choice that was made while a write was on its way counts or does not", () => {
    const overtaken = [
      [0, "she", "dynamics", "Away"],
      [20_000, "she", "dynamics", "DoNotDisturb"],
      [22_000, "we", "dynamics", "Busy"],
    ] as const;
    expect(mayStandLate(100, overtaken)).toEqual(["DoNotDisturb of dynamics"]);
    expect(mayStandLate(600, overtaken)).toEqual(["Away of dynamics", "DoNotDisturb of dynamics"]);
  });

  test("going there and back between two looks that come late is seen by nobody", () => {
    const back = [
      [0, "she", "teams", "Away"],
      [20_000, "she", "teams", "Busy"],
      [22_300, "she", "teams", "Away"],
    ] as const;
    expect(mayStandLate(0, back)).toEqual(["Away of teams"]);
    expect(mayStandLate(1_000, back)).toEqual(["Away of teams", "Busy of teams"]);
  });

  const recorded = (atMs: number): StoredHistoryEntry => ({
    rep: repId(SOMEBODY.dynamics),
    atMs,
    kind: "write",
    says: "",
    cause: null,
    detail: { system: "dynamics" },
    position: 1,
  });
  const world = (...landedMs: readonly number[]) => ({
    people: [SOMEBODY],
    witness: {
      writesTo: (_person: unknown, side: Side): readonly Written[] =>
        side === "teams" ? [] : landedMs.map((atMs) => ({ atMs, says: "Busy" })),
    },
  });

  test("how late things came is how long the writes near it were on their way", () => {
    const lateMs = latenessOf(world(1_200, 31_500), [recorded(1_000), recorded(30_000)]);
    expect([lateMs(900), lateMs(4_100), lateMs(4_300), lateMs(27_100), lateMs(34_600)]).toEqual([
      200, 200, 0, 1_500, 0,
    ]);
  });

  test("a write that the service never recorded, and one that is ten seconds late, excuse nothing more", () => {
    expect(latenessOf(world(1_200), [recorded(2_000)])(1_200)).toBe(0);
    expect(latenessOf(world(60_000), [recorded(1_000)])(60_000)).toBe(10_000);
  });
});
