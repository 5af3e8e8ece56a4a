import type { z } from "zod";
import type { FieldProblem } from "../connectors/partner/event.ts";
import type { ParsedJson } from "../http/json.ts";
import type { Answer, InboundRequest, Route } from "../http/route.ts";
import { createHash, randomUUID } from "node:crypto";
import type { Allowance } from "./allowance.ts";
import { type Authentication, type Caller, refused } from "./authentication.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Call, Handler, Operation } from "./operation.ts";
import { problem, serverProblem } from "./problem.ts";
import type { ReplayStore } from "./replay-store.ts";

export const PREFIX = "/api/v1";

export type MountOptions = {
  readonly authentication: Authentication;
  readonly allowance: Allowance;
  readonly replays: ReplayStore;
  readonly idempotency: Idempotency;
  readonly parse: (body: Buffer) => ParsedJson;
};

/** Any handler; its input has passed the schemas of the operation that it is mounted with. */
type AnyHandler = Handler<Operation>;

/**
 * One operation as a route. In this order: who calls, may they, is the input right, have they asked too often, was it
 * signed for this; then what it does. Only the first needs no body, so only the first comes before the body is read.
 */
export function mount(operation: Operation, handler: AnyHandler, options: MountOptions): Route {
  const { authentication, allowance, replays, idempotency } = options;

  const handle = async (request: InboundRequest): Promise<Answer> => {
    const admission = await authentication.admit(request);
    if (!admission.ok) return admission.answer;
    const { caller } = admission;
    const { integration } = caller;
    if (!integration.permissions.has(operation.needs)) return notPermitted(operation, caller);
    const input = readInput(operation, request, options.parse);
    if (!input.ok) return input.answer;
    const waitSeconds = allowance.take(integration.name, integration.quota, costOf(input.body));
    if (waitSeconds !== null) return tooMany(waitSeconds);

    const key = keyOf(request, operation, caller);
    if (!key.ok) return key.answer;
    const claimed =
      caller.messageId === null
        ? NO_CLAIM
        : replays.claim(integration.name, caller.messageId, request);
    if (claimed === null) return refused("api-credentials-refused");
    const isKept = claimed.then(
      () => true,
      () => false,
    );
    const eventId = key.key === null ? (caller.messageId ?? randomUUID()) : `key:${key.key}`;
    const stands = (): boolean => authentication.stands(integration);
    const call: Call = { integration, eventId, request, stands };
    const run = (): Promise<Answer> =>
      handler({ params: input.params, query: input.query, body: input.body as never }, call);
    const once = (): Promise<Answer> => {
      if (key.key === null && !operation.remembered) return run();
      const { method, path, body } = request;
      const asked = Buffer.concat([Buffer.from(`${method} ${path}\n`), body]);
      return idempotency.once(integration.name, key.key ?? eventId, asked, run);
    };
    try {
      const [answer, kept] = await Promise.all([once(), isKept]);
      return kept ? withETag(request, answer) : notStored();
    } catch (error) {
      if (isStoreAway(error)) return notStored();
      throw error;
    }
  };

  return {
    method: operation.method,
    path: `${PREFIX}${operation.path}`,
    maxBytes: operation.maxBytes,
    contentTypes: ["application/json"],
    authenticate: (head) => authentication.early(head),
    refuse: serverProblem,
    handle,
  };
}

const NO_CLAIM = Promise.resolve();

/** The port tells its refusals by name; which engine is behind it is not known here. */
const isStoreAway = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === "EngineError" &&
  "retry" in error &&
  error.retry === "unavailable";

function notStored(): Answer {
  const detail = "It could not be stored. Send it again; with the same key, if it had one.";
  return problem("api-not-stored", { detail, headers: { "retry-after": "5" } });
}

type Input =
  | {
      readonly ok: true;
      readonly params: Record<string, unknown>;
      readonly query: Record<string, unknown>;
      readonly body: unknown;
    }
  | { readonly ok: false; readonly answer: Answer };

function readInput(
  operation: Operation,
  request: InboundRequest,
  parse: MountOptions["parse"],
): Input {
  const errors: FieldProblem[] = [];
  const take = <Out>(schema: z.ZodType<Out>, value: unknown, place: string): Out | undefined => {
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    errors.push(...fieldProblems(read.error, place));
    return undefined;
  };
  const params = take(operation.params, request.params, "path");
  const query = take(operation.query, Object.fromEntries(request.query), "query");
  let body: unknown = null;
  if (operation.body !== null) {
    const parsed = parse(request.body);
    if (!parsed.ok) return { ok: false, answer: malformed([at("#", parsed.says)], parsed.problem) };
    body = take(operation.body, parsed.value, "#");
  } else if (request.body.length > 0) errors.push(at("#", "expected no body"));
  if (errors.length > 0 || !params || !query) return { ok: false, answer: malformed(errors) };
  return { ok: true, params, query, body };
}

const at = (pointer: string, detail: string): FieldProblem => ({ pointer, detail });

/** Where it is wrong, as a pointer, and what is expected there. */
export function fieldProblems({ issues }: z.ZodError, place: string): FieldProblem[] {
  return issues.map(({ path, message, code }) => ({
    pointer: `${place}${path.map((step) => `/${String(step)}`).join("")}`,
    // The list of keys that are not known would quote them.
    detail: code === "unrecognized_keys" ? "expected no further keys" : message,
  }));
}

function malformed(errors: readonly FieldProblem[], reason?: string): Answer {
  const detail = "Nothing was changed; each error names a place and what is expected there.";
  return problem("api-input-malformed", { detail, errors, ...(reason ? { reason } : {}) });
}

function notPermitted({ needs }: Operation, caller: Caller): Answer {
  if (needs === "write" && caller.unbound) {
    const detail =
      "An administrator has to say which reps and kinds this application may touch: cli partners create <name> --app <client id>.";
    return problem("api-application-unbound", { detail });
  }
  const role = needs === "read" ? "Presence.Read" : "Presence.Write";
  const detail = `This needs the permission ${needs}: for an Entra application the app role ${role}.`;
  return problem("api-permission-missing", { detail });
}

function tooMany(waitSeconds: number): Answer {
  const detail = `Try again in ${waitSeconds} s.`;
  return problem("api-rate-limited", { detail, headers: { "retry-after": String(waitSeconds) } });
}

/** A bulk call is as many requests as it has items. */
function costOf(body: unknown): number {
  const { items } = (body ?? {}) as { readonly items?: unknown };
  return Array.isArray(items) ? items.length : 1;
}

type Key =
  | { readonly ok: true; readonly key: string | null }
  | { readonly ok: false; readonly answer: Answer };

/** The Idempotency-Key, bare or as a string of structured fields; a remembered operation makes do with the id it was signed with. */
function keyOf({ headers }: InboundRequest, { needs, remembered }: Operation, caller: Caller): Key {
  const sent = headers.filter(([name]) => name === "idempotency-key").map(([, value]) => value);
  const [given] = sent;
  if (needs === "read") return { ok: true, key: null };
  if (given === undefined) return { ok: true, key: remembered ? caller.messageId : null };
  const key = /^"?([\x21\x23-\x7e]{1,128})"?$/.exec(given)?.[1];
  if (key === undefined || sent.length > 1) {
    const detail = "expected one key of 1 to 128 printable ASCII characters without spaces";
    return { ok: false, answer: malformed([at("header/idempotency-key", detail)]) };
  }
  return { ok: true, key };
}

/** A strong ETag over what is sent; 304 where the caller has just that. */
function withETag({ method, headers }: InboundRequest, answer: Answer): Answer {
  if (method !== "GET" && method !== "HEAD") return answer;
  if (answer.status !== 200 || answer.json === undefined) return answer;
  // What must not be kept needs no tag to ask whether it may still be used.
  if (answer.headers?.["cache-control"] === "no-store") return answer;
  const hash = createHash("sha256").update(JSON.stringify(answer.json)).digest("base64url");
  const etag = `"${hash.slice(0, 27)}"`;
  const all = { ...answer.headers, etag, "cache-control": "private, no-cache" };
  const wanted = headers.find(([name]) => name === "if-none-match")?.[1] ?? "";
  const known = wanted.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(etag) || known.includes("*")) return { status: 304, headers: all };
  return { ...answer, headers: all };
}
