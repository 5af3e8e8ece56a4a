import { expect, test } from "vitest";
import { openCompany } from "./company.ts";
import { FAULTLESS, judgeDay } from "./verdict.ts";

test("[P1] [P3] [P15] 200 reps choose in Dynamics only, and Teams shows what they chose", async ({
  annotate,
}) => {
  await using company = await openCompany();
  const { verdict, evidence } = await judgeDay(company, {
    seed: 3,
    doings: ["dynamics choices"],
    actsPerRep: 8,
    meanGapMs: 2_500,
    leastGapMs: 0,
  });
  await annotate(JSON.stringify(verdict));
  // One place to choose in: there is one right end for everybody, but for those who change their mind at once.
  expect(verdict.disputed).toBeLessThan(60);
  expect(verdict.noticedWithout).toBeGreaterThan(100);
  expect(verdict, evidence).toMatchObject(FAULTLESS);
  expect(company.tenant.dataverse.control.writes()).toEqual([]);
  expect(verdict.notAvailable).toBeGreaterThan(100);
  expect(verdict.writes).toBeGreaterThan(200);
});
