import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { askApi, partnersWith } from "../service/api.ts";
import { openCompany } from "./company.ts";
import { misbehave } from "./misbehaviour.ts";

const CALLS = 1_000;
const WITHIN_MS = 10_000;
const CALLS_PER_REP = 5;
const HOLDS_PER_REP = 20;

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

test("[R192, P8, P10] a thousand calls that begin within ten seconds lose nothing, while others lie, flood and die", async ({
  annotate,
}) => {
  await using company = await openCompany({
    reps: CALLS / CALLS_PER_REP + 1,
    env: { PARTNERS: partnersWith("flood") },
  });
  const { service, tenant, witness } = company;
  const [first, ...people] = company.people;
  if (!first) throw new Error("nobody works here");
  // What runs for the first time is slow, and is not what is to be measured.
  for (const method of ["PUT", "DELETE"]) {
    const body = method === "PUT" ? { body: { status: "InACall" } } : {};
    for (let hold = 0; hold < HOLDS_PER_REP; hold += 1) {
      const line = `${method} /reps/${first.dynamics}/holds/${hold}`;
      expect((await askApi(service, line, body)).status).toBe(202);
    }
  }
  await company.quiet();
  let stopped = false;
  // The second half of the calls begins in a crowd.
  const noise = sleep(WITHIN_MS / 2).then(() =>
    misbehave(service.url, people[0]?.dynamics ?? "", () => stopped),
  );
  const beganMs = new Map<string, number>();
  const put = async (index: number): Promise<number> => {
    // Calls of one rep begin one after the other, and last beside each other.
    const person = people[Math.floor(index / CALLS_PER_REP)];
    if (!person) throw new Error("nobody works here");
    await sleep((index * WITHIN_MS) / CALLS);
    if (!beganMs.has(person.teams)) beganMs.set(person.teams, Date.now());
    const line = `PUT /reps/${person.teams}/holds/${index}`;
    return (await askApi(service, line, { body: { status: "InACall" } })).status;
  };
  const answers = await Promise.all(Array.from({ length: CALLS }, (_, index) => put(index)));
  expect(answers.filter((status) => status !== 202)).toEqual([]);
  const all = (teams: string, dynamics: string) => (): boolean =>
    people.every((person) => {
      const sight = witness.look(person);
      return sight.teams === teams && sight.dynamics === dynamics;
    });
  await expect.poll(all("InACall", "Busy"), { timeout: 100_000, interval: 200 }).toBe(true);

  const journals = {
    Teams: tenant.graph.control.writes().map(({ atMs, userId }) => ({ atMs, who: userId })),
    Dynamics: tenant.dataverse.control.writes().map(({ atMs, agentId: who }) => ({ atMs, who })),
  };
  for (const [where, writes] of Object.entries(journals)) {
    const tookMs = people.map(({ teams, dynamics }) => {
      const write = writes.find(({ who }) => who === teams || who === dynamics);
      return (write?.atMs ?? Number.NaN) - (beganMs.get(teams) ?? 0);
    });
    for (const [when, half] of [
      ["alone", tookMs.slice(0, people.length / 2)],
      ["beside partners that lie, flood and die", tookMs.slice(people.length / 2)],
    ] as const) {
      const sorted = half.toSorted((a, b) => a - b);
      const figures = `p50 ${percentile(sorted, 0.5)}, p99 ${percentile(sorted, 0.99)}`;
      await annotate(`ms from the API call to the write in ${where}, ${when}: ${figures}`);
    }
  }

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
  await expect.poll(all("Available", "Available"), { timeout: 100_000, interval: 200 }).toBe(true);
  stopped = true;
  expect(await noise).toEqual(new Set([200, 401, 429]));
}, 300_000);
