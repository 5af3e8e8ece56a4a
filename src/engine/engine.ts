import type { RepId, RepIdentity } from "../presence/identity.ts";
import type { Cause, Rep } from "../reconcile/rep.ts";

/** A rep as stored: who she is, what is known, and a generation that rises with every commit. */
export type RepDocument = {
  readonly identity: RepIdentity;
  readonly rep: Rep;
  /** 0 for a document that was never stored. */
  readonly generation: number;
};

type HistoryKind = "reading" | "intent" | "write" | "answer" | "held" | "event";

/** One thing that happened to a rep, with its cause. `says` is the sentence that every surface shows. */
export type HistoryEntry = {
  readonly rep: RepId;
  readonly atMs: number;
  readonly kind: HistoryKind;
  readonly says: string;
  readonly cause: Cause | null;
  /** Machine-readable detail: classification, system, class written; small and free of names. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
};
export type StoredHistoryEntry = HistoryEntry & { readonly position: number };

/** Something that cannot be read back later (a partner's event, a command): durable before its 2xx. */
export type InboxEvent = {
  /** The sender's idempotency key, unique per source. */
  readonly id: string;
  readonly source: string;
  readonly rep: RepId;
  readonly receivedAtMs: number;
  /** JSON, decoded and validated before it came here. */
  readonly body: unknown;
};

/** Something small that must survive, beside the reps: a subscription, a conversation. Kind and id are its key. */
export type KeptRecord = {
  readonly kind: string;
  readonly id: string;
  /** JSON. */
  readonly body: unknown;
  /** Epoch milliseconds after which nobody misses it; `null`: it stays until it is forgotten. */
  readonly expiresAtMs: number | null;
};

/**
 * Proof of a right that one instance has at a time (`Engine.lease`). `fence` rises each time that somebody else
 * gets it, so that who lost it without noticing, because it hung or was cut off, is known by its lower number.
 */
export type Fence = { readonly name: string; readonly fence: number };

/** A right that somebody has now. */
export type HeldLease = { readonly name: string; readonly holder: string };

/** All or nothing: the document, the history it makes, and the inbox events it settles. */
export type Commit = {
  /** The commit is refused if somebody else has had this right since. */
  readonly fence?: Fence;
  readonly document: RepDocument;
  /**
   * What it makes, in order. `position` is for copying a store, whose readers remember where they were: of all
   * entries of a commit or of none, and above every earlier one.
   */
  readonly history: readonly (HistoryEntry & { readonly position?: number })[];
  readonly settles: readonly Pick<InboxEvent, "id" | "source">[];
  /** Nothing is held up by it: it may wait some milliseconds for others, to share their disk flush. */
  readonly patient?: boolean;
};

export type CommitResult =
  | {
      readonly ok: true;
      readonly generation: number;
      /** That of the first entry of its history; the others follow it, if none was given. Absent where a store does not tell. */
      readonly position?: number;
    }
  /** Somebody else committed in between: load again. */
  | { readonly ok: false; readonly reason: "conflict" }
  /** The right that the commit named is somebody else's now. */
  | { readonly ok: false; readonly reason: "fenced" };

/**
 * The port to everything durable. One contract suite (test/engine/contract.ts) runs on every implementation.
 *
 * - `commit` stores a document if its `generation` is the stored one (compare-and-set), and resolves only when
 *   all of the commit would survive the machine losing power. Concurrent commits may share one disk flush.
 * - `accept` is idempotent by source and id: `duplicate` means that the first one is safe already.
 * - Nothing committed is ever seen half. After `close`, every call rejects.
 */
export type Engine = {
  load(): Promise<readonly RepDocument[]>;
  get(rep: RepId): Promise<RepDocument | null>;
  commit(commit: Commit): Promise<CommitResult>;
  remove(rep: RepId): Promise<void>;
  accept(event: InboxEvent): Promise<"accepted" | "duplicate">;
  /** Accepted and not yet settled, oldest first. */
  unsettled(): Promise<readonly InboxEvent[]>;
  /** What is remembered of events that were settled and not pruned, in the order in which they were accepted. */
  settled(): Promise<readonly Omit<InboxEvent, "body">[]>;
  /** Gives up on accepted events that no commit will ever settle; their ids are remembered like any other. */
  settle(events: readonly Pick<InboxEvent, "id" | "source">[]): Promise<void>;
  /** Oldest first. `after` is a position; `rep` narrows. At most `limit` (1 to 1 000). */
  history(query: {
    readonly rep?: RepId;
    readonly after?: number;
    readonly sinceMs?: number;
    readonly limit: number;
  }): Promise<readonly StoredHistoryEntry[]>;
  /** Durable when it resolves; replaces the record of the same kind and id. */
  keep(record: KeptRecord): Promise<void>;
  /** All records of a kind in the order of their ids; those past their end too, until they are pruned. */
  kept(kind: string): Promise<readonly KeptRecord[]>;
  /** The kinds of which there are records, in order. */
  kinds(): Promise<readonly string[]>;
  /** Resolves to whether there was one. */
  forget(kind: string, id: string): Promise<boolean>;
  /**
   * Gets or renews a right for `ttlMs` from now, by the store's clock; `null` while another holder has it. The
   * holder's name must be its own, also after a restart. Nothing is committed between a right's passing on and
   * the last commit that its earlier holder could make.
   */
  lease(name: string, holder: string, ttlMs: number): Promise<Fence | null>;
  /** Gives a right up, if `holder` has it. */
  release(name: string, holder: string): Promise<void>;
  /** The rights that are held now, by name. */
  leases(): Promise<readonly HeldLease[]>;
  /** Forgets history, ids of settled events, and records past their end, older than this. */
  prune(beforeMs: number): Promise<void>;
  close(): Promise<void>;
};

/** The same engine, but for what is replaced in it. */
export function engineWith(engine: Engine, replaced: Partial<Engine>): Engine {
  return {
    load: () => engine.load(),
    get: (rep) => engine.get(rep),
    commit: (commit) => engine.commit(commit),
    remove: (rep) => engine.remove(rep),
    accept: (event) => engine.accept(event),
    unsettled: () => engine.unsettled(),
    settled: () => engine.settled(),
    settle: (events) => engine.settle(events),
    history: (query) => engine.history(query),
    keep: (record) => engine.keep(record),
    kept: (kind) => engine.kept(kind),
    kinds: () => engine.kinds(),
    forget: (kind, id) => engine.forget(kind, id),
    lease: (name, holder, ttlMs) => engine.lease(name, holder, ttlMs),
    release: (name, holder) => engine.release(name, holder),
    leases: () => engine.leases(),
    prune: (beforeMs) => engine.prune(beforeMs),
    close: () => engine.close(),
    ...replaced,
  };
}
