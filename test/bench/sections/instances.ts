import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { SHARDS } from "../../../src/fleet/shards.ts";
import { PostgresServer } from "../../engine/postgres-server.ts";
import type { Contestant } from "../contestant.ts";
import { Load } from "../load.ts";
import { cpuOfFamily } from "../process-cpu.ts";
import { atLeast, type Result } from "../report/result.ts";
import { figure, median } from "../report/statistics.ts";
import { Stage } from "../stage.ts";
import { FastTenant } from "../tenant.ts";
import { cutShort, inTurn, playRounds, type Scope, type Section } from "./section.ts";

const IN_FLIGHT = 256;
/** Four instances, a database, and the load with the emulated cloud: with fewer cores they take them from each other. */
const CORES_WANTED = 8;
const SHARED_WITHIN_MS = 60_000;

/** What came of one stretch of load. CPU is in cores: seconds of it for each second. */
type Stretch = {
  readonly perSecond: number;
  readonly missing: number;
  readonly instanceCores: number;
  readonly databaseCores: number;
  readonly benchCores: number;
  readonly instanceMsPerChange: number;
  readonly databaseMsPerChange: number;
};

export const instances: Section = {
  id: "instances",
  withinMs: 240_000,
  async run(scope) {
    await using disposables = new AsyncDisposableStack();
    const counts = scope.quick ? [1, 2] : [1, 2, 4];
    const most = Math.max(...counts);
    const fleets: Fleet[] = [];
    for (const count of counts) {
      fleets.push(disposables.use(await Fleet.start(count, scope)));
      scope.say(`instances: ${count} on a database of their own`);
    }
    const durationMs = scope.quick ? 300 : 2_500;
    const inFlight = scope.quick ? 50 : IN_FLIGHT;
    for (const fleet of fleets) await fleet.measure(inFlight, durationMs / 2);

    const seen = new Map<number, Stretch[]>();
    const played = await playRounds(scope, async (round) => {
      for (const fleet of inTurn(fleets, round)) {
        const stretch = await fleet.measure(inFlight, durationMs);
        seen.set(fleet.count, [...(seen.get(fleet.count) ?? []), stretch]);
      }
      scope.say(`instances: round ${round + 1} of ${scope.rounds}`);
    });
    const rounds = (count: number): readonly Stretch[] => seen.get(count) ?? [];
    const middle = (count: number, of: keyof Stretch): number =>
      median(rounds(count).map((one) => one[of]));
    const growth = (count: number): number =>
      median(rounds(count).map((one, round) => one.perSecond / (rounds(1)[round]?.perSecond ?? 0)));
    /** Of the CPU that a change costs, how much the database has. */
    const share = (count: number): number =>
      median(
        rounds(count).map(
          ({ instanceCores, databaseCores }) => databaseCores / (databaseCores + instanceCores),
        ),
      );
    const used = (count: number): number =>
      median(
        rounds(count).map(
          ({ instanceCores, databaseCores, benchCores }) =>
            instanceCores + databaseCores + benchCores,
        ),
      );
    const missing = counts.flatMap(rounds).reduce((sum, one) => sum + one.missing, 0);
    const cores = availableParallelism();
    const hasCores = cores >= CORES_WANTED;
    return {
      id: "instances",
      title: "Two and four instances on PostgreSQL: how throughput grows",
      how: `${inFlight} changes in Dynamics on their way at any time, each told to the next instance in turn, whichever of them has the rep, as a load balancer would; ${durationMs / 1000} s for each in ${scope.rounds} rounds. One instance, two, and so on have a database server and an emulated cloud of their own each, and all are there all the time: those that have no load poll, renew and look for work. CPU in cores: seconds used by all processes of a kind together for each second.`,
      table: {
        columns: [
          "instances",
          "changes/s",
          "× one",
          "cores: instances",
          "cores: database",
          "cores: load and cloud",
          "database's share of CPU, %",
          "instances, CPU ms for each change",
          "database, CPU ms for each change",
        ],
        rows: counts.map((count) => [
          String(count),
          figure(middle(count, "perSecond")),
          figure(growth(count)),
          figure(middle(count, "instanceCores")),
          figure(middle(count, "databaseCores")),
          figure(middle(count, "benchCores")),
          figure(share(count) * 100),
          figure(middle(count, "instanceMsPerChange")),
          figure(middle(count, "databaseMsPerChange")),
        ]),
      },
      charts: [
        {
          title: "Changes each second",
          unit: "changes/s",
          groups: counts.map((count) => ({
            name: named(count),
            bars: [{ name: "changes/s", value: middle(count, "perSecond") }],
          })),
        },
        {
          title: "Who uses the cores",
          unit: "cores",
          groups: counts.map((count) => ({
            name: named(count),
            bars: [
              { name: "instances", value: middle(count, "instanceCores") },
              { name: "database", value: middle(count, "databaseCores") },
              { name: "load and cloud", value: middle(count, "benchCores") },
            ],
          })),
        },
      ],
      targets: [
        atLeast(
          `${named(most)} against one, with ${CORES_WANTED} cores or more`,
          hasCores ? growth(most) : Number.NaN,
          2.5,
        ),
      ],
      notes: [
        ...cutShort(played, scope),
        ...(hasCores
          ? []
          : [
              `This machine has ${cores} cores. All together, one instance with its database, the load and the emulated cloud used ${figure(used(1))} of them, ${named(most)} ${figure(used(most))}; what is missing was used by whoever else was there. So whether more instances are faster cannot be seen here, and the target is not judged. What can be seen is what another instance costs: the CPU for each change.`,
            ]),
        "With n instances, n − 1 of n hints come to one that does not have the rep, and are passed on through the database.",
        `One database takes what all instances store, so it is where growth ends: at ${figure(middle(most, "databaseMsPerChange"))} ms of its CPU for each change with ${named(most)}, one core of it carries about ${figure(1_000 / middle(most, "databaseMsPerChange"))} changes/s, and batches of several instances follow one another in it.`,
        `Not written within 5 s: ${missing}.`,
      ],
      figures: Object.fromEntries(seen),
    } satisfies Result;
  },
};

const named = (count: number): string => (count === 1 ? "one instance" : `${count} instances`);

/** Some instances that share the reps of one company, on a database server of their own. */
class Fleet implements AsyncDisposable {
  readonly count: number;
  readonly #disposables: AsyncDisposableStack;
  readonly #server: PostgresServer;
  readonly #load: Load;

  private constructor(
    count: number,
    disposables: AsyncDisposableStack,
    server: PostgresServer,
    load: Load,
  ) {
    this.count = count;
    this.#disposables = disposables;
    this.#server = server;
    this.#load = load;
  }

  /** Resolves once each instance has its part. */
  static async start(count: number, scope: Scope): Promise<Fleet> {
    await using started = new AsyncDisposableStack();
    const server = started.adopt(await PostgresServer.start(["max_connections = 100"]), (one) =>
      one.dispose(),
    );
    const tenant = await FastTenant.start(scope.quick ? 200 : 5_000, scope.tls);
    const stage = started.use(await Stage.over(tenant));
    const extras = { env: { DATABASE_URL: server.url() } };
    const launched = await Promise.all(
      Array.from({ length: count }, (_, index) => stage.lockstep(`instance ${index + 1}`, extras)),
    );
    await untilShared(server, launched);
    const load = started.adopt(new Load(tenant, launched), (one) => one.close());
    return new Fleet(count, started.move(), server, load);
  }

  async measure(inFlight: number, durationMs: number): Promise<Stretch> {
    const own = process.cpuUsage();
    const before = await this.#databaseMs();
    const beganMs = performance.now();
    const { sent, latenciesMs, elapsedMs, cpuMs } = await this.#load.saturate(inFlight, durationMs);
    const wholeMs = performance.now() - beganMs;
    const databaseMs = (await this.#databaseMs()) - before;
    const { user, system } = process.cpuUsage(own);
    const written = latenciesMs.length;
    return {
      perSecond: (written * 1_000) / elapsedMs,
      missing: sent - written,
      instanceCores: cpuMs / wholeMs,
      databaseCores: databaseMs / wholeMs,
      benchCores: (user + system) / 1_000 / wholeMs,
      instanceMsPerChange: cpuMs / written,
      databaseMsPerChange: databaseMs / written,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }

  async #databaseMs(): Promise<number> {
    const { pid } = this.#server;
    return pid === null ? Number.NaN : cpuOfFamily(pid);
  }
}

async function untilShared(server: PostgresServer, launched: readonly Contestant[]): Promise<void> {
  const count = launched.length;
  const fair = Math.ceil(SHARDS / count);
  const untilMs = performance.now() + SHARED_WITHIN_MS;
  for (;;) {
    const shares = await server.sql(
      `SELECT count(*)::int AS shards FROM lockstep.lease
       WHERE name LIKE 'shard/%' AND until > clock_timestamp() GROUP BY holder`,
    );
    const sizes = shares.map(({ shards }) => Number(shards));
    const all = sizes.reduce((sum, size) => sum + size, 0);
    if (sizes.length === count && all === SHARDS && Math.max(...sizes) <= fair) return;
    if (performance.now() > untilMs) {
      throw new Error(`${count} instances do not share the reps: ${sizes.join()}`);
    }
    // One that has ended by itself says why.
    await Promise.all(launched.map((one) => one.cpuMs()));
    await sleep(200);
  }
}
