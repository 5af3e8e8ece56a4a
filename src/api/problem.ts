import type { Answer } from "../http/route.ts";
import type { FieldProblem } from "../connectors/partner/event.ts";

/** Every way in which the API refuses: the status, and a title that says what kind of refusal it is. */
const PROBLEMS = {
  "api-credentials-missing": { status: 401, title: "Not signed in" },
  "api-credentials-refused": { status: 401, title: "Not signed in" },
  "api-integration-revoked": { status: 403, title: "Integration revoked" },
  "api-permission-missing": { status: 403, title: "Not permitted" },
  "api-kind-forbidden": { status: 403, title: "Not permitted" },
  "api-application-unbound": { status: 403, title: "Not bound" },
  "rep-unknown": { status: 404, title: "Unknown rep" },
  "availability-queue-unknown": { status: 404, title: "Unknown queue" },
  "api-not-found": { status: 404, title: "Not found" },
  "api-input-malformed": { status: 400, title: "Malformed request" },
  "api-address-forbidden": { status: 400, title: "Address not allowed" },
  "api-not-yours": { status: 409, title: "Not yours" },
  "api-key-busy": { status: 409, title: "Still being answered" },
  "api-key-reused": { status: 422, title: "Key used before" },
  "api-quota-reached": { status: 409, title: "Quota reached" },
  "api-rate-limited": { status: 429, title: "Too many requests" },
  "api-not-stored": { status: 503, title: "Not stored" },
  "availability-unreadable": { status: 503, title: "Not readable" },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

/** What can be said beyond the code: a sentence for the caller, places in the body, headers such as `retry-after`. */
export type ProblemDetail = {
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log, where it should say more than the caller is told. */
  readonly reason?: string;
};

/** One refusal as it stands in the body: a problem in the format of RFC 9457, with our code beside it. */
export type ProblemBody = {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
};

export function problemBody(code: ProblemCode, given: ProblemDetail): ProblemBody {
  const { title, status } = PROBLEMS[code];
  const { detail, errors } = given;
  return {
    type: "about:blank",
    title,
    status,
    code,
    detail,
    ...(errors ? { errors } : {}),
  };
}

/** A refusal as an answer. Nothing in it quotes what was sent. */
export function problem(code: ProblemCode, given: ProblemDetail): Answer {
  const body = problemBody(code, given);
  return {
    status: body.status,
    headers: { ...given.headers, "content-type": "application/problem+json" },
    json: body,
    reason: given.reason ?? code,
  };
}

/** A refusal of the server itself, in the same format: a body that is too long, a failure. */
export function serverProblem(status: number, code: string): Answer {
  const title = status === 500 ? "Failed" : "Request refused";
  const detail = status === 500 ? "Nobody knows whether it was done: ask." : "Nothing was changed.";
  return {
    status,
    headers: { "content-type": "application/problem+json" },
    json: { type: "about:blank", title, status, code, detail },
    reason: code,
  };
}
