import { setImmediate as nextTurn } from "node:timers/promises";
import { type Connector, SystemError } from "../connectors/connector.ts";
import type { RepId, RepIdentity } from "../presence/identity.ts";
import type { Clock } from "./clock.ts";
import type { Controller } from "./controller.ts";
import type { Pace } from "./pace.ts";
import { dated } from "./reader.ts";

export type SweepOptions = {
  readonly connector: Connector;
  readonly controller: Pick<Controller, "depart" | "identities" | "offer" | "tickAtRest" | "ticks">;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly onSystemError: (error: SystemError) => void;
  /** What nobody foresaw. The sweeps go on. */
  readonly onFault: (error: unknown) => void;
};

/** Calls of one sweep that are under way together. */
const CALLS_AT_ONCE = 4;
/** So many reps are looked at between two turns of the event loop: some milliseconds at most, with what they came in. */
const REPS_PER_TURN = 500;

/** Parts of a sweep leave so far apart: between what two of them bring there is time for everybody else. */
const PARTS_APART_MS = 5;

/** What has become of one sweep so far. */
type Round = {
  /** When its first call left. */
  leftAtMs: number;
  failed: boolean;
  /** Everybody is looked at: whoever has changed may not have been looked at last time, or is told of in parts. */
  readonly everybody: boolean;
  /** The system asked for silence: what was not asked yet is not asked any more. */
  silenced: boolean;
  /** Before then no further part leaves. */
  nextAtMs: number;
  readonly told: Set<string>;
  /** What came, to be offered when all of it is there. */
  readonly held: (() => void)[];
};

/**
 * Reads one system for every rep, again and again. This is the ground that everything stands on: with no hint
 * at all the service is right, only slower by `pollMs`. A sweep that fails, for whatever reason, is tried again
 * at the next turn.
 *
 * It asks for as many reps at a time as one call reads, and offers what comes as it comes, so that neither its
 * memory nor the time for which it keeps others waiting grows with the number of reps. Only the first is offered as a
 * whole: whoever is new is then stored once, with what both systems show. A part that fails costs the others nothing,
 * but the sweep has not read everybody.
 *
 * Where the system says who has changed, the others are offered only while they are not at rest (restless.ts).
 */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #abort = new AbortController();
  readonly #aborted: Promise<void>;
  #cancel: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();
  #sweeps = 0;
  #readAtMs = 0;
  /** Whoever has changed until the last sweep was looked at. */
  #isUpToDate = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    const { signal } = this.#abort;
    this.#aborted = new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** How many sweeps have read the system whole. */
  get completed(): number {
    return this.#sweeps;
  }

  /** When the first call of the last sweep left that read everybody; epoch milliseconds, 0 before the first. */
  get lastReadAtMs(): number {
    return this.#readAtMs;
  }

  get #hasEnded(): boolean {
    return this.#abort.signal.aborted;
  }

  start(): void {
    this.#running = this.#turn();
  }

  /** Does not wait for a pause that the system asked for. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancel?.();
    await this.#running;
  }

  /** One sweep, now. Resolves to whether it read everybody. */
  async once(): Promise<boolean> {
    const { connector, controller } = this.#options;
    const identities = controller.identities();
    // With nobody to read there is one part, which is empty: that sweep has read everybody.
    const { repsPerCall = Math.max(identities.length, 1) } = connector;
    const round: Round = {
      leftAtMs: Infinity,
      failed: false,
      everybody: !this.#isUpToDate || identities.length > repsPerCall,
      silenced: false,
      nextAtMs: 0,
      told: new Set(),
      held: [],
    };
    this.#isUpToDate = false;
    let from = 0;
    const readOn = async (): Promise<void> => {
      do {
        const part = identities.slice(from, from + repsPerCall);
        from += repsPerCall;
        await this.#read(part, round);
      } while (from < identities.length && !round.silenced && !this.#hasEnded);
    };
    const workers = Math.min(CALLS_AT_ONCE, Math.ceil(identities.length / repsPerCall) || 1);
    await Promise.all(Array.from({ length: workers }, readOn));
    try {
      for (const offer of round.held) offer();
    } catch (error) {
      this.#fail(round, error);
    }
    if (round.failed || this.#hasEnded) return false;
    this.#isUpToDate = true;
    this.#sweeps += 1;
    this.#readAtMs = round.leftAtMs;
    return true;
  }

  /** Reads some reps in one call, or in as many as it takes a connector that reads everybody together. */
  async #read(part: readonly RepIdentity[], round: Round): Promise<void> {
    const { connector, controller, clock, pace } = this.#options;
    const { signal } = this.#abort;
    if (this.#sweeps > 0) await this.#apart(round);
    if (round.silenced) return;
    await Promise.race([pace.take("read"), this.#aborted]);
    if (this.#hasEnded) return;
    try {
      const ticks = controller.ticks(part, connector.system);
      const left = { startedAtMs: clock.nowMs(), departure: controller.depart() };
      round.leftAtMs = Math.min(round.leftAtMs, left.startedAtMs);
      const seen = await connector.read(part, signal);
      const changed = seen.changed?.() ?? null;
      const looked =
        changed === null || round.everybody
          ? part.map(({ rep }) => rep)
          : [...new Set([...changed, ...ticks.keys()])];
      const offer = (rep: RepId): void => {
        const startedTick = ticks.get(rep) ?? controller.tickAtRest(rep, connector.system);
        // She has come since the call left.
        if (startedTick === null) return;
        const reading = dated(seen.get(rep), { ...left, startedTick });
        if (reading) controller.offer(rep, connector.system, reading);
      };
      if (this.#sweeps === 0) round.held.push(() => looked.forEach(offer));
      else await unhurried(looked, offer);
    } catch (error) {
      this.#fail(round, error);
    }
  }

  /** Waits for the moment of one part. For the first look at everybody somebody waits. */
  async #apart(round: Round): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const atMs = Math.max(nowMs, round.nextAtMs);
    round.nextAtMs = atMs + PARTS_APART_MS;
    if (atMs === nowMs) return;
    const due = new Promise<void>((resolve) => void clock.after(atMs - nowMs, resolve));
    await Promise.race([due, this.#aborted]);
  }

  /** What is the matter is told once for each sweep, however many of its parts it befalls. */
  #fail(round: Round, error: unknown): void {
    const { pace, onFault, onSystemError } = this.#options;
    round.failed = true;
    if (this.#hasEnded) return;
    const isSystem = error instanceof SystemError;
    if (isSystem && error.retryAfterMs !== undefined) pace.pause(error.retryAfterMs);
    if (isSystem && error.retry === "throttled") round.silenced = true;
    const what = isSystem ? error.code : "";
    if (round.told.has(what)) return;
    round.told.add(what);
    if (isSystem) onSystemError(error);
    else onFault(error);
  }

  async #turn(): Promise<void> {
    await this.once();
    if (this.#hasEnded) return;
    this.#cancel = this.#options.clock.after(this.#options.pollMs, () => this.start());
  }
}

/** Does something for each, and lets everything else have its turn now and then. */
async function unhurried<Item>(items: readonly Item[], each: (item: Item) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % REPS_PER_TURN === 0) await nextTurn();
    each(item);
  }
}
