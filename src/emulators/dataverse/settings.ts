/**
 * Behaviours that Microsoft does not document, or that differ between organisations. Each default is
 * what we hold most likely, or the one that gives a client the least help.
 */
export type Settings = {
  /** The documentation says 200; an action without output answers 204 on the wire. */
  modifyStatus: 200 | 204;
  /** A change for a rep who is not logged in is refused (404), or accepted without effect. */
  rejectLoggedOut: boolean;
  /** What `msdyn_presencemodifiedby` and `…byuserid` show after a change through the API. */
  apiModifiedBy: "AGENT" | "SYSTEM";
  apiModifiedByUser: "rep" | "caller" | "none";
  /** Whether choosing the presence that is already shown writes the row again. */
  repeatWritesRow: boolean;
  /** Whether the agent status tracks changes, and whether that can be turned on; the other tables do. */
  changeTracking: boolean;
  changeTrackingPossible: boolean;
  /** How an expired delta token is refused; its code is documented, the status is not. */
  expiredTokenStatus: 400 | 410;
  /** Whether only the ports that Dataverse calls, 80 and 443, can be registered; no test could listen there. */
  strictPorts: boolean;
  /** How far the organisation's clock, in the Date header of its answers, is ahead. */
  clockSkewMs: number;
  /** The organisation switches `msdyn_enable_missed_notifications` and `…_agent_reject_notifications`. */
  missedNotifications: boolean;
  rejectedNotifications: boolean;
  /** How old the availability APIs let the number of reps and the set-up of a queue become. */
  repsStaleMs: number;
  queuesStaleMs: number;
  /** `AverageWaitTime` in minutes; the published sample shows null. */
  waitInMinutes: boolean;
  /** Whether an AI agent in the queue counts as a rep who is available. */
  aiAgentsCount: boolean;
};

export const DEFAULT_SETTINGS: Readonly<Settings> = {
  modifyStatus: 204,
  rejectLoggedOut: true,
  apiModifiedBy: "AGENT",
  apiModifiedByUser: "rep",
  repeatWritesRow: false,
  changeTracking: true,
  changeTrackingPossible: true,
  expiredTokenStatus: 400,
  strictPorts: false,
  clockSkewMs: 0,
  missedNotifications: true,
  rejectedNotifications: true,
  repsStaleMs: 300_000,
  queuesStaleMs: 600_000,
  waitInMinutes: false,
  aiAgentsCount: false,
};

export function tracksChanges(logicalName: string, settings: Settings): boolean {
  return logicalName === "msdyn_agentstatus" ? settings.changeTracking : true;
}
