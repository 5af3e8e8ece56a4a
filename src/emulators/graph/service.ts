import { randomUUID } from "node:crypto";
import type { Entra } from "../entra/entra.ts";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import {
  createSubscription,
  deleteSubscription,
  getSubscription,
  listSubscriptions,
  reauthorizeSubscription,
  updateSubscription,
} from "../subscription/subscription-api.ts";
import { authenticate, refuseUnpermitted, type Caller } from "./access.ts";
import { catchUp, type Backend } from "./backend.ts";
import { answerBatch } from "./batch.ts";
import type { Failure } from "./fault.ts";
import { checkMemberGroups, listGroupUsers } from "./groups.ts";
import { findRoute, ME, type Operation, type Write } from "./operation.ts";
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
  const { operation } = route;
  const key = route.key === ME ? (call.caller.user?.oid ?? ME) : (route.key ?? "");
  const { faults, journal } = backend;
  journal.recordRequest(operation);
  await faults.wait(operation);
  const failure = faults.failures.take(operation);
  if (failure) return answerFailure(failure);
  const nowMs = catchUp(backend);
  const waitMs = backend.throttle.admit(operation, call.caller.appId, nowMs);
  if (waitMs !== null) {
    journal.recordThrottled();
    return refuseThrottled(waitMs);
  }
  const response =
    refuseUnpermitted(operation, call.caller, key) ??
    (await perform(backend, call, operation, key, nowMs));
  const isLost = response.status < 300 && faults.droppedAcks.take(operation) !== null;
  return isLost ? { ...response, hangUp: true } : response;
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
  key: string,
  nowMs: number,
): Promise<EmulatorResponse> {
  const { people, push } = backend;
  const { body, caller, base } = call;
  const context = `${base}/$metadata`;
  switch (operation) {
    case "batch":
      return answerBatch(body, ({ method, url, body: item }) =>
        answerItem(backend, call, method, url, item),
      );
    case "listUsers":
      return listUsers(people, call.query, base);
    case "checkMemberGroups":
      return checkMemberGroups(backend, key, body);
    case "listGroupUsers":
      return listGroupUsers(backend, key, call.query, base);
    case "listSubscriptions":
      return listSubscriptions(push, caller, call.query, base);
    case "createSubscription":
      if (!caller.user) return refuse(403, "Forbidden", "");
      return createSubscription(push, body, caller.appId, caller.user, base);
    case "getSubscription":
      return getSubscription(push, key, caller, base);
    case "updateSubscription":
      return updateSubscription(push, key, body, caller, base);
    case "deleteSubscription":
      return deleteSubscription(push, key, caller);
    case "reauthorizeSubscription":
      return reauthorizeSubscription(push, key, caller);
    case "getPresencesByUserId":
      return getPresencesByUserId(backend, body, nowMs, context);
    default:
  }
  if (key === ME) {
    return refuse(
      400,
      "BadRequest",
      "/me request is only valid with delegated authentication flow.",
    );
  }
  if (operation === "getUser") return getUser(people, key, call.query);
  if (!isGuid(key)) return refuse(400, "BadRequest", `'${key}' is not a valid user id.`);
  const person = people.find(key, nowMs);
  if (!person) return refuse(404, "NotFound", `The user '${key}' was not found.`);
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
