import type { TeamsUserId } from "../../presence/identity.ts";
import {
  Shard,
  SHARD_KIND,
  type ShardNote,
  type ShardOptions,
  type ShardStatus,
  type StoredShard,
  storedShard,
} from "./shard.ts";
import type { Shown } from "./presences.ts";
import { spread } from "./spread.ts";
import type { Subscriber } from "./subscriber.ts";
import type { LifecycleEvent } from "./subscription.ts";

export type SubscriberPoolOptions = Omit<ShardOptions, "pause" | "report" | "signal" | "take"> & {
  /** Resolves when a request may leave within the limits that all calls to Graph share. */
  readonly take: () => Promise<void>;
  readonly report: (note: PoolNote) => void;
};

export type PoolNote =
  | ShardNote
  | {
      readonly code: "push-pool-too-small";
      /** Reps that no account has room for. */
      readonly uncovered: number;
      readonly accounts: number;
    };

export type PoolStatus = {
  readonly mode: "poll" | "push" | "mixed";
  readonly shards: readonly ShardStatus[];
  readonly pushedReps: number;
  /** Reps whom no live subscription watches: a change of theirs is seen at the next poll. */
  readonly polledReps: number;
};

/**
 * The subscriptions of all connected accounts, and who is watched by which. Nothing here is needed for anybody
 * to be kept in step; all it does is make us read sooner.
 */
export class SubscriberPool {
  readonly #options: SubscriberPoolOptions;
  readonly #shardOptions: ShardOptions;
  readonly #shards = new Map<string, Shard>();
  readonly #abort = new AbortController();
  /** `null` before it is known whom to watch: until then nothing is done to any subscription. */
  #people: readonly TeamsUserId[] | null = null;
  #uncovered = 0;
  #changes: Promise<unknown> = Promise.resolve();
  /** Over when the silence is that Graph asked for. */
  #quiet: Promise<void> = Promise.resolve();
  /** What each rep showed when last read, and when that reading left. */
  readonly #shown = new Map<TeamsUserId, { readonly native: string; readonly leftAtMs: number }>();
  #sawAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SubscriberPoolOptions) {
    this.#options = options;
    const stopped = new Promise<void>((resolve) => {
      this.#abort.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#shardOptions = {
      ...options,
      signal: this.#abort.signal,
      take: async () => {
        await Promise.race([this.#quiet.then(() => options.take()), stopped]);
        return !this.#abort.signal.aborted;
      },
      pause: (durationMs) => {
        const before = this.#quiet;
        const over = new Promise<void>((resolve) => void options.after(durationMs, resolve));
        this.#quiet = before.then(() => over);
      },
    };
  }

  /** Takes over the accounts and what exists of their subscriptions. */
  async start(subscribers: readonly Subscriber[]): Promise<void> {
    const { entries } = await this.#options.vault.all(SHARD_KIND, storedShard);
    const known = new Map(entries.map(({ id, value }) => [id, value]));
    for (const subscriber of subscribers) this.#add(subscriber, known.get(subscriber.id) ?? null);
    this.#spread();
  }

  /**
   * A newly signed-in account; one that was known is signed in again and keeps what it has. `keep` makes it durable,
   * when its turn has come: what was asked before must not take away what is kept now.
   */
  connect(keep: () => Promise<Subscriber>): Promise<void> {
    return this.#inTurn(async () => {
      const subscriber = await keep();
      const before = this.#shards.get(subscriber.id);
      await before?.close();
      this.#add(subscriber, before?.stored ?? null);
      this.#spread();
    });
  }

  /**
   * False if the account was not connected. Its reps move to other accounts where there is room. `forget` takes its
   * record away; if it rejects, the account stays as it is, for the next start would bring it back.
   */
  disconnect(id: string, forget: () => Promise<void>): Promise<boolean> {
    return this.#inTurn(async () => {
      await forget();
      const shard = this.#shards.get(id);
      this.#shards.delete(id);
      await shard?.close();
      await shard?.abandon(this.#abort.signal);
      this.#spread();
      await this.#forgetShard(id);
      return shard !== undefined;
    });
  }

  /** Whom to watch, from now on. */
  follow(people: readonly TeamsUserId[]): void {
    this.#people = people;
    const known = new Set(people);
    for (const user of this.#shown.keys()) if (!known.has(user)) this.#shown.delete(user);
    this.#spread();
  }

  /** The secret and the tenant of a subscription of ours; `null` for any other. */
  secretOf(subscriptionId: string): ReturnType<Shard["secretOf"]> {
    return this.#shardOf(subscriptionId)?.secretOf(subscriptionId) ?? null;
  }

  /** A notification that was checked. */
  announced(subscriptionId: string, user: TeamsUserId): void {
    this.#shardOf(subscriptionId)?.announced(user);
  }

  /** A lifecycle event that was checked. */
  lifecycle(subscriptionId: string, says: LifecycleEvent): void {
    this.#shardOf(subscriptionId)?.lifecycle(says);
  }

  /** What a reading of Teams found, whoever asked for it: the canary of every subscription. */
  saw(shown: Iterable<Shown>, leftAtMs: number): void {
    if (this.#shards.size === 0) return;
    const nowMs = this.#options.nowMs();
    // The clock was set back: what it said before is no measure of what it says now.
    if (nowMs < this.#sawAtMs) this.#shown.clear();
    this.#sawAtMs = nowMs;
    if (leftAtMs > nowMs) return;
    const changed = new Map<TeamsUserId, number>();
    for (const [user, native] of shown) {
      const before = this.#shown.get(user);
      // Readings may overtake one another.
      if (before && before.leftAtMs > leftAtMs) continue;
      this.#shown.set(user, { native, leftAtMs });
      if (before && before.native !== native) changed.set(user, before.leftAtMs);
    }
    if (changed.size > 0) for (const shard of this.#shards.values()) shard.saw(changed);
  }

  /** Of every shard, as it is now. It changes nothing and asks nobody. */
  status(): PoolStatus {
    const shards = [...this.#shards.values()].map((shard) => shard.status());
    const sum = (some: readonly ShardStatus[]): number =>
      some.reduce((total, { reps }) => total + reps, 0);
    const pushedReps = sum(shards.filter(({ delivering }) => delivering));
    const people = this.#people?.length ?? sum(shards);
    const polledReps = people - pushedReps;
    const mode = pushedReps === 0 ? "poll" : polledReps === 0 ? "push" : "mixed";
    return { mode, shards, pushedReps, polledReps };
  }

  /** Leaves the subscriptions to the next process, which adopts them. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all([...this.#shards.values()].map((shard) => shard.close()));
  }

  /** Two browsers may connect one account at once; there is one shard of it. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.#changes.then(change);
    this.#changes = done.catch(() => undefined);
    return done;
  }

  /** Without its account it is of no use to anybody; should that be connected again, it is written anew. */
  async #forgetShard(id: string): Promise<void> {
    const { vault, report } = this.#options;
    try {
      await vault.forget(SHARD_KIND, id);
    } catch (error) {
      report({ code: "push-fault", shard: id, error });
    }
  }

  #add(subscriber: Subscriber, before: StoredShard | null): void {
    this.#shards.set(subscriber.id, new Shard(subscriber, before, this.#shardOptions));
  }

  #shardOf(subscriptionId: string): Shard | undefined {
    return [...this.#shards.values()].find((shard) => shard.secretOf(subscriptionId) !== null);
  }

  #spread(): void {
    if (this.#people === null) return;
    const before = new Map([...this.#shards].map(([id, shard]) => [id, shard.users]));
    const { shards, uncovered } = spread(this.#people, [...this.#shards.keys()], before);
    for (const [id, users] of shards) this.#shards.get(id)?.want(users);
    const accounts = this.#shards.size;
    if (accounts > 0 && uncovered.length > 0 && uncovered.length !== this.#uncovered) {
      this.#options.report({ code: "push-pool-too-small", uncovered: uncovered.length, accounts });
    }
    this.#uncovered = uncovered.length;
  }
}
