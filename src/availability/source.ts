import type { SystemUserId } from "../presence/identity.ts";
import type { DynamicsAction } from "../presence/mapping.ts";
import type { CenterAnswer, CenterQuestion } from "./answer.ts";
import type { Hours } from "./hours.ts";

export type QueueSetup = {
  /** Lower-case. */
  readonly id: string;
  readonly name: string;
  /** `null`: always open. `unknown`: its calendar could not be understood. */
  readonly hours: Hours | null | "unknown";
  readonly members: readonly SystemUserId[];
};

/** Where conversations come from, who may get them, and what one takes of a rep. */
export type WorkstreamSetup = {
  readonly id: string;
  /** Where its conversations go when no rule sends them elsewhere. */
  readonly queueId: string | null;
  readonly allowed: readonly DynamicsAction[];
  readonly takes:
    | { readonly kind: "units"; readonly units: number }
    | { readonly kind: "profile"; readonly profileIds: readonly string[] };
};

/** What an administrator has set up. It seldom changes. */
export type Setup = {
  readonly queues: readonly QueueSetup[];
  readonly workstreams: readonly WorkstreamSetup[];
  /** How many conversations of each capacity profile a rep takes at most. */
  readonly profiles: ReadonlyMap<SystemUserId, ReadonlyMap<string, number>>;
};

/** What a rep is doing at this moment. */
export type RepNow = {
  readonly user: SystemUserId;
  /** False for applications, AI agents and people who have left. */
  readonly isPerson: boolean;
  readonly isSignedIn: boolean;
  /** `null`: a presence whose base status we do not know. */
  readonly base: DynamicsAction | null;
  /** `null`: not told. */
  readonly availableUnits: number | null;
  /** A capacity profile that blocks is used up. */
  readonly isBlocked: boolean;
};

/** A conversation that is not over, or that somebody took within the last hour. */
export type ConversationNow = {
  readonly queueId: string | null;
  readonly workstreamId: string | null;
  readonly agent: SystemUserId | null;
  readonly state: "waiting" | "taken" | "over";
  readonly startedAtMs: number;
  readonly takenAtMs: number | null;
};

/** The port to the contact centre. Everything may throw `SystemError`. */
export type AvailabilitySource = {
  setup(signal: AbortSignal): Promise<Setup>;
  reps(signal: AbortSignal): Promise<readonly RepNow[]>;
  conversations(signal: AbortSignal): Promise<readonly ConversationNow[]>;
  /** The contact centre's own answer. */
  center(question: CenterQuestion, signal: AbortSignal): Promise<CenterAnswer>;
};
