import type { RepId, RepIdentity } from "../presence/identity.ts";

export type DirectoryChange = {
  readonly joined: readonly RepIdentity[];
  readonly left: readonly RepIdentity[];
};

/**
 * Who is whom: one rep, one Teams account, one Dynamics user. It fills itself from the systems; nobody has to
 * import anything for it to be right.
 *
 * Invariant: no Teams account and no Dynamics user belongs to two reps.
 */
export class Directory {
  readonly #byRep = new Map<RepId, RepIdentity>();
  readonly #byEitherId = new Map<string, RepIdentity>();

  get size(): number {
    return this.#byRep.size;
  }

  /** By Dynamics system user id or Entra object id, in any case. */
  find(id: string): RepIdentity | null {
    return this.#byEitherId.get(id.toLowerCase()) ?? null;
  }

  /** Takes over a roster that was read whole, and says who joined, left, or is now another account. */
  replace(roster: readonly RepIdentity[]): DirectoryChange {
    const next = new Map(roster.map((identity) => [identity.rep, identity]));
    const isSame = (a: RepIdentity, b: RepIdentity | undefined): boolean =>
      a.teamsUserId === b?.teamsUserId && a.systemUserId === b.systemUserId;
    const left = [...this.#byRep.values()].filter((known) => !isSame(known, next.get(known.rep)));
    const joined = roster.filter((identity) => !isSame(identity, this.#byRep.get(identity.rep)));
    this.#byRep.clear();
    this.#byEitherId.clear();
    for (const identity of roster) {
      this.#byRep.set(identity.rep, identity);
      this.#byEitherId.set(identity.teamsUserId, identity);
      this.#byEitherId.set(identity.systemUserId, identity);
    }
    return { joined, left };
  }
}
