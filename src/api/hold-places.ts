import type { HoldId, RepId, SystemName } from "../presence/identity.ts";
import type { Rep } from "../reconcile/rep.ts";
import type { Integration } from "./integrations/integration.ts";

/** Her document follows what was accepted within a turn of hers. Where it has not by then, it will not. */
const FOLLOWS_MS = 10_000;

type Accepted = { readonly isThere: boolean; readonly atMs: number };

export type HoldPlacesOptions = {
  readonly holdsOf: (rep: RepId) => Rep["holds"];
  readonly nowMs: () => number;
};

/**
 * How many calls each integration has on each rep: those of her document, and what was accepted since. Calls that come
 * together are counted before the first of them is in it.
 */
export class HoldPlaces {
  readonly #options: HoldPlacesOptions;
  readonly #accepted = new Map<string, Map<HoldId, Accepted>>();

  constructor(options: HoldPlacesOptions) {
    this.#options = options;
  }

  /** Takes a place, which the call may have already; false if others of this integration have all of them. */
  take({ name, quota }: Pick<Integration, "name" | "quota">, rep: RepId, hold: HoldId): boolean {
    const held = this.#held(name, rep);
    if (!held.has(hold) && held.size >= quota.holdsPerRep) return false;
    this.#note(name, rep, hold, true);
    return true;
  }

  /** The end of the call was accepted. */
  free({ name }: Pick<Integration, "name">, rep: RepId, hold: HoldId): void {
    this.#note(name, rep, hold, false);
  }

  /** What came of the call could not be stored: it is as her document has it. */
  leave({ name }: Pick<Integration, "name">, rep: RepId, hold: HoldId): void {
    this.#accepted.get(keyOf(name, rep))?.delete(hold);
  }

  #note(name: SystemName, rep: RepId, hold: HoldId, isThere: boolean): void {
    const key = keyOf(name, rep);
    const accepted = this.#accepted.get(key) ?? new Map<HoldId, Accepted>();
    accepted.set(hold, { isThere, atMs: this.#options.nowMs() });
    this.#accepted.set(key, accepted);
  }

  #held(name: SystemName, rep: RepId): ReadonlySet<HoldId> {
    const { holdsOf, nowMs } = this.#options;
    const stored = Object.entries(holdsOf(rep)).filter(([, { source }]) => source === name);
    const held = new Set(stored.map(([hold]) => hold as HoldId));
    const key = keyOf(name, rep);
    const accepted = this.#accepted.get(key) ?? new Map<HoldId, Accepted>();
    for (const [hold, { isThere, atMs }] of accepted) {
      const isOld = Math.abs(nowMs() - atMs) > FOLLOWS_MS;
      if (isOld || isThere === held.has(hold)) accepted.delete(hold);
      else if (isThere) held.add(hold);
      else held.delete(hold);
    }
    if (accepted.size === 0) this.#accepted.delete(key);
    return held;
  }
}

const keyOf = (name: SystemName, rep: RepId): string => `${name} ${rep}`;
