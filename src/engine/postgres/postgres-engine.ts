import type { Pool, QueryResultRow } from "pg";
import type { RepId } from "../../presence/identity.ts";
import type {
  Commit,
  CommitResult,
  Engine,
  Fence,
  HeldLease,
  InboxEvent,
  KeptRecord,
  RepDocument,
} from "../engine.ts";
import { engineClosed, engineReadOnly } from "../refusal.ts";
import { Batches } from "./batches.ts";
import {
  acceptCall,
  type Call,
  commitCall,
  commitResult,
  type EventKey,
  forgetCall,
  keepCall,
  leaseCall,
  releaseCall,
  removeCall,
  settleCall,
} from "./calls.ts";
import { type ConnectionSettings, createPool } from "./connection.ts";
import { Documents } from "./documents.ts";
import { engineFailure } from "./failure.ts";
import { History, type HistoryQuery } from "./history.ts";
import { fromKey, toKey } from "./key.ts";
import { prune } from "./prune.ts";
import { documentIn, eventIn, recordIn, settledIn } from "./rows.ts";
import type { EventRow, RecordRow, RepRow } from "./rows.ts";
import { migrate, requireCurrentSchema } from "./schema.ts";

export type PostgresOptions = Pick<ConnectionSettings, "url"> &
  Partial<Omit<ConnectionSettings, "url">>;

const DOCUMENTS_AT_ONCE = 1_000;

/** A server that answers nothing any more must not keep the process from stopping. */
const CLOSE_GRACE_MS = 2_000;

/**
 * The engine for more than one machine: PostgreSQL 15 or newer, the schema `lockstep` in one of its databases
 * (docs/postgres.md). Opening creates and migrates the schema, under a lock, and refuses one that is newer or
 * not ours. Any number of instances may have it open.
 */
export async function openPostgresEngine(options: PostgresOptions): Promise<Engine> {
  const { connections = 8, connectMs = 5_000, readOnly = false, statementMs = 10_000 } = options;
  const pool = createPool({ url: options.url, connections, connectMs, readOnly, statementMs });
  try {
    const client = await pool.connect();
    try {
      await (readOnly ? requireCurrentSchema(client) : migrate(client));
    } finally {
      client.release();
    }
    const history = new History(pool);
    if (!readOnly) await makeDaysIfFree(history);
    return new PostgresEngine(pool, history, readOnly);
  } catch (error) {
    await pool.end();
    throw engineFailure(error);
  }
}

/** Days are made well ahead: somebody who has the table now is no reason not to start. */
async function makeDaysIfFree(history: History): Promise<void> {
  try {
    await history.makeDays();
  } catch (error) {
    const failure = engineFailure(error);
    if (failure.code !== "engine-busy") throw failure;
  }
}

/** Reads see what is committed. Writes of one event-loop turn share a transaction (batches.ts). */
class PostgresEngine implements Engine {
  readonly #pool: Pool;
  readonly #readOnly: boolean;
  readonly #history: History;
  readonly #documents: Documents;
  readonly #batches: Batches;
  readonly #reads = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  constructor(pool: Pool, history: History, readOnly: boolean) {
    this.#pool = pool;
    this.#readOnly = readOnly;
    this.#history = history;
    this.#documents = new Documents(pool);
    this.#batches = new Batches(pool);
  }

  async load(): Promise<readonly RepDocument[]> {
    const loaded: RepDocument[] = [];
    for (;;) {
      const after = loaded.at(-1)?.identity.rep ?? "";
      const page = await this.#rows<RepRow>(
        "SELECT * FROM lockstep.rep WHERE rep > $1 ORDER BY rep LIMIT $2",
        [toKey(after), DOCUMENTS_AT_ONCE],
      );
      loaded.push(...page.map(documentIn));
      if (page.length < DOCUMENTS_AT_ONCE) return loaded;
    }
  }

  get(rep: RepId): Promise<RepDocument | null> {
    return this.#read(() => this.#documents.get(rep));
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const result = commitResult(await this.#write(commitCall(commit)));
    if (result.ok) for (const { atMs } of commit.history) this.#history.note(atMs);
    return result;
  }

  /** The rep's document goes, and her unsettled events count as settled; her history stays until it is pruned. */
  async remove(rep: RepId): Promise<void> {
    await this.#write(removeCall(rep));
  }

  async accept(event: InboxEvent): Promise<"accepted" | "duplicate"> {
    return (await this.#write(acceptCall(event))) === 1 ? "accepted" : "duplicate";
  }

  async unsettled(): Promise<readonly InboxEvent[]> {
    const sql = "SELECT * FROM lockstep.inbox WHERE NOT settled ORDER BY arrival";
    return (await this.#rows<EventRow>(sql, [])).map(eventIn);
  }

  async settled(): Promise<readonly Omit<InboxEvent, "body">[]> {
    const sql =
      "SELECT source, id, rep, received_at_ms FROM lockstep.inbox WHERE settled ORDER BY arrival";
    return (await this.#rows<Omit<EventRow, "body">>(sql, [])).map(settledIn);
  }

  async settle(events: readonly EventKey[]): Promise<void> {
    await this.#write(settleCall(events));
  }

  async keep(record: KeptRecord): Promise<void> {
    await this.#write(keepCall(record));
  }

  async kept(kind: string): Promise<readonly KeptRecord[]> {
    const sql = "SELECT * FROM lockstep.record WHERE kind = $1 ORDER BY id";
    return (await this.#rows<RecordRow>(sql, [toKey(kind)])).map(recordIn);
  }

  async kinds(): Promise<readonly string[]> {
    const sql = "SELECT DISTINCT kind FROM lockstep.record ORDER BY kind";
    return (await this.#rows<{ kind: string }>(sql, [])).map(({ kind }) => fromKey(kind));
  }

  async forget(kind: string, id: string): Promise<boolean> {
    return (await this.#write(forgetCall(kind, id))) === 1;
  }

  async history(query: HistoryQuery): ReturnType<Engine["history"]> {
    return this.#read(() => this.#history.read(query));
  }

  async lease(name: string, holder: string, ttlMs: number): Promise<Fence | null> {
    const fence = await this.#write(leaseCall(name, holder, ttlMs));
    return fence > 0 ? { name, fence } : null;
  }

  async release(name: string, holder: string): Promise<void> {
    await this.#write(releaseCall(name, holder));
  }

  async leases(): Promise<readonly HeldLease[]> {
    const sql =
      "SELECT name, holder FROM lockstep.lease WHERE until > clock_timestamp() ORDER BY name";
    const rows = await this.#rows<HeldLease>(sql, []);
    return rows.map(({ name, holder }) => ({ name: fromKey(name), holder: fromKey(holder) }));
  }

  /** Whole days go as tables, the rest in small transactions. */
  async prune(beforeMs: number): Promise<void> {
    if (this.#closing) throw engineClosed();
    if (this.#readOnly) throw engineReadOnly();
    await this.#read(async () => {
      await this.#history.makeDays();
      await this.#history.dropDays(beforeMs);
      await prune(this.#pool, beforeMs);
    });
  }

  /** Calls made before this one are still carried out; closing twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#batches.close(), Promise.allSettled(this.#reads)]);
    await this.#history.idle();
    const { promise: grace, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_GRACE_MS);
    await Promise.race([this.#pool.end(), grace]);
    clearTimeout(timer);
  }

  #rows<Row extends QueryResultRow>(sql: string, values: unknown[]): Promise<readonly Row[]> {
    return this.#read(async () => (await this.#pool.query<Row>(sql, values)).rows);
  }

  async #read<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closing) throw engineClosed();
    const reading = work();
    this.#reads.add(reading);
    try {
      return await reading;
    } catch (error) {
      throw engineFailure(error);
    } finally {
      this.#reads.delete(reading);
    }
  }

  async #write(call: Call): Promise<number> {
    if (this.#closing) throw engineClosed();
    if (this.#readOnly) throw engineReadOnly();
    return this.#batches.run(call);
  }
}
