import type { SystemName } from "../presence/identity.ts";
import type { Write } from "../reconcile/plan.ts";
import { Few } from "./few.ts";
import type { Pace } from "./pace.ts";
import type { Urgency } from "./work-queue.ts";

/**
 * One rep's permissions to write, one for each system at most. Whoever has to wait is nudged when the turn
 * comes, and then looks again whether it is still needed.
 *
 * Invariant: every token taken from a pace is used for one request or given back.
 */
export class Turns {
  readonly #paceOf: (system: SystemName) => Pace;
  readonly #nudge: (urgency: Urgency) => void;
  readonly #held = new Few<SystemName>();
  /** `null` while she waits for nothing. */
  #queued: Map<SystemName, Urgency> | null = null;
  #closed = false;

  constructor(paceOf: (system: SystemName) => Pace, nudge: (urgency: Urgency) => void) {
    this.#paceOf = paceOf;
    this.#nudge = nudge;
  }

  /** None is held, and none is waited for. */
  get areIdle(): boolean {
    return this.#held.size === 0 && this.#queued === null;
  }

  /** True if the write may leave now. Otherwise its turn is waited for. */
  has({ system, protective }: Write): boolean {
    const pace = this.#paceOf(system);
    if (this.#held.has(system)) {
      if (!pace.isPaused) return true;
      // It asked for silence since: that holds for whoever was allowed before, too.
      this.#held.delete(system);
      pace.giveBack();
    }
    if (pace.takeNow()) {
      this.#held.add(system);
      return true;
    }
    const urgency = protective ? "protective" : "normal";
    const queued = this.#queued?.get(system);
    if (queued === undefined || (queued === "normal" && protective)) {
      this.#queued ??= new Map();
      this.#queued.set(system, urgency);
      void this.#waitFor(system, urgency);
    }
    return false;
  }

  use(system: SystemName): void {
    this.#held.delete(system);
  }

  giveBackAllBut(kept: ReadonlySet<SystemName>): void {
    for (const system of this.#held) {
      if (kept.has(system)) continue;
      this.#held.delete(system);
      this.#paceOf(system).giveBack();
    }
  }

  /** Gives back what is held, and what still comes. */
  close(): void {
    this.#closed = true;
    this.giveBackAllBut(new Set());
  }

  async #waitFor(system: SystemName, urgency: Urgency): Promise<void> {
    const pace = this.#paceOf(system);
    await pace.take(urgency);
    if (this.#queued?.get(system) === urgency) this.#queued.delete(system);
    if (this.#queued?.size === 0) this.#queued = null;
    if (this.#closed || this.#held.has(system)) {
      pace.giveBack();
      return;
    }
    this.#held.add(system);
    this.#nudge(urgency);
  }
}
