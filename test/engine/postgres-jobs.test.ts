import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Jobs, Nudge, RecurringJob } from "../../src/engine/jobs.ts";
import { openPostgresJobs } from "../../src/engine/postgres/jobs.ts";
import { repId, TEAMS } from "../../src/presence/identity.ts";
import { PostgresServer } from "./postgres-server.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off"]);
});
afterAll(() => server.dispose());

/** An instance of the jobs, and what was handed over to it. */
class Taker {
  readonly taken: { readonly shard: number; readonly nudge: Nudge }[] = [];
  #changed = Promise.withResolvers<void>();

  readonly take = (shard: number, nudge: Nudge): void => {
    this.taken.push({ shard, nudge });
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  };

  async has(count: number): Promise<void> {
    while (this.taken.length < count) await this.#changed.promise;
  }

  get names(): string[] {
    return this.taken.map(({ nudge }) => nudge.rep);
  }
}

async function open(
  taker: Taker,
  recurring: readonly RecurringJob[] = [],
  url = server.url(),
): Promise<Jobs> {
  const onFault = (): void => undefined;
  const jobs = await openPostgresJobs({ url, onNudge: taker.take, recurring, onFault });
  onTestFinished(() => jobs.stop().catch(() => undefined));
  return jobs;
}

const nudge = (name: string, urgency: Nudge["urgency"] = "normal"): Nudge => ({
  rep: repId(name),
  system: TEAMS,
  urgency,
});

test("[R260] a nudge waits until its shard is served, and is handed over once however often it was asked for", async () => {
  const [here, there] = [new Taker(), new Taker()];
  const [asking, serving] = await Promise.all([open(here), open(there)]);
  const names = Array.from({ length: 50 }, (_, n) => `rep-${n}`);
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(names.map((name) => asking.nudge(1, nudge(name))));
  }
  await asking.nudge(2, nudge("elsewhere"));
  await asking.serve([2]);
  await serving.serve([1]);
  await Promise.all([there.has(50), here.has(1)]);
  await serving.nudge(2, nudge("the last"));
  await here.has(2);
  expect(there.names.toSorted()).toEqual(names.toSorted());
  expect(here.names).toEqual(["elsewhere", "the last"]);
});

test("[R260] what protects somebody is handed over first", async () => {
  const taker = new Taker();
  const jobs = await open(taker);
  for (const name of ["a", "b", "c"]) await jobs.nudge(3, nudge(name));
  await jobs.nudge(3, nudge("urgent", "protective"));
  await jobs.serve([3]);
  await taker.has(4);
  expect(taker.names[0]).toBe("urgent");
  expect(taker.taken[0]).toEqual({ shard: 3, nudge: nudge("urgent", "protective") });
});

test("[R260] a later nudge is not handed over before its time, and does not delay one that is due", async () => {
  const taker = new Taker();
  const jobs = await open(taker);
  await jobs.serve([4]);
  await jobs.nudge(4, { ...nudge("ana"), runAtMs: Date.now() + 3_600_000 });
  await jobs.nudge(4, nudge("ana"));
  await jobs.nudge(4, nudge("ben"));
  await taker.has(2);
  expect(taker.taken.filter(({ nudge: { runAtMs } }) => runAtMs !== undefined)).toEqual([]);
  await server.sql("UPDATE graphile_worker._private_jobs SET run_at = now()");
  await jobs.nudge(4, nudge("cleo"));
  await taker.has(4);
  expect(taker.taken.filter(({ nudge: { runAtMs } }) => runAtMs !== undefined)).toHaveLength(1);
});

test("[R260] a nudge of a shard that was given up goes to whoever has it next", async () => {
  const [one, two] = [new Taker(), new Taker()];
  const [first, second] = await Promise.all([open(one), open(two)]);
  await first.serve([5, 6]);
  await first.serve([6]);
  await first.nudge(5, nudge("ana"));
  await second.serve([5]);
  await two.has(1);
  expect([one.names, two.names]).toEqual([[], ["ana"]]);
});

test("[R261] of three instances one does what recurs, each time", async () => {
  let done = 0;
  const ran = Promise.withResolvers<void>();
  const run = async (): Promise<void> => {
    done += 1;
    ran.resolve();
  };
  // Half a day from now: its hour comes once in the day that has passed, and not while this is asked.
  const hour = (new Date().getUTCHours() + 12) % 24;
  const recurring = [{ name: "forget", cron: `0 ${hour} * * *`, run }];
  await (await open(new Taker(), recurring)).stop();
  expect(done).toBe(0);
  // A day has passed.
  await server.sql(
    "UPDATE graphile_worker._private_known_crontabs SET known_since = now() - interval '2 days', last_execution = now() - interval '1 day'",
  );
  const instances = await Promise.all([1, 2, 3].map(() => open(new Taker(), recurring)));
  await ran.promise;
  await Promise.all(instances.map((jobs) => jobs.stop()));
  expect(done).toBe(1);
});

test("a server that is gone is told as the engine tells it", async () => {
  const gone = open(new Taker(), [], server.url("postgres", 1));
  await expect(gone).rejects.toMatchObject({ name: "EngineError", code: "engine-unreachable" });
  const later = { ...nudge("ana"), runAtMs: Number.NaN };
  const jobs = await open(new Taker());
  await expect(jobs.nudge(1, later)).rejects.toMatchObject({ code: "engine-unstorable" });
});
