import type { HoldId, SystemName } from "../presence/identity.ts";
import type { AutomaticKind } from "../presence/reading.ts";
import type { Status } from "../presence/status.ts";

/**
 * Where a decision came from. Every intent carries exactly one, and so does every write: "why is she
 * Busy?" is answered by reading it back, never by guessing.
 */
type CauseKind =
  | "first sight"
  | "choice"
  | "sign-in"
  | "sign-out"
  | "automatic"
  | "automatic ended"
  | "hold"
  | "hold ended"
  | "hold expired"
  | "command"
  | "command ended"
  | "manual lifted"
  | "shift"
  | "lease ended"
  | "paused"
  | "resumed";

export type Cause = {
  readonly kind: CauseKind;
  /** The system, partner or person's role that caused it; never a person's name. */
  readonly source: string;
  readonly status: Status;
  readonly atMs: number;
  /** Id of the partner event or command, if one brought it. */
  readonly eventId?: string;
};

/** An explicit choice: what a rep returns to when calls and meetings are over. */
type ChosenBase = {
  readonly status: Status;
  /** A system, or a partner or command by name; `null` before anything is known. */
  readonly origin: SystemName | null;
  readonly tick: number;
  /** The intent at which it was chosen, to tell two concurrent choices apart. */
  readonly intent: number;
  readonly atMs: number;
  /** Each system's own value that shows this status, so that Lunch is restored as Lunch, not as Away. */
  readonly natives: Readonly<Record<SystemName, string>>;
};

/** The last explicit choice. One that somebody else made for her can be taken back, and may end by itself. */
export type Base = ChosenBase & {
  /** When it ends by itself; `null`: when something else is chosen. */
  readonly untilMs: number | null;
  /** What a command replaced, and what comes back after it; `null` for a choice of her own. */
  readonly before: ChosenBase | null;
};

/** A call or the like, reported from outside. It lies over the base and never changes it. */
export type Hold = {
  readonly source: SystemName;
  readonly status: Status;
  readonly tick: number;
  readonly sinceMs: number;
  readonly untilMs: number;
};

/** A state that a system shows by itself: its own call, meeting, capacity. Like a hold, but read, not told. */
type Overlay = {
  readonly status: Status;
  readonly kind: AutomaticKind;
  readonly tick: number;
  readonly intent: number;
  readonly atMs: number;
  /** What the system showed before; going back to it is no choice of anybody's. */
  readonly over: Status | null;
  /** Set when the system stopped reporting altogether; the overlay then ends at this time. */
  readonly untilMs: number | null;
};

/** What of ours lies in a system, apart from what the human and the system put there. */
export type Cover = "none" | "session" | "preferred";

/** A write that has left, or is about to: on disk before it is sent, at most one per system. */
export type Pending = {
  readonly intent: number;
  /** The class that a read will show if the write takes effect. */
  readonly status: Status;
  /** The status that was meant, before the system's projection. */
  readonly meant: Status;
  /** What the system showed when the write was recorded. */
  readonly over: Status | null;
  readonly cover: Cover;
  /** Takes our cover away rather than putting one on: the next read uncovers what lay beneath. */
  readonly withdraws: boolean;
  /** Takes something away, apart from what it puts there: cut in half, it may do just that, and late. */
  readonly clears: boolean;
  readonly sentAtMs: number;
  /** When the cover that it puts on ends by itself; `null`: when replaced. */
  readonly leaseUntilMs: number | null;
  readonly ackTick: number | null;
  readonly ackAtMs: number | null;
  /** Sent, and nobody knows whether it arrived: time-out, broken connection, crash. */
  readonly unknown: boolean;
  /** Its effect was read before its acknowledgement came. */
  readonly confirmed: boolean;
  /** She changed the system while it was on its way: what is read now says nothing about it. */
  readonly overtaken: boolean;
};

/**
 * A write of unknown outcome that was set aside: if its class shows up later, it was this one. `status` is `null`
 * when that has happened, and what it was to clear may still follow.
 */
export type LateWrite = {
  readonly status: Status | null;
  readonly cover: Cover;
  readonly clears: boolean;
  readonly expiresAtMs: number;
  /** It was taken for the cause of what had shown before as well: that explains once, and proves nothing. */
  readonly assumed?: true;
};

type Health = "ok" | "absorbed" | "rejected";

/** What a system showed when the rep's client was gone, and until when it will show just that if she comes back. */
export type Disconnection = {
  readonly status: Status;
  readonly native: string | null;
  readonly untilMs: number;
};

/** A write was refused where she signs in: the intent, and the tick and the time (epoch milliseconds) of the answer. */
type Refusal = { readonly intent: number; readonly tick: number; readonly atMs: number };

/** What we know about one system for one rep: the merge base, and the one write in flight. */
export type Endpoint = {
  /** The merge base: the class last read. `null` until the first read. */
  readonly seen: Status | null;
  readonly native: string | null;
  readonly sequence: string | null;
  /** The tick at which the newest read left. */
  readonly readTick: number;
  /** The intent last attempted here, or found to need no write. */
  readonly tried: number;
  /** The intent that this system is known to have been shown. */
  readonly shown: number;
  readonly pending: Pending | null;
  readonly late: readonly LateWrite[];
  readonly cover: Cover;
  /** The status that our cover shows; meaningful while `cover` is not `none`. */
  readonly covering: Status | null;
  readonly leaseUntilMs: number | null;
  /** Until when a session of ours may lie there, hidden or not, whatever was answered since; 0: none was ever sent. */
  readonly sessionUntilMs: number;
  readonly absent: boolean;
  /** She is gone, and expected back: what she left behind, and until when seeing it again is no news. */
  readonly disconnected: Disconnection | null;
  readonly health: Health;
  /** The newest refusal of its kind since she was last seen gone; the next one for the same intent is final. */
  readonly refused: Refusal | null;
  readonly failures: number;
  readonly retryAtMs: number;
  /** When the system changed, and not because of us: oldest first, as many as it takes to call it a fight. */
  readonly changesMs: readonly number[];
  /**
   * What she last chose there herself, where a write replaces it: put back when we let go of her. In a system where
   * our entries can lie over hers, only once one of them took the place of her choice: then hers lies nowhere any more.
   */
  readonly own: { readonly status: Status; readonly native: string } | null;
  /** Since when our cover hides what the system would show without us; meaningful while it does. */
  readonly coveredSinceMs: number;
};

/** Somebody asked us to leave a rep alone. `by`: a role or a reason, never a person's name. */
export type Pause = { readonly by: string; readonly sinceMs: number };

/** Somebody else keeps changing a system, faster than people do (fight.ts). */
export type Fight = {
  readonly system: SystemName;
  /** The other writer, as far as the system says. */
  readonly by: string | null;
  /** Two of the values that it goes between. */
  readonly between: readonly [Status, Status];
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly changes: number;
};

/**
 * Everything that is remembered about one rep: one document, one writer at a time. `tick` is a counter,
 * not a clock; it orders reads, acknowledgements and intents of this rep and nothing else.
 */
export type Rep = {
  readonly tick: number;
  /** Number of the newest intent; strictly increasing. */
  readonly intent: number;
  readonly intentTick: number;
  readonly intentAtMs: number;
  readonly cause: Cause | null;
  readonly base: Base;
  readonly holds: Readonly<Record<HoldId, Hold>>;
  readonly overlays: Readonly<Record<SystemName, Overlay>>;
  readonly systems: Readonly<Record<SystemName, Endpoint>>;
  /** When automatic writes left, newest last, not older than an hour: the write budget counts these. */
  readonly writesMs: readonly number[];
  readonly heldUntilMs: number;
  /** While it is on, automatic writes rest. */
  readonly fight: Fight | null;
  readonly paused: Pause | null;
};

/** Most reps have no holds, overlays or writes of late: all of these share one nothing. */
const NOTHING: Readonly<Record<string, never>> = {};
const NEVER: readonly never[] = [];

const orNothing = <Of extends object>(some: Of): Of | typeof NOTHING =>
  Object.keys(some).length === 0 ? NOTHING : some;

export const UNREAD_ENDPOINT: Endpoint = {
  seen: null,
  native: null,
  sequence: null,
  readTick: 0,
  tried: 0,
  shown: 0,
  pending: null,
  late: NEVER,
  cover: "none",
  covering: null,
  leaseUntilMs: null,
  sessionUntilMs: 0,
  absent: false,
  disconnected: null,
  health: "ok",
  refused: null,
  failures: 0,
  retryAtMs: 0,
  changesMs: NEVER,
  own: null,
  coveredSinceMs: 0,
};

/** A base that nobody chose: what is left when a choice is taken back. */
export function baseOf(at: Pick<Base, "status" | "tick" | "intent" | "atMs">): Base {
  const { status, tick, intent, atMs } = at;
  // Not spread: what follows a spread lies in a second piece of memory, and a loaded rep has what this has.
  return {
    status,
    tick,
    intent,
    atMs,
    origin: null,
    natives: NOTHING,
    untilMs: null,
    before: null,
  };
}

/** A rep about whom nothing is known yet, in the given systems. */
export function newRep(systems: readonly SystemName[]): Rep {
  return {
    tick: 0,
    intent: 0,
    intentTick: 0,
    intentAtMs: 0,
    cause: null,
    base: baseOf({ status: "Available", tick: 0, intent: 0, atMs: 0 }),
    holds: NOTHING,
    overlays: NOTHING,
    systems: Object.fromEntries(systems.map((name) => [name, UNREAD_ENDPOINT])),
    writesMs: NEVER,
    heldUntilMs: 0,
    fight: null,
    paused: null,
  };
}

/** Somebody may have been stored when there were fewer systems: there she is as in a new rep. */
export function completed(rep: Rep, systems: readonly SystemName[]): Rep {
  if (systems.every((name) => rep.systems[name])) return rep;
  return { ...rep, systems: { ...newRep(systems).systems, ...rep.systems } };
}

/** The endpoint of a system that the rep is known in. Asking for another is a fault of ours. */
export function endpointOf(rep: Rep, system: SystemName): Endpoint {
  const endpoint = rep.systems[system];
  if (!endpoint) throw new Error(`the rep has no endpoint for ${system}`);
  return endpoint;
}

export function withEndpoint(rep: Rep, system: SystemName, change: Partial<Endpoint>): Rep {
  const endpoint = { ...endpointOf(rep, system), ...change };
  return { ...rep, systems: { ...rep.systems, [system]: endpoint } };
}

export function without<Key extends string, Value>(
  record: Readonly<Record<Key, Value>>,
  key: Key,
): Readonly<Record<Key, Value>> {
  const { [key]: _removed, ...rest } = record;
  return orNothing(rest) as Readonly<Record<Key, Value>>;
}
