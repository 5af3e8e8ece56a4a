import type { Engine } from "../engine/engine.ts";
import type { RepIdentity, SystemName } from "../presence/identity.ts";
import type { Mappings } from "../presence/mapping.ts";
import type { Policy } from "../reconcile/policy.ts";
import type { DetailView, QueueView, ShiftView } from "./cards/view.ts";

/** A rep by the name that colleagues know. Names live in memory only: no log line and no record of ours has one. */
export type Person = {
  readonly identity: RepIdentity;
  readonly name: string;
  readonly email: string | null;
};

/** Queues and who can take work in them. It says of each figure where it comes from and how old it is. */
export type QueueDesk = {
  /** All of them, by name, without the contact centre's own figures; makes no call. */
  queues(): Promise<readonly QueueView[]>;
  /** One by its id, with both sources; one call at most. `null`: there is none. */
  queue(id: string): Promise<QueueView | null>;
  /** The reps who are members of the queue with that id, by rep id; makes no call. */
  members(id: string): Promise<ReadonlySet<string>>;
};

/** What the contact centre itself says of a rep, read in her name; `null` where it tells nothing. Never rejects for that. */
export type DetailDesk = (rep: RepIdentity) => Promise<DetailView | null>;

/** Stops and resumes the syncing of one rep; durable when it resolves. */
export type Pausing = {
  pause(rep: RepIdentity): Promise<void>;
  /** Whether it was paused by this. */
  resume(rep: RepIdentity): Promise<boolean>;
};

/** Which Entra groups somebody is in. Rejects when it cannot be known: then nobody may do anything. */
type Groups = {
  /** Of `groupIds`, those that the user is in, directly or through another group. One call. */
  memberOf(objectId: string, groupIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Object ids of everybody in the group, directly or through another group; lower-case. A call for each 999 of them. */
  members(groupId: string): Promise<ReadonlySet<string>>;
};

/** Who holds which security role in Dynamics. Rejects when it cannot be known: then nobody may do anything. */
type Roles = {
  /** Entra object ids of everybody who holds a role of that name, herself or through a team; lower-case. */
  holders(role: string): Promise<ReadonlySet<string>>;
};

/** What the service is for the bot: everything it may read, and the few things it may cause. */
export type BotPort = {
  readonly nowMs: () => number;
  /** Calls once after so many milliseconds; the result cancels it. */
  readonly after: (delayMs: number, fire: () => void) => () => void;
  /** 0 (inclusive) to 1 (exclusive); spreads retries. */
  readonly random: () => number;
  readonly people: () => readonly Person[];
  readonly engine: Pick<Engine, "accept" | "forget" | "history" | "keep" | "kept">;
  readonly document: (rep: RepIdentity["rep"]) => Awaited<ReturnType<Engine["get"]>>;
  /** When the system last read everybody, though nothing new may have come of it; 0: not yet. */
  readonly lastReadAtMs: (system: SystemName) => number;
  readonly submit: (event: Parameters<Engine["accept"]>[0]) => void;
  readonly policy: Policy;
  /** The tables that it was made of. */
  readonly mappings: Mappings;
  readonly groups: Groups;
  readonly roles: Roles;
  /** When a rep next begins or ends a shift; `null` when nobody has planned one. */
  readonly nextShift: (rep: RepIdentity["rep"]) => ShiftView | null;
  /** `null`: nothing here knows of queues. */
  readonly queues: QueueDesk | null;
  /** `null`: nothing here can ask in a rep's name. */
  readonly detail: DetailDesk | null;
  /** `null`: this installation cannot pause. */
  readonly pausing: Pausing | null;
  /** Subscriber accounts that only a new sign-in brings back, by object id, and how many reps each watched. */
  readonly signedOut: () => readonly { readonly account: string; readonly reps: number }[];
  /** What the service still waits for; empty when both systems were read. */
  readonly waitingFor: () => readonly string[];
};
