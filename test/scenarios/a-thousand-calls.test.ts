import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { askApi, partnersWith } from "../service/api.ts";
import { sendEvent } from "../service/partner.ts";
import { openCompany } from "./company.ts";

const CALLS = 1_000;
const WITHIN_MS = 10_000;
const CALLS_PER_REP = 5;

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** One that shouts, one that lies about who it is, one that never finishes a sentence: until it is told to stop. */
async function misbehave(url: string, person: string, stopped: () => boolean): Promise<number[]> {
  const statuses: number[] = [];
  const sockets = Array.from({ length: 50 }, () => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("PUT /api/v1/reps/x/holds/y HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n");
    return socket;
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const items = Array.from({ length: 1_000 }, () => ({ op: "endHold", rep: person, hold: "x" }));
  while (!stopped()) {
    statuses.push((await askApi({ url }, "POST /bulk", { as: "flood", body: { items } })).status);
    const lie = { type: "hold.ended", rep: person, hold: "0" };
    const secret = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
    statuses.push((await sendEvent({ url }, lie, { secret })).status);
    await sleep(20);
  }
  return statuses;
}

test("[R192, P8, P10] a thousand calls that begin within ten seconds lose nothing, while others lie, flood and die", async ({
  annotate,
}) => {
  await using company = await openCompany({
    reps: CALLS / CALLS_PER_REP,
    env: { PARTNERS: partnersWith("flood") },
  });
  const { service, people, tenant, witness } = company;
  let stopped = false;
  const noise = misbehave(service.url, people[0]?.dynamics ?? "", () => stopped);

  const beganMs = new Map<string, number>();
  const put = async (index: number): Promise<number> => {
    const person = people[index % people.length];
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

  const writes = tenant.graph.control.writes();
  const tookMs = people.flatMap(({ teams }) => {
    const first = writes.find(({ userId }) => userId === teams);
    return first ? [first.atMs - (beganMs.get(teams) ?? 0)] : [];
  });
  const sorted = tookMs.toSorted((a, b) => a - b);
  expect(sorted).toHaveLength(people.length);
  await annotate(
    `ms from the call to the write in Teams: p50 ${percentile(sorted, 0.5)}, p99 ${percentile(sorted, 0.99)}`,
  );

  const ends = people.flatMap(({ dynamics: rep }, index) =>
    Array.from({ length: CALLS_PER_REP }, (_, call) => ({
      op: "endHold",
      rep,
      hold: String(index + call * people.length),
    })),
  );
  const ended = await askApi(service, "POST /bulk", { body: { items: ends } });
  const { results } = ended.json as { readonly results: readonly { readonly status: number }[] };
  expect(results.filter(({ status }) => status !== 202)).toEqual([]);
  await expect.poll(all("Available", "Available"), { timeout: 100_000, interval: 200 }).toBe(true);
  stopped = true;
  const statuses = await noise;
  expect(new Set(statuses)).toEqual(new Set([200, 401, 429]));
}, 300_000);
