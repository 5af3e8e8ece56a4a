import type { RepId, RepIdentity, SystemName } from "../presence/identity.ts";

/**
 * With whom something may go on, for each system: everybody until a sweep of that system has found what is known of
 * her and nothing under way, and again from when something happens to her.
 *
 * Invariant: whoever is not among them had no turn since that sweep looked at her. So her tick is what it was then, and
 * as long as the system shows the same, nothing follows from it.
 */
export class Restless {
  readonly #reps: ReadonlyMap<SystemName, Map<RepId, number | null>>;

  constructor(systems: readonly SystemName[]) {
    this.#reps = new Map(systems.map((system) => [system, new Map()]));
  }

  /** She is about to have a turn, and has this tick; or she is new, and has had none that counts. */
  add(rep: RepId, tick: number | null): void {
    for (const reps of this.#reps.values()) if (!reps.has(rep)) reps.set(rep, tick);
  }

  /** With which tick she came to be among them; absent if she is not. */
  tickOf(rep: RepId, system: SystemName): number | null | undefined {
    return this.#reps.get(system)?.get(rep);
  }

  /** A sweep of that system has nothing more to find about her. */
  settle(rep: RepId, system: SystemName): void {
    this.#reps.get(system)?.delete(rep);
  }

  /** She is gone. */
  delete(rep: RepId): void {
    for (const reps of this.#reps.values()) reps.delete(rep);
  }

  /** Those of them who may be among these. */
  among(identities: readonly RepIdentity[], system: SystemName): Iterable<RepId> {
    const reps = this.#reps.get(system) ?? new Map<RepId, number | null>();
    if (reps.size <= identities.length) return reps.keys();
    return identities.map(({ rep }) => rep).filter((rep) => reps.has(rep));
  }
}
