import { expect, test } from "vitest";
import { openCompany } from "./company.ts";
import { FAULTLESS, judgeDay } from "./verdict.ts";

test("[P1] [P5] [P7] [P15] 200 reps change their minds faster than the late, doubled, lost and overtaking hooks tell of it", async ({
  annotate,
}) => {
  await using company = await openCompany();
  const { dataverse } = company.tenant;
  dataverse.control.hooks({
    delayMinMs: 300,
    delayMaxMs: 1_500,
    dropShare: 0.05,
    duplicateShare: 0.2,
    reorder: true,
  });
  const { verdict, evidence } = await judgeDay(company, {
    seed: 4,
    doings: ["calls", "teams choices", "dynamics choices"],
    actsPerRep: 8,
    meanGapMs: 600,
    leastGapMs: 0,
  });
  await annotate(JSON.stringify(verdict));
  expect(verdict, evidence).toMatchObject(FAULTLESS);
  expect(verdict.notAvailable).toBeGreaterThan(80);
  expect(verdict.disputed).toBeLessThan(170);
  expect(verdict.noticedWithout).toBeGreaterThan(30);
  expect(verdict.diverged).toBeLessThan(8);
  expect(dataverse.control.rollbacks()).toEqual([]);
  const posted = dataverse.control.webhooks();
  expect(posted.length).toBeGreaterThan(500);
  expect(posted.every(({ status }) => status === 200)).toBe(true);
});
