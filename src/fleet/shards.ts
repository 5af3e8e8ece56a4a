import type { Clock } from "../controller/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { shardOf, type Tenure } from "./shard.ts";

export type ShardsOptions = {
  readonly engine: Pick<Engine, "lease" | "release" | "leases">;
  readonly clock: Clock;
  /** Milliseconds since some moment, counted by a clock that nobody can set, and that goes on while we hang. */
  readonly elapsedMs: () => number;
  /** Of this process alone: another one after each start. */
  readonly instance: string;
  /** Into how many parts the reps are divided; the same for all instances. */
  readonly count: number;
  /** A right that was not renewed for so long is free for others. Renewed three times as often. */
  readonly ttlMs: number;
  /** Starts looking after a shard. Called once for each right, never while an earlier one of the same shard goes on. */
  readonly onGained: (tenure: Tenure) => Promise<void>;
  /** Stops looking after it, without touching what is there. */
  readonly onLost: (shard: number) => Promise<void>;
  readonly onFault: (error: unknown) => void;
};

type Held = { readonly tenure: Tenure; renewedAtMs: number };

/** Into so many parts the reps are divided: as many instances can share them. */
export const SHARDS = 32;
/**
 * An instance that is gone for so long is replaced: its rights are over, and each of the others looks for what is
 * free three times as often. So all of its reps are in other hands after ten seconds at most.
 */
export const TTL_MS = 5_000;

const MEMBER = "instance/";
const SHARD = "shard/";

/**
 * This instance's share of the reps. Every instance takes as many shards as is fair among those that are there,
 * and gives up what is more. Who dies or hangs stops renewing: the others see one instance less and take over.
 *
 * Invariant: for each shard at most one instance believes that it has it. An instance stops believing after two
 * thirds of `ttlMs` without renewal, the store only after all of it; and a commit names the right's number, so that
 * the store refuses whoever believes it wrongly, for instance because the machine slept.
 */
export class Shards {
  readonly #options: ShardsOptions;
  readonly #held = new Map<number, Held>();
  /** What was started and what is being ended, one after the other for each shard. */
  readonly #chains = new Map<number, Promise<void>>();
  /** Shards that are being ended: not counted as ours any more, and not to be taken again before that is done. */
  readonly #leaving = new Set<number>();
  #members = 1;
  #cancel = (): void => undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ShardsOptions) {
    this.#options = options;
  }

  /** Instances that are there now, this one included. Each may use this part of what all share. */
  get members(): number {
    return this.#members;
  }

  /** The shards that this instance looks after. */
  get held(): readonly number[] {
    return [...this.#held.keys()].filter((shard) => !this.#leaving.has(shard));
  }

  /** Resolves after the first round. */
  start(): Promise<void> {
    this.#running = this.#turn();
    return this.#running;
  }

  /** Gives everything up, so that the others need not wait for it to be over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
    for (const shard of this.held) this.#giveUp(shard);
    await Promise.all(this.#chains.values());
    await this.#try(() => this.#options.engine.release(this.#memberName, this.#options.instance));
  }

  get #memberName(): string {
    return MEMBER + this.#options.instance;
  }

  async #turn(): Promise<void> {
    const { clock, ttlMs } = this.#options;
    await this.#try(() => this.#round());
    for (const [shard, held] of this.#held) if (!this.#lasts(held)) this.#drop(shard);
    if (!this.#stopped) this.#cancel = clock.after(ttlMs / 3, () => void this.start());
  }

  /** One round: I am here; who else is; what I had, I still have; then less, or more, as is fair. */
  async #round(): Promise<void> {
    const { count, engine, instance, ttlMs } = this.#options;
    const renewals = [...this.#held.values()].map((held) => this.#renew(held));
    await Promise.all([engine.lease(this.#memberName, instance, ttlMs), ...renewals]);
    const leases = await engine.leases();
    this.#members = Math.max(1, leases.filter(({ name }) => name.startsWith(MEMBER)).length);
    const fair = Math.ceil(count / this.#members);
    for (const shard of this.held.slice(fair)) this.#giveUp(shard);
    const others = leases.filter(({ holder }) => holder !== instance);
    const taken = new Set(others.map(({ name }) => name));
    // Each begins somewhere else, so that those who are left do not all ask for the same.
    const first = shardOf(instance, count);
    const free = Array.from({ length: count }, (_, at) => (first + at) % count).filter(
      (shard) => !this.#held.has(shard) && !this.#leaving.has(shard) && !taken.has(SHARD + shard),
    );
    const wanted = free.slice(0, Math.max(0, fair - this.held.length));
    await Promise.all(wanted.map((shard) => this.#take(shard)));
  }

  async #take(shard: number): Promise<void> {
    const { elapsedMs, engine, instance, onGained, ttlMs } = this.#options;
    const askedAtMs = elapsedMs();
    const fence = await engine.lease(SHARD + shard, instance, ttlMs);
    if (!fence) return;
    const tenure = { shard, fence, isValid: () => this.#lasts(held) };
    const held: Held = { tenure, renewedAtMs: askedAtMs };
    this.#held.set(shard, held);
    this.#next(shard, () => onGained(tenure));
  }

  async #renew(held: Held): Promise<void> {
    const { elapsedMs, engine, instance, ttlMs } = this.#options;
    const { fence, shard } = held.tenure;
    const askedAtMs = elapsedMs();
    const renewed = await engine.lease(SHARD + shard, instance, ttlMs);
    if (renewed?.fence === fence.fence) held.renewedAtMs = askedAtMs;
    else this.#drop(shard);
  }

  #lasts(held: Held): boolean {
    const { elapsedMs, ttlMs } = this.#options;
    const isHeld = this.#held.get(held.tenure.shard) === held;
    return isHeld && elapsedMs() - held.renewedAtMs < (ttlMs * 2) / 3;
  }

  /** Ends what goes on under the right, then gives it back. */
  #giveUp(shard: number): void {
    const { engine, instance, onLost } = this.#options;
    this.#leaving.add(shard);
    this.#next(shard, async () => {
      await onLost(shard);
      this.#held.delete(shard);
      this.#leaving.delete(shard);
      await engine.release(SHARD + shard, instance);
    });
  }

  /** The right is gone already. */
  #drop(shard: number): void {
    this.#held.delete(shard);
    if (this.#leaving.has(shard)) return;
    this.#leaving.add(shard);
    this.#next(shard, async () => {
      await this.#options.onLost(shard);
      this.#leaving.delete(shard);
    });
  }

  #next(shard: number, work: () => Promise<void>): void {
    const earlier = this.#chains.get(shard) ?? Promise.resolve();
    this.#chains.set(
      shard,
      earlier.then(() => this.#try(work)),
    );
  }

  async #try(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}
