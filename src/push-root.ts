import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { type EntraTokenVerifier, GRAPH_NOTIFICATIONS_APP_ID } from "./connectors/entra-token.ts";
import { createTeamsPush, type TeamsPush } from "./connectors/teams/push.ts";
import { modeLine, pushLine } from "./connectors/teams/push-says.ts";
import type { Clock } from "./controller/clock.ts";
import type { Pace } from "./controller/pace.ts";
import type { Directory } from "./directory/directory.ts";
import type { Engine } from "./engine/engine.ts";
import { createLogPace } from "./http/log-pace.ts";
import { TEAMS } from "./presence/identity.ts";
import { proofOf } from "./sign-in.ts";
import type { Reps } from "./sync-root.ts";

const SIGNED_OUT = "entra-subscriber-signed-out";

export type PushParts = {
  readonly config: Config;
  readonly tokens: EntraTokenVerifier;
  readonly engine: Engine;
  readonly reps: Pick<Reps, "hint" | "staying">;
  readonly directory: Directory;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly log: Logger;
};

export type ServicePush = Omit<TeamsPush, "follow" | "status"> & {
  /** Tells the shards who is a rep now. */
  follow(): void;
  /** Says when changes begin or cease to be announced. */
  sayMode(): void;
  /** Accounts that only a new sign-in brings back, and how many reps are polled because of each. */
  signedOut(): readonly { readonly account: string; readonly reps: number }[];
};

/** Gives the subscriptions of Teams what the service has. */
export function createServicePush(parts: PushParts): ServicePush {
  const { config, tokens, engine, reps, directory, pace, clock, log } = parts;
  const nowMs = (): number => clock.nowMs();
  const fromGraph = { appId: GRAPH_NOTIFICATIONS_APP_ID, audience: config.credential.clientId };
  const unused: Record<string, number> = {};
  const paced = createLogPace(nowMs);
  const push = createTeamsPush({
    ...config,
    ...proofOf(config.credential),
    admitted: config.subscriberAccounts,
    rich: config.richNotifications,
    records: engine,
    verifyToken: async (token) => (await tokens.verify(token, fromGraph)).ok,
    nowMs,
    after: (delayMs, fire) => clock.after(delayMs, fire),
    random: Math.random,
    take: () => pace.take("normal"),
    hint: (user) => {
      const identity = directory.find(user);
      if (identity) reps.hint(identity.rep, TEAMS);
    },
    report: (note) => {
      // Anybody can begin a sign-in and break it off.
      if (note.code === "push-sign-in" && paced(note.code) === null) return;
      const { level, fields, says } = pushLine(note);
      log[level](fields, says);
    },
    count: (result) => {
      if (result === "change" || result === "lifecycle") return;
      unused[result] = (unused[result] ?? 0) + 1;
      if (paced(result) !== null) {
        log.info({ result, total: unused[result] }, "notification not used");
      }
    },
  });
  let mode: string | null = null;
  return {
    routes: push.routes,
    start: () => push.start(),
    saw: (shown, leftAtMs) => push.saw(shown, leftAtMs),
    stop: () => push.stop(),
    follow: () => push.follow(reps.staying().map(({ teamsUserId }) => teamsUserId)),
    signedOut: () =>
      push
        .status()
        .shards.filter(({ lastError }) => lastError === SIGNED_OUT)
        .map(({ shard, reps }) => ({ account: shard, reps })),
    sayMode: () => {
      const status = push.status();
      if (status.mode === mode) return;
      mode = status.mode;
      const { fields, says } = modeLine(status, config.teamsPollMs);
      log.info(fields, says);
    },
  };
}
