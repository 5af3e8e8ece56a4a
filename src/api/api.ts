import type { Board } from "../availability/board.ts";
import type { Clock } from "../controller/clock.ts";
import type { EntraTokenVerifier } from "../connectors/entra-token.ts";
import type { Engine, InboxEvent, RepDocument, StoredHistoryEntry } from "../engine/engine.ts";
import type { ParsedJson } from "../http/json.ts";
import type { Route } from "../http/route.ts";
import type { RepId, RepIdentity, SystemName } from "../presence/identity.ts";
import type { Policy } from "../reconcile/policy.ts";
import { Allowance } from "./allowance.ts";
import { Authentication } from "./authentication.ts";
import { Commands } from "./commands.ts";
import { Feed } from "./feed/feed.ts";
import { concerns } from "./feed/interest.ts";
import { followHandlers, interestOf } from "./follow-handlers.ts";
import { type Handlers, repHandlers } from "./handlers.ts";
import { HoldDetails } from "./hold-details.ts";
import { Idempotency } from "./idempotency.ts";
import { covers, type Integration, INTEGRATION_RECORD } from "./integrations/integration.ts";
import type { Registry } from "./integrations/registry.ts";
import { mount, PREFIX } from "./mount.ts";
import { openApiOf } from "./openapi.ts";
import { OPERATIONS, type OperationId } from "./operations.ts";
import { type EventGate, eventGate } from "./event-gate.ts";
import { queueHandlers, type Unreadable } from "./queue-handlers.ts";
import { QueueReps } from "./queue-reps.ts";
import { ReplayStore } from "./replay-store.ts";
import { Planner } from "./shifts/planner.ts";
import type { ShiftEdge } from "./shifts/shift.ts";
import { createLocator } from "./subscriptions/address.ts";
import { Courier } from "./subscriptions/courier.ts";
import { createSender } from "./subscriptions/sender.ts";
import type { Subscription } from "./subscriptions/subscription.ts";

export type ApiOptions = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly policy: Policy;
  readonly tokens: EntraTokenVerifier;
  readonly publicUrl: string | null;
  /** Hosts that may be told of changes although their addresses are not public. */
  readonly privateHosts: readonly string[];
  readonly parse: (body: Buffer) => ParsedJson;
  readonly identities: () => readonly RepIdentity[];
  readonly find: (id: string) => RepIdentity | null;
  readonly document: (rep: RepId) => RepDocument | null;
  readonly submit: (event: InboxEvent) => void;
  /** The queues of the contact centre. */
  readonly board: Board;
  readonly unreadable: Unreadable;
  readonly onFault: (what: string, error: unknown) => void;
  readonly onDisabled: (subscription: Subscription) => void;
};

export type Api = {
  readonly routes: readonly Route[];
  /** What `POST /api/v1/events` asks before it takes an event: the same binding, the same allowance. */
  readonly refuseEvent: EventGate;
  /** How many streams an integration has open. */
  readonly streamsOf: (name: SystemName) => number;
  /** When a rep next begins or ends a shift; `null` when nobody has planned one. */
  readonly nextShift: (rep: RepId) => ShiftEdge | null;
  /** To be called when the history has grown. */
  readonly committed: (stored: readonly StoredHistoryEntry[] | null) => void;
  /** Takes over what was kept: to be called before the first request. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** How often the integrations are read again: another process may have revoked one. */
const REFRESH_MS = 2_000;
const SWEEP_MS = 60_000;

/** The API for other applications: `/api/v1`, but for `POST /api/v1/events`, which is older and stays as it is. */
export function createApi(options: ApiOptions): Api {
  const { engine, clock, registry, tokens, onFault, parse, board, unreadable } = options;
  const nowMs = (): number => clock.nowMs();
  const allowance = new Allowance(nowMs);
  const authentication = new Authentication({ registry, tokens, nowMs });
  const replays = new ReplayStore({ engine, nowMs });
  const idempotency = new Idempotency({ engine, nowMs });
  const details = new HoldDetails(engine, nowMs);
  const { find, document, submit, identities } = options;
  const queueReps = new QueueReps({ queues: () => board.queues(), find, nowMs });
  const planner = new Planner({
    engine,
    clock,
    find,
    submit,
    onFault: (error) => onFault("a planned shift is tried again", error),
  });
  const commands = new Commands({ engine, planner, details, find, document, submit, nowMs });
  const history: Engine["history"] = (query) => engine.history(query);
  const feed = new Feed(history, clock);
  const source = `${options.publicUrl ?? ""}${PREFIX}/history`;
  const locate = createLocator(new Set(options.privateHosts));
  const courier = new Courier({
    engine,
    feed,
    clock,
    sender: createSender(locate, nowMs),
    source,
    random: Math.random,
    prepare: ({ queues }) => (queues === null ? Promise.resolve() : queueReps.refresh()),
    wants: (subscription, entry) => {
      const identity = find(entry.rep);
      const works = (queue: string, rep: RepIdentity): boolean => queueReps.has(queue, rep);
      return identity !== null && concerns(interestOf(subscription), entry, identity, works);
    },
    mayHave: (subscription, { rep }) => {
      const integration = registry.get(subscription.integration);
      const identity = find(rep);
      if (!identity || !authentication.isTold(subscription.integration)) return false;
      return integration === null || covers(integration, identity);
    },
    onDisabled: options.onDisabled,
    onFault: (error) => onFault("a subscriber is told later", error),
  });
  const streams = new Map<SystemName, number>();
  const bound = (integration: Integration): Integration =>
    registry.get(integration.name) ?? integration;
  const handlers: Handlers = {
    ...repHandlers({
      policy: options.policy,
      commands,
      planner,
      details,
      history,
      identities,
      find,
      document,
      queueReps,
      unreadable,
    }),
    ...queueHandlers({ board, queueReps, unreadable, nowMs }),
    ...followHandlers({
      feed,
      courier,
      locate,
      source,
      nowMs,
      find,
      streams,
      bound,
      queueReps,
      unreadable,
    }),
  };

  const refresh = async (): Promise<void> =>
    registry.replace(await engine.kept(INTEGRATION_RECORD), nowMs());
  const sweep = async (): Promise<void> => {
    await replays.sweep();
    await idempotency.sweep();
    await details.sweep();
  };
  const repeated = [
    every(clock, REFRESH_MS, refresh, (error) =>
      onFault("the integrations stay as they are", error),
    ),
    every(clock, SWEEP_MS, sweep, (error) => onFault("what is over is forgotten later", error)),
  ];

  const document31 = openApiOf(OPERATIONS, options.publicUrl);
  const described: Route = {
    method: "GET",
    path: `${PREFIX}/openapi.json`,
    maxBytes: 0,
    contentTypes: [],
    handle: async () => ({ status: 200, json: document31 }),
  };
  const mounted = (Object.keys(OPERATIONS) as OperationId[]).map((id) =>
    mount(OPERATIONS[id], handlers[id], {
      authentication,
      allowance,
      replays,
      idempotency,
      parse,
    }),
  );

  return {
    routes: [described, ...mounted],
    refuseEvent: eventGate(registry, allowance),
    streamsOf: (name) => streams.get(name) ?? 0,
    nextShift: (rep) => planner.nextEdge(rep),
    committed: (stored) => feed.grew(stored),
    start: async () => {
      await refresh();
      await replays.load();
      await idempotency.load();
      await details.load();
      await planner.start();
      await feed.start();
      await courier.start();
      for (const repetition of repeated) repetition.start();
    },
    stop: async () => {
      await Promise.all(repeated.map((repetition) => repetition.stop()));
      await planner.stop();
      await courier.stop();
    },
  };
}

/** Does something again and again, one after the other, until it is stopped. */
function every(
  clock: Clock,
  everyMs: number,
  run: () => Promise<void>,
  onFault: (error: unknown) => void,
): { start(): void; stop(): Promise<void> } {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let cancel = (): void => undefined;
  const start = (): void => {
    if (stopped) return;
    cancel = clock.after(everyMs, () => {
      running = run().catch(onFault).finally(start);
    });
  };
  return {
    start,
    stop: async () => {
      stopped = true;
      cancel();
      await running;
    },
  };
}
