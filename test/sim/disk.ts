import type {
  Commit,
  CommitResult,
  Engine,
  Fence,
  HeldLease,
  InboxEvent,
  KeptRecord,
  RepDocument,
  StoredHistoryEntry,
} from "../../src/engine/engine.ts";
import { EngineError } from "../../src/engine/engine-error.ts";
import type { RepId } from "../../src/presence/identity.ts";
import { Rights } from "./rights.ts";

type Keyed = Pick<InboxEvent, "id" | "source">;
type Inboxed = { readonly event: InboxEvent; settled: boolean; removed: boolean };

/**
 * What is on the platter: what survives a crash. Everything in it is applied whole or not at all. Engines (one for
 * each process that opens it) decide when; see `VolatileEngine`.
 */
export class Platter {
  readonly documents = new Map<RepId, RepDocument>();
  readonly inbox = new Map<string, Inboxed>();
  readonly history: StoredHistoryEntry[] = [];
  readonly rights = new Rights();
  /** Told of every commit that became durable. */
  onCommit: (before: RepDocument | null, after: RepDocument, commit: Commit) => void = () => {};
  onRemove: (rep: RepId) => void = () => {};
  readonly #records = new Map<string, KeptRecord>();
  /** A generation is never given twice, not even to somebody who was removed and came back. */
  readonly #generations = new Map<RepId, number>();
  #positions = 0;

  commit(commit: Commit): CommitResult {
    const { document, fence, history, settles } = commit;
    if (fence && !this.rights.isValid(fence)) return { ok: false, reason: "fenced" };
    const { rep } = document.identity;
    const stored = this.documents.get(rep);
    if ((stored?.generation ?? 0) !== document.generation) return { ok: false, reason: "conflict" };
    this.#refuseTaken(document);
    const generation = (this.#generations.get(rep) ?? 0) + 1;
    this.#generations.set(rep, generation);
    const after = { ...document, generation };
    this.documents.set(rep, after);
    for (const entry of history) {
      this.#positions = entry.position ?? this.#positions + 1;
      this.history.push({ ...entry, position: this.#positions });
    }
    this.settle(settles);
    this.onCommit(stored ?? null, after, commit);
    return { ok: true, generation };
  }

  remove(rep: RepId): void {
    this.documents.delete(rep);
    for (const inboxed of this.inbox.values()) {
      if (inboxed.event.rep === rep && !inboxed.settled) inboxed.removed = inboxed.settled = true;
    }
    this.onRemove(rep);
  }

  accept(event: InboxEvent): "accepted" | "duplicate" {
    const key = keyOf(event);
    if (this.inbox.has(key)) return "duplicate";
    this.inbox.set(key, { event, settled: false, removed: false });
    return "accepted";
  }

  settle(events: readonly Keyed[]): void {
    for (const event of events) {
      const inboxed = this.inbox.get(keyOf(event));
      if (inboxed) inboxed.settled = true;
    }
  }

  unsettled(): readonly InboxEvent[] {
    return [...this.inbox.values()].filter(({ settled }) => !settled).map(({ event }) => event);
  }

  settled(): readonly Omit<InboxEvent, "body">[] {
    return [...this.inbox.values()]
      .filter(({ settled }) => settled)
      .map(({ event: { id, source, rep, receivedAtMs } }) => ({ id, source, rep, receivedAtMs }));
  }

  keep(record: KeptRecord): void {
    this.#records.set(`${record.kind}\0${record.id}`, record);
  }

  kept(kind: string): readonly KeptRecord[] {
    const found = [...this.#records.values()].filter((record) => record.kind === kind);
    return found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  kinds(): readonly string[] {
    return [...new Set([...this.#records.values()].map(({ kind }) => kind))].toSorted();
  }

  forget(kind: string, id: string): boolean {
    return this.#records.delete(`${kind}\0${id}`);
  }

  prune(beforeMs: number): void {
    const young = this.history.filter(({ atMs }) => atMs >= beforeMs);
    this.history.splice(0, this.history.length, ...young);
    for (const [key, { event, settled }] of this.inbox) {
      if (settled && event.receivedAtMs < beforeMs) this.inbox.delete(key);
    }
    for (const [key, { expiresAtMs }] of this.#records) {
      if (expiresAtMs !== null && expiresAtMs < beforeMs) this.#records.delete(key);
    }
  }

  #refuseTaken({ identity }: RepDocument): void {
    for (const { identity: other } of this.documents.values()) {
      if (other.rep === identity.rep) continue;
      const sameTeams = other.teamsUserId === identity.teamsUserId;
      if (sameTeams || other.systemUserId === identity.systemUserId) {
        throw refused("engine-identity-taken", "One account belongs to one rep.");
      }
    }
  }
}

/** What an event is known by: its sender and the sender's id. */
export const keyOf = ({ source, id }: Keyed): string => JSON.stringify([source, id]);

function refused(code: string, nextStep: string): EngineError {
  return new EngineError({ code, retry: "rejected", nextStep });
}

/** How the disk behaves at one flush. `unsure`: it is written, and the system says that it is not. */
export type Flush = "well" | "refuses" | "unsure";

export type DiskOptions = {
  /** How long the next flush takes, and the next look. */
  readonly flushMs: () => number;
  readonly readMs: () => number;
  /** `accepts`: events of partners are among what waits. */
  readonly flush: (accepts: boolean) => Flush;
  readonly after: (delayMs: number, fire: () => void) => void;
  /** The clock of the store, which all who open it share. */
  readonly nowMs: () => number;
  /** Between the platter and the answer: a process may die here, and then hears nothing. */
  readonly written: () => void;
  /** Whether anybody still listens. */
  readonly isAlive: () => boolean;
};

/**
 * An engine whose writes wait in memory for the next flush. What was not flushed when its process dies never
 * happened; what was flushed did, whether or not the process heard of it.
 */
export class VolatileEngine implements Engine {
  readonly #platter: Platter;
  readonly #options: DiskOptions;
  #waiting: ((how: Flush) => () => void)[] = [];
  #closed = false;
  #accepts = false;

  constructor(platter: Platter, options: DiskOptions) {
    this.#platter = platter;
    this.#options = options;
  }

  load = (): Promise<readonly RepDocument[]> =>
    this.#read(() => [...this.#platter.documents.values()].map(asText));
  get = (rep: RepId): Promise<RepDocument | null> => {
    return this.#read(() => {
      const document = this.#platter.documents.get(rep);
      return document ? asText(document) : null;
    });
  };
  unsettled = (): Promise<readonly InboxEvent[]> => this.#read(() => this.#platter.unsettled());
  settled: Engine["settled"] = () => this.#read(() => this.#platter.settled());
  kinds = (): Promise<readonly string[]> => this.#read(() => this.#platter.kinds());
  kept = (kind: string): Promise<readonly KeptRecord[]> =>
    this.#read(() => this.#platter.kept(kind));
  history: Engine["history"] = ({ rep, after = 0, sinceMs, limit }) =>
    this.#read(() => {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
        throw refused("engine-limit", "Ask for 1 to 1 000 entries.");
      }
      const found = this.#platter.history.filter(
        (entry) =>
          entry.position > after &&
          (rep === undefined || entry.rep === rep) &&
          (sinceMs === undefined || entry.atMs >= sinceMs),
      );
      return found.slice(0, limit);
    });

  commit = (commit: Commit): Promise<CommitResult> => {
    const storable = commit.history.every(({ atMs }) => Number.isFinite(atMs));
    return this.#write(() => this.#platter.commit(commit), storable);
  };
  remove = (rep: RepId): Promise<void> => this.#write(() => this.#platter.remove(rep));
  accept = (event: InboxEvent): Promise<"accepted" | "duplicate"> => {
    this.#accepts = true;
    return this.#write(() => this.#platter.accept(event), isStorable(event));
  };
  settle = (events: readonly Keyed[]): Promise<void> =>
    this.#write(() => this.#platter.settle(events));
  keep = (record: KeptRecord): Promise<void> =>
    this.#write(() => this.#platter.keep(record), isStorable({ ...record, source: record.kind }));
  forget = (kind: string, id: string): Promise<boolean> =>
    this.#write(() => this.#platter.forget(kind, id));
  lease = (name: string, holder: string, ttlMs: number): Promise<Fence | null> => {
    const storable = Number.isFinite(ttlMs) && name.isWellFormed() && holder.isWellFormed();
    const take = (): Fence | null =>
      this.#platter.rights.take(name, holder, ttlMs, this.#options.nowMs());
    return this.#write(take, storable);
  };
  release = (name: string, holder: string): Promise<void> =>
    this.#write(() => this.#platter.rights.release(name, holder));
  leases = (): Promise<readonly HeldLease[]> =>
    this.#read(() => this.#platter.rights.held(this.#options.nowMs()));
  prune = (beforeMs: number): Promise<void> => this.#write(() => this.#platter.prune(beforeMs));

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #read<Value>(look: () => Value): Promise<Value> {
    if (this.#closed) throw refused("engine-closed", "Open it again.");
    await new Promise<void>((resolve) => {
      this.#options.after(this.#options.readMs(), resolve);
    });
    return look();
  }

  #write<Value>(apply: () => Value, storable = true): Promise<Value> {
    if (this.#closed) return Promise.reject(refused("engine-closed", "Open it again."));
    if (!storable) return Promise.reject(refused("engine-unstorable", "Send what JSON can hold."));
    return new Promise((resolve, reject) => {
      const flushed = (how: Flush): (() => void) => {
        if (how === "refuses") return () => reject(unavailable());
        try {
          const value = apply();
          return how === "unsure" ? () => reject(unavailable()) : () => resolve(value);
        } catch (error) {
          return () => reject(error);
        }
      };
      if (this.#waiting.push(flushed) > 1) return;
      this.#options.after(this.#options.flushMs(), () => this.#flush());
    });
  }

  #flush(): void {
    if (!this.#options.isAlive()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const how = this.#options.flush(this.#accepts);
    this.#accepts = false;
    const answers = waiting.map((flushed) => flushed(how));
    this.#options.written();
    if (!this.#options.isAlive()) return;
    for (const answer of answers) answer();
  }
}

function unavailable(): EngineError {
  const nextStep = "Make room on the disk, or mend it.";
  return new EngineError({ code: "engine-full", retry: "unavailable", nextStep });
}

/** What comes back from a disk is text that was parsed, not the object that was written. */
function asText(document: RepDocument): RepDocument {
  return JSON.parse(JSON.stringify(document)) as RepDocument;
}

function isStorable({ id, source, body }: Keyed & { readonly body: unknown }): boolean {
  if (!id.isWellFormed() || !source.isWellFormed()) return false;
  try {
    return (JSON.stringify(body) as string | undefined) !== undefined;
  } catch {
    return false;
  }
}
