import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Connector, SystemError } from "./connectors/connector.ts";
import type { Clock } from "./controller/clock.ts";
import { Controller, type ControllerOptions } from "./controller/controller.ts";
import { Pace } from "./controller/pace.ts";
import { Recurring } from "./controller/recurring.ts";
import { Sweep, type SweepOptions } from "./controller/sweep.ts";
import type { Directory } from "./directory/directory.ts";
import type { Engine } from "./engine/engine.ts";
import { DYNAMICS_PACE, TEAMS_PACE } from "./paces.ts";
import type { RepId } from "./presence/identity.ts";
import type { Policy } from "./reconcile/policy.ts";

export const GATHER_MS = 4;
const CONFIRM_MS = 150;
export const HISTORY_KEPT_MS = 90 * 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;

export type SyncParts = {
  readonly config: Config;
  readonly engine: Engine;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly teams: Connector;
  readonly dynamics: Connector;
  readonly directory: Directory;
  readonly onSystemError: (error: SystemError) => void;
  /** What may be logged of a fault. */
  readonly faultOf: (error: unknown) => string;
};

/** All reps, as whoever speaks of them sees them. */
export type Reps = Pick<
  Controller,
  "adopt" | "detach" | "document" | "hint" | "leaver" | "setPauses" | "staying" | "submit"
>;

/** What keeps the reps in step: of this process alone, or its part of what several do together. */
export type Sync = {
  readonly reps: Reps;
  readonly isRep: (rep: RepId) => boolean;
  /** Those whom this process looks after: all, or its part of them. */
  readonly own: Pick<Controller, "document" | "identities">;
  /** `teamsReads` is that of the registration that reads Teams, which may be the one that writes. */
  readonly paces: { readonly teams: Pace; readonly teamsReads: Pace; readonly dynamics: Pace };
  readonly sweeps: { readonly teams: Sweep; readonly dynamics: Sweep };
  /** Takes over what is stored. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** `share` is the part of what the systems allow that is ours now. */
export function createPaces(
  { clock, config }: Pick<SyncParts, "clock" | "config">,
  share: () => number,
): Sync["paces"] {
  const teams = new Pace(clock, { ...TEAMS_PACE, share });
  return {
    teams,
    // Graph counts the calls of each registration for itself.
    teamsReads: config.reader ? new Pace(clock, { ...TEAMS_PACE, share }) : teams,
    dynamics: new Pace(clock, { ...DYNAMICS_PACE, share }),
  };
}

/** What every controller of ours is given. */
export function driveOf(
  parts: SyncParts,
): Omit<ControllerOptions, "engine" | "systems" | "depart" | "onFault"> {
  const { clock, onSystemError, policy } = parts;
  return { policy, clock, gatherMs: GATHER_MS, confirmMs: CONFIRM_MS, onSystemError };
}

export function createSweeps(
  parts: SyncParts,
  paces: Sync["paces"],
  controller: SweepOptions["controller"],
): Sync["sweeps"] {
  const { clock, config, dynamics, faultOf, log, onSystemError, teams } = parts;
  const onFault = (error: unknown): void =>
    log.error({ fault: faultOf(error) }, "a sweep is tried again at its next turn");
  const common = { controller, clock, onSystemError, onFault };
  return {
    teams: new Sweep({
      ...common,
      connector: teams,
      pace: paces.teamsReads,
      pollMs: config.teamsPollMs,
    }),
    dynamics: new Sweep({
      ...common,
      connector: dynamics,
      pace: paces.dynamics,
      pollMs: config.dynamicsPollMs,
    }),
  };
}

/** One process for all reps. */
export function createSoloSync(parts: SyncParts): Sync {
  const { clock, directory, dynamics, engine, faultOf, log, teams } = parts;
  const paces = createPaces(parts, () => 1);
  const controller = new Controller({
    ...driveOf(parts),
    engine,
    systems: [
      { connector: teams, pace: paces.teams, readPace: paces.teamsReads },
      { connector: dynamics, pace: paces.dynamics },
    ],
    onFault: (_rep, error) => log.error({ fault: faultOf(error) }, "a rep is taken up again"),
  });
  const sweeps = createSweeps(parts, paces, controller);
  const pruning = new Recurring({
    clock,
    run: async () => {
      try {
        await engine.prune(clock.nowMs() - HISTORY_KEPT_MS);
        return true;
      } catch (error) {
        log.error({ fault: faultOf(error) }, "what is old is forgotten later");
        return false;
      }
    },
    everyMs: PRUNE_EVERY_MS,
    retryMs: PRUNE_EVERY_MS,
    soonMs: 0,
  });
  return {
    reps: controller,
    isRep: (rep) => controller.document(rep) !== null,
    own: controller,
    paces,
    sweeps,
    start: async () => {
      await controller.start();
      // Who left while nobody looked is found by the first roster.
      directory.replace(controller.staying());
      pruning.start();
    },
    stop: async () => {
      // A long backlog must not keep the process from stopping: it ends with the store.
      void pruning.stop();
      await Promise.all([sweeps.teams.stop(), sweeps.dynamics.stop()]);
      await controller.stop();
    },
  };
}
