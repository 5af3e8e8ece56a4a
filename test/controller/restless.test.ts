import { expect, test } from "vitest";
import { Restless } from "../../src/controller/restless.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { ANA, BEN } from "./crew.ts";

test("[R390] who wakes again before a sweep has looked at her woke with her first tick, in each system", () => {
  const restless = new Restless([TEAMS, DYNAMICS]);
  restless.add(ANA.rep, 3);
  restless.settle(ANA.rep, TEAMS);
  restless.add(ANA.rep, 7);
  expect([TEAMS, DYNAMICS].map((system) => restless.tickOf(ANA.rep, system))).toEqual([7, 3]);
});

test("[R366] who is gone and comes again is new", () => {
  const restless = new Restless([DYNAMICS]);
  restless.add(ANA.rep, 3);
  restless.delete(ANA.rep);
  expect(restless.tickOf(ANA.rep, DYNAMICS)).toBeUndefined();
  restless.add(ANA.rep, null);
  expect(restless.tickOf(ANA.rep, DYNAMICS)).toBeNull();
});

test("[R390] of some reps, those with whom nothing goes on are not among them", () => {
  const restless = new Restless([DYNAMICS]);
  restless.add(ANA.rep, 3);
  for (const asked of [[ANA], [ANA, BEN]]) {
    expect([...restless.among(asked, DYNAMICS)]).toEqual([ANA.rep]);
  }
});
