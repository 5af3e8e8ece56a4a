import { z } from "zod";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Callers } from "./callers.ts";
import type { DeltaTokens } from "./change-tracking.ts";
import { command, guid, milliseconds, nothing } from "./command.ts";
import { createContactCenterControl } from "./contact-center-control.ts";
import type { Conversations } from "./conversations.ts";
import type { ContactCenter } from "./contact-center.ts";
import type { Clock } from "./clock.ts";
import type { PresenceEngine, Rep } from "./engine.ts";
import { DataverseError } from "./error.ts";
import type { Faults } from "./faults.ts";
import { type PresenceApi, requireLoggedIn } from "./presence-api.ts";
import type { PresenceStatus } from "./presence.ts";
import type { Projection } from "./projection.ts";
import type { ServiceProtection } from "./protection.ts";
import type { RegistrationApi } from "./registration-api.ts";
import { DEPTHS } from "./roles.ts";
import type { Roster } from "./roster.ts";
import { createRoutingControl } from "./routing-control.ts";
import type { Routing } from "./routing.ts";
import { knownTable } from "./schema.ts";
import type { Security } from "./security.ts";
import type { Settings } from "./settings.ts";
import type { Tables } from "./tables.ts";
import type { WebApi } from "./web-api.ts";
import { NO_HOOK_FAULTS, type Webhooks } from "./webhooks.ts";

/** What the control steers; it owns nothing itself. */
export type Steered = {
  readonly clock: Clock;
  readonly engine: PresenceEngine;
  readonly projection: Projection;
  readonly roster: Roster;
  readonly callers: Callers;
  readonly security: Security;
  readonly contactCenter: ContactCenter;
  readonly routing: Routing;
  readonly conversations: Conversations;
  readonly reallyBusy: Map<string, boolean>;
  readonly deltaTokens: DeltaTokens;
  readonly tables: Tables;
  readonly registrationApi: RegistrationApi;
  readonly presenceApi: PresenceApi;
  readonly presences: ReadonlyMap<string, PresenceStatus>;
  readonly webhooks: Webhooks;
  readonly webApi: WebApi;
  readonly faults: Faults;
  readonly protection: ServiceProtection;
  readonly settings: Settings;
};

const person = z.strictObject({ userId: guid });
/** Of a profile's kind when one is named, otherwise it takes units. */
const work = z.strictObject({
  userId: guid,
  units: z.number().default(50),
  capacityProfileId: guid.optional(),
});
const operation = z.string().optional();
const times = z.int().positive().default(1);
const share = z.number().min(0).max(1).default(0);

/**
 * The human at the desktop, the administrator and the bad day. Nothing of this exists in Dynamics; a
 * test calls it directly, another process through `POST /control/{name}` on loopback.
 */
export function createControl(steered: Steered) {
  const { clock, engine, faults, presenceApi, presences, projection, roster, settings } = steered;
  const known = (userId: string): Rep => {
    roster.provisionOnce(userId);
    const rep = engine.rep(userId);
    if (!rep) throw new DataverseError(404, "", `There is no rep ${userId}.`);
    return rep;
  };
  const active = (userId: string): Rep => requireLoggedIn(engine.rep(userId));
  const stateOf = (rep: Rep) => {
    const presence = presences.get(rep.presenceId);
    return {
      userId: rep.userId,
      presenceId: rep.presenceId,
      basePresence: presence?.basePresence ?? null,
      name: presence?.name ?? null,
      loggedIn: rep.loggedIn,
      conversations: rep.conversations,
      availableUnits: rep.capacityUnits - rep.usedUnits,
      row: projection.rowOf(rep.userId) ?? null,
      writes: presenceApi.writesOf(rep.userId),
    };
  };

  return {
    ...createContactCenterControl(steered.contactCenter),
    ...createRoutingControl(steered),
    login: command(person, ({ userId }) => engine.login(known(userId))),
    loginAll: command(nothing, () => {
      for (const rep of engine.reps()) if (!rep.loggedIn) engine.login(rep);
    }),
    disconnect: command(person, ({ userId }) => engine.disconnect(known(userId))),
    /** The client loses its connection and finds it again: Offline, and what she had, if in time. */
    flap: command(z.strictObject({ userId: guid, ms: milliseconds }), ({ userId, ms }) => {
      engine.disconnect(known(userId));
      clock.after(ms, () => engine.login(known(userId)));
    }),
    logout: command(person, ({ userId }) => engine.logout(known(userId))),
    choose: command(
      z.strictObject({ userId: guid, presenceId: guid }),
      ({ userId, presenceId }) => {
        const rep = active(userId);
        if (!presences.get(presenceId)?.settable) {
          throw new DataverseError(400, "", `A rep cannot choose the presence ${presenceId}.`);
        }
        const choice = { presenceId, modifiedBy: "AGENT", modifiedByUserId: userId } as const;
        engine.choose(rep, choice, settings.repeatWritesRow);
      },
    ),
    acceptConversation: command(work, ({ userId, units, capacityProfileId: profileId }) => {
      engine.acceptConversation(active(userId), { units, profileId });
    }),
    closeConversation: command(work, ({ userId, units, capacityProfileId: profileId }) => {
      engine.closeConversation(active(userId), { units, profileId });
    }),
    missNotification: command(person, ({ userId }) => {
      const rep = active(userId);
      if (settings.missedNotifications) engine.missNotification(rep);
    }),
    rejectNotification: command(person, ({ userId }) => {
      const rep = active(userId);
      if (settings.rejectedNotifications) engine.rejectNotification(rep);
    }),

    state: command(person, ({ userId }) => {
      const rep = engine.rep(userId);
      if (!rep) throw new DataverseError(404, "", `Routing does not know ${userId}.`);
      return stateOf(rep);
    }),
    states: command(nothing, () => [...engine.reps()].map(stateOf)),
    writes: command(z.strictObject({ sinceIndex: z.int().default(0) }).optional(), (input) =>
      presenceApi.writes.slice(input?.sinceIndex ?? 0),
    ),
    requests: command(nothing, () => Object.fromEntries(steered.webApi.counts)),
    webhooks: command(nothing, () => [...steered.webhooks.sent]),
    rollbacks: command(nothing, () => [...projection.rollbacks]),
    advance: command(z.strictObject({ ms: milliseconds }), ({ ms }) => clock.advance(ms)),

    registerWebhook: command(
      z.strictObject({
        url: z.url(),
        headerName: z.string().optional(),
        headerValue: z.string().optional(),
        mode: z.enum(["sync", "async"]),
        filteringAttributes: z.array(z.string()).optional(),
        messages: z.array(z.enum(["Create", "Update"])).default(["Create", "Update"]),
      }),
      (registration) => steered.registrationApi.registerQuickly(registration),
    ),
    unregisterWebhook: command(z.strictObject({ id: z.string() }), ({ id }) => {
      steered.registrationApi.unregister(id);
    }),
    hooks: command(
      z.strictObject({
        delayMinMs: milliseconds.default(0),
        delayMaxMs: milliseconds.default(0),
        dropShare: share,
        duplicateShare: share,
        reorder: z.boolean().default(false),
        oversized: z.boolean().default(false),
      }),
      (hookFaults) => {
        steered.webhooks.faults = { ...NO_HOOK_FAULTS, ...hookFaults };
      },
    ),

    failNext: command(
      z.strictObject({
        operation,
        status: z.int().min(400).max(599),
        times,
        retryAfter: z.number().optional(),
        code: z.string().optional(),
      }),
      (failure) => faults.failNext(failure),
    ),
    dropAckNext: command(z.strictObject({ operation, times }), (input) => {
      faults.dropAckNext(input.operation, input.times);
    }),
    delay: command(
      z.strictObject({ operation, minMs: milliseconds, maxMs: milliseconds }),
      (delay) => faults.delay(delay),
    ),
    applyLate: command(z.strictObject({ operation, times, delayMs: milliseconds }), (input) => {
      faults.applyLate(input.operation, input.times, input.delayMs);
    }),
    absorbNext: command(z.strictObject({ times }), (input) => faults.absorbNext(input.times)),
    staleReads: command(z.strictObject({ lagMs: milliseconds }), ({ lagMs }) => {
      faults.staleReadsMs = lagMs;
    }),
    limit: command(
      z.strictObject({ requests: z.int().positive(), windowSeconds: z.number().positive() }),
      ({ requests, windowSeconds }) => {
        steered.protection.requests = requests;
        steered.protection.windowMs = windowSeconds * 1000;
      },
    ),

    setRoles: command(
      z.strictObject({ appId: z.string(), roles: z.array(z.string()) }),
      ({ appId, roles }) => {
        const userId = steered.callers.applicationUser(appId);
        if (userId === undefined) throw new DataverseError(404, "", `No application ${appId}.`);
        steered.security.setRoles(userId, roles);
      },
    ),
    setUserRoles: command(
      z.strictObject({ userId: guid, roles: z.array(z.string()) }),
      ({ userId, roles }) => steered.security.setRoles(userId, roles),
    ),
    /** What a role allows: `depth` "Global" is organisation level, "Basic" own rows, null nothing. */
    setRolePrivilege: command(
      z.strictObject({
        role: z.string(),
        privilege: z.string().regex(/^prv\w+$/),
        depth: z.enum(DEPTHS).nullable(),
      }),
      ({ role, privilege, depth }) => steered.security.setRolePrivilege(role, privilege, depth),
    ),
    addTeam: command(
      z.strictObject({
        id: guid,
        name: z.string(),
        members: z.array(guid),
        roles: z.array(z.string()),
      }),
      (team) => steered.security.addTeam(team),
    ),
    addApplication: command(
      z.strictObject({ appId: z.string(), systemUserId: guid, roles: z.array(z.string()) }),
      (application) => roster.addApplication(application),
    ),
    /** As if the application had never been made a user: its tokens answer 403. */
    removeApplication: command(z.strictObject({ appId: z.string() }), ({ appId }) => {
      steered.callers.removeApplication(appId);
    }),
    expireDeltaTokens: command(nothing, () => steered.deltaTokens.expireAll()),
    setOrganization: command(
      z.strictObject({ expireChangeTrackingInDays: z.int().positive() }),
      ({ expireChangeTrackingInDays: days }) => {
        const row = steered.tables.all("organizations")[0];
        if (!row) throw new Error("the organisation has no row of its own");
        const table = knownTable("organizations");
        steered.tables.put(table, { ...row, expirechangetrackingindays: days });
      },
    ),
    addUser: command(
      z.strictObject({
        systemUserId: guid,
        fullname: z.string(),
        email: z.string(),
        azureObjectId: guid.nullable(),
        isDisabled: z.boolean().optional(),
        applicationId: guid.optional(),
        accessMode: z.int().optional(),
        roles: z.array(z.string()),
        defaultPresenceId: guid.optional(),
        capacityUnits: z.int().optional(),
        agentStatusId: guid.optional(),
        provisioned: z.boolean().optional(),
      }),
      (user) => roster.addUser(user),
    ),
    disableUser: command(person, ({ userId }) => roster.disableUser(userId)),
    deleteUser: command(person, ({ userId }) => roster.deleteUser(userId)),
    addPresence: command(
      z.strictObject({ id: guid, name: z.string(), basePresence: z.int() }),
      (presence) => roster.addPresence(presence),
    ),
    removePresence: command(z.strictObject({ id: guid }), ({ id }) => roster.removePresence(id)),
    settings: command(
      z.strictObject({
        modifyStatus: z.union([z.literal(200), z.literal(204)]).optional(),
        rejectLoggedOut: z.boolean().optional(),
        apiModifiedBy: z.enum(["AGENT", "SYSTEM"]).optional(),
        apiModifiedByUser: z.enum(["rep", "caller", "none"]).optional(),
        repeatWritesRow: z.boolean().optional(),
        changeTracking: z.boolean().optional(),
        changeTrackingPossible: z.boolean().optional(),
        expiredTokenStatus: z.union([z.literal(400), z.literal(410)]).optional(),
        missedNotifications: z.boolean().optional(),
        rejectedNotifications: z.boolean().optional(),
        strictPorts: z.boolean().optional(),
        clockSkewMs: z.number().optional(),
        repsStaleMs: milliseconds.optional(),
        queuesStaleMs: milliseconds.optional(),
        waitInMinutes: z.boolean().optional(),
        aiAgentsCount: z.boolean().optional(),
        projectionDelayMs: milliseconds.optional(),
      }),
      ({ projectionDelayMs, ...changed }) => {
        Object.assign(settings, changed);
        steered.contactCenter.showSettings(settings);
        if (projectionDelayMs !== undefined) projection.delayMs = projectionDelayMs;
      },
    ),
  };
}

export type DataverseControl = ReturnType<typeof createControl>;

/** `POST /control/{name}` with the command's input as JSON; answers its output, or `{}`. */
export async function answerControl(
  control: DataverseControl,
  request: EmulatorRequest,
): Promise<EmulatorResponse> {
  const name = request.url.pathname.slice("/control/".length);
  const found = Object.entries(control).find(([known]) => known === name)?.[1];
  if (!found) return { status: 404, json: { error: `there is no command ${name}` } };
  const run = found as (input: unknown) => unknown;
  const text = request.body.toString("utf8");
  try {
    const input: unknown = text === "" ? undefined : JSON.parse(text);
    return { status: 200, json: (await run(input)) ?? {} };
  } catch (error) {
    if (error instanceof DataverseError) {
      return { status: error.status, json: { error: error.message } };
    }
    if (error instanceof z.ZodError)
      return { status: 400, json: { error: z.prettifyError(error) } };
    if (error instanceof SyntaxError) return { status: 400, json: { error: error.message } };
    throw error;
  }
}
