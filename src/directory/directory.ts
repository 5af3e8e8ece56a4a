import type { RepIdentity } from "../presence/identity.ts";

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
  #identities: readonly RepIdentity[] = [];
  readonly #byEitherId = new Map<string, RepIdentity>();

  get size(): number {
    return this.#identities.length;
  }

  all(): readonly RepIdentity[] {
    return this.#identities;
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
    // Who stays is kept as she was: she is known by that to many.
    const named = roster.map((identity) => this.#same(identity) ?? identity);
    const distinct = new Set(named);
    const known = new Set(this.#identities);
    // Of those who were taken in before, no two share an id.
    const areKnown = distinct.size === roster.length && named.every((one) => known.has(one));
    const shared = areKnown ? new Set<string>() : sharedIds(roster);
    const isRefused = (identity: RepIdentity): boolean =>
      shared.size > 0 && idsOf(identity).some((id) => shared.has(id));
    const taken = named.filter((identity) => !isRefused(identity));
    const next = shared.size > 0 ? new Set(taken) : distinct;
    const left = this.#identities.filter((one) => !next.has(one));
    const joined = taken.filter((one) => !known.has(one));
    if (left.length + joined.length > 0) {
      this.#identities = taken;
      this.#byEitherId.clear();
      for (const identity of taken) {
        for (const id of idsOf(identity)) this.#byEitherId.set(id, identity);
      }
    }
    return { joined, left, refused: roster.filter(isRefused) };
  }

  #same({ rep, teamsUserId, systemUserId }: RepIdentity): RepIdentity | null {
    const known = this.#byEitherId.get(rep);
    const isSame =
      known?.rep === rep &&
      known.teamsUserId === teamsUserId &&
      known.systemUserId === systemUserId;
    return isSame ? known : null;
  }
}

/** Each id once. A rep's own id is her Dynamics user's. */
function idsOf({ rep, teamsUserId, systemUserId }: RepIdentity): readonly string[] {
  const ids: string[] = [rep];
  if (!ids.includes(teamsUserId)) ids.push(teamsUserId);
  if (!ids.includes(systemUserId)) ids.push(systemUserId);
  return ids;
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
