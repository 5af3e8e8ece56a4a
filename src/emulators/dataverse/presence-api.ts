import { z } from "zod";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Caller } from "./callers.ts";
import type { Clock } from "./clock.ts";
import type { PresenceEngine, Rep } from "./engine.ts";
import { badQuery, CODE, DataverseError, doesNotExist } from "./error.ts";
import type { Faults } from "./faults.ts";
import type { PresenceStatus } from "./presence.ts";
import { aliasesOf } from "./query.ts";
import { ROLE } from "./roles.ts";
import type { Settings } from "./settings.ts";
import type { Tables } from "./tables.ts";

/** One accepted CCaaS_ModifyAgentPresence, whatever came of it. */
export type AcceptedWrite = {
  readonly index: number;
  readonly atMs: number;
  readonly agentId: string;
  readonly presenceId: string;
  readonly appId: string;
};

const guid = z.guid().transform((text) => text.toLowerCase());
const modifyBody = z.object({ ApiVersion: z.literal("1.0"), AgentId: guid, PresenceId: guid });

/** Microsoft: "CCaaS_GetPresence" and "CCaaS_ModifyAgentPresence", including who may call them. */
export class PresenceApi {
  readonly writes: AcceptedWrite[] = [];
  readonly #writesOf = new Map<string, number>();
  readonly #clock: Clock;
  readonly #engine: PresenceEngine;
  readonly #tables: Tables;
  readonly #faults: Faults;
  readonly #settings: Settings;
  readonly #presenceOf: (id: string) => PresenceStatus | undefined;

  constructor(options: {
    readonly clock: Clock;
    readonly engine: PresenceEngine;
    readonly tables: Tables;
    readonly faults: Faults;
    readonly settings: Settings;
    readonly presenceOf: (id: string) => PresenceStatus | undefined;
  }) {
    this.#clock = options.clock;
    this.#engine = options.engine;
    this.#tables = options.tables;
    this.#faults = options.faults;
    this.#settings = options.settings;
    this.#presenceOf = options.presenceOf;
  }

  /**
   * Answers for the calling user, that is, for whomever the caller impersonates; there is no parameter
   * for another one. The version may be given inline, through an alias, or not at all.
   */
  get(
    caller: Caller,
    argumentsText: string,
    request: EmulatorRequest,
    root: string,
  ): EmulatorResponse {
    requireRole(caller, "CCaaS_GetPresence", ROLE.agent, ROLE.supervisor);
    requireVersion(argumentsText, request);
    const rep = this.#engine.rep(caller.userId);
    if (!rep) throw doesNotExist("msdyn_agentstatus", caller.userId);
    return {
      status: 200,
      headers: { "odata-version": "4.0" },
      json: {
        "@odata.context": `${root}/$metadata#Microsoft.Dynamics.CRM.CCaaS_GetPresenceResponse`,
        ActiveBrowserSessions: rep.browserSessions,
        AgentId: rep.userId,
        AgentName: this.#tables.get("systemusers", rep.userId)?.["fullname"] ?? null,
        Timestamp: Math.floor(rep.loggedInAtMs / 1000),
        AllowedChannels: [],
        CurrentPresenceStatusInfo: this.#presenceOf(rep.presenceId)?.name ?? "",
        DisabledChannels: [],
        PresenceId: rep.presenceId,
      },
    };
  }

  writesOf(agentId: string): number {
    return this.#writesOf.get(agentId) ?? 0;
  }

  modify(caller: Caller, request: EmulatorRequest): EmulatorResponse {
    requireRole(caller, "CCaaS_ModifyAgentPresence", ROLE.supervisor);
    const { AgentId: agentId, PresenceId: presenceId } = parseBody(request);
    if (!this.#tables.get("systemusers", agentId)) throw doesNotExist("systemuser", agentId);
    this.#requireSettable(presenceId);
    const rep = this.#engine.rep(agentId);
    if (!rep?.loggedIn && this.#settings.rejectLoggedOut) {
      throw new DataverseError(404, CODE.notFound, `The agent ${agentId} is not logged in.`);
    }
    const write = { index: this.writes.length, atMs: this.#clock.nowMs(), agentId, presenceId };
    this.writes.push({ ...write, appId: caller.appId });
    this.#writesOf.set(agentId, this.writesOf(agentId) + 1);

    const lateMs = this.#faults.takeLateMs("CCaaS_ModifyAgentPresence");
    if (!this.#faults.takeAbsorbed()) {
      if (lateMs === undefined) this.#apply(agentId, presenceId, caller);
      else this.#clock.after(lateMs, () => this.#apply(agentId, presenceId, caller));
    }
    return { status: this.#settings.modifyStatus, headers: { "odata-version": "4.0" } };
  }

  /** Takes effect for a rep who is logged in at that moment, and for nobody else. */
  #apply(agentId: string, presenceId: string, caller: Caller): void {
    const rep = this.#engine.rep(agentId);
    if (!rep?.loggedIn) return;
    const { apiModifiedBy, apiModifiedByUser, repeatWritesRow } = this.#settings;
    const users: Readonly<Record<Settings["apiModifiedByUser"], string | null>> = {
      rep: rep.userId,
      caller: caller.userId,
      none: null,
    };
    this.#engine.choose(
      rep,
      { presenceId, modifiedBy: apiModifiedBy, modifiedByUserId: users[apiModifiedByUser] },
      repeatWritesRow,
    );
  }

  #requireSettable(presenceId: string): void {
    const presence = this.#presenceOf(presenceId);
    if (presence?.settable) return;
    throw new DataverseError(
      400,
      CODE.invalidArgument,
      presence
        ? `The presence '${presence.name}' cannot be set by a supervisor.`
        : `The presence ${presenceId} does not exist.`,
    );
  }
}

/** The rep by her id when she is logged in; a human can do nothing in a desktop that is closed. */
export function requireLoggedIn(rep: Rep | undefined): Rep {
  if (!rep) throw new DataverseError(404, CODE.notFound, "There is no such rep.");
  if (!rep.loggedIn) throw new DataverseError(409, "", "The rep is not logged in.");
  return rep;
}

/** 403 unless the caller holds one of the roles. */
export function requireRole(caller: Caller, operation: string, ...anyOf: readonly string[]): void {
  if (caller.may(...anyOf)) return;
  throw new DataverseError(
    403,
    CODE.privilegeDenied,
    `Principal user (Id=${caller.userId}) is missing the privilege for ${operation}: ${anyOf.join(" or ")}.`,
  );
}

function requireVersion(argumentsText: string, request: EmulatorRequest): void {
  const given = /^ApiVersion=(.+)$/.exec(argumentsText)?.[1];
  if (given === undefined && argumentsText !== "") {
    throw badQuery(`CCaaS_GetPresence has no parameters '${argumentsText}'.`);
  }
  const aliases = aliasesOf(request.url.searchParams);
  const version = given?.startsWith("@") ? aliases.get(given) : given;
  if (given !== undefined && version !== "'1.0'") {
    throw new DataverseError(400, CODE.invalidArgument, "The ApiVersion must be '1.0'.");
  }
}

function parseBody(request: EmulatorRequest): z.output<typeof modifyBody> {
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString("utf8"));
  } catch {
    throw new DataverseError(400, CODE.malformedBody, "The request body is not valid JSON.");
  }
  const parsed = modifyBody.safeParse(body);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new DataverseError(
    400,
    CODE.invalidArgument,
    `The parameter ${path} of CCaaS_ModifyAgentPresence is missing or invalid.`,
  );
}
