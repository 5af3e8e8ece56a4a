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
import { documentWrite, Documents } from "./documents.ts";
import { engineClosed, engineReadOnly } from "../refusal.ts";
import { engineFailure } from "./failure.ts";
import { GroupCommit } from "./group-commit.ts";
import { History, historyWrite } from "./history.ts";
import type { HistoryQuery } from "./history.ts";
import { type EventKey, eventWrite, Inbox } from "./inbox.ts";
import { Leases, leaseWrite } from "./leases.ts";
import { Records, recordWrite } from "./records.ts";

/** So many rows are handled before the event loop gets a turn: some milliseconds' worth. */
const ROWS_PER_TURN = 500;

/**
 * The embedded engine: one file, nothing to install. Opening creates and migrates the file, and refuses one
 * that is damaged, newer, or not ours.
 */
export async function openSqliteEngine(options: SqliteOptions): Promise<Engine> {
  return new SqliteEngine(openDatabase(options), options);
}

/** Reads see what is committed. Writes of one event-loop turn share a transaction (group-commit.ts). */
class SqliteEngine implements Engine {
  readonly #db: DatabaseSync;
  readonly #readOnly: boolean;
  readonly #documents: Documents;
  readonly #inbox: Inbox;
  readonly #history: History;
  readonly #records: Records;
  readonly #leases: Leases;
  readonly #group: GroupCommit;
  #closed = false;

  constructor(db: DatabaseSync, { readOnly = false, patienceMs = 0 }: SqliteOptions) {
    this.#db = db;
    this.#readOnly = readOnly;
    this.#documents = new Documents(db);
    this.#inbox = new Inbox(db);
    this.#history = new History(db);
    this.#records = new Records(db);
    this.#leases = new Leases(db);
    this.#group = new GroupCommit(db, patienceMs);
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
    const document = documentWrite(commit.document);
    const entries = commit.history.map(historyWrite);
    const settles = [...commit.settles];
    const { fence, patient = false } = commit;
    return this.#write(() => {
      if (fence && !this.#leases.isValid(fence)) return { ok: false, reason: "fenced" };
      const result = this.#documents.put(document);
      if (!result.ok) return result;
      for (const entry of entries) this.#history.append(entry);
      for (const key of settles) this.#inbox.settle(key);
      return result;
    }, patient);
  }

  /** The rep's document goes, and her unsettled events count as settled; her history stays until it is pruned. */
  async remove(rep: RepId): Promise<void> {
    await this.#write(() => {
      this.#documents.remove(rep);
      this.#inbox.settleAllOf(rep);
    });
  }

  async accept(event: InboxEvent): Promise<"accepted" | "duplicate"> {
    const write = eventWrite(event);
    return this.#write(() => this.#inbox.accept(write));
  }

  async unsettled(): Promise<readonly InboxEvent[]> {
    return this.#read(() => this.#inbox.unsettled());
  }

  async settled(): Promise<readonly Omit<InboxEvent, "body">[]> {
    return this.#read(() => this.#inbox.settled());
  }

  async settle(events: readonly EventKey[]): Promise<void> {
    const settles = [...events];
    await this.#write(() => {
      for (const key of settles) this.#inbox.settle(key);
    });
  }

  async keep(record: KeptRecord): Promise<void> {
    const write = recordWrite(record);
    await this.#write(() => this.#records.put(write));
  }

  async kept(kind: string): Promise<readonly KeptRecord[]> {
    return this.#read(() => this.#records.ofKind(kind));
  }

  async kinds(): Promise<readonly string[]> {
    return this.#read(() => this.#records.kinds());
  }

  async forget(kind: string, id: string): Promise<boolean> {
    return this.#write(() => this.#records.remove(kind, id));
  }

  async history(query: HistoryQuery): ReturnType<Engine["history"]> {
    return this.#read(() => this.#history.read(query));
  }

  async lease(name: string, holder: string, ttlMs: number): Promise<Fence | null> {
    const write = leaseWrite(name, holder, ttlMs);
    return this.#write(() => this.#leases.take(write));
  }

  async release(name: string, holder: string): Promise<void> {
    await this.#write(() => this.#leases.release(name, holder));
  }

  async leases(): Promise<readonly HeldLease[]> {
    return this.#read(() => this.#leases.held());
  }

  /** In small transactions with turns between them, so that a large backlog stops nobody. */
  async prune(beforeMs: number): Promise<void> {
    const forgetSome = () =>
      this.#history.prune(beforeMs, ROWS_PER_TURN) +
      this.#inbox.prune(beforeMs, ROWS_PER_TURN) +
      this.#records.prune(beforeMs, ROWS_PER_TURN);
    while ((await this.#write(forgetSome)) > 0);
  }

  /** Calls made before this one are still carried out; closing twice is harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#group.close();
    this.#db.close();
  }

  #read<Result>(work: () => Result): Result {
    if (this.#closed) throw engineClosed();
    try {
      return work();
    } catch (error) {
      throw engineFailure(error);
    }
  }

  async #write<Result>(work: () => Result, patient = false): Promise<Result> {
    if (this.#closed) throw engineClosed();
    if (this.#readOnly) throw engineReadOnly();
    return this.#group.run(work, patient);
  }
}
