import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openCompany } from "../scenarios/company.ts";
import { countWrong } from "../scenarios/count.ts";
import { type Act, liveThrough } from "../scenarios/day.ts";
import { wrongAfter } from "../scenarios/verdict.ts";
import { unexplainedWrites } from "../service/evidence.ts";
import { SABOTEUR } from "./cabled-company.ts";

const REPS = 60;
const KILLS = 6;

test("[P1] [P3] [P5] [R370] F17 killed -9 when many writes have left in one call and none is answered, it neither repeats nor forgets any", async () => {
  await using company = await openCompany({ reps: REPS, nodeArguments: SABOTEUR });
  const { service, tenant } = company;
  const acts: Act[] = [];
  const chooseAll = async (seed: number): Promise<void> => {
    const doings = ["dynamics choices"] as const;
    const plan = { doings, actsPerRep: 1, meanGapMs: 0, leastGapMs: 0, seed };
    acts.push(...(await liveThrough(company, plan)));
  };
  await service.stop();
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await chooseAll(kill);
    // The first call, or one of those that follow it while that is under way.
    service.begin({ FAILPOINT: `batch-unanswered:${1 + (kill % 2)}` });
    const alive = sleep(90_000, "it never shared a call", { ref: false });
    expect(await Promise.race([service.ended(), alive])).toBe("SIGKILL");
  }
  await service.restart({ FAILPOINT: null });
  await company.quiet(() => countWrong(company, acts).wrong.length === 0);
  expect(await wrongAfter(company, acts)).toEqual([]);
  expect(acts).toHaveLength(REPS * KILLS);
  expect(unexplainedWrites(tenant, await service.history())).toEqual([]);
  expect(service.errors).toBe("");
});
