import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import { AVAILABILITY, type AvailabilityApi } from "./availability-api.ts";
import { runBatch } from "./batch.ts";
import type { Caller, Callers } from "./callers.ts";
import type { DeltaTokens } from "./change-tracking.ts";
import type { Clock } from "./clock.ts";
import type { Table } from "./column.ts";
import { CODE, DataverseError, doesNotExist } from "./error.ts";
import type { Faults } from "./faults.ts";
import type { PlatformFunctions } from "./functions.ts";
import { readDefinitions, writeDefinition } from "./metadata.ts";
import { parsePreferences } from "./preferences.ts";
import { type PresenceApi, requireRole } from "./presence-api.ts";
import type { ServiceProtection } from "./protection.ts";
import { between, type Random } from "./random.ts";
import type { RegistrationApi } from "./registration-api.ts";
import { countRows, type ReadContext, readList, readRelated, readRow } from "./reading.ts";
import { requirePrivilege } from "./rights.ts";
import { ROLE } from "./roles.ts";
import { knownTable, manyOf, tableOf } from "./schema.ts";
import { type Settings, tracksChanges } from "./settings.ts";
import type { Tables } from "./tables.ts";

/** A path below the Web API's root: `operation`, `operation(argument)`, and either with `/below`. */
type Target = {
  readonly root: string;
  readonly operation: string;
  readonly argument?: string;
  readonly below?: string;
};

/** Longest URL that Dataverse takes outside a batch. */
const MAX_URL = 32_768;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** The only tables that can be written. */
const REGISTRATIONS: ReadonlySet<string> = new Set([
  "serviceendpoints",
  "sdkmessageprocessingsteps",
]);
const ODATA = { "odata-version": "4.0" } as const;

/**
 * The order in which a request meets the organisation: who are you, have you asked too often, the
 * faults that a test has asked for, the operation, and last a lost acknowledgement.
 */
export class WebApi {
  readonly counts = new Map<string, number>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tables: Tables;
  readonly #callers: Callers;
  readonly #protection: ServiceProtection;
  readonly #faults: Faults;
  readonly #settings: Settings;
  readonly #presenceApi: PresenceApi;
  readonly #availabilityApi: AvailabilityApi;
  readonly #registrationApi: RegistrationApi;
  readonly #functions: PlatformFunctions;
  readonly #deltaTokens: DeltaTokens;

  constructor(options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly tables: Tables;
    readonly callers: Callers;
    readonly protection: ServiceProtection;
    readonly faults: Faults;
    readonly settings: Settings;
    readonly presenceApi: PresenceApi;
    readonly availabilityApi: AvailabilityApi;
    readonly registrationApi: RegistrationApi;
    readonly functions: PlatformFunctions;
    readonly deltaTokens: DeltaTokens;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#tables = options.tables;
    this.#callers = options.callers;
    this.#protection = options.protection;
    this.#faults = options.faults;
    this.#settings = options.settings;
    this.#presenceApi = options.presenceApi;
    this.#availabilityApi = options.availabilityApi;
    this.#registrationApi = options.registrationApi;
    this.#functions = options.functions;
    this.#deltaTokens = options.deltaTokens;
  }

  async handle(request: EmulatorRequest): Promise<EmulatorResponse> {
    const answer = await this.#answer(request);
    const date = new Date(this.#clock.nowMs() + this.#settings.clockSkewMs).toUTCString();
    return { ...answer, headers: { date, ...answer.headers } };
  }

  #answer(request: EmulatorRequest): Promise<EmulatorResponse> {
    return refusalsAnswered(async () => {
      const target = targetOf(request);
      if (request.url.href.length > MAX_URL) {
        throw new DataverseError(414, "", "The request URI is too long.");
      }
      const caller = await this.#callers.identify(request);
      const limits = this.#protection.admit(caller.userId);
      const answer =
        target.operation === "$batch"
          ? await this.#batch(request)
          : await this.#perform(target, caller, request);
      return { ...answer, headers: { ...limits, ...answer.headers } };
    });
  }

  /** A batch counts as one request; each part has its own caller and its own faults. */
  #batch(request: EmulatorRequest): Promise<EmulatorResponse> {
    const { continueOnError } = parsePreferences(request.headers);
    return runBatch(request, continueOnError, (part) =>
      refusalsAnswered(async () =>
        this.#perform(targetOf(part), await this.#callers.identify(part), part),
      ),
    );
  }

  async #perform(
    target: Target,
    caller: Caller,
    request: EmulatorRequest,
  ): Promise<EmulatorResponse> {
    const { operation } = target;
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    const delay = this.#faults.delayOf(operation);
    if (delay) await this.#clock.pause(between(this.#random, delay.minMs, delay.maxMs));
    const failure = this.#faults.takeFailure(operation);
    if (failure) {
      const { retryAfter } = failure;
      const headers: Record<string, string> = {};
      if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter);
      throw new DataverseError(failure.status, failure.code, "A fault was asked for.", headers);
    }
    const answer = this.#route(target, caller, request);
    return this.#faults.takeDroppedAck(operation) ? { ...answer, hangUp: true } : answer;
  }

  #route(target: Target, caller: Caller, request: EmulatorRequest): EmulatorResponse {
    const { operation, argument = "", root } = target;
    if (operation === "CCaaS_ModifyAgentPresence") {
      requireMethod(request, "POST");
      return this.#presenceApi.modify(caller, request);
    }
    if (operation === AVAILABILITY.before) {
      requireMethod(request, "POST");
      return this.#availabilityApi.beforeConversation(caller, request, root);
    }
    if (operation === AVAILABILITY.for) {
      requireMethod(request, "POST");
      return this.#availabilityApi.forConversation(caller, request, root);
    }
    if (operation === "EntityDefinitions" && request.method === "PUT") {
      requireRole(caller, operation, ROLE.customizer, ROLE.systemAdministrator);
      return writeDefinition(argument, request, this.#settings);
    }
    if (REGISTRATIONS.has(operation) && request.method !== "GET") {
      return this.#register(target, caller, request);
    }
    requireMethod(request, "GET");
    if (operation === "CCaaS_GetPresence") {
      return this.#presenceApi.get(caller, argument, request, root);
    }
    if (operation === "WhoAmI") return this.#functions.whoAmI(caller, root);
    if (operation === "RetrieveTotalRecordCount") {
      return this.#functions.totalRecordCount(argument, request, root);
    }
    if (operation === "EntityDefinitions") {
      return readDefinitions(target.argument, target.below, request, root, this.#settings);
    }
    return this.#read(target, caller, request);
  }

  #read(target: Target, caller: Caller, request: EmulatorRequest): EmulatorResponse {
    const { operation, argument, below } = target;
    const table = tableOf(operation);
    if (!table?.listed) throw unknownSegment(operation);
    const context = this.#context(table, caller, target.root);
    if (argument === undefined) {
      if (below === "$count") return countRows(table, request, context);
      if (below !== undefined) throw unknownSegment(below);
      return readList(table, request, context);
    }
    if (!GUID.test(argument)) throw unknownSegment(`${operation}(${argument})`, 400);
    const id = argument.toLowerCase();
    if (below === undefined) return readRow(table, id, request, context);
    const many = manyOf(operation, below);
    if (many) {
      const target = knownTable(many.target);
      return readRelated(table, id, many, request, { ...context, ...this.#tracking(target) });
    }
    if (operation === "systemusers") {
      return this.#functions.ofUser(id, below, caller, target.root);
    }
    throw unknownSegment(below);
  }

  /** Creates, changes and deletes the rows by which webhooks are registered. */
  #register(target: Target, caller: Caller, request: EmulatorRequest): EmulatorResponse {
    const { operation: set, argument, root } = target;
    const table = knownTable(set);
    const named = argument?.toLowerCase();
    const exists = named !== undefined && this.#tables.get(set, named) !== undefined;
    if (request.method === "DELETE") {
      requirePrivilege(caller, "Delete", table);
      this.#registrationApi.remove(set, named ?? "");
      return { status: 204, headers: ODATA };
    }
    requireMethod(request, named === undefined ? "POST" : "PATCH");
    if (named !== undefined && !GUID.test(named)) throw unknownSegment(named, 400);
    let id = named;
    if (named !== undefined && exists) {
      requirePrivilege(caller, "Write", table);
      this.#registrationApi.update(set, named, request);
    } else {
      if (named !== undefined && request.headers["if-match"] !== undefined) {
        throw doesNotExist(table.logicalName, named);
      }
      requirePrivilege(caller, "Create", table);
      id = this.#registrationApi.create(set, request, named);
    }
    const written = id ?? "";
    const headers = { ...ODATA, "odata-entityid": `${root}/${set}(${written})` };
    if (!parsePreferences(request.headers).representation) return { status: 204, headers };
    const row = readRow(table, written, request, this.#context(table, caller, root));
    return { ...row, status: exists ? 200 : 201, headers: { ...row.headers, ...headers } };
  }

  #context(table: Table, caller: Caller, root: string): ReadContext {
    return {
      tables: this.#tables,
      caller,
      root,
      nowMs: this.#clock.nowMs(),
      asOfMs: this.#clock.nowMs() - this.#faults.staleReadsMs,
      deltaTokens: this.#deltaTokens,
      ...this.#tracking(table),
    };
  }

  #tracking(table: Table): Pick<ReadContext, "tracksChanges"> {
    return { tracksChanges: tracksChanges(table.logicalName, this.#settings) };
  }
}

/** The JSON in which Dataverse words a refusal. Anything else that is thrown is the emulator's own fault. */
async function refusalsAnswered(run: () => Promise<EmulatorResponse>): Promise<EmulatorResponse> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    const { status, code, message, headers } = error;
    return { status, headers: { ...ODATA, ...headers }, json: { error: { code, message } } };
  }
}

function targetOf(request: EmulatorRequest): Target {
  const path = decodeURIComponent(request.url.pathname);
  const [, version, segments = ""] = /^\/api\/data\/(v9\.[0-2])\/(.+?)\/?$/.exec(path) ?? [];
  const [, operation, argument, below] =
    /^([$\w]+)(?:\(([^()]*)\))?(?:\/(.+))?$/.exec(segments) ?? [];
  if (version === undefined || operation === undefined) throw unknownSegment(segments || path);
  const root = `${request.url.origin}/api/data/${version}`;
  return { root, operation, argument, below };
}

function requireMethod(request: EmulatorRequest, method: string): void {
  if (request.method === method) return;
  throw new DataverseError(
    405,
    CODE.badQuery,
    `The requested resource does not support http method '${request.method}'.`,
  );
}

function unknownSegment(segment: string, status = 404): DataverseError {
  return new DataverseError(
    status,
    CODE.unknownResource,
    `Resource not found for the segment '${segment}'.`,
  );
}
