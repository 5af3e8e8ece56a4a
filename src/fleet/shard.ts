import { type Engine, engineWith, type Fence } from "../engine/engine.ts";
import type { RepId } from "../presence/identity.ts";
import { requireRight } from "./refusal.ts";

/** The number of a rep's shard, from 0; the same on every machine, for as long as `count` stays. */
export function shardOf(rep: string, count: number): number {
  // FNV-1a, its bits mixed as MurmurHash3 does at its end: it is asked for every rep at every poll.
  let hash = 0x811c9dc5;
  for (let at = 0; at < rep.length; at += 1) {
    hash = Math.imul(hash ^ rep.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}

/** The right to look after the reps of one shard, as long as it lasts. */
export type Tenure = {
  readonly shard: number;
  readonly fence: Fence;
  /** False once it may be somebody else's. Asked right before something leaves. */
  isValid(): boolean;
};

/**
 * The engine as seen by whoever looks after one shard: its reps, their events, and commits under its right.
 * A controller on it needs to know nothing of the others.
 *
 * Invariant: a commit that resolves with `ok` was made under the right, and the right still lasts.
 */
export function engineOfShard(
  engine: Engine,
  tenure: Tenure,
  count: number,
  /** Where everything is read from when a shard is taken over. */
  all: Pick<Engine, "load" | "unsettled"> = engine,
): Engine {
  const { fence, shard } = tenure;
  const isMine = (rep: RepId): boolean => shardOf(rep, count) === shard;
  return engineWith(engine, {
    load: async () => (await all.load()).filter(({ identity }) => isMine(identity.rep)),
    unsettled: async () => (await all.unsettled()).filter(({ rep }) => isMine(rep)),
    commit: async (commit) => {
      requireValid(tenure);
      const result = await engine.commit({ ...commit, fence });
      // It is stored, and whoever comes next will find it. But nothing may follow from it here.
      requireValid(tenure);
      return result;
    },
    remove: async (rep) => {
      requireValid(tenure);
      await engine.remove(rep);
    },
    // The store outlives a shard: several share it.
    close: async () => undefined,
  });
}

function requireValid(tenure: Tenure): void {
  requireRight(tenure.isValid(), `shard ${tenure.shard}`);
}
