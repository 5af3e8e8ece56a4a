import type { Clock } from "../../controller/clock.ts";
import type { Engine, InboxEvent } from "../../engine/engine.ts";
import type { RepIdentity } from "../../presence/identity.ts";
import {
  dueMs,
  type Edge,
  edgesOf,
  readShift,
  type Shift,
  type ShiftEdge,
  SHIFT_RECORD,
  shiftKey,
} from "./shift.ts";

type PlannerOptions = {
  readonly engine: Pick<Engine, "accept" | "keep" | "kept" | "forget">;
  readonly clock: Clock;
  readonly find: (id: string) => RepIdentity | null;
  readonly submit: (event: InboxEvent) => void;
  readonly onFault: (error: unknown) => void;
};

/** A timer is set for no longer than this: a clock that is set forward is noticed. */
const LOOK_MS = 60_000;
const RETRY_MS = 5_000;
/** A rep who is not known when her shift ends may be read yet. */
const UNKNOWN_MS = 3_600_000;

/**
 * Turns plans into events at their times. A plan is durable before it is promised, an event before the plan is
 * crossed off, and its id stays the same; so a restart at any moment neither loses nor doubles one.
 */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #shifts = new Map<string, Shift>();
  /** What is being stored of a shift: of several the last, and nothing once it was taken back. */
  readonly #storing = new Map<string, Shift>();
  #running: Promise<void> = Promise.resolve();
  #cancel = (): void => undefined;
  #stopped = false;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    for (const { body } of await this.#options.engine.kept(SHIFT_RECORD)) {
      const shift = readShift(body);
      if (shift) this.#shifts.set(shiftKey(shift), shift);
    }
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  of(integration: string, rep: string): readonly Shift[] {
    return [...this.#shifts.values()].filter(
      (shift) => shift.integration === integration && shift.rep === rep,
    );
  }

  /** Whether it is planned, or about to be. */
  knows(shift: Pick<Shift, "integration" | "rep" | "shift">): boolean {
    const key = shiftKey(shift);
    return this.#shifts.has(key) || this.#storing.has(key);
  }

  /** Those that are being stored count as well, or who sends many together could have more than it may. */
  countOf(integration: string): number {
    let count = 0;
    for (const shift of this.#shifts.values()) if (shift.integration === integration) count += 1;
    for (const [id, shift] of this.#storing) {
      if (shift.integration === integration && !this.#shifts.has(id)) count += 1;
    }
    return count;
  }

  /** The soonest start or end of a shift, of all who plan for her; a planned status is none. */
  nextEdge(rep: string): ShiftEdge | null {
    let next: ShiftEdge | null = null;
    for (const shift of this.#shifts.values()) {
      if (shift.rep !== rep || shift.status !== null) continue;
      const atMs = dueMs(shift);
      if (next === null || atMs < next.atMs) next = { begins: !shift.begun, atMs };
    }
    return next;
  }

  /** Durable when it resolves. The same plan again changes nothing. */
  async put(shift: Shift): Promise<"accepted" | "duplicate"> {
    const key = shiftKey(shift);
    const known = this.#shifts.get(key);
    const same = known && SAME.every((field) => known[field] === shift[field]);
    if (same) return "duplicate";
    try {
      await this.#keep(shift);
    } finally {
      this.#look();
    }
    return "accepted";
  }

  async remove(shift: Pick<Shift, "integration" | "rep" | "shift">): Promise<boolean> {
    const key = shiftKey(shift);
    this.#shifts.delete(key);
    this.#storing.delete(key);
    return this.#options.engine.forget(SHIFT_RECORD, key);
  }

  async #keep(shift: Shift): Promise<void> {
    const id = shiftKey(shift);
    const expiresAtMs = shift.untilMs + UNKNOWN_MS;
    this.#storing.set(id, shift);
    const isWanted = (): boolean => this.#storing.get(id) === shift;
    try {
      await this.#options.engine.keep({ kind: SHIFT_RECORD, id, body: shift, expiresAtMs });
      if (isWanted()) this.#shifts.set(id, shift);
    } finally {
      if (isWanted()) this.#storing.delete(id);
    }
  }

  #look(): void {
    this.#cancel();
    if (this.#stopped) return;
    const nowMs = this.#options.clock.nowMs();
    const next = this.#settled().reduce(
      (soonest, shift) => Math.min(soonest, dueMs(shift)),
      nowMs + LOOK_MS,
    );
    this.#wait(Math.max(0, next - nowMs));
  }

  /** Those of which nothing is being stored: what becomes of the others is known when that is done. */
  #settled(): readonly Shift[] {
    return [...this.#shifts.values()].filter((shift) => !this.#storing.has(shiftKey(shift)));
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#running = this.#running.then(() => this.#turn());
    });
  }

  async #turn(): Promise<void> {
    try {
      const nowMs = this.#options.clock.nowMs();
      const due = this.#settled().filter((shift) => dueMs(shift) <= nowMs);
      // Of two shifts that meet, the end of the one comes before the start of the other.
      const inOrder = due.toSorted(
        (a, b) => dueMs(a) - dueMs(b) || Number(b.begun) - Number(a.begun),
      );
      for (const shift of inOrder) await this.#act(shift, nowMs);
      this.#look();
    } catch (error) {
      this.#options.onFault(error);
      if (!this.#stopped) this.#wait(RETRY_MS);
    }
  }

  async #act(shift: Shift, nowMs: number): Promise<void> {
    const identity = this.#options.find(shift.rep);
    if (!identity && nowMs < shift.untilMs + UNKNOWN_MS) {
      // Put off, in memory alone: the record stays as it is.
      this.#shifts.delete(shiftKey(shift));
      this.#options.clock.after(RETRY_MS, () => this.#again(shift));
      return;
    }
    for (const edge of edgesOf(shift, nowMs)) if (identity) await this.#emit(shift, edge, identity);
    const key = shiftKey(shift);
    // Planned anew or taken back meanwhile, or about to be.
    if (this.#shifts.get(key) !== shift || this.#storing.has(key)) return;
    if (nowMs >= shift.untilMs) await this.remove(shift);
    else await this.#keep({ ...shift, begun: true });
  }

  #again(shift: Shift): void {
    if (this.#stopped || this.#shifts.has(shiftKey(shift))) return;
    this.#shifts.set(shiftKey(shift), shift);
    this.#look();
  }

  async #emit(
    { integration }: Shift,
    { eventId, event }: Edge,
    { rep }: RepIdentity,
  ): Promise<void> {
    const { engine, clock, submit } = this.#options;
    const receivedAtMs = clock.nowMs();
    const inbox: InboxEvent = { id: eventId, source: integration, rep, receivedAtMs, body: event };
    if ((await engine.accept(inbox)) === "accepted") submit(inbox);
  }
}

const SAME = ["fromMs", "untilMs", "status"] as const satisfies readonly (keyof Shift)[];
