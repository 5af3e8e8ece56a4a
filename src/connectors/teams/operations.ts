import { TEAMS_ACTIONS, type TeamsAction, type TeamsMapping } from "../../presence/mapping.ts";
import type { Write } from "../../reconcile/plan.ts";

/** How long what we put into Teams lasts there, in seconds, unless it is renewed. */
export type TeamsLeases = {
  /** A call. Graph takes 5 minutes to 4 hours. */
  readonly sessionSeconds: number;
  readonly preferredSeconds: number;
  /** A shift end: it has to last until the next morning, and to end by itself. */
  readonly offlineSeconds: number;
};

export const DEFAULT_TEAMS_LEASES: TeamsLeases = {
  sessionSeconds: 3600,
  preferredSeconds: 8 * 3600,
  offlineSeconds: 12 * 3600,
};

/** One action on `/users/{id}/presence`. Microsoft: "Manage presence state using the Microsoft Graph API". */
export type Operation = {
  readonly action:
    | "setPresence"
    | "clearPresence"
    | "setUserPreferredPresence"
    | "clearUserPreferredPresence";
  readonly body: Readonly<Record<string, string>>;
  /** Clearing what has expired in the meantime is no failure. */
  readonly mayBeGone: boolean;
};

type Pair = { readonly availability: string; readonly activity: string };

const PAIRS: Readonly<Record<Exclude<TeamsAction, "withdraw">, Pair>> = {
  "session InACall": { availability: "Busy", activity: "InACall" },
  "session Available": { availability: "Available", activity: "Available" },
  "preferred Busy": { availability: "Busy", activity: "Busy" },
  "preferred DoNotDisturb": { availability: "DoNotDisturb", activity: "DoNotDisturb" },
  "preferred Away": { availability: "Away", activity: "Away" },
  "preferred BeRightBack": { availability: "BeRightBack", activity: "BeRightBack" },
  "preferred Offline": { availability: "Offline", activity: "OffWork" },
};

/**
 * The operations of one write, in an order that never lets a false Available show: what we put on comes
 * before what we take off. Microsoft's rule is that the preferred presence hides every session.
 *
 * | from, to             | operations                                                    |
 * |----------------------|---------------------------------------------------------------|
 * | any → session        | set session · clear preferred, if it is ours or has to give way |
 * | any → preferred      | set preferred · clear session, if there is one of ours         |
 * | any → none           | clear session, if one of ours may lie there · clear preferred, |
 * |                      | if it is ours or has to give way                               |
 */
export function operationsOf(
  write: Pick<Write, "status" | "from" | "to" | "session" | "lifts">,
  mapping: TeamsMapping,
  options: { readonly clientId: string; readonly leases: TeamsLeases },
): readonly Operation[] {
  const { clientId, leases } = options;
  const clearSession: Operation = {
    action: "clearPresence",
    body: { sessionId: clientId },
    mayBeGone: true,
  };
  const clearPreferred: Operation = {
    action: "clearUserPreferredPresence",
    body: {},
    mayBeGone: false,
  };
  const preferredGoes = write.from === "preferred" || write.lifts;
  const action = mapping.writes[write.status];
  if (write.to === "none" || action === "withdraw") {
    // Whatever shows: what was to clear it may have been cut in half, or had no effect.
    const mayLie = write.from === "session" || (write.session && preferredGoes);
    return [...(mayLie ? [clearSession] : []), ...(preferredGoes ? [clearPreferred] : [])];
  }
  if (action === "session InACall" || action === "session Available") {
    const expirationDuration = duration(clampSession(leases.sessionSeconds));
    const body = { sessionId: clientId, ...PAIRS[action], expirationDuration };
    const set: Operation = { action: "setPresence", body, mayBeGone: false };
    return preferredGoes ? [set, clearPreferred] : [set];
  }
  const isOffline = TEAMS_ACTIONS[action] === "OffWork";
  const seconds = isOffline ? leases.offlineSeconds : leases.preferredSeconds;
  const body = { ...PAIRS[action], expirationDuration: duration(seconds) };
  const set: Operation = { action: "setUserPreferredPresence", body, mayBeGone: false };
  return write.from === "session" ? [set, clearSession] : [set];
}

/** Microsoft: "presence: setPresence", expirationDuration. */
function clampSession(seconds: number): number {
  return Math.min(4 * 3600, Math.max(5 * 60, seconds));
}

/** ISO 8601, in the forms of Microsoft's own examples: whole hours, else whole minutes. */
function duration(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  return minutes % 60 === 0 ? `PT${minutes / 60}H` : `PT${minutes}M`;
}
