import { beforeAll, describe, expect, test } from "vitest";
import { openCompany } from "../scenarios/company.ts";
import { order, SABOTEUR } from "./cabled-company.ts";
import { tellStory } from "./story.ts";

const HOUR_MS = 3_600_000;
const SKEW_MS = 600_000;

/** What is written when every clock is right. Whatever clocks do, it must be this. */
let undisturbed: readonly string[] = [];
beforeAll(async () => {
  await using company = await openCompany({ reps: 2 });
  undisturbed = await tellStory(company);
});

describe.concurrent("[P2] [P5] the story is the same, write by write, when", () => {
  test("nothing is wrong, and it is not empty", () => {
    expect(undisturbed.length).toBe(6);
  });

  test("F21 the service's clock is set an hour forward before each chapter", async () => {
    await using company = await openCompany({ reps: 2, nodeArguments: SABOTEUR });
    const writes = await tellStory(company, () => order(company, `clock ${HOUR_MS}`));
    expect(writes).toEqual(undisturbed);
  });

  test("F21 the service's clock is set an hour back before each chapter", async () => {
    await using company = await openCompany({ reps: 2, nodeArguments: SABOTEUR });
    const writes = await tellStory(company, () => order(company, `clock ${-HOUR_MS}`));
    expect(writes).toEqual(undisturbed);
  });

  test("F21 the service's clock jumps to and fro", async () => {
    await using company = await openCompany({ reps: 2, nodeArguments: SABOTEUR });
    const writes = await tellStory(company, (chapter) =>
      order(company, `clock ${chapter % 2 ? -2 * HOUR_MS : HOUR_MS}`),
    );
    expect(writes).toEqual(undisturbed);
  });

  test("F21 the service's clock stands still", async () => {
    await using company = await openCompany({ reps: 2, nodeArguments: SABOTEUR });
    await order(company, "freeze");
    expect(await tellStory(company)).toEqual(undisturbed);
  });

  test("F22 Graph's clock is ten minutes ahead of ours", async () => {
    await using company = await openCompany({
      reps: 2,
      before: ({ graph }) => void graph.control.advance({ ms: SKEW_MS }),
    });
    expect(await tellStory(company)).toEqual(undisturbed);
  });

  test("F22 Dynamics' clock is ten minutes ahead of ours", async () => {
    await using company = await openCompany({
      reps: 2,
      before: ({ dataverse }) => dataverse.control.advance({ ms: SKEW_MS }),
    });
    expect(await tellStory(company)).toEqual(undisturbed);
  });

  test("F22 both are ten minutes ahead of ours, or ours is behind", async () => {
    await using company = await openCompany({
      reps: 2,
      nodeArguments: SABOTEUR,
      env: { CLOCK_OFFSET_MS: String(-SKEW_MS) },
    });
    expect(await tellStory(company)).toEqual(undisturbed);
  });

  test("F22 both are ten minutes behind ours", async () => {
    await using company = await openCompany({
      reps: 2,
      nodeArguments: SABOTEUR,
      env: { CLOCK_OFFSET_MS: String(SKEW_MS) },
    });
    expect(await tellStory(company)).toEqual(undisturbed);
  });
});
