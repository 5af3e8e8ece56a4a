import { type Finding, fine, found, skipped } from "./finding.ts";
import { PLACE } from "./places.ts";

/** What one poll costs, from what it took just now. */
export type Poll = {
  readonly reps: number;
  readonly everyMs: number;
  readonly tookMs: number;
};

type Limit = {
  readonly check: string;
  readonly system: string;
  readonly setting: string;
  readonly repsPerCall: number;
  readonly calls: number;
  readonly windowMs: number;
};

/** Microsoft Graph throttling limits, "Cloud communication": 1500 presence calls in 30 s for each app and tenant. */
const TEAMS: Limit = {
  check: "teams-poll",
  system: "Graph",
  setting: "TEAMS_POLL_SECONDS",
  repsPerCall: 650,
  calls: 1500,
  windowMs: 30_000,
};
/** Service protection API limits: 6000 requests in 300 s for each user. */
const DYNAMICS: Limit = {
  check: "dynamics-poll",
  system: "Dataverse",
  setting: "DYNAMICS_POLL_SECONDS",
  repsPerCall: 5000,
  calls: 6000,
  windowMs: 300_000,
};

/** Half of a limit is for the writes, and for everybody else who uses the same app. */
const SHARE_FOR_POLLS = 0.5;

export const checkTeamsPoll = (poll: Poll | null): Finding => check(poll, TEAMS);
export const checkDynamicsPoll = (poll: Poll | null): Finding => check(poll, DYNAMICS);

function check(poll: Poll | null, limit: Limit): Finding {
  const subject = { check: limit.check, tried: `reckon what polling ${limit.system} costs` };
  if (poll === null) return skipped(subject, "reading it comes first");
  const { reps, everyMs, tookMs } = poll;
  const calls = Math.max(1, Math.ceil(reps / limit.repsPerCall));
  const share = (calls * (limit.windowMs / everyMs)) / limit.calls;
  const cameBack = `${calls} call${calls === 1 ? "" : "s"} every ${everyMs / 1000} s: ${percent(share)} of the limit; the last took ${tookMs} ms`;
  if (share < SHARE_FOR_POLLS && tookMs <= everyMs) return fine(subject, cameBack);
  return found(subject, "warning", {
    cameBack,
    next: `Raise ${limit.setting}: webhooks and notifications do not wait for a poll.`,
    where: PLACE.settings,
  });
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
