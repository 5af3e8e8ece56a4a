import {
  DYNAMICS,
  holdId,
  systemName,
  type SystemName,
  TEAMS,
} from "../../src/presence/identity.ts";
import {
  DEFAULT_DYNAMICS_MAPPING,
  DEFAULT_TEAMS_MAPPING,
  type DynamicsState,
  type TeamsState,
} from "../../src/presence/mapping.ts";
import type { Reading } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import type { Classification } from "../../src/reconcile/classify.ts";
import type { Outcome } from "../../src/reconcile/delivery.ts";
import type { Plan, Write } from "../../src/reconcile/plan.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import { type Endpoint, endpointOf, newRep, type Rep } from "../../src/reconcile/rep.ts";
import type { Core } from "../model/core.ts";
import { POLICY } from "./profiles.ts";

const PHONE = systemName("phone");

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/**
 * One rep and a clock, on which a test plays what the systems say. Every document handed to the core is
 * frozen to its depth: a core that changes one throws.
 */
export class Stage {
  rep: Rep;
  nowMs = 1_000_000;
  readonly policy: Policy;
  readonly #core: Core;

  constructor(core: Core, policy: Policy = POLICY) {
    this.#core = core;
    this.policy = deepFreeze(policy);
    this.rep = deepFreeze(newRep(policy.systems.map(({ name }) => name)));
  }

  /** Both systems were read and show Available; nothing is left to do, and long ago. */
  static settled(core: Core, policy: Policy = POLICY): Stage {
    const stage = new Stage(core, policy);
    stage.teams("Available");
    stage.dynamics("Available");
    stage.settle();
    stage.wait(60_000);
    return stage;
  }

  #take(rep: Rep): void {
    this.rep = deepFreeze(rep);
  }

  read(system: SystemName, reading: Partial<Reading> & Pick<Reading, "status">): Classification {
    const full: Reading = {
      automatic: null,
      native: reading.status ?? "?",
      sequence: null,
      startedTick: this.rep.tick,
      startedAtMs: this.nowMs,
      ...reading,
    };
    const { rep, classification } = this.#core.observe(
      this.rep,
      system,
      deepFreeze(full),
      this.policy,
    );
    this.#take(rep);
    return classification;
  }

  /** Teams is read; `how` overrides when the read left, or its version. */
  teams(state: TeamsState, how: Partial<Reading> = {}): Classification {
    const meaning = DEFAULT_TEAMS_MAPPING.reads[state];
    const { status, automatic } = meaning ?? { status: null, automatic: null };
    return this.read(TEAMS, { status, automatic, native: state, ...how });
  }

  dynamics(state: DynamicsState, how: Partial<Reading> = {}): Classification {
    const meaning = DEFAULT_DYNAMICS_MAPPING.reads[state];
    const { status, automatic } = meaning ?? { status: null, automatic: null };
    return this.read(DYNAMICS, { status, automatic, native: state, ...how });
  }

  plan(): Plan {
    const planned = this.#core.plan(this.rep, this.policy, this.nowMs);
    this.#take(planned.rep);
    return planned;
  }

  answer({ system, intent }: Write, outcome: Outcome): void {
    this.#take(this.#core.deliver(this.rep, system, intent, outcome, this.policy, this.nowMs));
  }

  restart(): void {
    this.#take(this.#core.recover(this.rep, this.policy, this.nowMs));
  }

  /** The desk phone reports a call, or says that it goes on, for `forMs` from now. */
  hold(id: string, forMs = 600_000, status: Status = "InACall"): void {
    const hold = { source: PHONE, status, untilMs: this.nowMs + forMs };
    const cause = { kind: "hold" as const, source: PHONE, status: hold.status, atMs: this.nowMs };
    this.#take(this.#core.putHold(this.rep, holdId(id), hold, cause));
  }

  release(id: string): void {
    const cause = {
      kind: "hold ended" as const,
      source: PHONE,
      status: "InACall" as const,
      atMs: this.nowMs,
    };
    this.#take(this.#core.releaseHold(this.rep, holdId(id), cause));
  }

  /** A supervisor's command, which ends after `forMs`, or workforce management's shift end. */
  decree(status: Status, forMs: number | null = null): void {
    const cause = { kind: "command" as const, source: "shift", status, atMs: this.nowMs };
    const command = { untilMs: forMs === null ? null : this.nowMs + forMs };
    const choice = { status, origin: systemName("shift"), native: null, command };
    this.#take(this.#core.choose(this.rep, choice, cause, this.policy));
  }

  /** A manager asks to leave her alone. */
  pause(): void {
    const pause = { by: "manager", sinceMs: this.nowMs };
    this.#take(this.#core.setPaused(this.rep, pause, this.nowMs));
  }

  wait(ms: number): void {
    this.nowMs += ms;
  }

  endpoint(system: SystemName): Endpoint {
    return endpointOf(this.rep, system);
  }

  /**
   * Plays both systems honestly until nothing is left to do: reads show what was last read or written, writes
   * are accepted and shown. Returns the writes that it took.
   */
  settle(): Write[] {
    const done: Write[] = [];
    for (let round = 0; round < 20; round += 1) {
      const { reads, writes, recheckAtMs } = this.plan();
      for (const write of writes) {
        this.answer(write, "accepted");
        this.wait(this.policy.systems.find(({ name }) => name === write.system)?.settleMs ?? 0);
        this.#show(write.system, write.shows, write.native);
        done.push(write);
      }
      for (const system of reads) {
        const { seen, native } = this.endpoint(system);
        if (seen !== null) this.#show(system, seen, native);
      }
      const waiting = recheckAtMs !== null && recheckAtMs - this.nowMs < 60_000;
      if (writes.length + reads.length === 0 && !waiting) return done;
      if (writes.length + reads.length === 0 && waiting) this.nowMs = recheckAtMs;
    }
    throw new Error("the rep does not settle");
  }

  /** Reads what is asked for until a write to `system` leaves; returns it, unanswered. */
  nextWrite(system: SystemName): Write {
    for (let round = 0; round < 5; round += 1) {
      const { reads, writes } = this.plan();
      const write = writes.find((candidate) => candidate.system === system);
      if (write) return write;
      for (const name of reads) {
        const { seen, native } = this.endpoint(name);
        if (seen !== null) this.#show(name, seen, native);
      }
    }
    throw new Error(`nothing is written to ${system}`);
  }

  #show(system: SystemName, status: Status, native: string | null): void {
    const own = this.rep.overlays[system];
    const automatic = own?.status === status ? own.kind : null;
    this.read(system, { status, automatic, native: native ?? status });
  }
}
