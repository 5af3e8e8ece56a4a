import type { Board } from "./availability/board.ts";
import { type Bot, createBot } from "./bot/bot.ts";
import { createPausing } from "./bot/pausing.ts";
import type { BotPort, Person } from "./bot/port.ts";
import { createVerifier } from "./bot/token.ts";
import type { Config } from "./config.ts";
import { SystemError } from "./connectors/connector.ts";
import type { Credential } from "./connectors/credential.ts";
import type { EntraTokenVerifier } from "./connectors/entra-token.ts";
import type { DynamicsConnector } from "./connectors/dynamics/dynamics.ts";
import { createEntraGroups } from "./connectors/teams/groups.ts";
import { createConsoleRoutes } from "./console/console.ts";
import type { Clock } from "./controller/clock.ts";
import { Recurring } from "./controller/recurring.ts";
import { PAUSE_RECORD } from "./directory/pauses.ts";
import type { Engine } from "./engine/engine.ts";
import { parseJson } from "./http/json.ts";
import type { Route } from "./http/route.ts";
import { systemName, type SystemUserId } from "./presence/identity.ts";
import type { Mappings } from "./presence/mapping.ts";
import { createQueueDesk } from "./queue-desk.ts";
import type { Policy } from "./reconcile/policy.ts";
import type { Reps } from "./sync-root.ts";

/** Names change seldom; a rep who is new is called by her id until they are read again. */
const PEOPLE_EVERY_MS = 10 * 60_000;
const PEOPLE_RETRY_MS = 30_000;
/** Whoever may reach a bot without an app id is on this computer. */
const NO_APP = "00000000-0000-0000-0000-000000000000";
const BOT_CONNECTOR = systemName("bot connector");

export type BotParts = {
  readonly config: Config;
  /** The bot believes whoever calls: for trying out, on loopback. */
  readonly local: boolean;
  readonly engine: Engine;
  readonly reps: Pick<Reps, "document" | "staying" | "submit">;
  readonly dynamics: DynamicsConnector;
  readonly board: Board;
  readonly nextShift: BotPort["nextShift"];
  readonly detail: BotPort["detail"];
  readonly credential: Credential;
  readonly tokens: EntraTokenVerifier;
  readonly policy: Policy;
  readonly mappings: Mappings;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly lastReadAtMs: BotPort["lastReadAtMs"];
  readonly waitingFor: () => readonly string[];
  readonly signedOut: BotPort["signedOut"];
  readonly pausesChanged: () => void;
  readonly onSystemError: (error: SystemError) => void;
  readonly onFault: (error: unknown) => void;
};

/** What the app that Teams signs people in to is asked for: the scope that "Expose an API" names there. */
const CONSOLE_SCOPE = "access_as_user";

export type ServiceBot = Omit<Bot, "read" | "route"> & {
  readonly routes: readonly Route[];
  /** Reads the names of the reps, and goes on doing so. */
  readonly names: Recurring;
};

/** Gives the bot what the service has. Without an app id it is on trial. */
export async function createServiceBot(parts: BotParts): Promise<ServiceBot> {
  const { config, local, engine, reps, dynamics, credential, clock, signal } = parts;
  const nowMs = (): number => clock.nowMs();

  let names: Awaited<ReturnType<DynamicsConnector["people"]>> = new Map();
  let people: readonly Person[] = [];
  let of: { readonly names: unknown; readonly staying: readonly unknown[] } | null = null;
  // The same list until somebody joins, leaves or is renamed: it is asked for at every answer.
  const currentPeople = (): readonly Person[] => {
    const staying = reps.staying();
    const isSame =
      of?.names === names &&
      of.staying.length === staying.length &&
      staying.every((identity, at) => identity === of?.staying[at]);
    if (isSame) return people;
    of = { names, staying };
    people = staying.map((identity) => {
      const known = names.get(identity.rep as string as SystemUserId);
      return { identity, name: known?.name ?? identity.rep, email: known?.email ?? null };
    });
    return people;
  };
  const readNames = async (): Promise<boolean> => {
    try {
      names = await dynamics.people(signal);
      return true;
    } catch (error) {
      if (error instanceof SystemError) parts.onSystemError(error);
      else parts.onFault(error);
      return false;
    }
  };

  const after: BotPort["after"] = (delayMs, fire) => clock.after(delayMs, fire);
  const queues = createQueueDesk(parts.board, { nowMs, after });

  const port: BotPort = {
    nowMs,
    after,
    random: Math.random,
    people: currentPeople,
    engine,
    document: (rep) => reps.document(rep),
    lastReadAtMs: parts.lastReadAtMs,
    submit: (event) => reps.submit(event),
    policy: parts.policy,
    mappings: parts.mappings,
    groups: createEntraGroups({ graphUrl: config.graphUrl, credential, nowMs }, signal),
    roles: { holders: (role) => dynamics.roleHolders(role, signal) },
    queues,
    nextShift: parts.nextShift,
    detail: parts.detail,
    pausing: createPausing({ engine, nowMs }, PAUSE_RECORD, parts.pausesChanged),
    waitingFor: parts.waitingFor,
    signedOut: parts.signedOut,
  };
  const { bot: settings } = config;
  const rules = {
    scopes: config.botScopes,
    roleScopes: config.botRoleScopes,
    adminGroup: config.botAdmins,
  };
  const common = {
    port,
    rules,
    consoleUrl: config.publicUrl,
    parse: (body: Buffer) => parseJson(body, { strict: false }),
    onFault: parts.onFault,
  };
  const asking = { scope: "https://api.botframework.com/.default", system: BOT_CONNECTOR, signal };
  const bot =
    settings === null || local
      ? await createBot({
          ...common,
          appId: settings?.appId ?? NO_APP,
          token: null,
          verify: null,
          tenantId: null,
          serviceHosts: [],
        })
      : await createBot({
          ...common,
          appId: settings.appId,
          token: () => credential.token(asking),
          verify: createVerifier({
            ...settings,
            nowMs,
            parseStrictly: (json) => parseJson(json, { strict: true }),
          }),
          tenantId: settings.tenantId,
          serviceHosts: settings.serviceHosts,
        });
  const { route, read } = bot;
  // A bot that believes whoever calls has nobody's token: there is no console beside it.
  const isOpen = settings === null || local;
  const whoAsks = async (token: string): Promise<string | null> => {
    const verdict = await parts.tokens.verify(token);
    return verdict.ok && verdict.claims.scopes.includes(CONSOLE_SCOPE) ? verdict.claims.oid : null;
  };
  const everyMs = PEOPLE_EVERY_MS;
  const recurring = new Recurring({
    clock,
    run: readNames,
    everyMs,
    retryMs: PEOPLE_RETRY_MS,
    soonMs: 0,
  });
  return {
    routes: [route, ...(isOpen ? [] : createConsoleRoutes({ whoAsks, read }))],
    start: async () => {
      await bot.start();
      queues.start();
    },
    stop: () => {
      bot.stop();
      queues.stop();
    },
    names: recurring,
  };
}
