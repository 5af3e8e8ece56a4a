import { z } from "zod";
import { DYNAMICS } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import { networkCode, neverConnected } from "../network.ts";
import { retryAfterMs } from "../retry-after.ts";

/** An answer that is no 2xx. `doing` says what was asked for, so that the error can name what to grant. */
export type Refused = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
  readonly doing: Doing;
  readonly nowMs: number;
};

/** Setting a presence, reading a table by its logical name, or one of the few things that want a role of their own. */
export type Doing =
  | { readonly kind: "set presence" }
  | { readonly kind: "read"; readonly table: string }
  | { readonly kind: "register" }
  | { readonly kind: "availability" }
  | { readonly kind: "rep detail" };

const envelope = z.object({ error: z.object({ code: z.string() }) });

/** Microsoft: "Service protection API limits". The three buckets are counted separately for each user. */
const THROTTLES: Readonly<Record<string, readonly [code: string, what: string]>> = {
  "0x80072322": ["dataverse-throttled-requests", "6000 requests in 5 minutes"],
  "0x80072321": ["dataverse-throttled-time", "20 minutes of execution in 5 minutes"],
  "0x80072326": ["dataverse-throttled-concurrency", "52 requests at once"],
};

/** What a server that lacks a query option answers: asking again would not help. */
const NOT_IMPLEMENTED = 501;
const NOT_A_MEMBER = "0x80072560";
const NO_ROLES = "0x80042f09";

/**
 * What a refusal by Dataverse means. Microsoft: "Compose HTTP requests and handle errors" and "Web service
 * error codes". Setting a presence has codes of its own, because it has a role and a precondition of its own.
 */
export function refusal(answer: Refused): SystemError {
  const { status, retryAfter, doing, nowMs } = answer;
  const theirs = codeIn(answer.text);
  const detail = `${status} ${theirs}`.trim();
  const refused = { system: DYNAMICS, detail, surelyNotApplied: true };
  if (status === 429) {
    const [code, what] = THROTTLES[theirs] ?? ["dataverse-throttled", "so much and no more"];
    return new SystemError({
      ...refused,
      code,
      retry: "throttled",
      nextStep: `Wait: Dataverse allows each user ${what}. Another integration may share the application user.`,
      retryAfterMs: retryAfterMs(retryAfter, nowMs),
    });
  }
  if ((status >= 500 && status !== NOT_IMPLEMENTED) || status === 408) {
    return new SystemError({
      ...refused,
      code: "dataverse-unavailable",
      retry: "unavailable",
      nextStep: "Wait; if it lasts, look at the service health of Dynamics 365.",
      surelyNotApplied: status === 503 && retryAfter !== null,
      ...(retryAfter === null ? {} : { retryAfterMs: retryAfterMs(retryAfter, nowMs) }),
    });
  }
  if (status === 401) {
    return new SystemError({
      ...refused,
      code: "dataverse-unauthorized",
      retry: "unavailable",
      nextStep:
        "Check TENANT_ID and DATAVERSE_URL: Dataverse refuses a token that was just issued for it.",
    });
  }
  const [code, nextStep] = rejection(status, theirs, doing);
  // A missing right is granted by an administrator; what was held back must then go through by itself.
  const retry = status === 403 ? "unavailable" : "rejected";
  return new SystemError({ ...refused, code, retry, nextStep });
}

const REPORT = "Report this: Dataverse does not like what it was asked.";

/** What to do about a refusal that has no code of its own. */
const NEXT_OF_REJECTED: Readonly<Record<Doing["kind"], string>> = {
  "set presence":
    "Check that the presence still exists and that supervisors may set it; otherwise report this.",
  register:
    "Run `cli register-webhook` again, which shows what is left to do; if that is refused as well, report this.",
  read: REPORT,
  availability: REPORT,
  "rep detail": REPORT,
};

function rejection(
  status: number,
  theirs: string,
  doing: Doing,
): readonly [code: string, nextStep: string] {
  if (theirs === NOT_A_MEMBER) {
    return [
      "dataverse-application-user-missing",
      "Create an application user for CLIENT_ID in the Power Platform admin center.",
    ];
  }
  if (theirs === NO_ROLES) {
    return [
      "dataverse-role-missing",
      "Give the application user the security role Omnichannel Supervisor.",
    ];
  }
  if (status === 403 && doing.kind === "set presence") {
    return [
      "dataverse-supervisor-role-missing",
      "Give the application user the security role Omnichannel Supervisor: only it may set another's presence.",
    ];
  }
  if (status === 403 && doing.kind === "read") {
    return [
      "dataverse-read-privilege-missing",
      `Give the application user organization-level Read on the table ${doing.table}; Omnichannel Supervisor has it.`,
    ];
  }
  if (status === 403 && doing.kind === "register") {
    return [
      "dataverse-customizer-role-missing",
      "Give the application user the security role System Customizer while the webhook is registered; afterwards take it away.",
    ];
  }
  if (status === 403 && doing.kind === "availability") {
    return [
      "dataverse-administrator-role-missing",
      "Give the application user the security role Omnichannel administrator: the availability APIs ask for it.",
    ];
  }
  if (status === 403 && doing.kind === "rep detail") {
    return [
      "dataverse-delegate-role-missing",
      "Give the application user the security role Delegate, and the rep Omnichannel Agent: one rep's detail is read in her name.",
    ];
  }
  if (status === 404 && doing.kind === "set presence") {
    return [
      "dataverse-rep-not-logged-in",
      "Nothing: the rep is not signed in to Dynamics, and gets her status when she is.",
    ];
  }
  if (status === 404 && doing.kind === "register") {
    return [
      "dataverse-registration-gone",
      "Run `cli register-webhook` again: somebody changed the registration at the same time.",
    ];
  }
  if (status === 404 && (doing.kind === "availability" || doing.kind === "rep detail")) {
    return [
      "dataverse-call-missing",
      "Nothing: this organization has no such call, or no such conversation or workstream; our own figures do without it.",
    ];
  }
  if (status === 404 && doing.kind === "read") {
    return [
      "dataverse-table-missing",
      `Check DATAVERSE_URL: the organization there has no table ${doing.table}, so Contact Center is not installed.`,
    ];
  }
  return ["dataverse-rejected", NEXT_OF_REJECTED[doing.kind]];
}

/** No answer: nobody knows whether the request had its effect, unless no connection was ever made. */
export function lost(error: unknown, aborted: boolean): SystemError {
  return new SystemError({
    system: DYNAMICS,
    code: aborted ? "dataverse-aborted" : "dataverse-unreachable",
    retry: "unavailable",
    nextStep: aborted
      ? "Nothing: the caller stopped waiting for Dataverse."
      : "Check that DATAVERSE_URL can be reached from here and that its certificate is trusted (NODE_EXTRA_CA_CERTS).",
    surelyNotApplied: neverConnected(error),
    detail: networkCode(error),
  });
}

export function malformed(): SystemError {
  return new SystemError({
    system: DYNAMICS,
    code: "dataverse-answer-malformed",
    retry: "unavailable",
    nextStep: "Check DATAVERSE_URL: what answers there does not speak the Dataverse Web API.",
    surelyNotApplied: false,
  });
}

export function oversized(): SystemError {
  return new SystemError({
    system: DYNAMICS,
    code: "dataverse-answer-oversized",
    retry: "unavailable",
    nextStep: "Check DATAVERSE_URL: what answers there sends far more than a page.",
    surelyNotApplied: false,
  });
}

/** True when the request itself was not liked, so that a plainer one may be. */
export function isRejected(error: unknown): boolean {
  return error instanceof SystemError && error.code === "dataverse-rejected";
}

/** Dataverse's own code for the log, lower-case. Its message may name people, so it is left out. */
function codeIn(text: string): string {
  try {
    const parsed = envelope.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.error.code.slice(0, 64).toLowerCase() : "";
  } catch {
    return "";
  }
}
