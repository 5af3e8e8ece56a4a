import type { Presence } from "../../connectors/dynamics/presences.ts";
import { countsOf, type Exclusion, type Roster } from "../../directory/roster.ts";
import type { Mappings } from "../../presence/mapping.ts";
import { type Finding, fine, found, refused, skipped, type Tried } from "./finding.ts";
import { PLACE } from "./places.ts";

const AFTER_USER = "the application user comes first";

export function checkApplicationUser(tried: Tried<unknown>): Finding {
  const subject = { check: "application-user", tried: "ask Dataverse who we are (WhoAmI)" };
  if (tried === null) return skipped(subject, "signing in to Dataverse comes first");
  if (tried.ok) return fine(subject, "an application user with a role");
  if (tried.failure.code !== "dataverse-rejected") {
    return refused(subject, "failure", tried.failure);
  }
  return found(subject, "failure", {
    cameBack: `not understood (${tried.failure.detail})`,
    next: "Correct DATAVERSE_URL: what answers there is no Dataverse environment.",
    where: PLACE.settings,
  });
}

/** Setting the presence of nobody: a supervisor is told that there is no such rep, others that they may not. */
export function checkSupervisor(tried: Tried<unknown>): Finding {
  const subject = {
    check: "supervisor-role",
    tried: "set the presence of nobody (CCaaS_ModifyAgentPresence)",
  };
  if (tried === null) return skipped(subject, AFTER_USER);
  if (tried.ok) return fine(subject, "allowed");
  const { code, detail } = tried.failure;
  const isMissing = /0x8006088a|0x80060888/.test(detail);
  if (isMissing) {
    return found(subject, "failure", {
      cameBack: `there is no such call (${detail})`,
      next: "Install Dynamics 365 Contact Center in this environment, or correct DATAVERSE_URL.",
      where: PLACE.settings,
    });
  }
  const isAllowed = code === "dataverse-rep-not-logged-in" || code === "dataverse-rejected";
  return isAllowed
    ? fine(subject, `allowed; there is no such rep (${detail})`)
    : refused(subject, "failure", tried.failure);
}

/** Depth of a privilege, as Dataverse words it; `null` when it does not tell. */
export type Depth = "Basic" | "Local" | "Deep" | "Global" | null;

export type Reach = { readonly rows: number; readonly people: number; readonly depth: Depth };

/** Without read for the whole organization Dataverse answers 200 with fewer rows: nobody would notice. */
export function checkReach(tried: Tried<Reach>): Finding {
  const subject = {
    check: "organization-read",
    tried: "read the table of agent statuses, and how far our read reaches",
  };
  if (tried === null) return skipped(subject, AFTER_USER);
  if (!tried.ok) return refused(subject, "failure", tried.failure);
  const { rows, depth } = tried.value;
  const cameBack = `${rows} rows, after ${tried.tookMs} ms${depth ? `; depth ${depth}` : ""}`;
  const isNarrow = depth !== null && depth !== "Global";
  if (!isNarrow && rows > 0) return fine(subject, cameBack);
  const next = isNarrow
    ? "Give the application user a role with Read on Agent status for the whole organization; Omnichannel Supervisor has it."
    : "Give the application user Read on Agent status for the whole organization; if it has it, let a rep sign in to Dynamics once, which makes her row.";
  return found(subject, "failure", { cameBack, next, where: PLACE.applicationUser });
}

const UNMATCHED: ReadonlySet<Exclusion> = new Set([
  "no Teams account",
  "several Teams accounts",
  "shared Entra object id",
]);

/** `isStoreRead`: what was decided about who takes part is known. */
export function checkDirectory(tried: Tried<Roster>, isStoreRead: boolean): Finding {
  const subject = { check: "directory", tried: "find the reps: agents with an Entra account" };
  if (tried === null) {
    return skipped(subject, isStoreRead ? AFTER_USER : "reading the store comes first");
  }
  if (!tried.ok) return refused(subject, "failure", tried.failure);
  const { matches, excluded } = tried.value;
  const reasons = Object.entries(countsOf(excluded));
  const outside = reasons.map(([why, count]) => `${count} ${why}`).join(", ");
  const cameBack = `${matches.length} reps${outside ? `; left out: ${outside}` : ""}`;
  if (matches.length === 0) {
    return found(subject, "failure", {
      cameBack,
      next: 'Give reps the role Omnichannel agent and let each sign in once; "npm run cli -- directory" lists who was left out, and why.',
      where: PLACE.users,
    });
  }
  if (!excluded.some(({ why }) => UNMATCHED.has(why))) return fine(subject, cameBack);
  return found(subject, "warning", {
    cameBack,
    next: "Correct those users' Entra object id, or name their Teams account: npm run cli -- import reps.csv.",
    where: PLACE.users,
  });
}

export function checkTracking(tried: Tried<boolean | null>): Finding {
  const subject = { check: "change-tracking", tried: "ask whether agent statuses track changes" };
  if (tried === null) return skipped(subject, AFTER_USER);
  if (!tried.ok) return refused(subject, "warning", tried.failure);
  if (tried.value === true) return fine(subject, "on: a poll reads what changed");
  return found(subject, "warning", {
    cameBack: tried.value === null ? "it does not say" : "off: every poll reads the whole table",
    next: "Switch Track changes on for the table Agent status. It only makes polls cheaper; up to 5000 reps it hardly matters.",
    where: PLACE.table,
  });
}

export function checkPresences(tried: Tried<readonly Presence[]>): Finding {
  const subject = { check: "presences", tried: "read the organization's presences" };
  if (tried === null) return skipped(subject, AFTER_USER);
  if (!tried.ok) return refused(subject, "warning", tried.failure);
  const baseless = tried.value.filter(({ active, base }) => active && base === null);
  const cameBack = `${tried.value.length}, ${baseless.length} of them without a base status that we know`;
  if (baseless.length === 0) return fine(subject, `${tried.value.length}, each with a base status`);
  return found(subject, "warning", {
    cameBack,
    next: "Give each custom presence one of the five base statuses: routing looks at nothing else.",
    where: PLACE.presences,
  });
}

export function checkAdministrator(tried: Tried<unknown>): Finding {
  const subject = {
    check: "administrator-role",
    tried:
      "ask Dynamics for a queue's availability (CCaaS_GetRepresentativeAvailabilityBeforeConversation)",
  };
  if (tried === null) return skipped(subject, "there is no workstream to ask about");
  if (!tried.ok) return refused(subject, "warning", tried.failure);
  return fine(subject, `an answer, after ${tried.tookMs} ms`);
}

export function checkDelegate(tried: Tried<unknown>): Finding {
  const subject = {
    check: "detail-role",
    tried: "read one rep's detail in her name (CCaaS_GetPresence)",
  };
  if (tried === null) return skipped(subject, "knowing who the reps are comes first");
  if (!tried.ok) return refused(subject, "warning", tried.failure);
  return fine(subject, `an answer, after ${tried.tookMs} ms`);
}

/** Names of workstreams are the organization's own words, and this is a table for its administrator. */
export function checkBusyRouting(
  tried: Tried<{ readonly all: number; readonly allowBusy: readonly string[] }>,
  { dynamics, capacityBusy }: Pick<Mappings, "dynamics" | "capacityBusy">,
): Finding {
  const callsShowAs = dynamics.writes.InACall;
  const subject = {
    check: "busy-routing",
    tried: "ask which workstreams route to a rep who is Busy",
  };
  if (tried === null) return skipped(subject, AFTER_USER);
  if (!tried.ok && tried.failure.code === "dataverse-table-missing") {
    return skipped(subject, "there are no workstreams in this environment");
  }
  if (!tried.ok) return refused(subject, "warning", tried.failure);
  const { all, allowBusy } = tried.value;
  if (allowBusy.length === 0) return fine(subject, `none of ${all}`);
  if (callsShowAs !== "Busy") {
    const hides = capacityBusy === "shown";
    const unseen = hides
      ? '; a call that begins while she has a conversation and room for more is not seen ("capacityBusy": "hidden" in the policy file lets it be)'
      : "";
    return fine(
      subject,
      `${allowBusy.length} of ${all}; calls show as ${callsShowAs}, which none allows${unseen}`,
    );
  }
  return found(subject, "warning", {
    cameBack: `${allowBusy.length} of ${all}: ${allowBusy.join(", ")}`,
    next: 'A rep in a call would still be given work there. Take Busy out of their allowed presences, or let calls show as Do not disturb: {"dynamics":{"writes":{"InACall":"Busy - DND"}}}.',
    where: `${PLACE.workstreams}; or ${PLACE.policy}`,
  });
}
