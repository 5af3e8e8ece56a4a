import type { SubscriberAccounts } from "../tenant.ts";
import { type Finding, fine, found, refused, skipped, type Tried } from "./finding.ts";
import { PLACE } from "./places.ts";

const READ = "Presence.Read.All";
const WRITE = "Presence.ReadWrite.All";
const USERS = "User.ReadBasic.All";

/** Any of them will do. Microsoft: "List a group's transitive members", "Check member groups". */
const GROUPS = ["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"] as const;

/** What the app has to be able to do in Graph, beside writing presence. */
export type GraphDuties = {
  /** No other registration reads. */
  readonly reads: boolean;
  /** The bot asks Entra who manages whom. */
  readonly looksGroupsUp: boolean;
};

/** `null` for a token that nobody can look into. */
export function checkGraphPermissions(
  tried: Tried<readonly string[] | null>,
  duties: GraphDuties,
): Finding {
  const subject = {
    check: "teams-permissions",
    tried: "look for the app's permissions in its token for Graph",
  };
  if (tried === null || !tried.ok) return skipped(subject, "signing in to Graph comes first");
  if (tried.value === null) return skipped(subject, "the token does not say");
  const granted = new Set(tried.value);
  // Who may write may read as well.
  const mustRead = duties.reads && !granted.has(WRITE);
  const missing = [...(mustRead ? [READ] : []), WRITE].filter((role) => !granted.has(role));
  if (missing.length > 0) {
    return found(subject, "failure", {
      cameBack: `${missing.join(" and ")} not granted`,
      next: `Add the Microsoft Graph application permission ${missing.join(" and ")}, then Grant admin consent.`,
      where: PLACE.permissions,
    });
  }
  const wishes = [
    ...(duties.looksGroupsUp && !GROUPS.some((role) => granted.has(role))
      ? [{ role: GROUPS[0], why: "the bot is to know who manages whom: it answers nobody else" }]
      : []),
    ...(granted.has(USERS) || granted.has("User.Read.All") || granted.has("Directory.Read.All")
      ? []
      : [
          {
            role: USERS,
            why: "reps without an Entra object id in Dynamics are to be matched by their address",
          },
        ]),
  ];
  const held = [READ, WRITE].filter((role) => granted.has(role)).join(" and ");
  if (wishes.length === 0) return fine(subject, `${held}, and users can be looked up`);
  return found(subject, "warning", {
    cameBack: `${held}; ${wishes.map(({ role }) => role).join(" and ")} not granted`,
    next: wishes.map(({ role, why }) => `Add ${role} if ${why}.`).join(" "),
    where: PLACE.permissions,
  });
}

/** The second registration, if one is set: a token that reads presence. */
export function checkReader(isSet: boolean, tried: Tried<readonly string[] | null>): Finding {
  const subject = { check: "teams-reader", tried: "sign in as the app that reads Teams" };
  if (!isSet) return skipped(subject, "READER_CLIENT_ID is not set: one app reads and writes");
  if (tried === null) return skipped(subject, "the settings come first");
  if (!tried.ok) return refused(subject, "failure", tried.failure);
  if (tried.value === null) return skipped(subject, "the token does not say what it may do");
  const held = tried.value.find((role) => role === READ || role === WRITE);
  if (held !== undefined) return fine(subject, held);
  return found(subject, "failure", {
    cameBack: `${READ} not granted to READER_CLIENT_ID`,
    next: `Add the Microsoft Graph application permission ${READ} to that app, then Grant admin consent.`,
    where: PLACE.permissions,
  });
}

const LICENSES = "Microsoft 365 admin center, Users, Active users, Licenses and apps";

export type TeamsRead = { readonly asked: number; readonly answered: number };

export function checkTeamsRead(tried: Tried<TeamsRead>): Finding {
  const subject = { check: "teams-read", tried: "read the reps' presences from Teams" };
  if (tried === null)
    return skipped(subject, "signing in, and knowing who the reps are, come first");
  if (!tried.ok) return refused(subject, "failure", tried.failure);
  const { asked, answered } = tried.value;
  const cameBack = `${answered} of ${asked}, after ${tried.tookMs} ms`;
  if (answered === asked) return fine(subject, cameBack);
  if (answered === 0) {
    return found(subject, "failure", {
      cameBack,
      next: "Check GRAPH_URL: of nobody there is a presence. If it is right, no rep has a Teams license: give them one.",
      where: `${PLACE.settings}; or ${LICENSES}`,
    });
  }
  return found(subject, "warning", {
    cameBack,
    next: "Give every rep a Teams license: who has none has no presence, and is not kept in step.",
    where: LICENSES,
  });
}

/** Microsoft: "Change notifications for presence": 650 users for each subscription, one for each account. */
const REPS_PER_SUBSCRIBER = 650;

const CONNECT = "a browser, signed in as such an account: PUBLIC_URL/connect/teams";

/** `accounts`: what the store holds of the subscriber accounts; `null` if it could not be read. */
export function checkSubscribers(accounts: SubscriberAccounts | null, reps: number): Finding {
  const subject = {
    check: "subscriber-accounts",
    tried:
      "look whether the accounts through which Teams announces changes are connected and alive",
  };
  if (accounts === null) return skipped(subject, "reading the store comes first");
  const { connected, readable, live } = accounts;
  if (connected === 0) return skipped(subject, "none is connected: polling carries Teams' changes");
  if (readable < connected) {
    return found(subject, "warning", {
      cameBack: `${connected} connected, ${connected - readable} of them cannot be opened`,
      next: "Set CACHE_KEY (or CACHE_KEY_PREVIOUS) to the key that they were connected with, or connect them again; until then their reps are polled.",
      where: `the environment of the service; or ${CONNECT}`,
    });
  }
  const needed = Math.ceil(reps / REPS_PER_SUBSCRIBER);
  const cameBack = `${connected} connected, ${live} with a subscription that is live, for ${reps} reps`;
  if (live < connected) {
    return found(subject, "warning", {
      cameBack,
      next: "If the service has been running for some minutes, its log says push-failed with the reason: mostly a password or a consent that was changed, and the account has to sign in again. Until then its reps are polled.",
      where: `the log of the service; then ${CONNECT}`,
    });
  }
  if (connected >= needed) return fine(subject, cameBack);
  return found(subject, "warning", {
    cameBack,
    next: `Connect ${needed - connected} more: each announces ${REPS_PER_SUBSCRIBER} reps, the others are polled only.`,
    where: CONNECT,
  });
}
