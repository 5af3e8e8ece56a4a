import { randomUUID } from "node:crypto";
import type { Entra } from "../entra/entra.ts";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import { authenticate, refuseUnpermitted, type Caller } from "./access.ts";
import { catchUp, type Backend } from "./backend.ts";
import { answerBatch } from "./batch.ts";
import type { Failure } from "./fault.ts";
import { findRoute, isWrite, ME, type Operation, type Write } from "./operation.ts";
import { checkMemberGroups, listGroupUsers } from "./groups.ts";
import { getPresence, getPresencesByUserId, isGuid } from "./presence-read.ts";
import { decideWrite } from "./presence-write.ts";
import { refuse, refuseThrottled } from "./refusal.ts";
import { getUser, listUsers } from "./users.ts";

/** One request, alone or inside a batch, after its sender is known. */
type Call = {
  readonly method: string;
  /** Below the version, without a leading slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly caller: Caller;
  /** The address of the version: `https://host/v1.0`. */
  readonly base: string;
};

/** Answers a request to the API: version, sender, body, then the operation itself. */
export async function answerApi(
  backend: Backend,
  verify: Entra["verify"],
  request: EmulatorRequest,
): Promise<EmulatorResponse> {
  const { pathname, searchParams: query, origin } = request.url;
  const [, version, path] = /^\/(v1\.0|beta)\/(.*)$/i.exec(pathname) ?? [];
  if (version === undefined || path === undefined) {
    return refuse(400, "BadRequest", "Invalid version.");
  }
  const caller = await authenticate(request, verify);
  if ("status" in caller) return identify(request, caller);
  const body = parseBody(request.body);
  if (body === undefined) {
    return identify(request, refuse(400, "BadRequest", "Unable to read JSON request payload."));
  }
  const base = `${origin}/${version}`;
  const call = {
    method: request.method,
    path: decodeURIComponent(path),
    query,
    body,
    caller,
    base,
  };
  return identify(request, await answerCall(backend, call));
}

function identify(request: EmulatorRequest, response: EmulatorResponse): EmulatorResponse {
  const requestId = randomUUID();
  const sent = request.headers["client-request-id"];
  const ids = {
    "request-id": requestId,
    "client-request-id": typeof sent === "string" ? sent : requestId,
  };
  return { ...response, headers: { ...ids, ...response.headers } };
}

function parseBody(bytes: Buffer): unknown {
  const text = bytes.toString("utf8").trim();
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function answerCall(backend: Backend, call: Call): Promise<EmulatorResponse> {
  const route = findRoute(call.method, call.path.replace(/\/$/, ""));
  if (!route) {
    return refuse(400, "BadRequest", `Resource not found for the segment '${call.path}'.`);
  }
  const { operation, userId } = route;
  const { faults, journal } = backend;
  journal.recordRequest(operation);
  await faults.wait(operation);
  const failure = faults.failures.take(operation);
  if (failure) return answerFailure(failure);
  const nowMs = catchUp(backend);
  if (isPresence(operation)) {
    const waitMs = backend.throttle.admit(call.caller.appId, nowMs);
    if (waitMs !== null) {
      journal.recordThrottled();
      return refuseThrottled(waitMs);
    }
  }
  const response =
    refuseUnpermitted(operation, call.caller) ??
    (await perform(backend, call, operation, userId ?? "", nowMs));
  const isLost = response.status < 300 && faults.droppedAcks.take(operation) !== null;
  return isLost ? { ...response, hangUp: true } : response;
}

function isPresence(operation: Operation): boolean {
  return isWrite(operation) || operation === "getPresence" || operation === "getPresencesByUserId";
}

const FAILURE_CODES: Readonly<Record<number, string>> = {
  401: "InvalidAuthenticationToken",
  403: "Forbidden",
  404: "NotFound",
  500: "generalException",
  503: "serviceNotAvailable",
};

function answerFailure({ status, retryAfter, body }: Failure): EmulatorResponse {
  const headers: Record<string, string> = {};
  if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter);
  if (body !== undefined) return { status, headers, json: body };
  if (status === 429) return { ...refuseThrottled(0), headers };
  return refuse(status, FAILURE_CODES[status] ?? "UnknownError", "An error has occurred.", headers);
}

async function perform(
  backend: Backend,
  call: Call,
  operation: Operation,
  userId: string,
  nowMs: number,
): Promise<EmulatorResponse> {
  const { people } = backend;
  const context = `${call.base}/$metadata`;
  switch (operation) {
    case "batch":
      return answerBatch(call.body, ({ method, url, body }) =>
        answerItem(backend, call, method, url, body),
      );
    case "listUsers":
      return listUsers(people, call.query, call.base);
    case "getUser":
      return getUser(people, userId, call.query);
    case "checkMemberGroups":
      return checkMemberGroups(backend, userId, call.body);
    case "listGroupUsers":
      return listGroupUsers(backend, userId, call.query, call.base);
    case "listSubscriptions":
      return { status: 200, json: { "@odata.context": `${context}#subscriptions`, value: [] } };
    case "createSubscription":
      return refuse(403, "Forbidden", "");
    case "getPresencesByUserId":
      return getPresencesByUserId(backend, call.body, nowMs, context);
    default:
  }
  if (userId === ME) {
    return refuse(
      400,
      "BadRequest",
      "/me request is only valid with delegated authentication flow.",
    );
  }
  if (!isGuid(userId)) return refuse(400, "BadRequest", `'${userId}' is not a valid user id.`);
  const person = people.find(userId, nowMs);
  if (!person) return refuse(404, "NotFound", `The user '${userId}' was not found.`);
  if (operation === "getPresence") return getPresence(backend, person, nowMs, context);
  return write(backend, call, operation, person.id, nowMs);
}

async function answerItem(
  backend: Backend,
  outer: Call,
  method: string,
  url: string,
  body: unknown,
): Promise<EmulatorResponse> {
  const target = URL.parse(url.replace(/^\//, ""), `${outer.base}/`);
  if (!target?.href.startsWith(`${outer.base}/`) || target.pathname.endsWith("/$batch")) {
    return refuse(400, "BadRequest", "A batch item needs a relative url, and cannot be a batch.");
  }
  const path = decodeURIComponent(target.href.slice(outer.base.length + 1).split("?")[0] ?? "");
  return answerCall(backend, {
    ...outer,
    method,
    path,
    query: target.searchParams,
    body: body ?? {},
  });
}

/** Accepts a presence write: 200 without a body, whatever it does, at once, later, or not at all. */
function write(
  backend: Backend,
  { body, caller }: Call,
  operation: Write,
  userId: string,
  nowMs: number,
): EmulatorResponse {
  const { people, journal, faults } = backend;
  const person = people.find(userId, nowMs);
  if (!person) return refuse(404, "NotFound", `The user '${userId}' was not found.`);
  const decision = decideWrite(operation, body, caller.appId, person);
  if ("refused" in decision) return decision.refused;
  const { absorb, late } = faults.takeForWrite(operation);
  const outcome = late ? "late" : absorb ? "absorbed" : "applied";
  person.writes += 1;
  journal.recordWrite({ atMs: nowMs, userId, operation, body, appId: caller.appId, outcome });
  if (late) {
    const dueAtMs = nowMs + late.delayMs;
    backend.late = [...backend.late, { dueAtMs, userId, apply: decision.apply }];
    if (late.answer === "hangUp") return { status: 504, hangUp: true };
    return refuse(504, "UnknownError", "The request timed out.");
  }
  if (!absorb) people.change(person, nowMs, () => decision.apply(person, nowMs));
  return { status: 200 };
}
