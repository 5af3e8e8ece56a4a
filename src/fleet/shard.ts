import { createHash } from "node:crypto";
import type { Engine, Fence } from "../engine/engine.ts";
import { EngineError } from "../engine/engine-error.ts";
import type { RepId } from "../presence/identity.ts";

/** The number of a rep's shard, from 0; the same on every machine, for as long as `count` stays. */
export function shardOf(rep: RepId, count: number): number {
  return createHash("sha256").update(rep).digest().readUInt32BE(0) % count;
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
export function engineOfShard(engine: Engine, tenure: Tenure, count: number): Engine {
  const { fence, shard } = tenure;
  const isMine = (rep: RepId): boolean => shardOf(rep, count) === shard;
  return {
    load: async () => (await engine.load()).filter(({ identity }) => isMine(identity.rep)),
    unsettled: async () => (await engine.unsettled()).filter(({ rep }) => isMine(rep)),
    commit: async (commit) => {
      requireValid(tenure);
      const result = await engine.commit({ ...commit, fence });
      // It is stored, and whoever comes next will find it. But nothing may follow from it here.
      requireValid(tenure);
      return result;
    },
    get: (rep) => engine.get(rep),
    remove: async (rep) => {
      requireValid(tenure);
      await engine.remove(rep);
    },
    accept: (event) => engine.accept(event),
    settled: () => engine.settled(),
    settle: (events) => engine.settle(events),
    history: (query) => engine.history(query),
    keep: (record) => engine.keep(record),
    kept: (kind) => engine.kept(kind),
    kinds: () => engine.kinds(),
    forget: (kind, id) => engine.forget(kind, id),
    lease: (name, holder, ttlMs) => engine.lease(name, holder, ttlMs),
    release: (name, holder) => engine.release(name, holder),
    leases: () => engine.leases(),
    prune: (beforeMs) => engine.prune(beforeMs),
    // The store outlives a shard: several share it.
    close: async () => undefined,
  };
}

function requireValid(tenure: Tenure): void {
  if (tenure.isValid()) return;
  throw new EngineError({
    code: "engine-fenced",
    retry: "unavailable",
    nextStep:
      "nothing: another instance looks after these reps now; if it comes often, see why this one is slow",
    detail: `shard ${tenure.shard}`,
  });
}
