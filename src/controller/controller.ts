import { type Connector, SystemError } from "../connectors/connector.ts";
import type { Engine, InboxEvent, RepDocument } from "../engine/engine.ts";
import { type RepId, type RepIdentity, type SystemName, systemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import { deliver, type Outcome, recover } from "../reconcile/delivery.ts";
import { type RepEvent, takeEvent } from "../reconcile/event.ts";
import { observe } from "../reconcile/observe.ts";
import { plan, type Plan, type Write } from "../reconcile/plan.ts";
import type { Policy } from "../reconcile/policy.ts";
import { endpointOf, newRep, type Rep } from "../reconcile/rep.ts";
import { isSatisfied, targetOf } from "../reconcile/resolve.ts";
import type { Clock } from "./clock.ts";
import type { Pace } from "./pace.ts";
import { Reader } from "./reader.ts";
import { Recorder } from "./recorder.ts";
import { type Urgency, WorkQueue } from "./work-queue.ts";

/** What one system needs to be driven. */
export type Driven = { readonly connector: Connector; readonly pace: Pace };

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
};

type Answer = {
  readonly write: Write;
  readonly outcome: Outcome;
  readonly error: SystemError | null;
};

/** Everything that waits for a rep's turn. */
type Slot = {
  document: RepDocument;
  answers: Answer[];
  readonly readings: Map<SystemName, Reading>;
  readonly hinted: Set<SystemName>;
  events: InboxEvent[];
};

/** Rounds of reading and planning before the rep gives way to others; two are normal. */
const MAX_ROUNDS = 4;
/** A read older than this is taken again before a write that had to wait its turn. */
const FRESH_MS = 250;

/**
 * The one loop: observe → plan → record → apply. Everybody else only leaves a reading, an event or a hint in a
 * rep's slot and nudges her key; what is done about it is decided here, for one rep at a time, from what the
 * systems show. It would be right without any hint at all, only slower.
 *
 * Invariant: a write leaves only after the document that says so is durable, and nothing is written that the
 * plan of that same document does not ask for.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #slots = new Map<RepId, Slot>();
  readonly #systems = new Map<SystemName, Driven & { readonly reader: Reader }>();
  readonly #queue: WorkQueue<RepId>;
  readonly #abort = new AbortController();
  readonly #flights = new Set<Promise<void>>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { clock, gatherMs, policy } = options;
    const { signal } = this.#abort;
    for (const driven of options.systems) {
      const reader = new Reader(driven.connector, clock, driven.pace, { gatherMs, signal });
      this.#systems.set(driven.connector.system, { ...driven, reader });
    }
    this.#queue = new WorkQueue<RepId>({
      clock,
      limits: {
        concurrency: 10_000,
        retryFirstMs: policy.retryFirstMs,
        retryMaxMs: policy.retryMaxMs,
      },
      process: (rep) => this.#reconcile(rep),
      onFailure: options.onFault,
    });
  }

  /** Takes over what was stored: in-flight writes become unknown, unsettled events are taken again. */
  async start(): Promise<void> {
    const { engine, policy, clock } = this.#options;
    for (const document of await engine.load()) {
      const rep = recover(withAllSystems(document.rep, policy), policy, clock.nowMs());
      this.#slots.set(document.identity.rep, newSlot({ ...document, rep }));
      this.#queue.add(document.identity.rep);
    }
    for (const event of await engine.unsettled()) this.submit(event);
  }

  /** Starts to look after a rep who is not known yet. Known reps keep their documents. */
  adopt(identity: RepIdentity): void {
    if (this.#slots.has(identity.rep)) return;
    const rep = newRep(this.#options.policy.systems.map(({ name }) => name));
    this.#slots.set(identity.rep, newSlot({ identity, rep, generation: 0 }));
    this.#queue.add(identity.rep);
  }

  /** Stops looking after a rep. What is in flight for her is dropped when it returns. */
  async detach(rep: RepId): Promise<void> {
    this.#slots.delete(rep);
    await this.#options.engine.remove(rep);
  }

  identities(): readonly RepIdentity[] {
    return [...this.#slots.values()].map(({ document }) => document.identity);
  }

  document(rep: RepId): RepDocument | null {
    return this.#slots.get(rep)?.document ?? null;
  }

  /** Leaves a reading from a sweep; the rep is processed only if it says something new. */
  offer(rep: RepId, system: SystemName, reading: Reading): void {
    const slot = this.#slots.get(rep);
    if (!slot || !saysNews(slot.document.rep, system, reading, this.#options.policy)) return;
    slot.readings.set(system, reading);
    this.#queue.add(
      rep,
      isProtective(slot.document.rep, system, reading) ? "protective" : "normal",
    );
  }

  /** Leaves a hint that a system may have changed. Hints are never believed: they cause a read. */
  hint(rep: RepId, system: SystemName, delayMs = 0): void {
    const slot = this.#slots.get(rep);
    if (!slot) return;
    if (delayMs > 0) {
      this.#options.clock.after(delayMs, () => this.hint(rep, system));
      return;
    }
    slot.hinted.add(system);
    this.#queue.add(rep, "protective");
  }

  /** Hands over an event that the engine has already accepted. Events of unknown reps wait for their rep. */
  submit(event: InboxEvent): void {
    const slot = this.#slots.get(event.rep);
    if (!slot) return;
    slot.events.push(event);
    this.#queue.add(event.rep, "protective");
  }

  /** Finishes what is being processed, waits for the answers to what was sent, stores them, then stops. */
  async stop(): Promise<void> {
    await this.#queue.drain();
    await Promise.all(this.#flights);
    for (const [id, slot] of this.#slots) {
      if (slot.answers.length === 0) continue;
      const record = new Recorder(id);
      await this.#store(slot, this.#takeAnswers(slot.document.rep, slot, record), record, []);
    }
    this.#abort.abort();
  }

  async #reconcile(id: RepId): Promise<void> {
    const slot = this.#slots.get(id);
    if (!slot) return;
    const record = new Recorder(id);
    const events = slot.events.splice(0);
    let { rep } = slot.document;
    try {
      rep = this.#takeAnswers(rep, slot, record);
      rep = this.#takeEvents(rep, events, record);
      rep = this.#takeReadings(rep, slot, record);
      const hinted = [...slot.hinted];
      slot.hinted.clear();
      rep = await this.#read(rep, slot, hinted, record);
      await this.#applyPlan(rep, slot, record, events);
    } catch (error) {
      slot.events.unshift(...events.filter((event) => !record.settled.includes(event)));
      throw error;
    }
  }

  /** Plans, reads what the plan asks for, and writes what it then asks for. */
  async #applyPlan(
    start: Rep,
    slot: Slot,
    record: Recorder,
    events: readonly InboxEvent[],
  ): Promise<void> {
    const { clock, policy } = this.#options;
    let rep = start;
    let next = plan(rep, policy, clock.nowMs());
    for (let round = 0; next.reads.length > 0 && round < MAX_ROUNDS; round += 1) {
      const asked = next.reads;
      const { intent } = rep;
      rep = await this.#read(next.rep, slot, asked, record);
      next = plan(rep, policy, clock.nowMs());
      const inVain = rep.intent === intent && next.reads.every((system) => asked.includes(system));
      if (inVain) break;
    }
    if (next.writes.length > 0) {
      const waited = await this.#takeTurns(next.writes);
      if (waited) {
        rep = await this.#readAgain(rep, slot, next.writes, record);
        next = plan(rep, policy, clock.nowMs());
      }
    }
    record.plan(rep, next, clock.nowMs());
    await this.#store(slot, next.rep, record, events);
    this.#wakeFor(slot.document.identity.rep, next);
    for (const write of next.writes) this.#send(slot, write);
  }

  #takeAnswers(start: Rep, slot: Slot, record: Recorder): Rep {
    const { clock, confirmMs, policy } = this.#options;
    let rep = start;
    for (const { write, outcome, error } of slot.answers.splice(0)) {
      rep = deliver(rep, write.system, write.intent, outcome, policy, clock.nowMs());
      record.answer(write, outcome, error, clock.nowMs());
      const { rep: id } = slot.document.identity;
      if (outcome === "accepted") this.hint(id, write.system, confirmMs);
    }
    return rep;
  }

  #takeEvents(start: Rep, events: readonly InboxEvent[], record: Recorder): Rep {
    const { policy } = this.#options;
    let rep = start;
    for (const event of events) {
      const origin = {
        source: systemName(event.source),
        eventId: event.id,
        atMs: event.receivedAtMs,
      };
      const next = takeEvent(rep, event.body as RepEvent, origin, policy);
      record.event(rep, next, event);
      rep = next;
    }
    return rep;
  }

  #takeReadings(start: Rep, slot: Slot, record: Recorder): Rep {
    let rep = start;
    const readings = [...slot.readings];
    slot.readings.clear();
    for (const [system, reading] of readings) rep = this.#observe(rep, system, reading, record);
    return rep;
  }

  #observe(rep: Rep, system: SystemName, reading: Reading, record: Recorder): Rep {
    const observed = observe(rep, system, reading, this.#options.policy);
    record.reading(rep, observed.rep, system, reading, observed.classification);
    return observed.rep;
  }

  async #read(
    start: Rep,
    slot: Slot,
    systems: readonly SystemName[],
    record: Recorder,
  ): Promise<Rep> {
    const { identity } = slot.document;
    const results = await Promise.allSettled(
      systems.map((system) => this.#systems.get(system)?.reader.read(identity, start.tick)),
    );
    let rep = start;
    for (const [index, result] of results.entries()) {
      const system = systems[index];
      if (system === undefined) continue;
      if (result.status === "rejected") this.#readFailed(identity.rep, system, result.reason);
      else if (result.value) rep = this.#observe(rep, system, result.value, record);
    }
    return rep;
  }

  #readFailed(rep: RepId, system: SystemName, error: unknown): void {
    if (!(error instanceof SystemError)) throw error;
    this.#blame(error);
    const { retryFirstMs } = this.#options.policy;
    this.#options.clock.after(Math.max(error.retryAfterMs ?? 0, 4 * retryFirstMs), () =>
      this.hint(rep, system),
    );
  }

  #blame(error: SystemError): void {
    const driven = this.#systems.get(error.system);
    if (error.retryAfterMs !== undefined) driven?.pace.pause(error.retryAfterMs);
    this.#options.onSystemError(error);
  }

  /** Waits until every write may leave; true if one had to wait, so that what was read may be old. */
  async #takeTurns(writes: readonly Write[]): Promise<boolean> {
    const startedAtMs = this.#options.clock.nowMs();
    await Promise.all(
      writes.map(({ system, protective }) => {
        const urgency: Urgency = protective ? "protective" : "normal";
        return this.#systems.get(system)?.pace.take(urgency);
      }),
    );
    return this.#options.clock.nowMs() - startedAtMs > FRESH_MS;
  }

  async #readAgain(rep: Rep, slot: Slot, writes: readonly Write[], record: Recorder): Promise<Rep> {
    const events = this.#takeReadings(rep, slot, record);
    return this.#read(
      events,
      slot,
      writes.map(({ system }) => system),
      record,
    );
  }

  async #store(
    slot: Slot,
    rep: Rep,
    record: Recorder,
    events: readonly InboxEvent[],
  ): Promise<void> {
    const { document } = slot;
    const next: RepDocument = { ...document, rep };
    if (!record.isWorthStoring(document, rep) && events.length === 0) {
      slot.document = next;
      return;
    }
    const history = record.take();
    const result = await this.#options.engine.commit({ document: next, history, settles: events });
    if (!result.ok) {
      const stored = await this.#options.engine.get(document.identity.rep);
      if (stored) slot.document = stored;
      throw new Error("another writer changed the rep's document; it is taken up again");
    }
    record.settled.push(...events);
    slot.document = { ...next, generation: result.generation };
  }

  /**
   * Sends one recorded write. Nobody waits here: the answer comes back as one more thing in the rep's slot, so
   * that a system that hangs does not hold up the others.
   */
  #send(slot: Slot, write: Write): void {
    const { identity } = slot.document;
    const flight = this.#write(identity, write).then((answer) => {
      this.#flights.delete(flight);
      slot.answers.push(answer);
      this.#queue.add(identity.rep, "protective");
    });
    this.#flights.add(flight);
  }

  async #write(identity: RepIdentity, write: Write): Promise<Answer> {
    try {
      await this.#systems.get(write.system)?.connector.write(identity, write, this.#abort.signal);
      return { write, outcome: "accepted", error: null };
    } catch (error) {
      if (!(error instanceof SystemError)) {
        this.#options.onFault(identity.rep, error);
        return { write, outcome: "unknown", error: null };
      }
      this.#blame(error);
      const deferred = error.surelyNotApplied ? "deferred" : "unknown";
      return { write, outcome: error.retry === "rejected" ? "refused" : deferred, error };
    }
  }

  #wakeFor(rep: RepId, { recheckAtMs, reads }: Plan): void {
    if (recheckAtMs === null || reads.length > 0) return;
    this.#queue.addAfter(rep, Math.max(recheckAtMs - this.#options.clock.nowMs(), 20));
  }
}

function newSlot(document: RepDocument): Slot {
  return { document, answers: [], readings: new Map(), hinted: new Set(), events: [] };
}

/** A stored document may be older than the policy's list of systems. */
function withAllSystems(rep: Rep, policy: Policy): Rep {
  const fresh = newRep(policy.systems.map(({ name }) => name));
  return { ...rep, systems: { ...fresh.systems, ...rep.systems } };
}

/** Most of a sweep confirms what is known: that costs nothing but this comparison. */
function saysNews(rep: Rep, system: SystemName, reading: Reading, policy: Policy): boolean {
  const { seen, pending, tried, absent, native } = endpointOf(rep, system);
  if (reading.status === null) return false;
  if (reading.status !== seen && !(absent && reading.status === "Offline")) return true;
  if (pending || absent !== (reading.status === "Offline")) return true;
  const waits =
    tried < rep.intent && !isSatisfied(rep, system, targetOf(rep, system, policy), policy);
  return waits || native !== reading.native || rep.overlays[system]?.untilMs != null;
}

function isProtective(rep: Rep, system: SystemName, reading: Reading): boolean {
  return endpointOf(rep, system).seen === "Available" && reading.status !== "Available";
}
