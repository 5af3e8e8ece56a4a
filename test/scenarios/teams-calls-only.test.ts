import { expect, test } from "vitest";
import { openCompany } from "./company.ts";
import { FAULTLESS, judgeDay } from "./verdict.ts";

test("[P1] [P13] [P15] 200 reps do nothing but talk in Teams, and nobody is left Busy", async ({
  annotate,
}) => {
  await using company = await openCompany();
  const { verdict, evidence } = await judgeDay(company, {
    seed: 2,
    doings: ["calls"],
    actsPerRep: 7,
    meanGapMs: 2_500,
    leastGapMs: 0,
  });
  await annotate(JSON.stringify(verdict));
  expect(verdict, evidence).toMatchObject({ ...FAULTLESS, disputed: 0, notAvailable: 0 });
  // Seven acts each: everybody is in a call when the others rest, and Dynamics has been told of it and of its end.
  expect(verdict.talking).toBe(200);
  expect(verdict.writes).toBeGreaterThanOrEqual(400);
});
