import type { SystemUserId } from "../presence/identity.ts";
import { openingAt } from "./hours.ts";
import type { ConversationNow, QueueSetup, RepNow, Setup, WorkstreamSetup } from "./source.ts";

/** Why a member of a queue cannot take work at this moment; of several reasons the first of these. */
const REASONS = [
  "not a person",
  "unknown",
  "signed out",
  "presence",
  "blocked",
  "capacity",
] as const;
type Reason = (typeof REASONS)[number];

/** What we find out by ourselves, from the same facts that routing looks at. */
export type OwnAnswer = {
  /** `null`: the queue's calendar could not be understood. */
  readonly isOpen: boolean | null;
  /** When it next opens or closes. */
  readonly changesAtMs: number | null;
  readonly repsAvailable: number;
  readonly members: number;
  /** Members who cannot take work, by reason. Together with those available they are all members. */
  readonly unavailable: Readonly<Partial<Record<Reason, number>>>;
  readonly waiting: number;
  /** Of those taken within the last hour; `null` when there were none. */
  readonly averageWaitSeconds: number | null;
  /** How long whoever has waited longest has waited; `null` when nobody waits. */
  readonly longestWaitSeconds: number | null;
};

export type Facts = {
  readonly setup: Setup;
  readonly reps: readonly RepNow[];
  readonly conversations: readonly ConversationNow[];
};

/**
 * One queue's answer. Pure. A member can take work if she is a person who is signed in, shows a presence that a
 * workstream into the queue allows, and has room for one of its conversations. Without a workstream that leads here by
 * default, Available is the only presence that is known to be allowed.
 */
export function ownAnswer(
  queue: QueueSetup,
  facts: Facts,
  nowMs: number,
  workstreamId: string | null = null,
): OwnAnswer {
  const { setup, reps, conversations } = facts;
  const ways = waysInto(queue.id, setup, workstreamId);
  const byUser = new Map(reps.map((rep) => [rep.user, rep]));
  const busyWith = conversationsByAgent(conversations);
  const reasons = queue.members.map((user) => {
    const refusals = ways.map((way) =>
      reasonAgainst(byUser.get(user), way, (profileId) =>
        isProfileFull(user, profileId, setup, busyWith),
      ),
    );
    return refusals.includes(null) ? null : mildest(refusals);
  });
  const opening = queue.hours === "unknown" ? null : openingAt(queue.hours, nowMs);
  return {
    isOpen: opening?.isOpen ?? null,
    changesAtMs: opening?.changesAtMs ?? null,
    repsAvailable: reasons.filter((reason) => reason === null).length,
    members: reasons.length,
    unavailable: countsOf(reasons),
    ...waitsOf(queue.id, conversations, nowMs),
  };
}

const UNKNOWN_WAY: WorkstreamSetup = {
  id: "",
  queueId: null,
  allowed: ["Available"],
  takes: { kind: "units", units: 0 },
};

function waysInto(
  queueId: string,
  { workstreams }: Setup,
  workstreamId: string | null,
): readonly WorkstreamSetup[] {
  const ways = workstreams.filter((one) =>
    workstreamId === null ? one.queueId === queueId : one.id === workstreamId,
  );
  return ways.length > 0 ? ways : [UNKNOWN_WAY];
}

function reasonAgainst(
  rep: RepNow | undefined,
  { allowed, takes }: WorkstreamSetup,
  isFull: (profileId: string) => boolean,
): Reason | null {
  if (!rep) return "unknown";
  if (!rep.isPerson) return "not a person";
  if (!rep.isSignedIn) return "signed out";
  if (rep.base === null || !allowed.includes(rep.base)) return "presence";
  if (rep.isBlocked) return "blocked";
  const hasRoom =
    takes.kind === "units"
      ? (rep.availableUnits ?? 0) >= takes.units
      : !takes.profileIds.some(isFull);
  return hasRoom ? null : "capacity";
}

type BusyWith = ReadonlyMap<SystemUserId, readonly ConversationNow[]>;

function conversationsByAgent(conversations: readonly ConversationNow[]): BusyWith {
  const byAgent = new Map<SystemUserId, ConversationNow[]>();
  for (const one of conversations) {
    if (one.agent === null || one.state !== "taken") continue;
    byAgent.set(one.agent, [...(byAgent.get(one.agent) ?? []), one]);
  }
  return byAgent;
}

/** A rep without the profile takes none of its conversations. */
function isProfileFull(
  user: SystemUserId,
  profileId: string,
  { profiles, workstreams }: Setup,
  busyWith: BusyWith,
): boolean {
  const limit = profiles.get(user)?.get(profileId) ?? 0;
  const ofProfile = new Set(
    workstreams
      .filter(({ takes }) => takes.kind === "profile" && takes.profileIds.includes(profileId))
      .map(({ id }) => id),
  );
  const used = (busyWith.get(user) ?? []).filter(({ workstreamId }) =>
    ofProfile.has(workstreamId ?? ""),
  );
  return used.length >= limit;
}

/** Of the reasons that stand in the way of each workstream the one that is nearest to none. */
function mildest(refusals: readonly (Reason | null)[]): Reason {
  const at = Math.max(0, ...refusals.map((reason) => REASONS.indexOf(reason ?? "not a person")));
  return REASONS[at] ?? "unknown";
}

function countsOf(reasons: readonly (Reason | null)[]): Partial<Record<Reason, number>> {
  const counts: Partial<Record<Reason, number>> = {};
  for (const reason of reasons) {
    if (reason !== null) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

const HOUR_MS = 3_600_000;

function waitsOf(
  queueId: string,
  conversations: readonly ConversationNow[],
  nowMs: number,
): Pick<OwnAnswer, "waiting" | "averageWaitSeconds" | "longestWaitSeconds"> {
  const here = conversations.filter((one) => one.queueId === queueId);
  const waiting = here.filter(({ state }) => state === "waiting");
  const waits = here.flatMap(({ startedAtMs, takenAtMs }) =>
    takenAtMs !== null && takenAtMs >= nowMs - HOUR_MS ? takenAtMs - startedAtMs : [],
  );
  const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000));
  const sum = waits.reduce((total, wait) => total + wait, 0);
  const oldest = Math.min(...waiting.map(({ startedAtMs }) => startedAtMs));
  return {
    waiting: waiting.length,
    averageWaitSeconds: waits.length === 0 ? null : seconds(sum / waits.length),
    longestWaitSeconds: waiting.length === 0 ? null : seconds(nowMs - oldest),
  };
}
