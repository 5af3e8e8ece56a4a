import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Counterexample,
  findCounterexamples,
  type Projection,
} from "../../src/presence/laws.ts";
import {
  DEFAULT_DYNAMICS_MAPPING,
  DEFAULT_TEAMS_MAPPING,
  DYNAMICS_STATES,
  type DynamicsAction,
  type DynamicsMapping,
  dynamicsProjection,
  type Meaning,
  TEAMS_ACTIONS,
  TEAMS_STATES,
  type TeamsAction,
  type TeamsMapping,
  teamsProjection,
} from "../../src/presence/mapping.ts";
import { isRoutable, join, type Status, STATUSES, strength } from "../../src/presence/status.ts";
import "../fuzz/same-cases.ts";

const teams = teamsProjection(DEFAULT_TEAMS_MAPPING);
const dynamics = dynamicsProjection(DEFAULT_DYNAMICS_MAPPING);

const dynamicsWriting = (writes: Partial<DynamicsMapping["writes"]>): Projection =>
  dynamicsProjection({
    ...DEFAULT_DYNAMICS_MAPPING,
    writes: { ...DEFAULT_DYNAMICS_MAPPING.writes, ...writes },
  });
const dynamicsReading = (reads: Partial<DynamicsMapping["reads"]>): Projection =>
  dynamicsProjection({
    ...DEFAULT_DYNAMICS_MAPPING,
    reads: { ...DEFAULT_DYNAMICS_MAPPING.reads, ...reads },
  });
const chosen = (status: Status): Meaning => ({ status, automatic: null });

describe("the default tables", () => {
  it("[L1] [L2] [L3] [L5] obey every law", () => {
    expect(findCounterexamples({ teams, dynamics })).toEqual([]);
  });
});

describe("a policy that breaks a law is refused with the status that shows it", () => {
  it("[L1] a status written as something unreadable", () => {
    const broken = dynamicsReading({ Away: null });
    const says = "Away is written to dynamics as something that cannot be read back";
    expect(findCounterexamples({ teams, dynamics: broken })).toContainEqual({
      law: "L1",
      status: "Away",
      says,
    });
  });

  it("[L2] a status that reads back as one that is written differently", () => {
    const broken = dynamicsWriting({ BeRightBack: "Busy", Busy: "Busy - DND" });
    const says = "BeRightBack shows as Busy in dynamics, but Busy is written there as DoNotDisturb";
    expect(findCounterexamples({ teams, dynamics: broken })).toContainEqual({
      law: "L2",
      status: "BeRightBack",
      says,
    });
  });

  it("[L3] a busy rep who would look free", () => {
    const broken = dynamicsWriting({ InAMeeting: "Available" });
    const says =
      "InAMeeting would look Available in dynamics, so work would reach somebody who is InAMeeting";
    expect(findCounterexamples({ teams, dynamics: broken })).toEqual([
      { law: "L3", status: "InAMeeting", says },
    ]);
  });

  it("[L2] a status that reads back as one that cannot be read back", () => {
    const says = "Busy shows as Away in a, but Away is written there as nothing readable";
    expect(findCounterexamples({ a: { ...dynamics, Busy: "Away", Away: null } })).toContainEqual({
      law: "L2",
      status: "Busy",
      says,
    });
  });

  it("[L5] copies between two systems are looked at only where each obeys by itself", () => {
    const a: Projection = { ...teams, Away: "Busy", Busy: "DoNotDisturb" };
    const found = findCounterexamples({ a, dynamics });
    expect(new Set(found.map(({ law }) => law))).toEqual(new Set(["L2"]));
  });

  it("[L5] two systems that would play ping-pong", () => {
    const faithful: Projection = { ...teams, InAMeeting: "InAMeeting" };
    const a: Projection = { ...faithful, Away: "DoNotDisturb" };
    const b: Projection = { ...faithful, Busy: "Away", DoNotDisturb: "BeRightBack" };
    const found = findCounterexamples({ a, b });
    expect(found).toContainEqual({
      law: "L5",
      status: "Busy",
      says: "Busy copied a → b → a becomes DoNotDisturb, and BeRightBack the next time round",
    });
  });
});

describe("[L4] join, the less available of two statuses", () => {
  const status = fc.constantFrom(...STATUSES);

  it("is total, commutative, associative and idempotent", () => {
    for (const a of STATUSES) {
      expect(join(a, a)).toBe(a);
      for (const b of STATUSES) {
        expect([a, b]).toContain(join(a, b));
        expect(join(a, b)).toBe(join(b, a));
        for (const c of STATUSES) expect(join(join(a, b), c)).toBe(join(a, join(b, c)));
      }
    }
  });

  it("is routable only if both are", () => {
    fc.assert(
      fc.property(status, status, (a, b) => {
        expect(isRoutable(join(a, b))).toBe(isRoutable(a) && isRoutable(b));
        expect(strength(join(a, b))).toBe(Math.max(strength(a), strength(b)));
      }),
    );
  });
});

/** The laws, said once more in another way: over every chain of writes between the two systems. */
function obeys(a: Projection, b: Projection): boolean {
  return STATUSES.every((status) => {
    for (const q of [a, b]) {
      const shown = q[status];
      if (shown === null || q[shown] !== shown) return false;
      if (shown === "Available" && status !== "Available") return false;
    }
    return copiesSettle(status, a, b) && copiesSettle(status, b, a);
  });
}

/** Copied back and forth, a status stays what it is from the second time on. */
function copiesSettle(status: Status, from: Projection, to: Projection): boolean {
  const rounds: (Status | null)[] = [from[status]];
  for (let round = 0; round < 12; round += 1) {
    const last = rounds.at(-1);
    const there = last == null ? null : to[last];
    rounds.push(there === null ? null : from[there]);
  }
  return rounds.slice(1).every((shown) => shown !== null && shown === rounds[1]);
}

/** A counterexample is real if the tables show what its law forbids for its status. */
function isReal({ law, status }: Counterexample, systems: readonly Projection[]): boolean {
  switch (law) {
    case "L1":
      return systems.some((q) => q[status] === null);
    case "L2":
      return systems.some((q) => q[status] !== null && q[q[status]] !== q[status]);
    case "L3":
      return systems.some((q) => q[status] === "Available" && status !== "Available");
    case "L5": {
      const [a, b] = systems;
      if (!a || !b) return false;
      return !copiesSettle(status, a, b) || !copiesSettle(status, b, a);
    }
    default:
      return law satisfies never;
  }
}

const meaning = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 30, arbitrary: fc.constantFrom(...STATUSES).map(chosen) },
);
/** The default table with a few cells changed: near the laws, on either side of them. */
function nearly<Cell>(
  table: Readonly<Record<string, Cell>>,
  keys: readonly string[],
  cell: fc.Arbitrary<Cell>,
) {
  return fc
    .array(fc.tuple(fc.constantFrom(...keys), cell), { maxLength: 3 })
    .map((changes) => ({ ...table, ...Object.fromEntries(changes) }));
}
const teamsPolicy = fc.record({
  reads: nearly(DEFAULT_TEAMS_MAPPING.reads, TEAMS_STATES, meaning),
  writes: nearly(
    DEFAULT_TEAMS_MAPPING.writes,
    STATUSES,
    fc.constantFrom(...(Object.keys(TEAMS_ACTIONS) as TeamsAction[])),
  ),
}) as fc.Arbitrary<TeamsMapping>;
const dynamicsPolicy = fc.record({
  reads: nearly(DEFAULT_DYNAMICS_MAPPING.reads, DYNAMICS_STATES, meaning),
  writes: nearly(
    DEFAULT_DYNAMICS_MAPPING.writes,
    STATUSES,
    fc.constantFrom<DynamicsAction>("Available", "Busy", "Busy - DND", "Away", "Offline"),
  ),
}) as fc.Arbitrary<DynamicsMapping>;

describe("[L1] [L2] [L3] [L5] any policy", () => {
  it("is passed only if the laws hold, and refused only with a real counterexample", () => {
    let passed = 0;
    let refused = 0;
    const check = (teamsMapping: TeamsMapping, dynamicsMapping: DynamicsMapping): void => {
      const a = teamsProjection(teamsMapping);
      const b = dynamicsProjection(dynamicsMapping);
      const found = findCounterexamples({ teams: a, dynamics: b });
      expect(found.length === 0).toBe(obeys(a, b));
      for (const counterexample of found) expect(isReal(counterexample, [a, b])).toBe(true);
      if (found.length === 0) passed += 1;
      else refused += 1;
    };
    fc.assert(fc.property(teamsPolicy, dynamicsPolicy, check), { numRuns: 10_000 });
    expect(passed).toBeGreaterThan(500);
    expect(refused).toBeGreaterThan(500);
  });
});
