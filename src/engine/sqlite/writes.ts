import type { DatabaseSync } from "node:sqlite";
import type { Commit, CommitResult, Fence } from "../engine.ts";
import { Documents, documentWrite, type DocumentWrite } from "./documents.ts";
import { History, historyWrite, type HistoryWrite } from "./history.ts";
import { type EventKey, eventKey, type EventWrite, Inbox } from "./inbox.ts";
import { type Holding, Leases, type LeaseWrite } from "./leases.ts";
import { Records, type RecordKey, type RecordWrite } from "./records.ts";

export type CommitWrite = {
  readonly fence: Fence | null;
  readonly document: DocumentWrite;
  readonly entries: readonly HistoryWrite[];
  readonly settles: readonly EventKey[];
};

export function commitWrite({ document, fence, history, settles }: Commit): CommitWrite {
  return {
    fence: fence ?? null,
    document: documentWrite(document),
    entries: history.map(historyWrite),
    settles: settles.map(eventKey),
  };
}

/** All that changes the store, inside a transaction that the caller holds. What is given and answered is data alone. */
export type Writes = {
  commit(write: CommitWrite): CommitResult;
  remove(rep: string): void;
  accept(event: EventWrite): "accepted" | "duplicate";
  settle(events: readonly EventKey[]): void;
  keep(record: RecordWrite): void;
  forget(key: RecordKey): boolean;
  lease(write: LeaseWrite): Fence | null;
  release(holding: Holding): void;
  /** Forgets at most `limit` of each; how many it was. */
  prune(what: { readonly beforeMs: number; readonly limit: number }): number;
};

export function createWrites(db: DatabaseSync): Writes {
  const documents = new Documents(db);
  const history = new History(db);
  const inbox = new Inbox(db);
  const leases = new Leases(db);
  const records = new Records(db);
  return {
    commit: ({ document, entries, fence, settles }) => {
      if (fence && !leases.isValid(fence)) return { ok: false, reason: "fenced" };
      const result = documents.put(document);
      if (!result.ok) return result;
      const [position] = entries.map((entry) => history.append(entry));
      for (const key of settles) inbox.settle(key);
      return position === undefined ? result : { ...result, position };
    },
    remove: (rep) => {
      documents.remove(rep);
      inbox.settleAllOf(rep);
    },
    accept: (event) => inbox.accept(event),
    settle: (events) => {
      for (const key of events) inbox.settle(key);
    },
    keep: (record) => records.put(record),
    forget: (key) => records.remove(key),
    lease: (write) => leases.take(write),
    release: (holding) => leases.release(holding),
    prune: ({ beforeMs, limit }) =>
      history.prune(beforeMs, limit) +
      inbox.prune(beforeMs, limit) +
      records.prune(beforeMs, limit),
  };
}
