import type { BotPort, Person } from "./port.ts";
import { ReadAhead } from "./read-ahead.ts";

/** Who manages whom: members of one Entra group, the reps in another, or all of them. */
type Scope = {
  readonly managers: string;
  /** `null`: everybody. */
  readonly reps: string | null;
};

/** The same for whoever holds a security role in Dynamics, herself or through a team. */
type RoleScope = { readonly role: string; readonly reps: string | null };

export type AccessRules = {
  readonly scopes: readonly Scope[];
  readonly roleScopes: readonly RoleScope[];
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
/** Large groups take many calls; they are read again before anybody would have to wait for it. */
const LIST_KEPT = { believedMs: BELIEVED_MS, everyMs: 4 * 60_000, retryMs: 30_000 };

type List = ReadAhead<ReadonlySet<string>>;
type Kept<Value> = { readonly value: Promise<Value>; readonly askedAtMs: number };
type AccessPort = Pick<BotPort, "after" | "groups" | "nowMs" | "roles">;

/**
 * Decides who may see and set whom. Everything comes from Entra and Dynamics, is believed for at most five minutes, and
 * a look-up that fails is an error: then nothing is allowed. Failures are not kept. Lists are read before anybody asks,
 * so that an answer needs one call at most: the groups of whoever asks.
 */
export class Access {
  readonly #rules: AccessRules;
  readonly #port: AccessPort;
  readonly #memberships = new Map<string, Kept<ReadonlySet<string>>>();
  /** Object ids of the reps in a group, by its id. */
  readonly #members: ReadonlyMap<string, List>;
  /** Object ids of those who hold a role, by its name. */
  readonly #holders: ReadonlyMap<string, List>;

  constructor(rules: AccessRules, port: AccessPort) {
    this.#rules = rules;
    this.#port = port;
    const { scopes, roleScopes } = rules;
    const groups = new Set([...scopes, ...roleScopes].flatMap(({ reps }) => reps ?? []));
    const roles = new Set(roleScopes.map(({ role }) => role));
    const listOf = (read: (key: string) => Promise<ReadonlySet<string>>) => (key: string) =>
      [key, new ReadAhead({ ...port, ...LIST_KEPT, read: () => read(key) })] as const;
    this.#members = new Map([...groups].map(listOf((group) => port.groups.members(group))));
    this.#holders = new Map([...roles].map(listOf((role) => port.roles.holders(role))));
  }

  start(): void {
    for (const list of this.#lists()) list.start();
  }

  stop(): void {
    for (const list of this.#lists()) list.stop();
  }

  /** Rejects when it cannot be known. */
  async standing(objectId: string, self: Person | null): Promise<Standing> {
    const { scopes, roleScopes, adminGroup } = this.#rules;
    const [isIn, holds] = await Promise.all([this.#groupsOf(objectId), this.#rolesOf(objectId)]);
    const held = [
      ...scopes.filter(({ managers }) => isIn.has(managers)),
      ...roleScopes.filter(({ role }) => holds.has(role)),
    ];
    const everybody = held.some(({ reps }) => reps === null);
    const lists = everybody ? [] : held.flatMap(({ reps }) => this.#members.get(reps ?? "") ?? []);
    const sets = await Promise.all(lists.map((list) => list.get()));
    return {
      objectId,
      self,
      isAdmin: adminGroup !== null && isIn.has(adminGroup),
      isManager: held.length > 0,
      manages: ({ identity }) =>
        everybody || sets.some((members) => members.has(identity.teamsUserId)),
    };
  }

  *#lists(): Generator<List> {
    yield* this.#members.values();
    yield* this.#holders.values();
  }

  #groupsOf(objectId: string): Promise<ReadonlySet<string>> {
    const { scopes, adminGroup } = this.#rules;
    const asked = new Set(scopes.map(({ managers }) => managers));
    if (adminGroup !== null) asked.add(adminGroup);
    if (asked.size === 0) return Promise.resolve(new Set());
    const kept = this.#memberships;
    const nowMs = this.#port.nowMs();
    const known = kept.get(objectId);
    const isFresh = ({ askedAtMs }: Kept<unknown>): boolean =>
      nowMs >= askedAtMs && nowMs - askedAtMs < BELIEVED_MS;
    if (known && isFresh(known)) return known.value;
    for (const [other, entry] of kept) if (!isFresh(entry)) kept.delete(other);
    const value = this.#port.groups.memberOf(objectId, [...asked]);
    const entry = { value, askedAtMs: nowMs };
    kept.set(objectId, entry);
    value.catch(() => {
      if (kept.get(objectId) === entry) kept.delete(objectId);
    });
    return value;
  }

  async #rolesOf(objectId: string): Promise<ReadonlySet<string>> {
    const held = new Set<string>();
    for (const [role, list] of this.#holders) if ((await list.get()).has(objectId)) held.add(role);
    return held;
  }
}
