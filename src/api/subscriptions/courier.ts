import type { Clock } from "../../controller/clock.ts";
import type { Engine, StoredHistoryEntry } from "../../engine/engine.ts";
import { cloudEventOf } from "../feed/cloud-event.ts";
import type { Feed } from "../feed/feed.ts";
import type { Attempt, Sender } from "./sender.ts";
import {
  attempted,
  MAX_WAITING,
  readSubscription,
  type Subscription,
  SUBSCRIPTION_RECORD,
  taken,
} from "./subscription.ts";

export type CourierOptions = {
  readonly engine: Pick<Engine, "keep" | "kept" | "forget">;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly sender: Sender;
  readonly source: string;
  readonly random: () => number;
  /** Finds out what `wants` needs to know. Until it resolves, nothing is taken from the history, and nothing is lost. */
  readonly prepare: (subscription: Subscription) => Promise<void>;
  readonly wants: (subscription: Subscription, entry: StoredHistoryEntry) => boolean;
  /** Whether the subscription's integration may have the entry now. */
  readonly mayHave: (subscription: Subscription, entry: StoredHistoryEntry) => boolean;
  readonly onDisabled: (subscription: Subscription) => void;
  readonly onFault: (error: unknown) => void;
};

/** One subscription at work. */
type Round = {
  state: Subscription;
  /** The position that is kept. */
  keptAt: number;
  readonly flying: Map<number, string>;
  readonly entries: Map<number, StoredHistoryEntry>;
  pumping: boolean;
  again: boolean;
  saving: Promise<void> | null;
  dirty: boolean;
  cancel: () => void;
};

const MAX_FLYING = 8;
const PAGE = 100;
/** Of what was looked at and not wanted, so many entries may be looked at again after a crash. */
const KEEP_EVERY = 1_000;
const WATCH_MS = 60_000;
const RETRY_MS = 5_000;

/**
 * Tells each subscriber what it wants to know, from the history and at its own pace: messages about one rep one
 * after the other, those about several side by side. How far it came is kept behind the deliveries, never before
 * them, so a crash repeats a message, with the same id, rather than lose one. It is kept where nothing was wanted, too:
 * whoever looks again may find that somebody works in another queue now, and would tell what was not meant.
 */
export class Courier {
  readonly #options: CourierOptions;
  readonly #rounds = new Map<string, Round>();
  readonly #storing = new Set<Subscription>();
  readonly #stopping = new AbortController();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    for (const { body } of await this.#options.engine.kept(SUBSCRIPTION_RECORD)) {
      const state = readSubscription(body);
      if (state) this.#begin(state);
    }
    void this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { cancel } of this.#rounds.values()) cancel();
    await this.#options.sender.close();
    for (const round of this.#rounds.values()) {
      if (round.state.position > round.keptAt) this.#save(round);
    }
    for (const { saving } of this.#rounds.values()) await saving;
  }

  of(integration: string): readonly Subscription[] {
    const all = [...this.#rounds.values()].map(({ state }) => state);
    return all.filter((state) => state.integration === integration);
  }

  /** With those that are being stored, which nobody can read yet. */
  countOf(integration: string): number {
    const storing = [...this.#storing].filter(({ id }) => !this.#rounds.has(id));
    const mine = storing.filter((state) => state.integration === integration);
    return this.of(integration).length + mine.length;
  }

  /** Durable when it resolves. */
  async put(state: Subscription): Promise<void> {
    this.#storing.add(state);
    try {
      await this.#put(state);
    } finally {
      this.#storing.delete(state);
    }
  }

  async #put(state: Subscription): Promise<void> {
    const { engine } = this.#options;
    const old = this.#rounds.get(state.id);
    // From here on the old round saves nothing any more.
    this.#rounds.delete(state.id);
    old?.cancel();
    await old?.saving;
    try {
      await engine.keep({
        kind: SUBSCRIPTION_RECORD,
        id: state.id,
        body: state,
        expiresAtMs: null,
      });
    } catch (error) {
      if (old) this.#begin(old.state);
      throw error;
    }
    this.#begin(state);
  }

  async remove(id: string): Promise<void> {
    const round = this.#rounds.get(id);
    this.#rounds.delete(id);
    round?.cancel();
    await round?.saving;
    try {
      await this.#options.engine.forget(SUBSCRIPTION_RECORD, id);
    } catch (error) {
      // A restart would bring it back, so it is still there now, and can be taken back again.
      if (round) this.#begin(round.state);
      throw error;
    }
  }

  #begin(state: Subscription): void {
    const round: Round = {
      state,
      keptAt: state.position,
      flying: new Map(),
      entries: new Map(),
      pumping: false,
      again: false,
      saving: null,
      dirty: false,
      cancel: () => undefined,
    };
    this.#rounds.set(state.id, round);
    void this.#pump(round);
  }

  /** Everybody looks when the history has grown. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    let seen = this.#options.feed.tail;
    while (!signal.aborted) {
      if (!(await this.#options.feed.more(seen, WATCH_MS, signal))) continue;
      seen = this.#options.feed.tail;
      for (const round of this.#rounds.values()) void this.#pump(round);
    }
  }

  #isOver(round: Round): boolean {
    const current = this.#rounds.get(round.state.id) === round;
    return this.#stopping.signal.aborted || !current || round.state.disabled !== null;
  }

  async #pump(round: Round): Promise<void> {
    round.again = true;
    if (round.pumping) return;
    round.pumping = true;
    try {
      while (round.again && !this.#isOver(round)) {
        round.again = false;
        await this.#takeMore(round);
        await this.#dispatch(round);
      }
      this.#setTimer(round);
    } catch (error) {
      this.#options.onFault(error);
      this.#later(round, RETRY_MS);
    } finally {
      round.pumping = false;
    }
  }

  async #takeMore(round: Round): Promise<void> {
    const { feed, clock, prepare, wants, mayHave } = this.#options;
    while (round.state.waiting.length < MAX_WAITING) {
      const page = await feed.read(round.state.position, PAGE);
      if (page.length === 0) return;
      await prepare(round.state);
      for (const entry of page) {
        if (round.state.waiting.length >= MAX_WAITING) break;
        const wanted = wants(round.state, entry) && mayHave(round.state, entry);
        round.state = taken(round.state, entry.position, wanted, clock.nowMs());
        if (wanted) round.entries.set(entry.position, entry);
      }
      const isFar = round.state.position - round.keptAt >= KEEP_EVERY;
      if (isFar && !this.#isOver(round)) this.#save(round);
    }
  }

  async #dispatch(round: Round): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const due = round.state.waiting
      .filter(({ dueMs, position }) => dueMs <= nowMs && !round.flying.has(position))
      .toSorted((a, b) => a.position - b.position);
    const reps = new Set(round.flying.values());
    for (const { position } of due) {
      if (round.flying.size >= MAX_FLYING) return;
      const entry = await this.#entryAt(round, position);
      if (!entry || !this.#options.mayHave(round.state, entry)) {
        this.#drop(round, position);
        continue;
      }
      if (reps.has(entry.rep)) continue;
      reps.add(entry.rep);
      round.flying.set(position, entry.rep);
      void this.#deliver(round, entry);
    }
  }

  /** The history has forgotten it, or the integration may not have it any more. */
  #drop(round: Round, position: number): void {
    const waiting = round.state.waiting.filter((one) => one.position !== position);
    round.state = { ...round.state, waiting };
  }

  async #entryAt(round: Round, position: number): Promise<StoredHistoryEntry | null> {
    const known = round.entries.get(position);
    if (known) return known;
    const [found] = await this.#options.feed.read(position - 1, 1);
    return found?.position === position ? found : null;
  }

  async #deliver(round: Round, entry: StoredHistoryEntry): Promise<void> {
    const { sender, source } = this.#options;
    const { id, url, secret } = round.state;
    const attempt = await sender.send({
      url,
      secret,
      id: `${id}_${entry.position}`,
      body: JSON.stringify(cloudEventOf(entry, source)),
    });
    round.flying.delete(entry.position);
    if (this.#stopping.signal.aborted || this.#rounds.get(id) !== round) return;
    this.#take(round, entry.position, attempt);
    await this.#pump(round);
  }

  #take(round: Round, position: number, attempt: Attempt): void {
    const { clock, random, onDisabled } = this.#options;
    const before = round.state;
    round.state = attempted(before, position, attempt, clock.nowMs(), random);
    if (attempt.status >= 200 && attempt.status < 300) round.entries.delete(position);
    if (round.state.disabled && !before.disabled) onDisabled(round.state);
    this.#save(round);
  }

  /** One save at a time; what changes meanwhile is in the next one. */
  #save(round: Round): void {
    round.dirty = true;
    round.saving ??= this.#saveAll(round).finally(() => {
      round.saving = null;
    });
  }

  async #saveAll(round: Round): Promise<void> {
    const { engine, onFault } = this.#options;
    while (round.dirty) {
      round.dirty = false;
      const { state } = round;
      const record = { kind: SUBSCRIPTION_RECORD, id: state.id, body: state, expiresAtMs: null };
      try {
        await engine.keep(record);
        round.keptAt = state.position;
      } catch (error) {
        onFault(error);
      }
    }
  }

  #setTimer(round: Round): void {
    const nowMs = this.#options.clock.nowMs();
    const next = round.state.waiting
      .filter(({ position }) => !round.flying.has(position))
      .reduce((soonest, { dueMs }) => Math.min(soonest, dueMs), Number.POSITIVE_INFINITY);
    // What is due waits for something in flight, and is looked at when that comes back.
    if (next > nowMs && next < Number.POSITIVE_INFINITY) this.#later(round, next - nowMs);
  }

  #later(round: Round, delayMs: number): void {
    round.cancel();
    if (this.#isOver(round)) return;
    round.cancel = this.#options.clock.after(delayMs, () => void this.#pump(round));
  }
}
