import { expect, onTestFinished, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { engineOfShard, shardOf } from "../../src/fleet/shard.ts";
import { Shards } from "../../src/fleet/shards.ts";
import { Crew, end, engineWith, person, type Watch } from "../controller/crew.ts";

const COUNT = 4;
const TTL_MS = 6_000;
const PEOPLE = Array.from({ length: 12 }, (_, n) => person(`rep-${n}`));

/** An instance: a controller with its sweeps for each shard that it has. It can be cut off from the store. */
class Instance {
  readonly watches = new Map<number, Watch>();
  readonly shards: Shards;
  isCut = false;

  constructor(crew: Crew, name: string) {
    const engine = this.#reach(crew.engine);
    this.shards = new Shards({
      engine,
      clock: crew.clock,
      elapsedMs: () => crew.clock.nowMs(),
      instance: name,
      count: COUNT,
      ttlMs: TTL_MS,
      onGained: async (tenure) => {
        const people = PEOPLE.filter(({ rep }) => shardOf(rep, COUNT) === tenure.shard);
        const watch = await crew.begin(engineOfShard(engine, tenure, COUNT), people);
        this.watches.set(tenure.shard, watch);
      },
      onLost: async (shard) => {
        const watch = this.watches.get(shard);
        this.watches.delete(shard);
        if (watch) await end(watch);
      },
      onFault: () => undefined,
    });
  }

  #reach(engine: Engine): Engine {
    const through = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
      return (...args: Args): Promise<Result> =>
        this.isCut ? Promise.reject(new Error("cut off")) : call(...args);
    };
    return engineWith(engine, {
      load: through(() => engine.load()),
      get: through((rep) => engine.get(rep)),
      commit: through((commit) => engine.commit(commit)),
      remove: through((rep) => engine.remove(rep)),
      unsettled: through(() => engine.unsettled()),
      lease: through((name, holder, ttlMs) => engine.lease(name, holder, ttlMs)),
      release: through((name, holder) => engine.release(name, holder)),
      leases: through(() => engine.leases()),
    });
  }
}

/** What the store's clock does while nobody renews: here it stands still, as the virtual one moves. */
async function expire(engine: Engine, holder: string): Promise<void> {
  for (const lease of await engine.leases()) {
    if (lease.holder === holder) await engine.lease(lease.name, holder, 0);
  }
}

test("[R259] two instances keep everybody in step with one write for each change, also when one is cut off and comes back", async () => {
  const { crew, watch } = await Crew.onDuty({ people: PEOPLE });
  await end(watch);
  const [one, two] = [new Instance(crew, "one"), new Instance(crew, "two")];
  onTestFinished(() => crew.engine.close());
  await one.shards.start();
  await two.shards.start();
  await crew.clock.advance(TTL_MS);
  expect([one.watches.size, two.watches.size]).toEqual([2, 2]);

  const inStep = async (presence: string, writes: number): Promise<void> => {
    await crew.clock.advance(30_000);
    const shown = PEOPLE.map(({ rep }) => crew.dynamics.presence(rep));
    expect(new Set(shown)).toEqual(new Set([presence]));
    expect(crew.writes).toBe(writes);
  };
  const before = crew.writes;
  for (const { rep } of PEOPLE) crew.teams.choose(rep, "Busy");
  await inStep("Busy", before + PEOPLE.length);

  // It goes on reading, and believes for a while that it has what the other one takes over.
  two.isCut = true;
  await expire(crew.engine, "two");
  for (const { rep } of PEOPLE) crew.teams.choose(rep, "Away");
  await inStep("Away", before + 2 * PEOPLE.length);
  expect([one.watches.size, two.watches.size]).toEqual([COUNT, 0]);

  two.isCut = false;
  await crew.clock.advance(2 * TTL_MS);
  expect([one.watches.size, two.watches.size]).toEqual([2, 2]);
  for (const { rep } of PEOPLE) crew.teams.choose(rep, "DoNotDisturb");
  await inStep("Busy - DND", before + 3 * PEOPLE.length);
  await Promise.all([one.shards.stop(), two.shards.stop()]);
  expect([one.watches.size, two.watches.size]).toEqual([0, 0]);
});
