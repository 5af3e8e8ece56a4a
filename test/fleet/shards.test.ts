import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type Engine, engineWith } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { engineOfShard, shardOf, type Tenure } from "../../src/fleet/shard.ts";
import { Shards } from "../../src/fleet/shards.ts";
import { repId } from "../../src/presence/identity.ts";
import { VirtualClock } from "../controller/clock.ts";
import { commit, document, event } from "../engine/sample.ts";

const COUNT = 4;
const TTL_MS = 9_000;

let store: Engine;
let clock: VirtualClock;
beforeEach(async () => {
  store = await openSqliteEngine({ path: ":memory:" });
  clock = new VirtualClock();
  onTestFinished(() => store.close());
});

/** An instance, and what it looks after. */
function join(instance: string, engine: Engine = store) {
  const tenures = new Map<number, Tenure>();
  const shards = new Shards({
    engine,
    clock,
    elapsedMs: () => clock.nowMs(),
    instance,
    count: COUNT,
    ttlMs: TTL_MS,
    onGained: async (tenure) => {
      expect(tenures.has(tenure.shard)).toBe(false);
      tenures.set(tenure.shard, tenure);
    },
    onLost: async (shard) => {
      expect(tenures.delete(shard)).toBe(true);
    },
    onFault: () => undefined,
  });
  return { shards, tenures };
}

const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

const nameIn = (shard: number): string => {
  for (let n = 0; ; n += 1) if (shardOf(repId(`rep-${n}`), COUNT) === shard) return `rep-${n}`;
};

describe("shards", () => {
  test("[R259] one instance has them all; of two each has half; the last has them all again", async () => {
    const one = join("one");
    await one.shards.start();
    expect(sorted(one.shards.held)).toEqual([0, 1, 2, 3]);
    const two = join("two");
    await two.shards.start();
    expect(two.shards.held).toEqual([]);
    await clock.advance(TTL_MS);
    expect(one.shards.held).toHaveLength(2);
    expect(sorted([...one.shards.held, ...two.shards.held])).toEqual([0, 1, 2, 3]);
    expect(sorted([...one.tenures.keys()])).toEqual(sorted(one.shards.held));
    expect([one.shards.members, two.shards.members]).toEqual([2, 2]);
    await one.shards.stop();
    expect(one.tenures.size).toBe(0);
    await clock.advance(TTL_MS);
    expect(sorted(two.shards.held)).toEqual([0, 1, 2, 3]);
    expect(two.shards.members).toBe(1);
    await two.shards.stop();
  });

  test("[R259] an instance that is cut off from the store stops before its right is over", async () => {
    let isCut = false;
    const cut = engineWith(store, {
      lease: (name, holder, ttlMs) =>
        isCut ? Promise.reject(new Error("cut off")) : store.lease(name, holder, ttlMs),
    });
    const { shards, tenures } = join("one", cut);
    await shards.start();
    const [tenure] = tenures.values();
    isCut = true;
    await clock.advance((TTL_MS * 2) / 3 - 1);
    expect(tenure?.isValid()).toBe(true);
    await clock.advance(1);
    expect(tenure?.isValid()).toBe(false);
    expect(tenures.size).toBe(0);
    // The store still keeps others away.
    expect(await store.lease("shard/0", "two", 1)).toBeNull();
    isCut = false;
    await clock.advance(TTL_MS);
    expect(tenures.size).toBe(COUNT);
    await shards.stop();
  });

  test("[R259] a right that passed on while its holder hung is noticed at the next round", async () => {
    const { shards, tenures } = join("one");
    await shards.start();
    await store.lease("shard/2", "one", 0);
    await store.lease("shard/2", "two", 600_000);
    await clock.advance(TTL_MS / 3);
    expect(sorted([...tenures.keys()])).toEqual([0, 1, 3]);
    await shards.stop();
    expect(await store.leases()).toEqual([{ name: "shard/2", holder: "two" }]);
  });
});

describe("the engine of a shard", () => {
  test("[R259] shows its own reps and events, and stores what the right allows", async () => {
    const { shards, tenures } = join("one");
    await shards.start();
    const names = Array.from({ length: 40 }, (_, n) => `rep-${n}`);
    await Promise.all(names.map((name) => store.commit(commit(document(name)))));
    await Promise.all(names.map((name) => store.accept(event(name, repId(name)))));
    const views = [...tenures.values()].map((tenure) => engineOfShard(store, tenure, COUNT));
    const loaded = await Promise.all(views.map((view) => view.load()));
    expect(loaded.every(({ length }) => length > 0)).toBe(true);
    expect(
      loaded
        .flat()
        .map(({ identity }) => identity.rep)
        .toSorted(),
    ).toEqual(names.toSorted());
    const open = await Promise.all(views.map((view) => view.unsettled()));
    expect(
      open
        .flat()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(names.toSorted());
    const name = nameIn(0);
    expect(await views[0]?.commit(commit(document(name, 1)))).toMatchObject({
      ok: true,
      generation: 2,
    });
    await shards.stop();
  });

  test("[R259] after the right is over nothing is stored, and nothing follows from what was", async () => {
    let lasts = true;
    const fence = await store.lease("shard/0", "one", 600_000);
    if (!fence) throw new Error("the right is free");
    const view = engineOfShard(store, { shard: 0, fence, isValid: () => lasts }, COUNT);
    const fenced = { name: "EngineError", code: "engine-fenced", retry: "unavailable" };
    const late = view.commit(commit(document("ana"), "stored"));
    lasts = false;
    await expect(late).rejects.toMatchObject(fenced);
    await expect(view.commit(commit(document("ana", 1), "never"))).rejects.toMatchObject(fenced);
    await expect(view.remove(repId("ana"))).rejects.toMatchObject(fenced);
    expect((await store.history({ limit: 9 })).map(({ says }) => says)).toEqual(["stored"]);
  });

  test("[R251] [R259] who believes wrongly that the right lasts is refused by the store", async () => {
    const fence = await store.lease("shard/0", "one", 0);
    if (!fence) throw new Error("the right is free");
    await store.lease("shard/0", "two", 600_000);
    const view = engineOfShard(store, { shard: 0, fence, isValid: () => true }, COUNT);
    const late = await view.commit(commit(document("ana"), "never"));
    expect(late).toEqual({ ok: false, reason: "fenced" });
    expect(await store.history({ limit: 9 })).toEqual([]);
  });
});
