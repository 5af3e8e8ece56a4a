import type { Chance } from "./chance.ts";
import type { Fault, Odds } from "./climate.ts";
import type { Journal } from "./journal.ts";
import type { ProcessClock, Timeline } from "./timeline.ts";

/** Who calls: a process that may die, and then hears nothing more. */
export type Caller = {
  readonly clock: ProcessClock;
  readonly isAlive: () => boolean;
  /** An answer is at the door: it may be the last thing that this process hears of. */
  readonly answerComes: () => void;
};

export type Failure =
  | { readonly kind: "status"; readonly status: number; readonly retryAfter: string | null }
  | { readonly kind: "never connected" | "lost" | "garbled" };

export type Answer<Value> =
  | { readonly kind: "answered"; readonly value: Value }
  | { readonly kind: "failed"; readonly failure: Failure };

/** How a system takes a request: its answer, or its refusal as a status. */
type Effect<Value> = () => Value | { readonly refused: number };

const TIMEOUT_MS = 10_000;
/** A request that was under way for longer than this never arrives: within what the policy expects. */
const LONGEST_WAY_MS = 95_000;

const CALL_FAULTS = [
  "request lost",
  "answer lost",
  "write lands long after its time-out",
  "throttled",
  "server error",
  "server error after the effect",
  "never connected",
  "garbled answer",
  "request refused",
  "slow answer",
] as const satisfies readonly Fault[];

/** The way to one system. Requests take their time, overtake each other, and may be lost on either leg. */
export class Line {
  odds: Odds;
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #journal: Journal;
  #held: (() => void)[] | null = null;

  constructor(world: {
    readonly timeline: Timeline;
    readonly chance: Chance;
    readonly journal: Journal;
    readonly odds: Odds;
  }) {
    this.#timeline = world.timeline;
    this.#chance = world.chance;
    this.#journal = world.journal;
    this.odds = world.odds;
  }

  clog(): void {
    this.#held ??= [];
    this.#journal.fault("line clogged");
  }

  unclog(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const go of held) go();
  }

  send<Value>(caller: Caller, isWrite: boolean, effect: Effect<Value>): Promise<Answer<Value>> {
    return new Promise((resolve) => {
      const departedMs = this.#timeline.nowMs;
      let isAnswered = false;
      const answer = (what: Answer<Value>): void => {
        if (isAnswered || !caller.isAlive()) return;
        caller.answerComes();
        if (!caller.isAlive()) return;
        isAnswered = true;
        cancel();
        resolve(what);
      };
      const fail = (failure: Failure): void => answer({ kind: "failed", failure });
      const cancel = caller.clock.after(TIMEOUT_MS, () => fail({ kind: "lost" }));

      const fault = this.#draw(isWrite);
      if (fault) this.#journal.fault(fault);
      const slow = fault === "slow answer" ? this.#chance.between(500, 4_000) : 0;
      const late = fault === "write lands long after its time-out";
      const upMs = late
        ? TIMEOUT_MS + this.#chance.between(1, LONGEST_WAY_MS - TIMEOUT_MS - 5_000)
        : this.#chance.between(5, 80) + (isWrite ? 0 : slow);
      const downMs = this.#chance.between(5, 80) + (isWrite ? slow : 0);
      const refusal = this.#refusalOf(fault);

      const back = (what: Answer<Value>): void => {
        this.#timeline.after(downMs, () => this.#pass(() => answer(what)));
      };
      const arrive = (): void => {
        if (this.#timeline.nowMs - departedMs > LONGEST_WAY_MS) return;
        if (refusal) return back({ kind: "failed", failure: refusal });
        const value = effect();
        const refused = refusedStatus(value);
        if (refused !== null) {
          const failure = { kind: "status", status: refused, retryAfter: null } as const;
          return back({ kind: "failed", failure });
        }
        if (fault === "answer lost") return undefined;
        if (fault === "garbled answer")
          return back({ kind: "failed", failure: { kind: "garbled" } });
        if (fault === "server error after the effect") {
          const failure = { kind: "status", status: 502, retryAfter: null } as const;
          return back({ kind: "failed", failure });
        }
        return back({ kind: "answered", value: value as Value });
      };
      if (fault === "request lost") return;
      if (fault === "never connected") {
        this.#timeline.after(upMs, () => fail({ kind: "never connected" }));
        return;
      }
      this.#timeline.after(upMs, () => this.#pass(arrive));
    });
  }

  #pass(go: () => void): void {
    if (this.#held) this.#held.push(go);
    else go();
  }

  #draw(isWrite: boolean): Fault | null {
    const roll = this.#chance.next();
    let upTo = 0;
    for (const fault of CALL_FAULTS) {
      upTo += this.odds[fault] ?? 0;
      if (roll >= upTo) continue;
      const writesOnly = fault === "write lands long after its time-out";
      return (writesOnly || fault === "request refused") && !isWrite ? null : fault;
    }
    return null;
  }

  #refusalOf(fault: Fault | null): Failure | null {
    if (fault === "throttled") {
      const seconds = this.#chance.between(1, 30);
      const retryAfter = this.#chance.pick([String(seconds), `${seconds}.25`, null]);
      return { kind: "status", status: 429, retryAfter };
    }
    if (fault === "server error") {
      const retryAfter = this.#chance.pick([null, "3"]);
      return { kind: "status", status: 503, retryAfter };
    }
    return fault === "request refused" ? { kind: "status", status: 400, retryAfter: null } : null;
  }
}

function refusedStatus(value: unknown): number | null {
  const isRefused = typeof value === "object" && value !== null && "refused" in value;
  return isRefused ? Number(value.refused) : null;
}
