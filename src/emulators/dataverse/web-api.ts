import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import { runBatch } from "./batch.ts";
import { type Caller, type Callers, ROLE } from "./callers.ts";
import type { Clock } from "./clock.ts";
import { CODE, DataverseError } from "./error.ts";
import type { Organization } from "./execution-context.ts";
import type { Faults } from "./faults.ts";
import { parsePreferences } from "./preferences.ts";
import { type PresenceApi, requireRole } from "./presence-api.ts";
import type { ServiceProtection } from "./protection.ts";
import { between, type Random } from "./random.ts";
import type { RegistrationApi } from "./registration-api.ts";
import { readList, readRow } from "./reading.ts";
import { tableOf } from "./schema.ts";
import type { Settings } from "./settings.ts";
import type { Tables } from "./tables.ts";

/** A path below the Web API's root: `operation(argument)` or `operation`. */
type Target = { readonly root: string; readonly operation: string; readonly argument?: string };

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
  readonly #registrationApi: RegistrationApi;
  readonly #organization: Organization;

  constructor(options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly tables: Tables;
    readonly callers: Callers;
    readonly protection: ServiceProtection;
    readonly faults: Faults;
    readonly settings: Settings;
    readonly presenceApi: PresenceApi;
    readonly registrationApi: RegistrationApi;
    readonly organization: Organization;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#tables = options.tables;
    this.#callers = options.callers;
    this.#protection = options.protection;
    this.#faults = options.faults;
    this.#settings = options.settings;
    this.#presenceApi = options.presenceApi;
    this.#registrationApi = options.registrationApi;
    this.#organization = options.organization;
  }

  handle(request: EmulatorRequest): Promise<EmulatorResponse> {
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

  #route(
    { operation, argument, root }: Target,
    caller: Caller,
    request: EmulatorRequest,
  ): EmulatorResponse {
    if (operation === "CCaaS_ModifyAgentPresence") {
      requireMethod(request, "POST");
      return this.#presenceApi.modify(caller, request);
    }
    const registers = REGISTRATIONS.has(operation);
    if (registers && request.method !== "GET") requireRole(caller, operation, ROLE.customizer);
    if (registers && request.method === "POST") {
      return this.#registrationApi.create(operation, request, root);
    }
    if (registers && request.method === "DELETE") {
      return this.#registrationApi.remove(operation, (argument ?? "").toLowerCase());
    }
    requireMethod(request, "GET");
    if (operation === "CCaaS_GetPresence") {
      return this.#presenceApi.get(caller, argument ?? "", request, root);
    }
    if (operation === "WhoAmI") return this.#whoAmI(caller, root);
    if (operation === "EntityDefinitions") return this.#definition(argument ?? "", root);
    const table = tableOf(operation);
    if (!table) throw unknownSegment(operation);
    const context = {
      tables: this.#tables,
      root,
      nowMs: this.#clock.nowMs(),
      asOfMs: this.#clock.nowMs() - this.#faults.staleReadsMs,
      changeTracking: this.#settings.changeTracking,
    };
    if (argument === undefined) return readList(table, request, context);
    if (!GUID.test(argument)) throw unknownSegment(`${operation}(${argument})`, 400);
    return readRow(table, argument.toLowerCase(), request, context);
  }

  #whoAmI(caller: Caller, root: string): EmulatorResponse {
    return {
      status: 200,
      headers: ODATA,
      json: {
        "@odata.context": `${root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
        BusinessUnitId: this.#organization.businessUnitId,
        UserId: caller.userId,
        OrganizationId: this.#organization.id,
      },
    };
  }

  /** As much of a table's definition as tells a client whether it can follow changes. */
  #definition(argument: string, root: string): EmulatorResponse {
    const logicalName = /^LogicalName='(\w+)'$/.exec(argument)?.[1];
    if (logicalName !== "msdyn_agentstatus") throw unknownSegment("EntityDefinitions");
    return {
      status: 200,
      headers: ODATA,
      json: {
        "@odata.context": `${root}/$metadata#EntityDefinitions/$entity`,
        LogicalName: logicalName,
        EntitySetName: "msdyn_agentstatuses",
        ChangeTrackingEnabled: this.#settings.changeTracking,
        CanChangeTrackingBeEnabled: { Value: true, CanBeChanged: true },
      },
    };
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
  const [, version, segment = ""] = /^\/api\/data\/(v9\.[0-2])\/(.+?)\/?$/.exec(path) ?? [];
  const [, operation, argument] = /^([$\w]+)(?:\((.*)\))?$/.exec(segment) ?? [];
  if (version === undefined || operation === undefined) throw unknownSegment(segment || path);
  return { root: `${request.url.origin}/api/data/${version}`, operation, argument };
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
