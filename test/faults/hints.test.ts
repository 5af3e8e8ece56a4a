import { describe, expect, test } from "vitest";
import { openCompany } from "../scenarios/company.ts";
import { countWrong } from "../scenarios/count.ts";
import { hangUpAll, liveThrough } from "../scenarios/day.ts";
import { wrongAfter } from "../scenarios/verdict.ts";
import { eventually, WEBHOOK_KEY } from "../service/launch.ts";
import { sendHint } from "./hint.ts";
import { tellStory, writesIn } from "./story.ts";

const FOUR_HOURS_MS = 4 * 3_600_000;
const DAY = {
  doings: ["dynamics choices"],
  actsPerRep: 3,
  meanGapMs: 3_000,
  leastGapMs: 2_000,
} as const;

describe.concurrent("hints are no facts:", () => {
  test("[P1] F1 all hints dropped: everybody ends as she wanted, by the polls alone", async () => {
    await using company = await openCompany({ reps: 30 });
    const { dataverse } = company.tenant;
    dataverse.control.hooks({ dropShare: 1 });
    const acts = await liveThrough(company, {
      ...DAY,
      doings: ["dynamics choices", "calls"],
      seed: 1,
    });
    const all = [...acts, ...hangUpAll(company)];
    await company.quiet(() => countWrong(company, all).wrong.length === 0);
    expect(await wrongAfter(company, all)).toEqual([]);
    expect(dataverse.control.webhooks()).toEqual([]);
    expect(company.writes()).toBeGreaterThan(30);
  });

  test("[P5] F2 each hint a hundred times: the same writes as if it had come once", async () => {
    await using once = await openCompany({ reps: 2 });
    await using often = await openCompany({ reps: 2 });
    const { control } = often.tenant.dataverse;
    for (let copy = 1; copy < 100; copy += 1) {
      control.registerWebhook({
        url: `${often.service.url}/webhooks/dataverse`,
        headerName: "x-lockstep-key",
        headerValue: WEBHOOK_KEY,
        mode: "async",
      });
    }
    const [expected, writes] = await Promise.all([tellStory(once), tellStory(often)]);
    expect(writes).toEqual(expected);
    const told = (company: typeof once) => company.tenant.dataverse.control.webhooks().length;
    await eventually("each has come a hundred times", () => told(often) >= 100 * told(once));
  });

  test("[P5] F3 hints shuffled and up to four hours late: when they come, nothing is written", async () => {
    await using company = await openCompany({ reps: 30 });
    const { control } = company.tenant.dataverse;
    control.hooks({ delayMinMs: FOUR_HOURS_MS / 2, delayMaxMs: FOUR_HOURS_MS, reorder: true });
    const acts = await liveThrough(company, { ...DAY, seed: 3 });
    await company.quiet(() => countWrong(company, acts).wrong.length === 0);
    expect(await wrongAfter(company, acts)).toEqual([]);
    expect(control.webhooks()).toEqual([]);

    const before = writesIn(company);
    control.advance({ ms: FOUR_HOURS_MS });
    await eventually("every hint has come", () => control.webhooks().length >= acts.length);
    await company.quiet();
    expect(writesIn(company)).toEqual(before);
    expect(await wrongAfter(company, acts)).toEqual([]);
  });

  test("[P3] [P15] a thousand hints about nothing: not one write", async () => {
    await using company = await openCompany({ reps: 10 });
    for (let round = 0; round < 100; round += 1) {
      const sent = company.people.map((person) => sendHint(company.service, person));
      expect(new Set(await Promise.all(sent))).toEqual(new Set([200]));
    }
    await company.quiet();
    expect(company.writes()).toBe(0);
  });
});
