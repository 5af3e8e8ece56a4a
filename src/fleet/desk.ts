import type { Clock } from "../controller/clock.ts";
import { type Engine, engineWith } from "../engine/engine.ts";
import { requireRight } from "./refusal.ts";
import { Right, type RightOptions } from "./right.ts";

const DESK = "desk";
/** An address is asked for again after so long. */
const KNOWN_MS = 1_000;

export type DeskOptions = Omit<RightOptions, "engine" | "name"> & { readonly engine: Engine };

/**
 * What one instance of all does for everybody: it answers people and applications, renews subscriptions, posts
 * boards. Its memory is the only one of its kind, so whoever is asked for something of it passes the request on.
 */
export class Desk {
  /** Records change, and timers fire, only while the desk is here: who hung does not go on where it was. */
  readonly engine: Engine;
  readonly clock: Clock;
  readonly #options: DeskOptions;
  readonly #right: Right;
  #known: { readonly address: string | null; readonly atMs: number } | null = null;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#right = new Right({ ...options, name: DESK });
    this.engine = engineOfDesk(options.engine, () => this.#right.lasts);
    this.clock = this.#clock(options.clock, options.ttlMs / 3);
  }

  /** It was given to us, and we know of nobody who has it since. */
  get isHere(): boolean {
    return this.#right.isOurs;
  }

  /** Waits for it in the background, under the address at which other instances reach this one. */
  open(instance: string, address: string, onOpen: () => Promise<void>): Promise<void> {
    return this.#right.await(`${instance} ${address}`, onOpen);
  }

  /** The address of the instance that has it now; `null` while none has. Rejects with `EngineError`. */
  async where(): Promise<string | null> {
    const nowMs = this.#options.elapsedMs();
    if (this.#known && nowMs - this.#known.atMs < KNOWN_MS) return this.#known.address;
    const leases = await this.#options.engine.leases();
    const holder = leases.find(({ name }) => name === DESK)?.holder ?? "";
    const address = holder.split(" ")[1] ?? null;
    this.#known = { address, atMs: nowMs };
    return address;
  }

  close(): Promise<void> {
    return this.#right.end();
  }

  #clock(clock: Clock, againMs: number): Clock {
    const after = (delayMs: number, fire: () => void): (() => void) => {
      let cancel = (): void => undefined;
      const wait = (ms: number): void => {
        cancel = clock.after(ms, () => (this.#right.lasts ? fire() : wait(againMs)));
      };
      wait(delayMs);
      return () => cancel();
    };
    return { nowMs: () => clock.nowMs(), after };
  }
}

function engineOfDesk(engine: Engine, isHere: () => boolean): Engine {
  const guarded = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      requireRight(isHere(), "the desk");
      return call(...args);
    };
  };
  return engineWith(engine, {
    commit: guarded((commit) => engine.commit(commit)),
    remove: guarded((rep) => engine.remove(rep)),
    settle: guarded((events) => engine.settle(events)),
    keep: guarded((record) => engine.keep(record)),
    forget: guarded((kind, id) => engine.forget(kind, id)),
    // The store outlives the desk: the reps' shards share it.
    close: async () => undefined,
  });
}
