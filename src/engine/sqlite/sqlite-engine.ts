import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
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
import { openDatabase } from "./database.ts";
import type { SqliteOptions } from "./database.ts";
import { Documents } from "./documents.ts";
import { engineClosed, engineReadOnly } from "../refusal.ts";
import { engineFailure } from "./failure.ts";
import { GroupCommit, type Writer } from "./group-commit.ts";
import { History } from "./history.ts";
import type { HistoryQuery } from "./history.ts";
import { type EventKey, eventKey, eventWrite, Inbox } from "./inbox.ts";
import { Leases, leaseWrite } from "./leases.ts";
import { Records, recordWrite } from "./records.ts";
import { type Answer, Transactions } from "./transactions.ts";
import { commitWrite, type Writes } from "./writes.ts";
import { openWritingThread } from "./writing-thread.ts";

/** So many rows are handled before somebody else gets a turn: some milliseconds' worth. */
const ROWS_PER_TURN = 500;

/**
 * The embedded engine: one file, nothing to install. Opening creates and migrates the file, and refuses one
 * that is damaged, newer, or not ours.
 */
export async function openSqliteEngine(options: SqliteOptions): Promise<Engine> {
  const { inThread, path, readOnly } = options;
  if (inThread && !readOnly && path !== ":memory:") return openBesideThread(options);
  const db = openDatabase(options);
  return new SqliteEngine(db, readOnly ? null : writeWith(db), options);
}

/** The thread makes the file what it should be; then it can be read here. */
async function openBesideThread(options: SqliteOptions): Promise<Engine> {
  const writer = await openWritingThread(options);
  try {
    const db = openDatabase({ path: options.path, readOnly: true });
    return new SqliteEngine(db, writer, options);
  } catch (error) {
    await writer.close();
    throw error;
  }
}

/** In the thread that reads, by the connection that reads: it is closed with it. */
function writeWith(db: DatabaseSync): Writer {
  const transactions = new Transactions(db);
  return {
    write: async (batch) => transactions.run(batch),
    close: async () => undefined,
  };
}

/**
 * Reads see what is committed, and wait for nobody. Writes of one event-loop turn share a transaction
 * (group-commit.ts).
 */
class SqliteEngine implements Engine {
  readonly #db: DatabaseSync;
  readonly #documents: Documents;
  readonly #inbox: Inbox;
  readonly #history: History;
  readonly #records: Records;
  readonly #leases: Leases;
  readonly #writer: Writer | null;
  readonly #group: GroupCommit | null;
  #closing: Promise<void> | null = null;

  /** Without a writer it only reads. */
  constructor(db: DatabaseSync, writer: Writer | null, { patienceMs = 0 }: SqliteOptions) {
    this.#db = db;
    this.#documents = new Documents(db);
    this.#inbox = new Inbox(db);
    this.#history = new History(db);
    this.#records = new Records(db);
    this.#leases = new Leases(db);
    this.#writer = writer;
    this.#group = writer && new GroupCommit(writer, patienceMs);
  }

  async load(): Promise<readonly RepDocument[]> {
    const loaded: RepDocument[] = [];
    for (;;) {
      const after = loaded.at(-1)?.identity.rep ?? "";
      const page = this.#read(() => this.#documents.page(after, ROWS_PER_TURN));
      loaded.push(...page);
      if (page.length < ROWS_PER_TURN) return loaded;
      await nextTurn();
    }
  }

  async get(rep: RepId): Promise<RepDocument | null> {
    return this.#read(() => this.#documents.get(rep));
  }

  async commit(commit: Commit): Promise<CommitResult> {
    return this.#write("commit", commitWrite(commit), commit.patient);
  }

  /** The rep's document goes, and her unsettled events count as settled; her history stays until it is pruned. */
  async remove(rep: RepId): Promise<void> {
    await this.#write("remove", rep);
  }

  async accept(event: InboxEvent): Promise<"accepted" | "duplicate"> {
    return this.#write("accept", eventWrite(event));
  }

  async unsettled(): Promise<readonly InboxEvent[]> {
    return this.#read(() => this.#inbox.unsettled());
  }

  async settled(): Promise<readonly Omit<InboxEvent, "body">[]> {
    return this.#read(() => this.#inbox.settled());
  }

  async settle(events: readonly EventKey[]): Promise<void> {
    await this.#write("settle", events.map(eventKey));
  }

  async keep(record: KeptRecord): Promise<void> {
    await this.#write("keep", recordWrite(record));
  }

  async kept(kind: string): Promise<readonly KeptRecord[]> {
    return this.#read(() => this.#records.ofKind(kind));
  }

  async kinds(): Promise<readonly string[]> {
    return this.#read(() => this.#records.kinds());
  }

  async forget(kind: string, id: string): Promise<boolean> {
    return this.#write("forget", { kind, id });
  }

  async history(query: HistoryQuery): ReturnType<Engine["history"]> {
    return this.#read(() => this.#history.read(query));
  }

  async lease(name: string, holder: string, ttlMs: number): Promise<Fence | null> {
    return this.#write("lease", leaseWrite(name, holder, ttlMs));
  }

  async release(name: string, holder: string): Promise<void> {
    await this.#write("release", { name, holder });
  }

  async leases(): Promise<readonly HeldLease[]> {
    return this.#read(() => this.#leases.held());
  }

  /** In small transactions with turns between them, so that a large backlog stops nobody. */
  async prune(beforeMs: number): Promise<void> {
    while ((await this.#write("prune", { beforeMs, limit: ROWS_PER_TURN })) > 0);
  }

  /** Calls made before this one are still carried out; closing twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#group?.close();
    this.#db.close();
    // Who closes the file last brings its log over, and a reader could not.
    await this.#writer?.close();
  }

  #read<Result>(work: () => Result): Result {
    if (this.#closing) throw engineClosed();
    try {
      return work();
    } catch (error) {
      throw engineFailure(error);
    }
  }

  async #write<Name extends keyof Writes>(
    name: Name,
    write: Parameters<Writes[Name]>[0],
    patient = false,
  ): Promise<Answer<Name>> {
    if (this.#closing) throw engineClosed();
    if (!this.#group) throw engineReadOnly();
    return this.#group.run(name, write, patient);
  }
}
