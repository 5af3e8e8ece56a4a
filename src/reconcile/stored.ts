import type { SystemName } from "../presence/identity.ts";
import { type Base, type Endpoint, newRep, type Rep, UNREAD_ENDPOINT } from "./rep.ts";

/**
 * A rep as she is kept: whatever is as in a new rep may be missing, and of somebody at rest that is most of it. What
 * an older release kept, whole or with less in it, is one too.
 *
 * Invariant: what a missing field means never changes, so neither does the value that it has in a new rep. Something
 * else that is to be known of a rep has a field of its own.
 */
export type StoredRep = Partial<Omit<Rep, "base" | "systems">> & {
  readonly base?: Partial<Base>;
  readonly systems?: Readonly<Record<SystemName, Partial<Endpoint>>>;
};

const NEW = newRep([]);

export function stored({ base, systems, ...rep }: Rep): StoredRep {
  return {
    ...lean<StoredRep>(rep, NEW),
    base: lean(base, NEW.base),
    systems: inEach(systems, (endpoint) => lean(endpoint, UNREAD_ENDPOINT)),
  };
}

/** The rep who was `stored`. What is as in a new one, she shares with it. */
export function restored({ base, systems = {}, ...rep }: StoredRep): Rep {
  return {
    ...NEW,
    ...rep,
    base: { ...NEW.base, ...base },
    systems: inEach(systems, (endpoint) => ({ ...UNREAD_ENDPOINT, ...endpoint })),
  };
}

/** Without what is as usual. */
function lean<Of extends object>(some: Of, usual: Of): Partial<Of> {
  const rest: Partial<Of> = {};
  for (const key of keysOf(some)) if (!isSame(some[key], usual[key])) rest[key] = some[key];
  return rest;
}

function inEach<From, To>(
  systems: Readonly<Record<SystemName, From>>,
  change: (endpoint: From) => To,
): Record<SystemName, To> {
  const changed: Record<SystemName, To> = {};
  for (const [name, one] of Object.entries<From>(systems))
    changed[name as SystemName] = change(one);
  return changed;
}

const keysOf = <Of extends object>(some: Of): (keyof Of)[] => Object.keys(some) as (keyof Of)[];

const isSame = (one: unknown, other: unknown): boolean =>
  one === other || (isEmpty(one) && isEmpty(other));

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;
