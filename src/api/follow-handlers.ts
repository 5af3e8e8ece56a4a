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
import type { Courier } from "./subscriptions/courier.ts";
import { describe, replayed, type Subscription } from "./subscriptions/subscription.ts";

export type Followed = {
  readonly feed: Feed;
  readonly courier: Courier;
  readonly locate: Resolve;
  readonly source: string;
  readonly nowMs: () => number;
  readonly find: (id: string) => RepIdentity | null;
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
  const { feed, courier, nowMs, source, find, streams } = world;

  const interestIn = (
    integration: Integration,
    reps: readonly string[] | undefined,
    kinds: readonly FollowedKind[],
  ): Interest | null => {
    if (reps === undefined) return { reps: null, kinds: new Set(kinds) };
    const found = reps.map((id) => find(id));
    const seen = found.filter((one) => one !== null && covers(integration, one));
    const ids = new Set<RepId>(seen.flatMap((one) => one?.rep ?? []));
    return seen.length === reps.length ? { reps: ids, kinds: new Set(kinds) } : null;
  };
  const mayHave = (integration: Integration, { rep }: StoredHistoryEntry): boolean => {
    const identity = find(rep);
    return identity !== null && covers(world.bound(integration), identity);
  };
  const own = ({ integration }: Call, id: string): Subscription | null =>
    courier.of(integration.name).find((one) => one.id === id) ?? null;

  return {
    stream: async ({ query }, call) => {
      const { integration, request } = call;
      const { name } = integration;
      const interest = interestIn(integration, query.reps, query.kinds ?? ["status"]);
      if (interest === null) return unknownRep();
      const open = streams.get(name) ?? 0;
      if (open >= integration.quota.streams) {
        return quotaReached(`This integration may have ${integration.quota.streams} streams open.`);
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
              concerns: (entry) => concerns(interest, entry) && mayHave(integration, entry),
              stands: call.stands,
            });
          } finally {
            streams.set(name, (streams.get(name) ?? 1) - 1);
          }
        },
      };
    },

    subscribe: async ({ body }, call) => {
      const { integration } = call;
      const { name, quota } = integration;
      const interest = interestIn(integration, body.reps, body.kinds);
      if (interest === null) return unknownRep();
      if (courier.of(name).length >= quota.subscriptions) {
        return quotaReached(`This integration may have ${quota.subscriptions} subscriptions.`);
      }
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
      const subscription: Subscription = {
        id: randomUUID(),
        integration: name,
        url: body.url,
        secret: `whsec_${randomBytes(32).toString("base64")}`,
        reps: interest.reps === null ? null : [...interest.reps],
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
    },

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

/** Whether a subscription wants an entry, apart from whether its integration may have it. */
export function wants({ reps, kinds }: Subscription, entry: StoredHistoryEntry): boolean {
  const interest = {
    reps: reps === null ? null : new Set(reps as RepId[]),
    kinds: new Set(kinds),
  };
  return concerns(interest, entry);
}

function viewOf(subscription: Subscription) {
  const { id, url, reps, kinds, position, waiting, dead } = subscription;
  const { state, says } = describe(subscription);
  return {
    id,
    url,
    reps,
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
