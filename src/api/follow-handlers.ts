import { randomBytes, randomUUID } from "node:crypto";
import type { StoredHistoryEntry } from "../engine/engine.ts";
import type { Answer } from "../http/route.ts";
import type { RepId, RepIdentity, SystemName } from "../presence/identity.ts";
import type { Feed } from "./feed/feed.ts";
import { concerns, type FollowedKind, type Interest } from "./feed/interest.ts";
import { follow } from "./feed/stream.ts";
import { covers, type Integration } from "./integrations/integration.ts";
import type { Handlers } from "./handlers.ts";
import type { Call } from "./operation.ts";
import { problem } from "./problem.ts";
import { AddressForbidden, type Resolve, urlOf } from "./subscriptions/address.ts";
import { readable, type Unreadable, unknownQueue } from "./queue-handlers.ts";
import type { QueueReps } from "./queue-reps.ts";
import type { Courier } from "./subscriptions/courier.ts";
import { describe, replayed, type Subscription } from "./subscriptions/subscription.ts";

export type Followed = {
  readonly feed: Feed;
  readonly courier: Courier;
  readonly locate: Resolve;
  readonly source: string;
  readonly nowMs: () => number;
  readonly find: (id: string) => RepIdentity | null;
  readonly queueReps: QueueReps;
  readonly unreadable: Unreadable;
  /** How many streams each integration has open. */
  readonly streams: Map<SystemName, number>;
  /** The integration as it is bound now. */
  readonly bound: (integration: Integration) => Integration;
};

type Ids =
  | "stream"
  | "subscribe"
  | "listSubscriptions"
  | "readSubscription"
  | "unsubscribe"
  | "replaySubscription";

/** What the operations do that tell of changes: the live stream, and the subscriptions of webhooks. */
export function followHandlers(world: Followed): Handlers<Ids> {
  const { feed, courier, nowMs, source, find, streams, queueReps } = world;

  /** The reps that are meant; `null` where one of them is out of sight. */
  const repsIn = (integration: Integration, ids: readonly string[]): ReadonlySet<RepId> | null => {
    const seen = ids.flatMap((id) => find(id) ?? []).filter((one) => covers(integration, one));
    return seen.length === ids.length ? new Set(seen.map(({ rep }) => rep)) : null;
  };
  const interestIn = async (integration: Integration, asked: Asked): Promise<Wanted> => {
    const { kinds } = asked;
    const reps = asked.reps === undefined ? null : repsIn(integration, asked.reps);
    if (asked.reps !== undefined && reps === null) return { ok: false, answer: unknownRep() };
    const queues = asked.queues ?? null;
    if (queues !== null) await queueReps.refresh();
    const known = queues?.every((queue) => queueReps.isSeenBy(queue, integration)) ?? true;
    if (!known) return { ok: false, answer: unknownQueue() };
    return { ok: true, interest: { reps, queues, kinds: new Set(kinds) } };
  };
  const concern = (integration: Integration, interest: Interest, entry: StoredHistoryEntry) => {
    const identity = find(entry.rep);
    if (identity === null || !covers(world.bound(integration), identity)) return false;
    return concerns(interest, entry, identity, (queue, rep) => queueReps.has(queue, rep));
  };
  const own = ({ integration }: Call, id: string): Subscription | null =>
    courier.of(integration.name).find((one) => one.id === id) ?? null;

  return {
    stream: ({ query }, call) =>
      readable(world.unreadable, async () => {
        const { integration, request } = call;
        const { name } = integration;
        const { reps, queues, kinds = ["status"] } = query;
        const wanted = await interestIn(integration, { reps, queues, kinds });
        if (!wanted.ok) return wanted.answer;
        const { interest } = wanted;
        const open = streams.get(name) ?? 0;
        if (open >= integration.quota.streams) {
          return quotaReached(
            `This integration may have ${integration.quota.streams} streams open.`,
          );
        }
        const last = request.headers.find(([header]) => header === "last-event-id")?.[1] ?? "";
        const asked = /^\d{1,15}$/.test(last) ? Number(last) : query.after;
        // A position that does not exist yet came from another store: what is new here is told.
        const after = Math.min(asked ?? feed.tail, feed.tail);
        return {
          status: 200,
          headers: { "cache-control": "no-store", "x-accel-buffering": "no" },
          stream: async (sink) => {
            streams.set(name, (streams.get(name) ?? 0) + 1);
            try {
              await follow(sink, {
                feed,
                after,
                source,
                nowMs,
                prepare: () => (interest.queues === null ? NOTHING_TO_DO : queueReps.refresh()),
                concerns: (entry) => concern(integration, interest, entry),
                stands: call.stands,
              });
            } finally {
              streams.set(name, (streams.get(name) ?? 1) - 1);
            }
          },
        };
      }),

    subscribe: ({ body }, call) =>
      readable(world.unreadable, async () => {
        const { integration } = call;
        const { name, quota } = integration;
        const wanted = await interestIn(integration, body);
        if (!wanted.ok) return wanted.answer;
        const { interest } = wanted;
        try {
          await world.locate(urlOf(body.url).hostname);
        } catch (error) {
          if (!(error instanceof AddressForbidden)) throw error;
          const errors = [{ pointer: "#/url", detail: error.message }];
          return problem("api-address-forbidden", {
            detail: `The address: ${error.message}.`,
            errors,
          });
        }
        // Nothing is waited for from here until it is counted: others may be made at the same time.
        if (courier.countOf(name) >= quota.subscriptions) {
          return quotaReached(`This integration may have ${quota.subscriptions} subscriptions.`);
        }
        const subscription: Subscription = {
          id: randomUUID(),
          integration: name,
          url: body.url,
          secret: `whsec_${randomBytes(32).toString("base64")}`,
          reps: interest.reps === null ? null : [...interest.reps],
          queues: interest.queues === null ? null : [...interest.queues],
          kinds: body.kinds,
          position: feed.tail,
          waiting: [],
          dead: [],
          failingSinceMs: null,
          disabled: null,
        };
        await courier.put(subscription);
        const { secret } = subscription;
        return { status: 201, json: { ...viewOf(subscription), secret } };
      }),

    listSubscriptions: async (_input, { integration }) => ({
      status: 200,
      json: { subscriptions: courier.of(integration.name).map(viewOf) },
    }),

    readSubscription: async ({ params }, call) => {
      const subscription = own(call, params.subscription);
      return subscription ? { status: 200, json: viewOf(subscription) } : notFound();
    },

    unsubscribe: async ({ params }, call) => {
      const subscription = own(call, params.subscription);
      if (!subscription) return notFound();
      await courier.remove(subscription.id);
      return { status: 204 };
    },

    replaySubscription: async ({ params, body }, call) => {
      const subscription = own(call, params.subscription);
      if (!subscription) return notFound();
      const after = body.after === undefined ? null : Math.min(body.after, feed.tail);
      const again = replayed(subscription, after, nowMs());
      await courier.put(again);
      return { status: 200, json: viewOf(again) };
    },
  };
}

const NOTHING_TO_DO = Promise.resolve();

type Asked = {
  readonly reps?: readonly string[] | undefined;
  readonly queues?: readonly string[] | undefined;
  readonly kinds: readonly FollowedKind[];
};

type Wanted =
  | { readonly ok: true; readonly interest: Interest }
  | { readonly ok: false; readonly answer: Answer };

/** What a subscription is interested in. */
export const interestOf = ({ reps, queues, kinds }: Subscription): Interest => ({
  reps: reps === null ? null : new Set(reps as RepId[]),
  queues,
  kinds: new Set(kinds),
});

function viewOf(subscription: Subscription) {
  const { id, url, reps, queues, kinds, position, waiting, dead } = subscription;
  const { state, says } = describe(subscription);
  return {
    id,
    url,
    reps,
    queues,
    kinds,
    state,
    says,
    position,
    waiting: waiting.map((one) => ({ ...one })),
    dead: dead.map((one) => ({ ...one })),
  };
}

const unknownRep = (): Answer =>
  problem("rep-unknown", { detail: "One of these is no rep whom this integration may see." });

const notFound = (): Answer =>
  problem("api-not-found", { detail: "This integration has no such subscription." });

const quotaReached = (detail: string): Answer => problem("api-quota-reached", { detail });
