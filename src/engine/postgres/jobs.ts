import { Logger, makeWorkerUtils, parseCronItems, run } from "graphile-worker";
import type { AddJobsJobSpec, Runner, SharedOptions, TaskList, WorkerUtils } from "graphile-worker";
import type pg from "pg";
import { repId } from "../../presence/identity.ts";
import { unstorable } from "../refusal.ts";
import type { Jobs, Nudge, RecurringJob } from "../jobs.ts";
import { type ConnectionSettings, createPool } from "./connection.ts";
import { engineFailure } from "./failure.ts";
import { KeptRunner } from "./kept-runner.ts";
import { toKey, fromKey } from "./key.ts";

export type JobsOptions = Pick<ConnectionSettings, "url"> & {
  readonly onNudge: (shard: number, nudge: Nudge) => void;
  readonly recurring: readonly RecurringJob[];
  /** A recurring job that failed, or what runs them (`runner`); it comes again. */
  readonly onFault: (name: string, error: unknown) => void;
};

/** Beside the engine's: two that listen, and some that fetch and complete. */
const CONNECTIONS = 6;
const AT_ONCE = 16;
const DAY_MS = 86_400_000;
const AGAIN_MS = 2_000;
/** Another lock than that of the engine's own schema: "Lksj". */
const MIGRATION_LOCK = 0x4c6b736a;
/** Lower runs sooner. */
const PRIORITY = { protective: -10, normal: 0 } as const;

/**
 * graphile-worker as the carrier of nudges between instances, in the schema `graphile_worker`. One kind of task for
 * each shard, so that an instance takes the nudges of its own shards only: never a named queue for each rep, which
 * collapses with ten thousand of them. What was asked in one turn of the event loop is one round trip.
 */
export async function openPostgresJobs(options: JobsOptions): Promise<Jobs> {
  const settings = { connections: CONNECTIONS, connectMs: 5_000, readOnly: false };
  const pool = createPool({ ...settings, url: options.url, statementMs: 10_000 });
  try {
    const shared: SharedOptions = { pgPool: pool, logger: new Logger(() => () => undefined) };
    const utils = await prepare(pool, shared);
    const jobs = new PostgresJobs(pool, shared, utils, options);
    await jobs.start();
    return jobs;
  } catch (error) {
    await pool.end();
    throw engineFailure(error);
  }
}

/** graphile-worker's tables are made, by one instance at a time, when it hands out its tools. */
async function prepare(pool: pg.Pool, shared: SharedOptions): Promise<WorkerUtils> {
  const client = await pool.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await makeSchema(client);
    return await makeWorkerUtils(shared);
  } finally {
    // Ending the connection gives the lock up, whatever happened.
    client.release(true);
  }
}

/** graphile-worker would ask for the right to create schemas; with this it needs only one that is ours. */
async function makeSchema(client: pg.ClientBase): Promise<void> {
  const exists = "SELECT FROM pg_namespace WHERE nspname = 'graphile_worker'";
  if ((await client.query(exists)).rowCount === 0)
    await client.query("CREATE SCHEMA graphile_worker");
  await client.query(
    `CREATE TABLE IF NOT EXISTS graphile_worker.migrations
     (id int PRIMARY KEY, ts timestamptz NOT NULL DEFAULT now(), breaking boolean NOT NULL DEFAULT false)`,
  );
}

type Asked = {
  readonly spec: AddJobsJobSpec;
  readonly resolve: () => void;
  readonly reject: (e: Error) => void;
};

class PostgresJobs implements Jobs {
  readonly #pool: pg.Pool;
  readonly #shared: SharedOptions;
  readonly #utils: WorkerUtils;
  readonly #options: JobsOptions;
  #asked: Asked[] = [];
  #adding: Promise<void> | null = null;
  #recurring: KeptRunner | null = null;
  #serving: KeptRunner | null = null;
  /** Changes of what is served follow one another. */
  #changing: Promise<void> = Promise.resolve();

  constructor(pool: pg.Pool, shared: SharedOptions, utils: WorkerUtils, options: JobsOptions) {
    this.#pool = pool;
    this.#shared = shared;
    this.#utils = utils;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { onFault, recurring } = this.#options;
    if (recurring.length === 0) return;
    const tasks: TaskList = {};
    for (const { name, run: work } of recurring) {
      tasks[`recurring-${name}`] = async () => {
        try {
          await work();
        } catch (error) {
          onFault(name, error);
        }
      };
    }
    const items = recurring.map(({ name, cron }) => ({
      task: `recurring-${name}`,
      identifier: name,
      match: cron,
      // What was due while no instance was there is done once by the first that comes.
      options: { backfillPeriod: DAY_MS, maxAttempts: 1, jobKey: `recurring-${name}` },
    }));
    this.#recurring = await this.#run(tasks, items);
  }

  nudge(shard: number, { rep, runAtMs, system, urgency }: Nudge): Promise<void> {
    const isLater = runAtMs !== undefined;
    if (isLater && !Number.isFinite(runAtMs)) {
      return Promise.reject(unstorable("a time is not finite"));
    }
    const key = toKey(rep);
    const spec = {
      identifier: taskOf(shard),
      payload: { rep: key, system, urgency, ...(isLater ? { runAtMs } : {}) },
      jobKey: `${isLater ? "later" : urgency}/${system ?? ""}/${key}`,
      priority: PRIORITY[urgency],
      maxAttempts: 3,
      ...(isLater ? { runAt: new Date(runAtMs) } : {}),
    };
    return new Promise((resolve, reject) => {
      this.#asked.push({ spec, resolve, reject });
      this.#adding ??= new Promise((turn) => setImmediate(turn)).then(() => this.#addAll());
    });
  }

  serve(shards: readonly number[]): Promise<void> {
    this.#changing = this.#changing.catch(() => undefined).then(() => this.#serve(shards));
    return this.#changing;
  }

  async stop(): Promise<void> {
    await this.#adding;
    await this.serve([]);
    await this.#recurring?.stop();
    await this.#utils.release();
    await this.#pool.end();
  }

  async #addAll(): Promise<void> {
    while (this.#asked.length > 0) {
      const asked = this.#asked.splice(0);
      // The last wish for a key is the one that counts, as it would be one after the other.
      const specs = new Map(asked.map(({ spec }) => [spec.jobKey, spec]));
      try {
        await this.#utils.addJobs([...specs.values()]);
        for (const { resolve } of asked) resolve();
      } catch (error) {
        const failure = engineFailure(error);
        for (const { reject } of asked) reject(failure);
      }
    }
    this.#adding = null;
  }

  async #serve(shards: readonly number[]): Promise<void> {
    const { onNudge } = this.#options;
    await this.#serving?.stop();
    this.#serving = null;
    if (shards.length === 0) return;
    const tasks: TaskList = {};
    for (const shard of shards) {
      tasks[taskOf(shard)] = (payload) => onNudge(shard, nudgeIn(payload));
    }
    this.#serving = await this.#run(tasks, []);
  }

  async #run(tasks: TaskList, items: Parameters<typeof parseCronItems>[0]): Promise<KeptRunner> {
    const begin = async (): Promise<Runner> => {
      try {
        return await run({
          ...this.#shared,
          taskList: tasks,
          parsedCronItems: parseCronItems(items),
          concurrency: AT_ONCE,
          noHandleSignals: true,
          preset: { worker: { localQueue: { size: 2 * AT_ONCE }, completeJobBatchDelay: 5 } },
        });
      } catch (error) {
        throw engineFailure(error);
      }
    };
    const { onFault } = this.#options;
    const kept = new KeptRunner({
      begin,
      onFault: (error) => onFault("runner", error),
      againMs: AGAIN_MS,
    });
    await kept.start();
    return kept;
  }
}

const taskOf = (shard: number): string => `nudge-${shard}`;

/** Only `nudge` writes these. */
function nudgeIn(payload: unknown): Nudge {
  const { rep, ...rest } = payload as Nudge;
  return { rep: repId(fromKey(rep)), ...rest };
}
