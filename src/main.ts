import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import pino from "pino";
import { createServiceApi } from "./api-root.ts";
import { createServiceBoard } from "./availability-root.ts";
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
import { Recurring } from "./controller/recurring.ts";
import { createCensus } from "./directory/census.ts";
import { openDecisionBook } from "./directory/decisions.ts";
import { Directory } from "./directory/directory.ts";
import { PAUSE_RECORD, pausesOf } from "./directory/pauses.ts";
import { countsOf } from "./directory/roster.ts";
import { announcing } from "./engine/announcing.ts";
import type { StoredHistoryEntry } from "./engine/engine.ts";
import { faultOf } from "./fault.ts";
import { live } from "./lifetime.ts";
import { addressOf, createDesk, createFleetSync, routesOfDesk } from "./fleet-root.ts";
import { healthRoutes } from "./http/health.ts";
import { parseJson } from "./http/json.ts";
import { createHttpServer } from "./http/server.ts";
import { DYNAMICS, TEAMS } from "./presence/identity.ts";
import { createServicePush } from "./push-root.ts";
import { createServiceMetrics } from "./metrics-root.ts";
import { createDetailDesk } from "./detail-desk.ts";
import { credentialOf, readerOf, tokensOf } from "./sign-in.ts";
import { openStore } from "./store.ts";
import { createSoloSync } from "./sync-root.ts";
import { createPolicy, readPolicyFile } from "./policy.ts";
import { DEFAULT_MAPPINGS, type Mappings } from "./presence/mapping.ts";

const DISCOVER_EVERY_MS = 60_000;
const DISCOVER_RETRY_MS = 1_000;
/** Webhooks about strangers come in swarms: one look serves them all. */
const DISCOVER_SOON_MS = 250;
/** The kill switch is a record that another process may write: so soon it is noticed. */
const PAUSES_EVERY_MS = 2_000;
const CLOSE_GRACE_MS = 5_000;

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
  /** What was true here is not any more, and a new start reads everything again. */
  const end = (why: string): void => {
    log.fatal({}, `${why}; this one ends`);
    process.exit(1);
  };
  const mappings = await mappingsOf(config);
  const policy = createPolicy(mappings, config.dynamicsReconnectMs);
  const credential = credentialOf(config, nowMs);
  const store = await openStore(config.database, { inThread: true });
  const metrics = await createServiceMetrics(config.metricsKey);
  const engine = announcing(store, (history, stored) => {
    metrics.committed(history);
    if (fleet) fleet.recorded();
    else told(stored);
  });
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
  const onSystemError = (error: SystemError): void => {
    const { system, code, retry, nextStep, detail } = error;
    metrics.failed(error);
    log.warn({ system, code, retry, detail }, nextStep);
  };

  let discovered = false;
  const { database } = config;
  const parts = {
    config,
    engine,
    policy,
    clock,
    log,
    teams,
    dynamics,
    directory,
    onSystemError,
    faultOf,
  };
  const fleet =
    database.kind === "postgres"
      ? await createFleetSync({
          ...parts,
          url: database.url,
          isKnown: () => discovered,
          onNews: () => told(null),
        })
      : null;
  const { isRep, own, paces, reps, sweeps, ...sync } = fleet ?? createSoloSync(parts);
  const shared = fleet && createDesk(parts, () => end("another instance has the desk now"));
  // One instance alone has the desk, always.
  const desk = shared ?? { engine, clock, isHere: true };

  const tokens = tokensOf(config, nowMs);
  const push = createServicePush({
    config,
    tokens,
    engine: desk.engine,
    reps,
    directory,
    pace: paces.teams,
    clock: desk.clock,
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
      for (const { rep } of left) reps.detach(rep);
      for (const who of joined) reps.adopt(who, discovered ? "now" : "by the next sweep");
      if (desk.isHere) push.follow();
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
      if (desk.isHere) push.sayMode();
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

  metrics.watch({ own, paces, sweeps, isReady: () => readiness().ready, nowMs });

  const board = createServiceBoard({ dynamics, nowMs, signal: abort.signal });
  const pauses = new Recurring({
    clock,
    run: async () => {
      try {
        reps.setPauses(pausesOf(await engine.kept(PAUSE_RECORD), nowMs()));
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
    engine: desk.engine,
    reps,
    policy,
    directory,
    clock: desk.clock,
    log,
    board,
    onSystemError,
    faultOf,
  });
  const told = (stored: readonly StoredHistoryEntry[] | null): void => api.committed(stored);
  // Half of what there is to load is the bot's: nobody waits for it, or keeps it in memory, who has none.
  const bots = config.bot || options.local ? await import("./bot-root.ts") : null;
  const bot = await bots?.createServiceBot({
    config,
    local: options.local ?? false,
    engine: desk.engine,
    reps,
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
    mappings,
    clock: desk.clock,
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
    onServed: (route, status, tookMs) => metrics.served(route, status, tookMs),
    routes: [
      ...healthRoutes(readiness),
      ...metrics.routes,
      createDynamicsInbound({
        keys: config.dataverseWebhookKeys,
        organization: () => organization,
        organizationIds: config.dataverseOrganizationIds,
        repOfAgentStatus: (id) => dynamics.repOfAgentStatus(id),
        isRep,
        isNews: (hint) => dynamics.isNews(hint),
        hint: (rep, againMs) => {
          reps.hint(rep, DYNAMICS);
          reps.hint(rep, DYNAMICS, againMs);
        },
        sweep: () => discovery.soon(),
        count: (result) => {
          metrics.webhook(result);
          webhooks[result] = (webhooks[result] ?? 0) + 1;
          const isUsual = result === "hint" || result === "nothing-new";
          if (!isUsual) log.info({ result, total: webhooks[result] }, "webhook not used");
        },
      }),
      ...routesOfDesk(shared, [
        ...(bot ? bot.routes : []),
        createPartnerInbound({
          partners: () => api.registry.all(),
          refuse: api.refuseEvent,
          find: (id) => directory.find(id),
          findLeaver: (id) => reps.leaver(id),
          accept: (event) => engine.accept(event),
          submit: (event) => reps.submit(event),
          parse: (body) => parseJson(body, { strict: true }),
          nowMs,
        }),
        ...push.routes,
        ...api.routes,
      ]),
    ],
  });

  const openDesk = async (): Promise<void> => {
    await bot?.start();
    await api.start();
    await push.start();
    if (reps.staying().length > 0) push.follow();
    bot?.names.start();
  };

  reps.setPauses(pausesOf(await engine.kept(PAUSE_RECORD), nowMs()));
  await sync.start();
  pauses.start();
  if (!shared) await openDesk();
  const { port } = await server.listen(config.port, config.host);
  log.info({ port }, "listening");
  discovery.start();
  await shared?.open(randomUUID(), addressOf(config, port), async () => {
    log.info({}, "the desk is here");
    try {
      await fleet?.watchAll();
      await openDesk();
      log.info({}, "the desk is open");
    } catch (error) {
      end(`the desk cannot be opened: ${faultOf(error)}`);
    }
  });

  const stop = async (): Promise<void> => {
    await server.close(CLOSE_GRACE_MS);
    abort.abort();
    bot?.stop();
    await Promise.all([discovery.stop(), pauses.stop(), bot?.names.stop()]);
    await push.stop();
    await api.stop();
    await shared?.close();
    await sync.stop();
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

if (import.meta.main) {
  // V8 lets the heap of a large machine grow several times over. A start with many reps: half the memory, a fifth more CPU.
  setFlagsFromString("--heap-growing-percent=50");
  const local = process.argv.includes("--local");
  await live(() => startService(readConfig(process.env), systemClock, { local }));
}
