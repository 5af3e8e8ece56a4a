import type { SystemError } from "../../src/connectors/connector.ts";
import { Controller } from "../../src/controller/controller.ts";
import { Pace, type PaceLimits } from "../../src/controller/pace.ts";
import { Sweep } from "../../src/controller/sweep.ts";
import type { Engine, InboxEvent, StoredHistoryEntry } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import {
  holdId,
  type RepId,
  type RepIdentity,
  repId,
  systemUserId,
  teamsUserId,
} from "../../src/presence/identity.ts";
import type { RepEvent } from "../../src/reconcile/event.ts";
import { DEFAULT_MAPPINGS } from "../../src/presence/mapping.ts";
import { createPolicy } from "../../src/policy.ts";
import { VirtualClock } from "./clock.ts";
import { EmulatedDynamics, EmulatedTeams } from "./systems.ts";

export const POLICY = createPolicy(DEFAULT_MAPPINGS);

export function person(name: string): RepIdentity {
  return {
    rep: repId(name),
    systemUserId: systemUserId(name),
    teamsUserId: teamsUserId(`${name}@teams`),
  };
}

export const ANA = person("ana");
export const BEN = person("ben");

export type CrewOptions = {
  readonly people?: readonly RepIdentity[];
  readonly teamsPace?: PaceLimits;
  readonly dynamicsPace?: PaceLimits;
  /** Teams is read through a registration of its own. */
  readonly reader?: boolean;
};

/** Time between two sweeps of either system. */
export const POLL_MS = 5_000;
const PACE = { burst: 100, perSecond: 40 };

/** A controller with its sweeps, as the service starts one. */
export type Watch = {
  readonly controller: Controller;
  readonly paces: { readonly teams: Pace; readonly dynamics: Pace };
  readonly sweeps: readonly Sweep[];
};

/**
 * Reps, two emulated systems, one engine and virtual time. Watches may come and go on the same engine, as
 * processes do.
 */
export class Crew {
  readonly clock = new VirtualClock();
  readonly teams = new EmulatedTeams(this.clock);
  readonly dynamics = new EmulatedDynamics(this.clock);
  people: readonly RepIdentity[];
  readonly systemErrors: SystemError[] = [];
  readonly faults: unknown[] = [];
  readonly engine: Engine;
  readonly #options: CrewOptions;
  #events = 0;

  private constructor(engine: Engine, options: CrewOptions) {
    this.engine = engine;
    this.#options = options;
    this.people = options.people ?? [ANA];
    for (const { rep } of this.people) {
      this.teams.join(rep);
      this.dynamics.join(rep);
    }
  }

  /** Everybody is Available everywhere, known to be, and looked after. */
  static async onDuty(options: CrewOptions = {}): Promise<{ crew: Crew; watch: Watch }> {
    const crew = new Crew(await openSqliteEngine({ path: ":memory:" }), options);
    const watch = await crew.begin();
    await crew.clock.advance(8_000);
    return { crew, watch };
  }

  /** As it was known when the service stopped, for another one to begin with. */
  static async stored(): Promise<Crew> {
    const { crew, watch } = await Crew.onDuty();
    const stopped = end(watch);
    await crew.clock.advance(100);
    await stopped;
    return crew;
  }

  /** A new controller on the same engine. What an old one still does, it does on `engine` of its own. */
  async begin(engine: Engine = this.engine, people = this.people): Promise<Watch> {
    const { clock, teams, dynamics } = this;
    const { teamsPace = PACE, dynamicsPace = PACE } = this.#options;
    const paces = { teams: new Pace(clock, teamsPace), dynamics: new Pace(clock, dynamicsPace) };
    const readPace = this.#options.reader ? new Pace(clock, PACE) : paces.teams;
    const onSystemError = (error: SystemError): void => void this.systemErrors.push(error);
    const controller = new Controller({
      engine,
      policy: POLICY,
      clock,
      systems: [
        { connector: teams, pace: paces.teams, readPace },
        { connector: dynamics, pace: paces.dynamics },
      ],
      gatherMs: 4,
      confirmMs: 150,
      onSystemError,
      onFault: (_rep, error) => this.faults.push(error),
    });
    const onFault = (error: unknown): void => void this.faults.push(error);
    const common = { controller, clock, pollMs: POLL_MS, onSystemError, onFault };
    const sweeps = [
      new Sweep({ ...common, connector: teams, pace: readPace }),
      new Sweep({ ...common, connector: dynamics.followed(), pace: paces.dynamics }),
    ];
    await controller.start();
    for (const identity of people) controller.adopt(identity, "by the next sweep");
    for (const sweep of sweeps) sweep.start();
    return { controller, paces, sweeps };
  }

  /** What a partner's event does: durable first, then handed over. */
  async tell(watch: Watch | null, event: RepEvent, to = ANA): Promise<InboxEvent> {
    this.#events += 1;
    const inboxEvent: InboxEvent = {
      id: `event-${this.#events}`,
      source: "phone",
      rep: to.rep,
      receivedAtMs: this.clock.nowMs(),
      body: event,
    };
    await this.engine.accept(inboxEvent);
    watch?.controller.submit(inboxEvent);
    return inboxEvent;
  }

  call(id = "call-1", minutes = 60): RepEvent {
    const untilMs = this.clock.nowMs() + minutes * 60_000;
    return { type: "hold.started", hold: holdId(id), status: "InACall", untilMs };
  }

  hangUp(id = "call-1"): RepEvent {
    return { type: "hold.ended", hold: holdId(id) };
  }

  /** What both systems show, Dynamics by its own name. */
  shown({ rep } = ANA): readonly [string | null, string | null] {
    return [this.teams.shows(rep), this.dynamics.presence(rep)];
  }

  /** Writes that reached a system, renewals aside. */
  get writes(): number {
    const all = [...this.teams.arrivals, ...this.dynamics.arrivals];
    return all.filter(({ renewal }) => !renewal).length;
  }

  async history(rep?: RepId): Promise<readonly StoredHistoryEntry[]> {
    const found: StoredHistoryEntry[] = [];
    for (;;) {
      const query = { after: found.at(-1)?.position ?? 0, limit: 1_000 };
      const page = await this.engine.history(rep ? { ...query, rep } : query);
      found.push(...page);
      if (page.length < 1_000) return found;
    }
  }

  /** The sentences of one kind of history. */
  async says(kind: StoredHistoryEntry["kind"], rep = ANA.rep): Promise<readonly string[]> {
    return (await this.history(rep)).filter((entry) => entry.kind === kind).map(({ says }) => says);
  }
}

export async function end(watch: Watch): Promise<void> {
  await Promise.all(watch.sweeps.map((sweep) => sweep.stop()));
  await watch.controller.stop();
}
