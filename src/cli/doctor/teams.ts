import { type Finding, fine, found, refused, skipped, type Tried } from "./finding.ts";
import { PLACE } from "./places.ts";

const READ = "Presence.Read.All";
const WRITE = "Presence.ReadWrite.All";
const USERS = "User.ReadBasic.All";

/** `null` for a token that nobody can look into. */
export function checkGraphPermissions(tried: Tried<readonly string[] | null>): Finding {
  const subject = {
    check: "teams-permissions",
    tried: "look for the app's permissions in its token for Graph",
  };
  if (tried === null || !tried.ok) return skipped(subject, "signing in to Graph comes first");
  if (tried.value === null) return skipped(subject, "the token does not say");
  const granted = new Set(tried.value);
  const missing = [READ, WRITE].filter((role) => !granted.has(role));
  if (missing.length > 0) {
    return found(subject, "failure", {
      cameBack: `${missing.join(" and ")} not granted`,
      next: `Add the Microsoft Graph application permission ${missing.join(" and ")}, then Grant admin consent.`,
      where: PLACE.permissions,
    });
  }
  if (granted.has(USERS) || granted.has("User.Read.All") || granted.has("Directory.Read.All")) {
    return fine(subject, `${READ}, ${WRITE}, and users can be looked up`);
  }
  return found(subject, "warning", {
    cameBack: `${READ} and ${WRITE}; ${USERS} not granted`,
    next: `Add ${USERS} if reps without an Entra object id in Dynamics are to be matched by their address.`,
    where: PLACE.permissions,
  });
}

export type TeamsRead = { readonly asked: number; readonly answered: number };

export function checkTeamsRead(tried: Tried<TeamsRead>): Finding {
  const subject = { check: "teams-read", tried: "read the reps' presences from Teams" };
  if (tried === null)
    return skipped(subject, "signing in, and knowing who the reps are, come first");
  if (!tried.ok) return refused(subject, "failure", tried.failure);
  const { asked, answered } = tried.value;
  const cameBack = `${answered} of ${asked}, after ${tried.tookMs} ms`;
  if (answered === asked) return fine(subject, cameBack);
  return found(subject, answered === 0 ? "failure" : "warning", {
    cameBack,
    next: "Give every rep a Teams license: who has none has no presence, and is not kept in step.",
    where: "Microsoft 365 admin center, Users, Active users, Licenses and apps",
  });
}
