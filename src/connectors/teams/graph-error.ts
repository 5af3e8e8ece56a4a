import { z } from "zod";
import { TEAMS } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import { networkCode, neverConnected } from "../network.ts";
import { retryAfterMs } from "../retry-after.ts";

const envelope = z.object({
  error: z.object({ code: z.string(), message: z.string().catch("") }),
});

/** An answer that is not 2xx, and what the request needed. */
export type Refused = {
  readonly status: number;
  /** The header, if there was one. */
  readonly retryAfter: string | null;
  readonly text: string;
  readonly appRole: string;
  readonly nowMs: number;
};

/**
 * What a refusal by Graph means. Microsoft: "Microsoft Graph error responses and resource types" and
 * "Microsoft Graph throttling guidance".
 *
 * | status                  | code                 | retry class | surely not applied           |
 * |-------------------------|----------------------|-------------|------------------------------|
 * | 429                     | graph-throttled      | throttled   | yes                          |
 * | 401 with a fresh token  | graph-unauthorized   | unavailable | yes                          |
 * | 403                     | graph-forbidden      | unavailable | yes                          |
 * | 404                     | graph-user-not-found | rejected    | yes                          |
 * | 408, 5xx                | graph-unavailable    | unavailable | only a 503 with Retry-After  |
 * | anything else           | graph-rejected       | rejected    | yes                          |
 */
export function refusal(answer: Refused): SystemError {
  const { status, retryAfter: header, text, appRole, nowMs } = answer;
  const refused = { system: TEAMS, detail: `${status} ${codeIn(text)}`, surelyNotApplied: true };
  if (status === 429) {
    return new SystemError({
      ...refused,
      code: "graph-throttled",
      retry: "throttled",
      nextStep: "Wait: Graph limits presence calls for each app and tenant.",
      retryAfterMs: retryAfterMs(header, nowMs),
    });
  }
  if (status >= 500 || status === 408) {
    return new SystemError({
      ...refused,
      code: "graph-unavailable",
      retry: "unavailable",
      nextStep: "Wait; if it lasts, look at the service health of Microsoft Teams.",
      surelyNotApplied: status === 503 && header !== null,
      ...(header === null ? {} : { retryAfterMs: retryAfterMs(header, nowMs) }),
    });
  }
  if (status === 401) {
    return new SystemError({
      ...refused,
      code: "graph-unauthorized",
      retry: "unavailable",
      nextStep: "Check TENANT_ID and GRAPH_URL: Graph refuses a token that was just issued.",
    });
  }
  if (status === 403) {
    return new SystemError({
      ...refused,
      code: "graph-forbidden",
      // An administrator mends it, and then what was held back must go through without anybody choosing again.
      retry: "unavailable",
      nextStep: `Grant the app the application permission ${appRole} in Microsoft Graph, with admin consent.`,
    });
  }
  if (status === 404) {
    return new SystemError({
      ...refused,
      code: "graph-user-not-found",
      retry: "rejected",
      nextStep:
        "Check that the rep still has an account in this tenant, and import the directory anew.",
    });
  }
  return new SystemError({
    ...refused,
    code: "graph-rejected",
    retry: "rejected",
    nextStep: "Report this: Graph does not take the request in the form in which we send it.",
  });
}

/** No answer: nobody knows whether the request had its effect, unless no connection was ever made. */
export function lost(error: unknown, aborted: boolean): SystemError {
  return new SystemError({
    system: TEAMS,
    code: aborted ? "graph-aborted" : "graph-unreachable",
    retry: "unavailable",
    nextStep: aborted
      ? "Nothing: the caller stopped waiting for Graph."
      : "Check that GRAPH_URL can be reached from here and that its certificate is trusted (NODE_EXTRA_CA_CERTS).",
    surelyNotApplied: neverConnected(error),
    detail: networkCode(error),
  });
}

export function oversized(): SystemError {
  return new SystemError({
    system: TEAMS,
    code: "graph-answer-oversized",
    retry: "unavailable",
    nextStep: "Check GRAPH_URL: what answers there sends far more than Graph does.",
    surelyNotApplied: false,
  });
}

export function malformed(): SystemError {
  return new SystemError({
    system: TEAMS,
    code: "graph-answer-malformed",
    retry: "unavailable",
    nextStep: "Check GRAPH_URL: what answers there does not speak the presence API.",
    surelyNotApplied: false,
  });
}

/** Graph's own code for the log. Its message may quote the request, so it is left out. */
export function codeIn(text: string): string {
  return errorIn(text).code.slice(0, 64);
}

/** What Graph says of a refusal: to be looked into, and shown to nobody. */
export function messageIn(text: string): string {
  return errorIn(text).message;
}

function errorIn(text: string): { readonly code: string; readonly message: string } {
  try {
    const parsed = envelope.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data.error;
  } catch {
    // Some proxy's page: it says nothing to us.
  }
  return { code: "", message: "" };
}
