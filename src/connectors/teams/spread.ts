import type { TeamsUserId } from "../../presence/identity.ts";

/** Microsoft: "Get change notifications for presence updates": users that one subscription may name. */
const USERS_PER_SUBSCRIPTION = 650;

/** Who is watched through which subscriber account. */
export type Sharding = {
  readonly shards: ReadonlyMap<string, readonly TeamsUserId[]>;
  /** More people than the accounts can watch: they are kept in step by the poll alone. */
  readonly uncovered: readonly TeamsUserId[];
};

/**
 * Spreads people over subscriber accounts. Pure.
 *
 * 1. Who has a place keeps it, for as long as her account is there.
 * 2. Who has none goes where most room is, together with the others who come: a subscription cannot be
 *    changed, only made anew, so one change of the directory should touch as few as possible.
 * 3. Nobody has two places, and no account more than `capacity` people.
 */
export function spread(
  people: readonly TeamsUserId[],
  accounts: readonly string[],
  before: ReadonlyMap<string, readonly TeamsUserId[]>,
  capacity = USERS_PER_SUBSCRIPTION,
): Sharding {
  const open = new Set(people);
  const shards = new Map<string, TeamsUserId[]>();
  for (const account of accounts) {
    const kept = (before.get(account) ?? []).filter((user) => open.has(user)).slice(0, capacity);
    for (const user of kept) open.delete(user);
    shards.set(account, kept);
  }
  let waiting = [...open];
  const byRoom = [...shards.values()].toSorted((a, b) => a.length - b.length);
  for (const shard of byRoom) {
    const room = capacity - shard.length;
    shard.push(...waiting.slice(0, room));
    waiting = waiting.slice(room);
  }
  return { shards, uncovered: waiting };
}

/** Whether two lists name the same people, in whatever order. */
export function sameUsers(a: readonly TeamsUserId[], b: readonly TeamsUserId[]): boolean {
  if (a.length !== b.length) return false;
  const known = new Set(a);
  return b.every((user) => known.has(user));
}
