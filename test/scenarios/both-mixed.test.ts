import { expect, test } from "vitest";
import { openCompany } from "./company.ts";
import { FAULTLESS, judgeDay } from "./verdict.ts";

test("[P1] [P3] [P15] 200 reps talk and choose in both systems, and both end up showing what they chose", async ({
  annotate,
}) => {
  await using company = await openCompany();
  const { verdict, evidence } = await judgeDay(company, {
    seed: 1,
    doings: ["calls", "teams choices", "dynamics choices"],
    actsPerRep: 8,
    meanGapMs: 2_500,
    leastGapMs: 1_000,
  });
  await annotate(JSON.stringify(verdict));
  expect(verdict, evidence).toMatchObject(FAULTLESS);
  expect(verdict.notAvailable).toBeGreaterThan(100);
  expect(verdict.disputed).toBeLessThan(90);
  expect(verdict.noticedWithout).toBeGreaterThan(50);
  expect(verdict.met).toBeLessThan(250);
  expect(verdict.diverged).toBeLessThan(4);
  expect(verdict.talking).toBeGreaterThan(3);
  expect(verdict.writes).toBeGreaterThan(200);
});
