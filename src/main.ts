import { readFile } from "node:fs/promises";
import pino from "pino";
import { announcing } from "./api/feed/feed.ts";
import { createServiceApi } from "./api-root.ts";
import { createServiceBoard } from "./availability-root.ts";
import { createServiceBot } from "./bot-root.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { isLoopbackHost } from "./config-kinds.ts";
import { SystemError } from "./connectors/connector.ts";
import { createDynamicsConnector, type Organization } from "./connectors/dynamics/dynamics.ts";
import { createDynamicsInbound } from "./connectors/dynamics/inbound.ts";
import { createPartnerInbound } from "./connectors/partner/inbound.ts";
import { createAccountFinder } from "./connectors/teams/accounts.ts";
import { createGraph } from "./connectors/teams/graph.ts";
import { createTeamsConnector } from "./connectors/teams/teams.ts";
import { type Clock, systemClock } from "./controller/clock.ts";
import { Controller } from "./controller/controller.ts";
import { Pace } from "./controller/pace.ts";
import { Recurring } from "./controller/recurring.ts";
import { Sweep } from "./controller/sweep.ts";
import { createCensus } from "./directory/census.ts";
import { openDecisionBook } from "./directory/decisions.ts";
import { Directory } from "./directory/directory.ts";
import { PAUSE_RECORD, pausesOf } from "./directory/pauses.ts";
import { countsOf } from "./directory/roster.ts";
import { EngineError } from "./engine/engine-error.ts";
import { openSqliteEngine } from "./engine/sqlite/sqlite-engine.ts";
import { healthRoutes } from "./http/health.ts";
import { parseJson } from "./http/json.ts";
import { createHttpServer } from "./http/server.ts";
import { DYNAMICS, TEAMS } from "./presence/identity.ts";
import { createServicePush } from "./push-root.ts";
import { createDetailDesk } from "./detail-desk.ts";
import { credentialOf, readerOf, tokensOf } from "./sign-in.ts";
import {
  createPolicy,
  DEFAULT_MAPPINGS,
  type Mappings,
  PolicyError,
  readPolicyFile,
} from "./policy.ts";

/** Below the documented limits, so that others of the tenant find room: Graph 1 500/30 s, Dataverse 6 000/300 s. */
const TEAMS_PACE = { burst: 100, perSecond: 40 };
const DYNAMICS_PACE = { burst: 100, perSecond: 15 };
const GATHER_MS = 4;
const CONFIRM_MS = 150;
const DISCOVER_EVERY_MS = 60_000;
const DISCOVER_RETRY_MS = 1_000;
/** Webhooks about strangers come in swarms: one look serves them all. */
const DISCOVER_SOON_MS = 250;
/** The kill switch is a record that another process may write: so soon it is noticed. */
const PAUSES_EVERY_MS = 2_000;
const CLOSE_GRACE_MS = 5_000;
const HISTORY_KEPT_MS = 90 * 86_400_000;

export type Service = { readonly port: number; stop(): Promise<void> };

/** The composition root: the only place that names every implementation. */
export async function startService(
  config: Config,
  clock: Clock,
  options: { readonly local?: boolean } = {},
): Promise<Service> {
  if (options.local && !isLoopbackHost(config.host)) {
    const must = "must be a loopback address with --local: that bot believes whoever calls";
    throw new ConfigError([{ name: "HOST", must }]);
  }
  const log = pino({ level: config.logLevel, base: null });
  const nowMs = (): number => clock.nowMs();
  const mappings = await mappingsOf(config);
  const policy = createPolicy(mappings, config.dynamicsReconnectMs);
  const credential = credentialOf(config, nowMs);
  const store = await openSqliteEngine({ path: config.database.path });
  const engine = announcing(store, () => api.committed());
  const directory = new Directory();
  const abort = new AbortController();

  const teams = createTeamsConnector({
    graphUrl: config.graphUrl,
    clientId: config.credential.clientId,
    credential,
    ...(config.reader ? { readerCredential: readerOf(config, config.reader, nowMs) } : {}),
    mapping: mappings.teams,
    nowMs,
    onRead: (shown, leftAtMs) => push.saw(shown, leftAtMs),
  });
  const dynamics = createDynamicsConnector({
    dataverseUrl: config.dataverseUrl,
    credential,
    mapping: mappings.dynamics,
    presences: mappings.presences,
    nowMs,
  });
  const teamsPace = new Pace(clock, TEAMS_PACE);
  const paces = {
    teams: teamsPace,
    // Graph counts the calls of each registration for itself.
    teamsReads: config.reader ? new Pace(clock, TEAMS_PACE) : teamsPace,
    dynamics: new Pace(clock, DYNAMICS_PACE),
  };
  const onSystemError = ({ system, code, retry, nextStep, detail }: SystemError): void =>
    log.warn({ system, code, retry, detail }, nextStep);

  const controller = new Controller({
    engine,
    policy,
    clock,
    systems: [
      { connector: teams, pace: paces.teams, readPace: paces.teamsReads },
      { connector: dynamics, pace: paces.dynamics },
    ],
    gatherMs: GATHER_MS,
    confirmMs: CONFIRM_MS,
    onSystemError,
    onFault: (_rep, error) => log.error({ fault: faultOf(error) }, "a rep is taken up again"),
  });
  const onSweepFault = (error: unknown): void =>
    log.error({ fault: faultOf(error) }, "a sweep is tried again at its next turn");
  const sweepOf = (connector: typeof teams, pace: Pace, pollMs: number): Sweep =>
    new Sweep({ connector, controller, pace, clock, pollMs, onSystemError, onFault: onSweepFault });
  const sweeps = {
    teams: sweepOf(teams, paces.teamsReads, config.teamsPollMs),
    dynamics: sweepOf(dynamics, paces.dynamics, config.dynamicsPollMs),
  };

  const tokens = tokensOf(config, nowMs);
  const push = createServicePush({
    config,
    tokens,
    engine,
    controller,
    directory,
    pace: paces.teams,
    clock,
    log,
  });
  const accounts = createAccountFinder(
    createGraph({ graphUrl: config.graphUrl, credential, nowMs }),
    nowMs,
  );
  const decisions = openDecisionBook(engine, nowMs);
  const census = createCensus({
    accounts: (signal) => dynamics.discover(signal),
    members: (scope, signal) => dynamics.members(scope, signal),
    // Without the right to look people up, those whom Dynamics names by their object id still take part.
    teamsAccounts: (addresses, signal) =>
      accounts.find(addresses, signal).catch((error: unknown) => {
        if (!(error instanceof SystemError)) throw error;
        onSystemError(error);
        return [];
      }),
    decisions: () => decisions.read(),
    nowMs,
  });

  let organization: Organization | null = null;
  let discovered = false;
  const aborted = new Promise<void>((resolve) => {
    abort.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const discover = async (): Promise<boolean> => {
    try {
      // A long Retry-After must not keep the service from stopping.
      await Promise.race([paces.dynamics.take("protective"), aborted]);
      if (abort.signal.aborted) return false;
      organization ??= await dynamics.organization(abort.signal);
      const { matches, excluded } = await census.take(abort.signal);
      const { joined, left } = directory.replace(matches.map(({ identity }) => identity));
      for (const { rep } of left) controller.detach(rep);
      for (const identity of joined) controller.adopt(identity);
      push.follow();
      if (joined.length + left.length > 0 || !discovered) {
        const leftOut = countsOf(excluded);
        log.info(
          { reps: directory.size, joined: joined.length, left: left.length, leftOut },
          "directory",
        );
      }
      if (!discovered) {
        discovered = true;
        sweeps.teams.start();
        sweeps.dynamics.start();
      }
      push.sayMode();
      return true;
    } catch (error) {
      if (error instanceof SystemError) onSystemError(error);
      else
        log.error({ fault: faultOf(error) }, "the directory could not be read; it is tried again");
      return false;
    }
  };
  const discovery = new Recurring({
    clock,
    run: discover,
    everyMs: DISCOVER_EVERY_MS,
    retryMs: DISCOVER_RETRY_MS,
    soonMs: DISCOVER_SOON_MS,
  });

  const readiness = (): { ready: boolean; waitingFor: string[] } => {
    const waitingFor = [
      ...(discovered ? [] : ["directory"]),
      ...(sweeps.teams.completed > 0 ? [] : [TEAMS]),
      ...(sweeps.dynamics.completed > 0 ? [] : [DYNAMICS]),
    ];
    return { ready: waitingFor.length === 0, waitingFor };
  };

  const board = createServiceBoard({ dynamics, nowMs, signal: abort.signal });
  const pauses = new Recurring({
    clock,
    run: async () => {
      try {
        controller.setPauses(pausesOf(await engine.kept(PAUSE_RECORD), nowMs()));
        return true;
      } catch (error) {
        log.error({ fault: faultOf(error) }, "the pauses could not be read; they stay as they are");
        return false;
      }
    },
    everyMs: PAUSES_EVERY_MS,
    retryMs: PAUSES_EVERY_MS,
    soonMs: 0,
  });
  const api = createServiceApi({
    config,
    tokens,
    engine,
    controller,
    policy,
    directory,
    clock,
    log,
    board,
    onSystemError,
    faultOf,
  });
  const bot = await createServiceBot({
    config,
    local: options.local ?? false,
    engine,
    controller,
    dynamics,
    board,
    nextShift: (rep) => api.nextShift(rep),
    detail: createDetailDesk({
      ask: (key, signal) => dynamics.repDetail(key, signal),
      nowMs,
      after: (delayMs, fire) => clock.after(delayMs, fire),
      signal: abort.signal,
    }),
    credential,
    tokens,
    policy,
    clock,
    signal: abort.signal,
    lastReadAtMs: (system) => (system === TEAMS ? sweeps.teams : sweeps.dynamics).lastReadAtMs,
    waitingFor: () => readiness().waitingFor,
    signedOut: () => push.signedOut(),
    pausesChanged: () => pauses.soon(),
    onSystemError,
    onFault: (error) => log.error({ fault: faultOf(error) }, "the bot could not answer"),
  });

  const webhooks: Record<string, number> = {};
  const server = createHttpServer({
    log,
    nowMs,
    routes: [
      ...healthRoutes(readiness),
      createDynamicsInbound({
        keys: config.dataverseWebhookKeys,
        organization: () => organization,
        organizationIds: config.dataverseOrganizationIds,
        repOfAgentStatus: (id) => dynamics.repOfAgentStatus(id),
        isRep: (rep) => controller.document(rep) !== null,
        isNews: (hint) => dynamics.isNews(hint),
        hint: (rep, againMs) => {
          controller.hint(rep, DYNAMICS);
          controller.hint(rep, DYNAMICS, againMs);
        },
        sweep: () => discovery.soon(),
        count: (result) => {
          webhooks[result] = (webhooks[result] ?? 0) + 1;
          const isUsual = result === "hint" || result === "nothing-new";
          if (!isUsual) log.info({ result, total: webhooks[result] }, "webhook not used");
        },
      }),
      ...(bot ? bot.routes : []),
      createPartnerInbound({
        partners: () => api.registry.all(),
        refuse: api.refuseEvent,
        find: (id) => directory.find(id),
        findLeaver: (id) => controller.leaver(id),
        accept: (event) => engine.accept(event),
        submit: (event) => controller.submit(event),
        parse: (body) => parseJson(body, { strict: true }),
        nowMs,
      }),
      ...push.routes,
      ...api.routes,
    ],
  });

  controller.setPauses(pausesOf(await engine.kept(PAUSE_RECORD), nowMs()));
  await controller.start();
  await bot?.start();
  pauses.start();
  await api.start();
  // Who left while nobody looked is found by the first roster.
  directory.replace(controller.staying());
  await engine.prune(nowMs() - HISTORY_KEPT_MS);
  await push.start();
  const { port } = await server.listen(config.port, config.host);
  log.info({ port }, "listening");
  if (controller.staying().length > 0) push.follow();
  discovery.start();
  bot?.names.start();

  const stop = async (): Promise<void> => {
    await server.close(CLOSE_GRACE_MS);
    abort.abort();
    bot?.stop();
    await Promise.all([discovery.stop(), pauses.stop(), bot?.names.stop()]);
    await push.stop();
    await api.stop();
    await Promise.all([sweeps.teams.stop(), sweeps.dynamics.stop()]);
    await controller.stop();
    await dynamics.close();
    await engine.close();
    log.info({}, "stopped");
  };
  return { port, stop };
}

async function mappingsOf({ policyFile }: Config): Promise<Mappings> {
  return policyFile === null
    ? DEFAULT_MAPPINGS
    : readPolicyFile(await readFile(policyFile, "utf8"));
}

/** What may be logged of a fault: its name and code. Never its message, which may quote what it choked on. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}

/** What an operator can act on: our own words, or the operating system's. A stack only where we are at fault. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isOurs = [ConfigError, PolicyError, EngineError].some((kind) => error instanceof kind);
  return isOurs || "syscall" in error ? error.message : (error.stack ?? error.message);
}

async function main(): Promise<void> {
  let service: Service;
  try {
    const local = process.argv.includes("--local");
    service = await startService(readConfig(process.env), systemClock, { local });
  } catch (error) {
    process.stderr.write(`lockstep cannot start: ${reasonOf(error)}\n`);
    process.exitCode = 1;
    return;
  }
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void service.stop();
  };
  // A second one must not cut short what the first one began: whoever stops a group of processes may send two.
  process.on("SIGTERM", stop);
  process.once("SIGINT", stop);
  if (process.argv.includes("--until-stdin-closes")) {
    process.stdin.once("close", stop);
    // It is watched, but does not keep the process alive.
    process.stdin.resume().unref();
  }
}

if (import.meta.main) await main();
