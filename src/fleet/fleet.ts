import type { Clock } from "../controller/clock.ts";
import type { Engine, InboxEvent } from "../engine/engine.ts";
import type { Jobs, Nudge } from "../engine/jobs.ts";
import type { RepId, RepIdentity, SystemName } from "../presence/identity.ts";
import { OpenEvents } from "./open-events.ts";
import { engineOfShard, shardOf, type Tenure } from "./shard.ts";
import { Shards } from "./shards.ts";

/** When somebody who is new is read, as a controller takes it. */
type FirstLook = "now" | "by the next sweep";

/** Who looks after the reps of one shard: a controller. */
export type Watch<Pauses> = {
  setPauses(pauses: Pauses): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  adopt(identity: RepIdentity, look?: FirstLook): void;
  detach(rep: RepId): void;
  staying(): readonly RepIdentity[];
  hint(rep: RepId, system: SystemName, delayMs: number): void;
  submit(event: InboxEvent): void;
};

export type FleetOptions<Pauses, OneWatch extends Watch<Pauses>> = {
  readonly engine: Engine;
  readonly jobs: Pick<Jobs, "nudge" | "serve">;
  readonly clock: Clock;
  readonly elapsedMs: () => number;
  readonly instance: string;
  readonly count: number;
  readonly ttlMs: number;
  /** Everybody who is a rep; `null` until that is known. */
  readonly identities: () => readonly RepIdentity[] | null;
  /** A watch on an engine that shows the reps of one shard. It is not started yet. */
  readonly newWatch: (engine: Engine, tenure: Tenure) => OneWatch;
  readonly onFault: (error: unknown) => void;
};

const RETRY_MS = 1_000;

/**
 * All reps, as any instance may speak of them: what concerns a rep of ours goes to her watch, anything else to
 * whoever has her shard. A shard that comes to us is taken over as a restart takes over: what is stored is loaded,
 * open events are taken again, and who has left the directory meanwhile is let go.
 */
export class Fleet<Pauses, OneWatch extends Watch<Pauses>> {
  readonly #options: FleetOptions<Pauses, OneWatch>;
  readonly #all: Pick<Engine, "load" | "unsettled">;
  readonly #open: OpenEvents;
  readonly #shards: Shards;
  readonly #watches = new Map<number, OneWatch>();
  #pauses: Pauses;
  #serving: Promise<void> | null = null;
  #served: readonly number[] = [];

  constructor(pauses: Pauses, options: FleetOptions<Pauses, OneWatch>) {
    this.#pauses = pauses;
    this.#options = options;
    this.#all = {
      load: shared(() => options.engine.load()),
      unsettled: shared(() => options.engine.unsettled()),
    };
    this.#open = new OpenEvents({ ...options, takerOf: (rep) => this.watchOf(rep) });
    this.#shards = new Shards({
      ...options,
      onGained: (tenure) => this.#takeOver(tenure),
      onLost: (shard) => this.#leave(shard),
    });
  }

  /** Instances that are there: each may use this part of what the systems allow to all of them. */
  get members(): number {
    return this.#shards.members;
  }

  /** Who looks after this rep here; nobody, if another instance does. */
  watchOf(rep: RepId): OneWatch | undefined {
    return this.#watches.get(shardOf(rep, this.#options.count));
  }

  get watches(): readonly OneWatch[] {
    return [...this.#watches.values()];
  }

  start(): Promise<void> {
    this.#open.start();
    return this.#shards.start();
  }

  async stop(): Promise<void> {
    await this.#open.stop();
    await this.#shards.stop();
    await this.#serving;
  }

  adopt(identity: RepIdentity, look?: FirstLook): void {
    this.watchOf(identity.rep)?.adopt(identity, look);
  }

  detach(rep: RepId): void {
    this.watchOf(rep)?.detach(rep);
  }

  setPauses(pauses: Pauses): void {
    this.#pauses = pauses;
    for (const watch of this.#watches.values()) watch.setPauses(pauses);
  }

  /** Leaves a hint with whoever looks after the rep. */
  hint(rep: RepId, system: SystemName, delayMs = 0): void {
    const watch = this.watchOf(rep);
    if (watch) return watch.hint(rep, system, delayMs);
    const runAtMs = delayMs > 0 ? this.#options.clock.nowMs() + delayMs : undefined;
    this.#nudge({ rep, system, urgency: "protective", runAtMs });
  }

  /** Hands over an event that the engine has already accepted. */
  submit(event: InboxEvent): void {
    const watch = this.watchOf(event.rep);
    if (watch) this.#open.give(event, watch);
    else this.#nudge({ rep: event.rep, system: null, urgency: "protective" });
  }

  /** What another instance asked for. Nothing happens if the shard has moved on: its next watch reads everything. */
  take(shard: number, { rep, system }: Nudge): void {
    const watch = this.#watches.get(shard);
    if (!watch) return;
    if (system) watch.hint(rep, system, 0);
    else this.#open.soon();
  }

  #nudge(nudge: Nudge): void {
    const { count, jobs, onFault } = this.#options;
    jobs.nudge(shardOf(nudge.rep, count), nudge).catch(onFault);
  }

  async #takeOver(tenure: Tenure): Promise<void> {
    const { clock, count, engine, identities, newWatch, onFault } = this.#options;
    while (tenure.isValid()) {
      const unsettled = async (): Promise<readonly InboxEvent[]> => {
        const open = await this.#all.unsettled();
        return open.filter(
          (event) => shardOf(event.rep, count) === tenure.shard && this.#open.takes(event, watch),
        );
      };
      const all = { load: this.#all.load, unsettled };
      const watch = newWatch(engineOfShard(engine, tenure, count, all), tenure);
      try {
        watch.setPauses(this.#pauses);
        await watch.start();
        this.#watches.set(tenure.shard, watch);
        const known = identities();
        const mine = known?.filter(({ rep }) => shardOf(rep, count) === tenure.shard);
        const names = new Set(mine?.map(({ rep }) => rep));
        for (const { rep } of mine ? watch.staying() : []) if (!names.has(rep)) watch.detach(rep);
        for (const identity of mine ?? []) watch.adopt(identity);
        this.#serve();
        return;
      } catch (error) {
        onFault(error);
        await watch.stop();
        const { promise, resolve } = Promise.withResolvers<void>();
        clock.after(RETRY_MS, resolve);
        await promise;
      }
    }
  }

  async #leave(shard: number): Promise<void> {
    const watch = this.#watches.get(shard);
    this.#watches.delete(shard);
    this.#serve();
    await watch?.stop();
  }

  /** Has the nudges of exactly our shards handed over, however often those change meanwhile. */
  #serve(): void {
    this.#serving ??= this.#serveAll().finally(() => {
      this.#serving = null;
    });
  }

  async #serveAll(): Promise<void> {
    const { clock, jobs, onFault } = this.#options;
    const wanted = (): readonly number[] => [...this.#watches.keys()].toSorted((a, b) => a - b);
    while (wanted().join() !== this.#served.join()) {
      const shards = wanted();
      try {
        await jobs.serve(shards);
        this.#served = shards;
      } catch (error) {
        onFault(error);
        this.#served = [Number.NaN];
        clock.after(RETRY_MS, () => this.#serve());
        return;
      }
    }
  }
}

/** Of calls that come while one is under way, the next one serves all: what it tells is never older than they are. */
function shared<Result>(call: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<Result> | null = null;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        const result = call();
        running = result;
        return result;
      });
    return next;
  };
}
