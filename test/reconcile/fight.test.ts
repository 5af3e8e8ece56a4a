import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { AutomaticKind } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import { CLASSIFICATIONS, type Classification } from "../../src/reconcile/classify.ts";
import { calmDown, countChange, fightEndsMs } from "../../src/reconcile/fight.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import { newRep, type Rep, withEndpoint } from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const WATCHFUL: Policy = { ...POLICY, fightChanges: 3, fightWindowMs: 1_000, fightQuietMs: 500 };
const NEW = newRep([TEAMS, DYNAMICS]);

type Change = {
  readonly atMs: number;
  readonly by?: string | null;
  readonly status?: Status | null;
  readonly as?: Classification;
  readonly in?: typeof TEAMS;
  readonly automatic?: AutomaticKind;
  readonly policy?: Policy;
};

/** One change of Dynamics, unless it is said to be in Teams. */
function change(rep: Rep, made: Change): Rep {
  const { atMs, by, status = "Busy", as = "choice", automatic = null } = made;
  const { in: system = DYNAMICS, policy = WATCHFUL } = made;
  const reading = {
    status,
    automatic,
    native: "",
    sequence: null,
    startedTick: 1,
    startedAtMs: atMs,
    by,
  };
  return countChange(rep, rep, system, reading, as, policy);
}
const through = (changes: readonly Change[], rep: Rep = NEW): Rep => changes.reduce(change, rep);

describe("[R110] a fight begins", () => {
  it("with as many changes as the policy says, within its window", () => {
    const two = through([{ atMs: 100 }, { atMs: 600 }]);
    expect(two.fight).toBeNull();
    expect(two.systems[DYNAMICS]?.changesMs).toEqual([100, 600]);
    const before = withEndpoint(two, DYNAMICS, { seen: "Away" });
    expect(change(before, { atMs: 1_100, by: "rota" }).fight).toEqual({
      system: DYNAMICS,
      by: "rota",
      between: ["Busy", "Away"],
      sinceMs: 100,
      lastMs: 1_100,
      changes: 3,
    });
    expect(change(two, { atMs: 1_101 }).fight).toBeNull();
    expect(change(two, { atMs: 700 }).fight).toMatchObject({ by: null, between: ["Busy", "Busy"] });
  });

  it("with the newest changes, however many came before them", () => {
    const rep = through([0, 5_000, 10_000, 10_100, 10_200].map((atMs) => ({ atMs })));
    expect(rep.fight).toMatchObject({ sinceMs: 10_000, lastMs: 10_200, changes: 3 });
    expect(rep.systems[DYNAMICS]?.changesMs).toEqual([10_000, 10_100, 10_200]);
  });

  it("in one system; changes of both do not add up", () => {
    const rep = through([{ atMs: 1 }, { atMs: 2, in: TEAMS }, { atMs: 3 }, { atMs: 4, in: TEAMS }]);
    expect(rep.fight).toBeNull();
  });

  it("never, where the policy does not look for any", () => {
    const policy = { ...WATCHFUL, fightChanges: null };
    expect(through([1, 2, 3, 4].map((atMs) => ({ atMs, policy })))).toBe(NEW);
  });

  const COUNTED = ["choice", "outranked", "agrees", "automatic", "automatic ended", "sign-in"];
  it.each(CLASSIFICATIONS)(
    "a reading that is %s counts only if it is a change that we did not make",
    (as) => {
      const rep = change(NEW, { atMs: 1, as });
      expect(rep.systems[DYNAMICS]?.changesMs).toEqual(COUNTED.includes(as) ? [1] : []);
    },
  );

  it("not from what the system does by itself, which a call of hers is not", () => {
    expect(change(NEW, { atMs: 1, as: "automatic", automatic: "soft" })).toBe(NEW);
    const call = change(NEW, { atMs: 1, as: "automatic", automatic: "hold" });
    expect(call.systems[DYNAMICS]?.changesMs).toEqual([1]);
  });

  it("not from a reading that says nothing, nor from one that agrees and shows what was seen", () => {
    expect(change(NEW, { atMs: 1, status: null })).toBe(NEW);
    const seen = withEndpoint(NEW, DYNAMICS, { seen: "Busy" });
    expect(change(seen, { atMs: 1, as: "agrees" })).toBe(seen);
    expect(change(seen, { atMs: 1, as: "choice" }).systems[DYNAMICS]?.changesMs).toEqual([1]);
  });
});

describe("[R111] [R112] a fight that is on", () => {
  const fighting = through([{ atMs: 100, by: "rota" }, { atMs: 200 }, { atMs: 300, by: "rota" }]);

  it("counts on, and remembers who it is", () => {
    expect(change(fighting, { atMs: 400 }).fight).toMatchObject({
      by: "rota",
      changes: 4,
      sinceMs: 100,
      lastMs: 400,
    });
    expect(change(fighting, { atMs: 400, by: "other" }).fight).toMatchObject({ by: "other" });
  });

  it("is the only one: another system's changes are counted and begin none", () => {
    const rep = through(
      [1, 2, 3].map((ms) => ({ atMs: 300 + ms, in: TEAMS })),
      fighting,
    );
    expect(rep.fight).toEqual(fighting.fight);
    expect(rep.systems[TEAMS]?.changesMs).toHaveLength(3);
  });

  it("ends when the system was quiet for long enough, and counting starts anew", () => {
    expect(fightEndsMs(fighting, WATCHFUL)).toBe(800);
    expect(fightEndsMs(NEW, WATCHFUL)).toBeNull();
    expect(calmDown(fighting, WATCHFUL, 799)).toBe(fighting);
    const calm = calmDown(fighting, WATCHFUL, 800);
    expect(calm.fight).toBeNull();
    expect(calm.systems[DYNAMICS]?.changesMs).toEqual([]);
  });

  it("what is too old to count is forgotten, and nothing else is", () => {
    const rep = through([{ atMs: 100 }, { atMs: 900 }]);
    expect(calmDown(rep, WATCHFUL, 1_100)).toBe(rep);
    expect(calmDown(rep, WATCHFUL, 1_101).systems[DYNAMICS]?.changesMs).toEqual([900]);
    expect(calmDown(rep, WATCHFUL, 1_900).systems[DYNAMICS]?.changesMs).toEqual([900]);
    expect(calmDown(NEW, WATCHFUL, 9_999)).toBe(NEW);
  });
});
