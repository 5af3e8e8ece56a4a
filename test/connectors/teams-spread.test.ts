import fc from "fast-check";
import { expect, test } from "vitest";
import { spread } from "../../src/connectors/teams/spread.ts";
import { type TeamsUserId, teamsUserId } from "../../src/presence/identity.ts";
import "../fuzz/same-cases.ts";

const users = (count: number, from = 0): TeamsUserId[] =>
  Array.from({ length: count }, (_, index) => teamsUserId(`user-${from + index}`));
const sizes = (shards: ReadonlyMap<string, readonly TeamsUserId[]>): number[] =>
  [...shards.values()].map(({ length }) => length);

test("[R120] without an account nobody has a place", () => {
  const people = users(3);
  expect(spread(people, [], new Map())).toEqual({ shards: new Map(), uncovered: people });
});

test("[R120] 10 000 people need 16 accounts, and the last has room", () => {
  const accounts = Array.from({ length: 16 }, (_, index) => `account-${index}`);
  const { shards, uncovered } = spread(users(10_000), accounts, new Map());
  expect(uncovered).toEqual([]);
  expect(sizes(shards)).toEqual([...Array.from({ length: 15 }, () => 650), 250]);
});

test("[R120] those who come together share one shard, as far as it has room", () => {
  const before = spread(users(700), ["a", "b"], new Map()).shards;
  const { shards } = spread(users(710), ["a", "b"], before);
  expect(shards.get("a")).toEqual(before.get("a"));
  expect(shards.get("b")).toEqual([...(before.get("b") ?? []), ...users(10, 700)]);
});

test("[R120] an account more takes who had no place, and leaves the others alone", () => {
  const before = spread(users(700), ["a"], new Map());
  const { shards, uncovered } = spread(users(700), ["a", "b"], before.shards);
  expect(before.uncovered).toHaveLength(50);
  expect(shards.get("a")).toEqual(before.shards.get("a"));
  expect([sizes(shards), uncovered]).toEqual([[650, 50], []]);
});

test("[R120] whatever comes and goes, nobody moves who can stay, and nobody stands in two places", () => {
  const people = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 });
  const accounts = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
  const change = fc.record({ people, accounts });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      let before: ReadonlyMap<string, readonly TeamsUserId[]> = new Map();
      for (const { people: numbers, accounts: open } of changes) {
        const now = numbers.map((number) => teamsUserId(`user-${number}`));
        const { shards, uncovered } = spread(now, open, before, 10);
        const placed = [...shards.values()].flat();
        expect([...placed, ...uncovered].toSorted()).toEqual(now.toSorted());
        expect(placed).toHaveLength(Math.min(now.length, open.length * 10));
        for (const [account, members] of shards) {
          expect(members.length).toBeLessThanOrEqual(10);
          const stay = (before.get(account) ?? []).filter((user) => now.includes(user));
          expect(stay.filter((user) => !members.includes(user))).toEqual([]);
        }
        before = shards;
      }
    }),
  );
});
