import { writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock } from "../../src/controller/clock.ts";
import { EngineError } from "../../src/engine/engine-error.ts";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { engineOfShard, shardOf, type Tenure } from "../../src/fleet/shard.ts";
import { Shards } from "../../src/fleet/shards.ts";
import { repId } from "../../src/presence/identity.ts";
import { document, entry } from "../engine/sample.ts";
import { REPS, SHARDS, TTL_MS } from "./fleet.ts";

/**
 * One instance, named argv[3], on the database argv[2]. It commits to every rep of its shards as fast as it can,
 * and prints the shards that it has after each change. It stops when its standard input ends.
 */
const [url = "", instance = ""] = process.argv.slice(2);
const engine = await openPostgresEngine({ url, connections: 3 });
const working = new Map<number, { stopped: boolean; readonly done: Promise<void> }>();

function tell(): void {
  writeSync(1, `${JSON.stringify([...working.keys()].toSorted((a, b) => a - b))}\n`);
}

function startWork(tenure: Tenure): void {
  const view = engineOfShard(engine, tenure, SHARDS);
  const mine = REPS.filter((name) => shardOf(repId(name), SHARDS) === tenure.shard);
  const work = { stopped: false, done: Promise.resolve() };
  const once = async (name: string): Promise<void> => {
    const rep = repId(name);
    const generation = (await view.get(rep))?.generation ?? 0;
    const detail = { instance, fence: tenure.fence.fence };
    const history = [{ ...entry(rep, "written"), detail }];
    await view.commit({ document: document(name, generation), history, settles: [] });
  };
  const run = async (): Promise<void> => {
    while (!work.stopped) {
      try {
        await Promise.all(mine.map(once));
      } catch (error) {
        if (!(error instanceof EngineError && error.retry === "unavailable")) throw error;
      }
      await nextTurn();
    }
  };
  work.done = run();
  working.set(tenure.shard, work);
}

const shards = new Shards({
  engine,
  clock: systemClock,
  elapsedMs: () => performance.now(),
  instance,
  count: SHARDS,
  ttlMs: TTL_MS,
  onGained: async (tenure) => {
    startWork(tenure);
    tell();
  },
  onLost: async (shard) => {
    const work = working.get(shard);
    if (work) work.stopped = true;
    await work?.done;
    working.delete(shard);
    tell();
  },
  onFault: (error) => process.stderr.write(`${instance}: ${String(error)}\n`),
});

process.stdin.resume().once("end", () => {
  void shards.stop().then(() => engine.close());
});
await shards.start();
