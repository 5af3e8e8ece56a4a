import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { askApi, partnersWith } from "../service/api.ts";
import { openCompany } from "./company.ts";
import { misbehave } from "./misbehaviour.ts";

const CALLS = 1_000;
const WITHIN_MS = 10_000;
const CALLS_PER_REP = 5;

// How soon they are written is measured by test/measure/calls.ts.
test("[R192, P8, P10] a thousand calls that begin within ten seconds lose nothing, while others lie, flood and die", async () => {
  await using company = await openCompany({
    reps: CALLS / CALLS_PER_REP,
    env: { PARTNERS: partnersWith("flood") },
  });
  const { service, people, witness } = company;
  let stopped = false;
  // The second half of the calls begins in a crowd.
  const noise = sleep(WITHIN_MS / 2).then(() =>
    misbehave(service.url, people[0]?.dynamics ?? "", () => stopped),
  );
  const put = async (index: number): Promise<number> => {
    // Calls of one rep begin one after the other, and last beside each other.
    const person = people[Math.floor(index / CALLS_PER_REP)];
    if (!person) throw new Error("nobody works here");
    await sleep((index * WITHIN_MS) / CALLS);
    const line = `PUT /reps/${person.teams}/holds/${index}`;
    return (await askApi(service, line, { body: { status: "InACall" } })).status;
  };
  const answers = await Promise.all(Array.from({ length: CALLS }, (_, index) => put(index)));
  expect(answers.filter((status) => status !== 202)).toEqual([]);
  const all = (inTeams: string, inDynamics: string) => (): boolean =>
    people.every((person) => {
      const { teams, dynamics } = witness.look(person);
      return teams === inTeams && dynamics === inDynamics;
    });
  await expect.poll(all("InACall", "Busy"), { timeout: 400_000, interval: 200 }).toBe(true);

  const ends = people.flatMap(({ dynamics: rep }, index) =>
    Array.from({ length: CALLS_PER_REP }, (_, call) => ({
      op: "endHold",
      rep,
      hold: String(index * CALLS_PER_REP + call),
    })),
  );
  const ended = await askApi(service, "POST /bulk", { body: { items: ends } });
  const { results } = ended.json as { readonly results: readonly { readonly status: number }[] };
  expect(results.filter(({ status }) => status !== 202)).toEqual([]);
  await expect.poll(all("Available", "Available"), { timeout: 400_000, interval: 200 }).toBe(true);
  stopped = true;
  expect(await noise).toEqual(new Set([200, 401, 429]));
}, 1_200_000);
