import type { Groups, Person } from "./port.ts";

/** Who manages whom: members of one Entra group, the reps in another, or all of them. */
type Scope = {
  readonly managers: string;
  /** `null`: everybody. */
  readonly reps: string | null;
};

export type AccessRules = {
  readonly scopes: readonly Scope[];
  /** Members look after alerts and digests; it gives no right over anybody's status. */
  readonly adminGroup: string | null;
};

/** What somebody is, at this moment. */
export type Standing = {
  readonly objectId: string;
  /** The rep that she is herself, if she is one. */
  readonly self: Person | null;
  readonly isAdmin: boolean;
  readonly isManager: boolean;
  /** Whether she may see and set this rep because she manages her. Herself not included. */
  manages(person: Person): boolean;
};

/** Nothing that was looked up is believed for longer. */
const BELIEVED_MS = 5 * 60_000;

type Kept<Value> = { readonly value: Promise<Value>; readonly untilMs: number };

/**
 * Decides who may see and set whom. Everything comes from Entra, is kept for at most five minutes, and a look-up that
 * fails is an error: then nothing is allowed. Failures are not kept.
 */
export class Access {
  readonly #rules: AccessRules;
  readonly #groups: Groups;
  readonly #nowMs: () => number;
  readonly #memberships = new Map<string, Kept<ReadonlySet<string>>>();
  readonly #members = new Map<string, Kept<ReadonlySet<string>>>();

  constructor(rules: AccessRules, groups: Groups, nowMs: () => number) {
    this.#rules = rules;
    this.#groups = groups;
    this.#nowMs = nowMs;
  }

  /** Rejects when it cannot be known. */
  async standing(objectId: string, self: Person | null): Promise<Standing> {
    const { scopes, adminGroup } = this.#rules;
    const asked = new Set(scopes.map(({ managers }) => managers));
    if (adminGroup !== null) asked.add(adminGroup);
    const groupIds = [...asked];
    const isIn =
      groupIds.length === 0
        ? new Set<string>()
        : await this.#keep(this.#memberships, objectId, () =>
            this.#groups.memberOf(objectId, groupIds),
          );
    const held = scopes.filter(({ managers }) => isIn.has(managers));
    const everybody = held.some(({ reps }) => reps === null);
    const repGroups = everybody ? [] : held.flatMap(({ reps }) => reps ?? []);
    const sets = await Promise.all(
      repGroups.map((reps) => this.#keep(this.#members, reps, () => this.#groups.members(reps))),
    );
    return {
      objectId,
      self,
      isAdmin: adminGroup !== null && isIn.has(adminGroup),
      isManager: held.length > 0,
      manages: ({ identity }) =>
        everybody || sets.some((members) => members.has(identity.teamsUserId)),
    };
  }

  #keep<Value>(
    kept: Map<string, Kept<Value>>,
    key: string,
    ask: () => Promise<Value>,
  ): Promise<Value> {
    const nowMs = this.#nowMs();
    const known = kept.get(key);
    if (known && known.untilMs > nowMs) return known.value;
    for (const [other, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(other);
    const entry = { value: ask(), untilMs: nowMs + BELIEVED_MS };
    kept.set(key, entry);
    entry.value.catch(() => {
      if (kept.get(key) === entry) kept.delete(key);
    });
    return entry.value;
  }
}
