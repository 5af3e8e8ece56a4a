import { randomUUID } from "node:crypto";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import type { Config } from "./config.ts";
import { type Connector, SystemError } from "./connectors/connector.ts";
import { Controller } from "./controller/controller.ts";
import { createDepartures, Reader } from "./controller/reader.ts";
import { isLeaving, type Pauses } from "./controller/roster.ts";
import type { Engine } from "./engine/engine.ts";
import { openPostgresJobs } from "./engine/postgres/jobs.ts";
import { Desk } from "./fleet/desk.ts";
import { Fleet } from "./fleet/fleet.ts";
import { Mirror } from "./fleet/mirror.ts";
import type { Tenure } from "./fleet/shard.ts";
import { SHARDS, TTL_MS } from "./fleet/shards.ts";
import { forwarded } from "./http/forward.ts";
import type { Route } from "./http/route.ts";
import { hasId } from "./presence/identity.ts";
import {
  createPaces,
  createSweeps,
  driveOf,
  GATHER_MS,
  HISTORY_KEPT_MS,
  type Sync,
  type SyncParts,
} from "./sync-root.ts";

const PRUNE_CRON = "17 * * * *";

export type FleetParts = SyncParts & {
  readonly url: string;
  /** Whether the directory has been read. */
  readonly isKnown: () => boolean;
  /** Something was recorded, by whichever instance. Told only after `watchAll`. */
  readonly onNews: () => void;
};

export type FleetSync = Sync & {
  /** From now on what other instances know of their reps is known here, too. */
  watchAll(): Promise<void>;
  /** Something was recorded here: `onNews` follows once it is known to `reps`, too. */
  recorded(): void;
};

/** This instance's part of all reps, on a database that it shares with others. */
export async function createFleetSync(parts: FleetParts): Promise<FleetSync> {
  const { clock, directory, dynamics, engine, faultOf, log, teams, url } = parts;
  const onFault = (error: unknown): void =>
    log.error({ fault: faultOf(error) }, "the work could not be shared; it is tried again");
  const paces = createPaces(parts, () => 1 / fleet.members);
  const abort = new AbortController();
  const depart = createDepartures();
  const reading = { clock, depart, gatherMs: GATHER_MS, signal: abort.signal };
  const readers = {
    teams: new Reader(teams, { ...reading, pace: paces.teamsReads }),
    dynamics: new Reader(dynamics, { ...reading, pace: paces.dynamics }),
  };
  const jobs = await openPostgresJobs({
    url,
    onNudge: (shard, nudge) => fleet.take(shard, nudge),
    recurring: [
      {
        name: "prune",
        cron: PRUNE_CRON,
        run: () => engine.prune(clock.nowMs() - HISTORY_KEPT_MS),
      },
    ],
    onFault: (_name, error) => onFault(error),
  });
  const newWatch = (shard: Engine, tenure: Tenure): Controller =>
    new Controller({
      ...driveOf(parts),
      engine: shard,
      systems: [
        {
          connector: bounded(teams, tenure),
          pace: paces.teams,
          readPace: paces.teamsReads,
          reader: readers.teams,
        },
        { connector: bounded(dynamics, tenure), pace: paces.dynamics, reader: readers.dynamics },
      ],
      depart,
      onFault: (_rep, error) => log.error({ fault: faultOf(error) }, "a rep is taken up again"),
    });
  const nobody: Pauses = { all: null, reps: new Map() };
  const fleet = new Fleet<Pauses, Controller>(nobody, {
    engine,
    jobs,
    clock,
    elapsedMs: () => performance.now(),
    instance: randomUUID(),
    count: SHARDS,
    ttlMs: TTL_MS,
    identities: () => (parts.isKnown() ? directory.all() : null),
    newWatch,
    onFault,
  });
  const mirror = new Mirror({ engine, clock, onNews: parts.onNews, onFault });
  const own: Sync["own"] = {
    identities: () => fleet.watches.flatMap((watch) => watch.identities()),
    document: (rep) => fleet.watchOf(rep)?.document(rep) ?? null,
  };
  const sweeps = createSweeps(parts, paces, {
    ...own,
    depart,
    ticks: (identities, system) =>
      new Map(fleet.watches.flatMap((watch) => [...watch.ticks(identities, system)])),
    tickAtRest: (rep, system) => fleet.watchOf(rep)?.tickAtRest(rep, system) ?? null,
    offer: (rep, system, seen) => fleet.watchOf(rep)?.offer(rep, system, seen),
  });

  return {
    reps: {
      adopt: (identity, look) => fleet.adopt(identity, look),
      detach: (rep) => fleet.detach(rep),
      setPauses: (pauses) => fleet.setPauses(pauses),
      hint: (rep, system, delayMs) => fleet.hint(rep, system, delayMs),
      submit: (event) => fleet.submit(event),
      staying: () => directory.all(),
      document: (rep) => {
        const watch = fleet.watchOf(rep);
        return watch ? watch.document(rep) : mirror.get(rep);
      },
      leaver: (id) => {
        const here = fleet.watches.map((watch) => watch.leaver(id)).find((found) => found !== null);
        const wanted = id.toLowerCase();
        const elsewhere = mirror
          .all()
          .find((document) => isLeaving(document) && hasId(document.identity, wanted));
        return here ?? elsewhere?.identity ?? null;
      },
    },
    isRep: (rep) => directory.find(rep) !== null,
    own,
    paces,
    sweeps,
    start: async () => {
      const stored = (await engine.load()).filter((document) => !isLeaving(document));
      // Who left while nobody looked is found by the first roster.
      directory.replace(stored.map(({ identity }) => identity));
      await fleet.start();
    },
    watchAll: () => mirror.start(),
    recorded: () => mirror.nudge(),
    stop: async () => {
      await Promise.all([sweeps.teams.stop(), sweeps.dynamics.stop(), mirror.stop()]);
      await fleet.stop();
      abort.abort();
      await jobs.stop();
    },
  };
}

/**
 * Nothing is sent once the reps may be somebody else's: the clock is asked before each request leaves. A write that was
 * stored and did not leave is put off; one of which a part had left is of unknown outcome, as after a crash.
 */
export function bounded(connector: Connector, tenure: Tenure): Connector {
  const permit = (): void => {
    if (!tenure.isValid()) {
      throw new SystemError({
        system: connector.system,
        code: "write-fenced",
        retry: "unavailable",
        nextStep: "nothing: another instance looks after this rep now, and decides anew",
        surelyNotApplied: true,
      });
    }
  };
  return {
    ...connector,
    write: (rep, write, signal) => connector.write(rep, write, signal, permit),
  };
}

/** The desk of all instances. `onReplaced`: somebody else has it, and what was true here is not any more. */
export function createDesk(
  parts: Pick<SyncParts, "clock" | "engine" | "faultOf" | "log">,
  onReplaced: () => void,
): Desk {
  const { clock, engine, faultOf, log } = parts;
  return new Desk({
    engine,
    clock,
    elapsedMs: () => performance.now(),
    ttlMs: TTL_MS,
    onReplaced,
    onWaiting: () => log.info({}, "another instance has the desk; requests for it are passed on"),
    onFault: (error) => log.error({ fault: faultOf(error) }, "the desk could not be asked for"),
  });
}

/** What only the desk answers: asked for elsewhere, it is passed on. One instance alone has the desk, always. */
export function routesOfDesk(desk: Desk | null, routes: readonly Route[]): readonly Route[] {
  if (!desk) return routes;
  const where = { isHere: () => desk.isHere, where: () => desk.where() };
  return routes.map((route) => forwarded(route, where));
}

/** Where the other instances reach this one. */
export function addressOf({ host, instanceUrl }: Config, port: number): string {
  if (instanceUrl !== null) return instanceUrl;
  const isEverywhere = host === "0.0.0.0" || host === "::";
  const address = isEverywhere ? (ownAddress() ?? "127.0.0.1") : host;
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

function ownAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? null;
}
