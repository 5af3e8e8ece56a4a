import { setTimeout as sleep } from "node:timers/promises";
import { isWrite, type Operation } from "./operation.ts";

export type Failure = {
  readonly status: number;
  readonly retryAfter?: number | undefined;
  readonly body?: unknown;
};

/** How a write that will apply later answers now: the caller learns a wrong thing, or nothing. */
export const LATE_ANSWERS = ["504", "hangUp"] as const;
export type LateApply = {
  readonly delayMs: number;
  readonly answer: (typeof LATE_ANSWERS)[number];
};

export type Delay = {
  readonly operation?: Operation | undefined;
  readonly minMs: number;
  readonly maxMs: number;
};

/** Faults that are used up: each strikes its next `times` matching requests. */
class Countdown<Detail> {
  readonly #pending: { operation: Operation | undefined; times: number; detail: Detail }[] = [];

  arm(operation: Operation | undefined, times: number, detail: Detail): void {
    this.#pending.push({ operation, times, detail });
  }

  take(operation: Operation): Detail | null {
    const next = this.#pending.find(
      (fault) => fault.times > 0 && (fault.operation ?? operation) === operation,
    );
    if (!next) return null;
    next.times -= 1;
    return next.detail;
  }

  clear(): void {
    this.#pending.length = 0;
  }
}

/** What is armed to go wrong. A fault without an operation strikes whichever matching request is next. */
export class Faults {
  readonly failures = new Countdown<Failure>();
  readonly droppedAcks = new Countdown<true>();
  readonly lateApplies = new Countdown<LateApply>();
  readonly absorptions = new Countdown<true>();
  #delays: readonly Delay[] = [];
  staleByMs = 0;

  delay(delay: Delay): void {
    const others = this.#delays.filter(({ operation }) => operation !== delay.operation);
    this.#delays = delay.maxMs === 0 ? others : [...others, delay];
  }

  async wait(operation: Operation): Promise<void> {
    const delay = this.#delays.find(
      (candidate) => (candidate.operation ?? operation) === operation,
    );
    if (delay) await sleep(delay.minMs + Math.random() * (delay.maxMs - delay.minMs));
  }

  /** Whether and how the next write goes astray; reads never do. */
  takeForWrite(operation: Operation): { absorb: boolean; late: LateApply | null } {
    if (!isWrite(operation)) return { absorb: false, late: null };
    const late = this.lateApplies.take(operation);
    return { late, absorb: late === null && this.absorptions.take(operation) !== null };
  }

  clear(): void {
    for (const countdown of [this.failures, this.droppedAcks, this.lateApplies, this.absorptions]) {
      countdown.clear();
    }
    this.#delays = [];
    this.staleByMs = 0;
  }
}
