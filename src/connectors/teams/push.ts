import type { Engine } from "../../engine/engine.ts";
import type { Route } from "../../http/route.ts";
import type { TeamsUserId } from "../../presence/identity.ts";
import { createConnectRoutes, explainingRoutes } from "./connect.ts";
import { type ConnectedAccount, unset } from "./connect-says.ts";
import { resourceOf } from "./graph.ts";
import { Handshake } from "./handshake.ts";
import { createTeamsInbound, type NotificationResult } from "./inbound.ts";
import { KEY_KIND, NotificationKeys } from "./notification-keys.ts";
import type { Shown } from "./presences.ts";
import { createSealing, type Sealing } from "./sealing.ts";
import { SHARD_KIND, type ShardStatus } from "./shard.ts";
import { SUBSCRIBER_KIND, SubscriberApp } from "./subscriber.ts";
import { type PoolNote, type PoolStatus, SubscriberPool } from "./subscriber-pool.ts";
import { createSubscriptionApi, SUBSCRIBER_PERMISSION } from "./subscription-api.ts";
import { createVault } from "./vault.ts";

export type TeamsPushOptions = {
  /** HTTPS; `null` when nobody outside can call us. */
  readonly publicUrl: string | null;
  /** 32 bytes each. The first seals, all open; none: accounts cannot be kept, so none can be connected. */
  readonly cacheKeys: readonly Buffer[];
  readonly tenantId: string;
  readonly clientId: string;
  /** One of the two; without either (a managed identity) nobody can sign in through this app. */
  readonly clientSecret?: string;
  readonly certificatePath?: string;
  readonly authorityHost: string;
  readonly graphUrl: string;
  /** Entra object ids that may be connected without the app role. */
  readonly admitted: readonly string[];
  /** Notifications carry what changed, encrypted for us. We read anyway. */
  readonly rich: boolean;
  readonly records: Pick<Engine, "keep" | "kept" | "forget">;
  readonly verifyToken: (token: string) => Promise<boolean>;
  readonly nowMs: () => number;
  readonly after: (delayMs: number, fire: () => void) => () => void;
  readonly random: () => number;
  readonly take: () => Promise<void>;
  readonly hint: (user: TeamsUserId) => void;
  readonly report: (note: PushNote) => void;
  readonly count: (result: NotificationResult) => void;
};

export type PushNote =
  | PoolNote
  | { readonly code: "push-account-connected" | "push-account-disconnected" }
  | { readonly code: "push-cache-key-wrong"; readonly accounts: number }
  | { readonly code: "push-sign-in"; readonly why: string };

/** Change notifications of Teams, as a whole: what main.ts mounts, starts, feeds and asks. */
export type TeamsPush = {
  readonly routes: readonly Route[];
  /** Takes over what an earlier process kept. */
  start(): Promise<void>;
  follow(people: readonly TeamsUserId[]): void;
  /** What a reading of Teams showed; `leftAtMs` is when it was sent. */
  saw(shown: Iterable<Shown>, leftAtMs: number): void;
  status(): PoolStatus;
  stop(): Promise<void>;
};

export function createTeamsPush(options: TeamsPushOptions): TeamsPush {
  const { cacheKeys, publicUrl } = options;
  const [key, ...others] = cacheKeys;
  const missing = missingIn(options);
  return missing.length > 0 || publicUrl === null || key === undefined
    ? withoutAccounts(options, missing.join(", "))
    : withAccounts(options, publicUrl, createSealing([key, ...others]));
}

function withAccounts(options: TeamsPushOptions, publicUrl: string, sealing: Sealing): TeamsPush {
  const { cacheKeys, records, nowMs, report, rich } = options;
  const vault = createVault(records, sealing);
  const handshake = new Handshake();
  const keys = new NotificationKeys({ vault, nowMs });
  const app = new SubscriberApp({
    ...options,
    vault,
    scope: `${resourceOf(options.graphUrl)}/${SUBSCRIBER_PERMISSION}`,
    onUnstored: (error) => report({ code: "push-fault", shard: "unstored sign-in", error }),
  });
  const notificationUrl = `${publicUrl}/webhooks/graph`;
  const lifecycleUrl = `${publicUrl}/webhooks/graph/lifecycle`;
  const pool = new SubscriberPool({
    ...options,
    vault,
    handshake,
    keys: rich ? keys : null,
    notificationUrl,
    apiOf: ({ credential }) =>
      createSubscriptionApi({ ...options, credential, notificationUrl, lifecycleUrl }),
  });

  const inbound = createTeamsInbound({
    ...options,
    handshake,
    secretOf: (id) => pool.secretOf(id),
    privateKey: (id) => keys.privateKey(id),
    announced: (id, user) => pool.announced(id, user),
    lifecycle: (id, says) => pool.lifecycle(id, says),
  });
  const connect = createConnectRoutes({
    ...options,
    app,
    sealing,
    publicUrl,
    accounts: () => pool.status().shards.map(accountOf),
    report: (why) => report({ code: "push-sign-in", why }),
    connect: async (keep) => {
      await pool.connect(keep);
      report({ code: "push-account-connected" });
    },
    disconnect: async (id) => {
      const was = await pool.disconnect(id, () => app.forget(id));
      if (was) report({ code: "push-account-disconnected" });
      return was;
    },
  });

  return {
    routes: [...inbound, ...connect],
    async start() {
      if (cacheKeys.length > 1) {
        for (const kind of [SUBSCRIBER_KIND, SHARD_KIND, KEY_KIND]) await vault.reseal(kind);
      }
      await keys.load();
      const { subscribers, unreadable } = await app.load();
      if (unreadable.length > 0) {
        report({ code: "push-cache-key-wrong", accounts: unreadable.length });
      }
      await pool.start(subscribers);
    },
    follow: (people) => pool.follow(people),
    saw: (shown, leftAtMs) => pool.saw(shown, leftAtMs),
    status: () => pool.status(),
    stop: () => pool.stop(),
  };
}

function accountOf({ shard, delivering, lastError, ...status }: ShardStatus): ConnectedAccount {
  const about = { ...status, id: shard, problem: lastError };
  const { reps } = status;
  if (lastError === "entra-subscriber-signed-out") return { ...about, state: "signed out" };
  if (reps === 0) return { ...about, state: "spare" };
  return { ...about, state: delivering ? "live" : "waits" };
}

/** What has to be set before an account can be connected. */
function missingIn(options: TeamsPushOptions): readonly string[] {
  const { publicUrl, cacheKeys, clientSecret, certificatePath } = options;
  const proof = "CLIENT_CERTIFICATE_PATH or CLIENT_SECRET (a managed identity signs nobody in)";
  return [
    ...(publicUrl === null ? ["PUBLIC_URL"] : []),
    ...(cacheKeys.length === 0 ? ["CACHE_KEY"] : []),
    ...(clientSecret || certificatePath ? [] : [proof]),
  ];
}

/** Polling alone. What is posted to the webhooks is answered like anything else that is not ours. */
function withoutAccounts(options: TeamsPushOptions, missing: string): TeamsPush {
  let people = 0;
  const inbound = createTeamsInbound({
    ...options,
    handshake: new Handshake(),
    secretOf: () => null,
    privateKey: () => null,
    announced: () => undefined,
    lifecycle: () => undefined,
  });
  return {
    routes: [...inbound, ...explainingRoutes(unset(missing))],
    start: () => Promise.resolve(),
    follow: (all) => {
      people = all.length;
    },
    saw: () => undefined,
    status: () => ({ mode: "poll", shards: [], pushedReps: 0, polledReps: people }),
    stop: () => Promise.resolve(),
  };
}
