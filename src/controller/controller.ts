import { SystemError } from "../connectors/connector.ts";
import type { Engine, InboxEvent, RepDocument } from "../engine/engine.ts";
import { type RepId, type RepIdentity, type SystemName, systemName } from "../presence/identity.ts";
import { deliver } from "../reconcile/delivery.ts";
import { type RepEvent, takeEvent } from "../reconcile/event.ts";
import { observe } from "../reconcile/observe.ts";
import type { Plan, Write } from "../reconcile/plan.ts";
import { isReleased, setPaused } from "../reconcile/pause.ts";
import type { Policy } from "../reconcile/policy.ts";
import type { Clock } from "./clock.ts";
import { type Driven, Systems } from "./driven.ts";
import { Later } from "./later.ts";
import { isAlarming, isNews } from "./news.ts";
import { decide } from "./partial-plan.ts";
import { createDepartures, type Dated, type Departures } from "./reader.ts";
import { type FirstLook, type Pauses, Roster } from "./roster.ts";
import type { Draft, Slot } from "./slot.ts";
import { isSettled, known, patienceMs, taken, withoutAbandoned } from "./takeover.ts";
import { WorkQueue } from "./work-queue.ts";
import { Writer } from "./writer.ts";

export type ControllerOptions = {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly systems: readonly Driven[];
  readonly clock: Clock;
  /** How long a reading waits for others to share its call. */
  readonly gatherMs: number;
  /** After a write was accepted, when to look for its effect for the first time. */
  readonly confirmMs: number;
  readonly onSystemError: (error: SystemError) => void;
  readonly onFault: (rep: RepId, error: unknown) => void;
  readonly depart?: Departures;
};

/** A look that is overdue is not hurried: something else will bring what it waits for. */
const OVERDUE_MS = 1_000;
/** How often somebody who leaves is looked at again while something of ours is still there. */
const LEAVING_MS = 60_000;
/** After a read that failed, when to try again, in first retries. */
const READ_RETRY = 4;

/**
 * The one loop: observe → plan → record → apply. Everybody else only leaves a reading, an event or a hint in a
 * rep's slot and nudges her key; what is done about it is decided here, for one rep at a time, from what the
 * systems show. It would be right without any hint at all, only slower.
 *
 * A turn waits for nothing but the store. Reads, writes and the permission to write are under way while the rep
 * is not, and what comes of them is one more thing in her slot: a system that hangs or asks for silence holds
 * up neither the other systems nor the other reps.
 *
 * Invariant: a write leaves only after the document that says so is durable, and nothing is written that the
 * plan of that same document does not ask for.
 */
export class Controller {
  /** Counts one call that leaves to read: what it brings is older than what any later one brings. */
  readonly depart: Departures;
  readonly #options: ControllerOptions;
  readonly #roster: Roster;
  readonly #systems: Systems;
  readonly #queue: WorkQueue<RepId>;
  readonly #later: Later<{ readonly rep: RepId; readonly system: SystemName }>;
  readonly #writer: Writer;
  readonly #abort = new AbortController();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.depart = options.depart ?? createDepartures();
    const { clock, gatherMs, policy, onFault } = options;
    const { signal } = this.#abort;
    const connectors = new Map(
      options.systems.map(({ connector }) => [connector.system, connector]),
    );
    const reading = { clock, depart: this.depart, gatherMs, signal };
    this.#systems = new Systems(options.systems, reading, options.onSystemError);
    this.#roster = new Roster({
      systems: policy.systems.map(({ name }) => name),
      nowMs: () => clock.nowMs(),
      depart: this.depart,
      paceOf: (system) => this.#systems.paceOf(system, "write"),
      nudge: (rep, urgency) => this.#queue.add(rep, urgency),
    });
    this.#later = new Later(clock, ({ rep, system }) => this.hint(rep, system));
    this.#writer = new Writer({ connectors, signal, onFault });
    this.#queue = new WorkQueue<RepId>({
      clock,
      limits: {
        concurrency: 2_000,
        retryFirstMs: policy.retryFirstMs,
        retryMaxMs: policy.retryMaxMs,
      },
      process: (rep) => this.#reconcile(rep),
      onFailure: onFault,
    });
  }

  /** Takes over what was stored: in-flight writes become unknown, unsettled events are taken again. */
  async start(): Promise<void> {
    const { clock, engine, policy } = this.#options;
    for (const document of await engine.load()) {
      const rep = taken(document.rep, policy, clock.nowMs());
      this.#roster.follow({ ...document, rep }, isSettled(rep, policy, clock.nowMs()));
    }
    for (const event of await engine.unsettled()) this.submit(event);
  }

  /**
   * Starts to look after a rep who is not known yet. Known reps keep their documents. Where somebody who shares
   * an account with her is still leaving, she follows when that is done.
   */
  adopt(identity: RepIdentity, look: FirstLook = "now"): void {
    this.#roster.adopt(identity, look);
  }

  /** Takes back what of ours lies with a rep, then stops looking after her and forgets her. */
  detach(rep: RepId): void {
    this.#roster.leave(rep);
  }

  /**
   * Leaves these reps alone from now on, and no others: `all` stands for everybody. What of ours lies with
   * them is taken back; they are read and remembered all the same.
   */
  setPauses(pauses: Pauses): void {
    this.#roster.setPauses(pauses);
  }

  identities(): readonly RepIdentity[] {
    return this.#roster.all().map(({ identity }) => identity);
  }

  /** Those of them who are reps, and not on their way out. */
  staying(): readonly RepIdentity[] {
    const slots = this.#roster.all().filter(({ leaving }) => !leaving);
    return slots.map(({ identity }) => identity);
  }

  /** Somebody on her way out, by either account's id: the end of her call must still find her. */
  leaver(id: string): RepIdentity | null {
    return this.#roster.leaver(id.toLowerCase());
  }

  document(rep: RepId): RepDocument | null {
    return this.#roster.get(rep)?.document ?? null;
  }

  /** As in the roster. */
  ticks(identities: readonly RepIdentity[], system: SystemName): ReadonlyMap<RepId, number> {
    return this.#roster.ticks(identities, system);
  }

  /** As in the roster. */
  tickAtRest(rep: RepId, system: SystemName): number | null {
    return this.#roster.tickAtRest(rep, system);
  }

  /** Leaves a reading from a sweep; the rep is processed only if it says something new. */
  offer(rep: RepId, system: SystemName, reading: Dated): void {
    const slot = this.#roster.get(rep);
    if (!slot?.isOf(reading)) return;
    const { known } = slot;
    const { clock, policy } = this.#options;
    const blind = reading.status !== null && slot.seesAgain(system);
    if (!blind && !isNews(known, system, reading, policy)) {
      slot.rest(system, reading, clock.nowMs());
      this.#roster.settle(slot, known, system);
      return;
    }
    slot.put(system, reading);
    this.#queue.add(rep, isAlarming(known, system, reading) ? "protective" : "normal");
  }

  /** Leaves a hint that a system may have changed. Hints are never believed: they cause a read. */
  hint(rep: RepId, system: SystemName, delayMs = 0): void {
    const slot = this.#roster.get(rep);
    if (!slot) return;
    if (delayMs > 0) {
      this.#later.add({ rep, system }, delayMs);
      return;
    }
    slot.blind.delete(system);
    slot.confirming.delete(system);
    slot.hinted.add(system);
    this.#queue.add(rep, "protective");
  }

  /** Hands over an event that the engine has already accepted. Events of unknown reps wait for their rep. */
  submit(event: InboxEvent): void {
    this.#roster.submit(event);
  }

  /** Finishes what is being processed, waits for the answers to what was sent, stores them, then stops. */
  async stop(): Promise<void> {
    await this.#queue.drain();
    this.#roster.giveBack();
    await this.#writer.landed();
    await Promise.all(this.#roster.all().map((slot) => this.#storeLast(slot)));
    this.#abort.abort();
  }

  /** One turn. True if nothing is being read for it. */
  async #reconcile(id: RepId): Promise<boolean> {
    const slot = this.#roster.get(id);
    if (!slot) return true;
    try {
      const draft = slot.open();
      const { clock, policy } = this.#options;
      const nowMs = clock.nowMs();
      draft.rep = withoutAbandoned(slot, draft.rep, policy, nowMs);
      this.#takeIn(slot, draft);
      const { next, reads } = decide(slot, draft.rep, policy, nowMs);
      draft.record.plan(draft.rep, next, nowMs);
      draft.rep = next.rep;
      const patient = next.writes.length === 0;
      const awaits = this.#awaits(slot, next, reads);
      if (!awaits && !(await this.#store(slot, draft, patient))) return true;
      for (const write of next.writes) this.#send(slot, write);
      for (const system of reads) void this.#read(slot, system, next.rep.tick);
      this.#wakeFor(id, next);
      const waitMs = patienceMs(slot, next.rep);
      if (waitMs !== null) this.#queue.addAfter(id, waitMs);
      if (slot.leaving) await this.#letGo(slot);
      return slot.reading.size === 0;
    } catch (error) {
      slot.undo(this.#options.clock.nowMs());
      throw error;
    }
  }

  /** Forgets a rep with whom nothing of ours is left; what still waits for her has nobody to go to. */
  async #letGo(slot: Slot): Promise<void> {
    const { clock, engine, policy } = this.#options;
    const { identity, rep } = slot;
    const busy = slot.flying.size + slot.answers.length > 0;
    if (busy || !rep.paused || !isReleased(rep, policy, clock.nowMs())) {
      this.#queue.addAfter(identity.rep, LEAVING_MS);
      return;
    }
    await engine.remove(identity.rep);
    this.#roster.forget(slot);
  }

  /** Takes what waits in the slot into the draft: answers, then events, then readings. */
  #takeIn(slot: Slot, draft: Draft): void {
    this.#takeAnswers(slot, draft);
    const { clock, policy } = this.#options;
    const asked = setPaused(draft.rep, slot.pause, clock.nowMs());
    draft.record.pause(draft.rep, asked, clock.nowMs());
    draft.rep = asked;
    for (const event of slot.events.splice(0)) {
      draft.events.push(event);
      const { id: eventId, receivedAtMs: atMs } = event;
      const origin = { source: systemName(event.source), eventId, atMs };
      const next = takeEvent(draft.rep, event.body as RepEvent, origin, policy);
      draft.record.event(draft.rep, next, event);
      draft.rep = next;
    }
    for (const [system, reading] of slot.takeReadings()) {
      const { rep, classification } = observe(draft.rep, system, reading, policy);
      draft.record.reading(draft.rep, rep, system, reading, classification);
      draft.rep = rep;
      const says = classification !== "unusable" && classification !== "stale";
      if (!says) slot.blind.add(system);
    }
  }

  #takeAnswers(slot: Slot, draft: Draft): void {
    const { clock, confirmMs, policy } = this.#options;
    for (const answer of slot.answers.splice(0)) {
      draft.answers.push(answer);
      const { write, outcome, error } = answer;
      const { system, intent } = write;
      draft.rep = deliver(draft.rep, system, intent, outcome, policy, clock.nowMs());
      draft.record.answer(write, outcome, error, clock.nowMs());
      if (outcome !== "accepted") continue;
      slot.confirming.add(system);
      this.hint(slot.identity.rep, system, confirmMs);
    }
  }

  /**
   * What the reads bring is stored together with what made us read, and that a write was accepted together with the
   * first look for its effect. Not where there is something to send, nor where a system rests: it may keep us long.
   */
  #awaits({ confirming, draft }: Slot, { writes }: Plan, reads: readonly SystemName[]): boolean {
    if (writes.length > 0) return false;
    const rests = reads.some((system) => this.#systems.paceOf(system, "read").isPaused);
    if (reads.length > 0) return !rests;
    const isTold = draft !== null && draft.events.length + draft.record.entries.length > 0;
    return confirming.size > 0 && !isTold;
  }

  /** False if the rep is not ours any more. Throws if the draft could not be stored. */
  async #store(slot: Slot, draft: Draft, patient: boolean): Promise<boolean> {
    if (!this.#isCurrent(slot)) return false;
    const { document } = slot;
    const { rep, record, events } = draft;
    const next: RepDocument = { ...document, rep };
    if (!record.isWorthStoring(document, rep) && events.length === 0) {
      slot.document = next;
      slot.draft = null;
      return true;
    }
    const { engine } = this.#options;
    const result = await engine.commit({
      document: next,
      history: record.entries,
      settles: events,
      patient,
    });
    if (!result.ok) {
      // Whoever wrote may have settled what is in the draft: this must not be taken twice.
      slot.retain(await engine.unsettled());
      const stored = await engine.get(document.identity.rep);
      if (stored) slot.document = { ...stored, rep: known(stored.rep, this.#options.policy) };
      throw new Error("another writer changed the rep's document; it is taken up again");
    }
    slot.document = { ...next, generation: result.generation };
    slot.draft = null;
    return this.#isCurrent(slot);
  }

  async #storeLast(slot: Slot): Promise<void> {
    if (slot.isAtRest || (slot.answers.length === 0 && !slot.draft)) return;
    try {
      const draft = slot.open();
      this.#takeAnswers(slot, draft);
      await this.#store(slot, draft, false);
    } catch (error) {
      this.#options.onFault(slot.identity.rep, error);
    }
  }

  #isCurrent(slot: Slot): boolean {
    return this.#roster.get(slot.identity.rep) === slot;
  }

  #send(slot: Slot, write: Write): void {
    const { identity } = slot;
    if (this.#systems.paceOf(write.system, "write").isPaused) {
      // It asked for silence while the record was being stored.
      slot.answers.push({ write, outcome: "deferred", error: null });
      this.#queue.add(identity.rep, "protective");
      return;
    }
    slot.turns.use(write.system);
    this.#systems.paceOf(write.system, "write").spend(this.#writer.callsFor(write) - 1);
    slot.flying.add(write.system);
    this.#writer.send(identity, write, (answer) => {
      slot.flying.delete(write.system);
      if (answer.error) this.#systems.blame(answer.error, "write");
      slot.answers.push(answer);
      this.#queue.add(identity.rep, "protective");
    });
  }

  async #read(slot: Slot, system: SystemName, tick: number): Promise<void> {
    const { identity, undone } = slot;
    slot.hinted.delete(system);
    slot.reading.add(system);
    try {
      const reading = await this.#systems.readerOf(system).read(identity, tick);
      if (undone !== slot.undone) slot.hinted.add(system);
      else if (reading) {
        slot.put(system, reading);
        slot.cameBack(system, this.#options.clock.nowMs());
      } else slot.blind.add(system);
    } catch (error) {
      slot.blind.add(system);
      this.#readFailed(identity.rep, system, error);
    }
    slot.reading.delete(system);
    if (undone === slot.undone) this.#queue.add(identity.rep, "protective");
    else this.#queue.addPatiently(identity.rep, "protective");
  }

  #readFailed(rep: RepId, system: SystemName, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const { clock, onFault, policy } = this.#options;
    const retryAfterMs = error instanceof SystemError ? (error.retryAfterMs ?? 0) : 0;
    if (error instanceof SystemError) this.#systems.blame(error, "read");
    else onFault(rep, error);
    clock.after(Math.max(retryAfterMs, READ_RETRY * policy.retryFirstMs), () =>
      this.hint(rep, system),
    );
  }

  #wakeFor(rep: RepId, { recheckAtMs }: Plan): void {
    if (recheckAtMs === null) return;
    const delayMs = recheckAtMs - this.#options.clock.nowMs();
    this.#queue.addAfter(rep, delayMs > 0 ? delayMs : OVERDUE_MS);
  }
}
