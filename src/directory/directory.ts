import type { RepId, RepIdentity } from "../presence/identity.ts";

export type DirectoryChange = {
  readonly joined: readonly RepIdentity[];
  readonly left: readonly RepIdentity[];
  /** Not taken in: they share an account with somebody else in the roster, and nobody knows whose it is. */
  readonly refused: readonly RepIdentity[];
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

  all(): readonly RepIdentity[] {
    return [...this.#byRep.values()];
  }

  /** By Dynamics system user id or Entra object id, in any case. */
  find(id: string): RepIdentity | null {
    return this.#byEitherId.get(id.toLowerCase()) ?? null;
  }

  /**
   * Takes over a roster that was read whole, and says who joined and who left. Somebody whose account is
   * another one has left, and joined.
   */
  replace(roster: readonly RepIdentity[]): DirectoryChange {
    const shared = sharedIds(roster);
    const isRefused = (identity: RepIdentity): boolean =>
      idsOf(identity).some((id) => shared.has(id));
    const taken = roster.filter((identity) => !isRefused(identity));
    const next = new Map(taken.map((identity) => [identity.rep, identity]));
    const isSame = (a: RepIdentity, b: RepIdentity | undefined): boolean =>
      a.teamsUserId === b?.teamsUserId && a.systemUserId === b.systemUserId;
    const left = [...this.#byRep.values()].filter((known) => !isSame(known, next.get(known.rep)));
    const joined = taken.filter((identity) => !isSame(identity, this.#byRep.get(identity.rep)));
    this.#byRep.clear();
    this.#byEitherId.clear();
    for (const identity of taken) {
      this.#byRep.set(identity.rep, identity);
      for (const id of idsOf(identity)) this.#byEitherId.set(id, identity);
    }
    return { joined, left, refused: roster.filter(isRefused) };
  }
}

/** A rep's own id is her Dynamics user's. */
function idsOf({ rep, teamsUserId, systemUserId }: RepIdentity): readonly string[] {
  return [...new Set<string>([rep, teamsUserId, systemUserId])];
}

function sharedIds(roster: readonly RepIdentity[]): ReadonlySet<string> {
  const known = new Set<string>();
  const shared = new Set<string>();
  for (const identity of roster) {
    for (const id of idsOf(identity)) {
      if (known.has(id)) shared.add(id);
      known.add(id);
    }
  }
  return shared;
}
