import { type Bot, createBot } from "./bot/bot.ts";
import { createPausing } from "./bot/pausing.ts";
import type { BotPort, Person } from "./bot/port.ts";
import { createVerifier } from "./bot/token.ts";
import type { Config } from "./config.ts";
import { SystemError } from "./connectors/connector.ts";
import type { Credential } from "./connectors/credential.ts";
import type { DynamicsConnector } from "./connectors/dynamics/dynamics.ts";
import { createEntraGroups } from "./connectors/teams/groups.ts";
import type { Clock } from "./controller/clock.ts";
import type { Controller } from "./controller/controller.ts";
import { Recurring } from "./controller/recurring.ts";
import { PAUSE_RECORD } from "./directory/pauses.ts";
import type { Engine } from "./engine/engine.ts";
import { parseJson } from "./http/json.ts";
import { systemName, type SystemUserId } from "./presence/identity.ts";
import type { Policy } from "./reconcile/policy.ts";

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
  readonly controller: Controller;
  readonly dynamics: DynamicsConnector;
  readonly queues: BotPort["queues"];
  readonly detail: BotPort["detail"];
  readonly credential: Credential;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly lastReadAtMs: BotPort["lastReadAtMs"];
  readonly waitingFor: () => readonly string[];
  readonly signedOut: BotPort["signedOut"];
  readonly pausesChanged: () => void;
  readonly onSystemError: (error: SystemError) => void;
  readonly onFault: (error: unknown) => void;
};

export type ServiceBot = Bot & {
  /** Reads the names of the reps, and goes on doing so. */
  readonly names: Recurring;
};

/** Gives the bot what the service has. `null`: no app id, and not on trial: there is no bot. */
export async function createServiceBot(parts: BotParts): Promise<ServiceBot | null> {
  const { config, local, engine, controller, dynamics, credential, clock, signal } = parts;
  if (config.bot === null && !local) return null;
  const nowMs = (): number => clock.nowMs();

  let names: Awaited<ReturnType<DynamicsConnector["people"]>> = new Map();
  let people: readonly Person[] = [];
  let of: { readonly names: unknown; readonly staying: readonly unknown[] } | null = null;
  // The same list until somebody joins, leaves or is renamed: it is asked for at every answer.
  const currentPeople = (): readonly Person[] => {
    const staying = controller.staying();
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

  const port: BotPort = {
    nowMs,
    after: (delayMs, fire) => clock.after(delayMs, fire),
    random: Math.random,
    people: currentPeople,
    engine,
    document: (rep) => controller.document(rep),
    lastReadAtMs: parts.lastReadAtMs,
    submit: (event) => controller.submit(event),
    policy: parts.policy,
    groups: createEntraGroups({ graphUrl: config.graphUrl, credential, nowMs }, signal),
    queues: parts.queues,
    detail: parts.detail,
    pausing: createPausing({ engine, nowMs }, PAUSE_RECORD, parts.pausesChanged),
    waitingFor: parts.waitingFor,
    signedOut: parts.signedOut,
  };
  const { bot: settings } = config;
  const rules = { scopes: config.botScopes, adminGroup: config.botAdmins };
  const common = {
    port,
    rules,
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
          verify: createVerifier({ ...settings, nowMs }),
          tenantId: settings.tenantId,
          serviceHosts: settings.serviceHosts,
        });
  const everyMs = PEOPLE_EVERY_MS;
  const recurring = new Recurring({
    clock,
    run: readNames,
    everyMs,
    retryMs: PEOPLE_RETRY_MS,
    soonMs: 0,
  });
  return { ...bot, names: recurring };
}
