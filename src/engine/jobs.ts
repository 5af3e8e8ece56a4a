import type { RepId, SystemName } from "../presence/identity.ts";

/** A wish that somebody look at a rep: now, ahead of others if it protects her, or not before a moment. */
export type Nudge = {
  readonly rep: RepId;
  /** The system that may have changed; `null`: an event of hers was accepted. */
  readonly system: SystemName | null;
  readonly urgency: "protective" | "normal";
  /** Epoch milliseconds; absent: at once. */
  readonly runAtMs?: number;
};

/** Something that one instance of all does, again and again. */
export type RecurringJob = {
  /** Lower-case letters, digits and hyphens; the same on all instances. */
  readonly name: string;
  /** Five fields of cron, in UTC. */
  readonly cron: string;
  readonly run: () => Promise<void>;
};

/**
 * Work that any instance may ask for, and one does. A nudge waits for whoever looks after its shard, also when that
 * is nobody yet; wishes of one kind for one rep that nobody has taken yet are one. It may be handed over twice, and
 * is forgotten with the instance that took it: it is a hint, and who takes over a shard looks at every rep anyway.
 */
export type Jobs = {
  /** Resolves when the wish would survive this process. Rejects with `EngineError`. */
  nudge(shard: number, nudge: Nudge): Promise<void>;
  /** From now on the nudges of these shards, and of no others, are handed over here. */
  serve(shards: readonly number[]): Promise<void>;
  /** Finishes what was handed over, and takes nothing more. */
  stop(): Promise<void>;
};
