import type { Tenant } from "../../src/emulators/tenant.ts";
import { type Class, dynamicsClass, type Side, teamsClass } from "./meaning.ts";

/** One rep: the same person in both systems. */
export type Person = { readonly teams: string; readonly dynamics: string };

/** What stood in both systems from `atMs` on. */
export type Sight = {
  readonly atMs: number;
  readonly teams: Class;
  readonly dynamics: Class;
  readonly presenceId: string;
  /** Whether she is in a Teams call, shown or hidden by a manual status. */
  readonly inCall: boolean;
  readonly hasManual: boolean;
};

const EVERY_MS = 100;

/**
 * Looks at the two systems themselves, never at the service: who shows what, since when. Between two looks
 * nothing is seen, so every act of a human is preceded and followed by a look of its own.
 */
export class Witness {
  readonly #tenant: Tenant;
  readonly #people: readonly Person[];
  readonly #sights = new Map<Person, Sight[]>();
  readonly #timer: NodeJS.Timeout;

  constructor(tenant: Tenant, people: readonly Person[]) {
    this.#tenant = tenant;
    this.#people = people;
    for (const person of people) this.#sights.set(person, [this.#see(person)]);
    this.#timer = setInterval(() => this.lookAtAll(), EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  lookAtAll(): void {
    for (const person of this.#people) this.look(person);
  }

  look(person: Person): Sight {
    const sights = this.sightsOf(person);
    const last = sights.at(-1) as Sight;
    const now = this.#see(person);
    const { atMs: _before, ...was } = last;
    const { atMs: _now, ...is } = now;
    const changed = JSON.stringify(was) !== JSON.stringify(is);
    if (changed) sights.push(now);
    return now;
  }

  /** Every change, oldest first. */
  sightsOf(person: Person): Sight[] {
    const sights = this.#sights.get(person);
    if (!sights) throw new Error("nobody looks at this person");
    return sights;
  }

  /** For how long, between two moments, somebody's systems answered to a description. */
  lastedMs(
    person: Person,
    span: { readonly fromMs: number; readonly toMs: number },
    fits: (sight: Sight) => boolean,
  ): number {
    const sights = this.sightsOf(person);
    let totalMs = 0;
    for (const [index, sight] of sights.entries()) {
      const untilMs = Math.min(sights[index + 1]?.atMs ?? span.toMs, span.toMs);
      const fromMs = Math.max(sight.atMs, span.fromMs);
      if (untilMs > fromMs && fits(sight)) totalMs += untilMs - fromMs;
    }
    return totalMs;
  }

  /** When applications wrote to somebody's presence, by the system's own journal. */
  writesTo({ teams, dynamics }: Person, side: Side): readonly number[] {
    const { graph, dataverse } = this.#tenant;
    return side === "teams"
      ? timesOf(graph.control.writes(), ({ userId }) => userId === teams)
      : timesOf(dataverse.control.writes(), ({ agentId }) => agentId === dynamics);
  }

  /** The moment of the newest change of anybody. */
  changedAtMs(): number {
    return Math.max(...this.#people.map((person) => this.sightsOf(person).at(-1)?.atMs ?? 0));
  }

  #see({ teams, dynamics }: Person): Sight {
    const { graph, dataverse } = this.#tenant;
    const inTeams = graph.control.state({ userId: teams });
    const inDynamics = dataverse.control.state({ userId: dynamics });
    return {
      atMs: Date.now(),
      teams: teamsClass(inTeams.availability, inTeams.activity),
      dynamics: dynamicsClass(inDynamics.basePresence),
      presenceId: inDynamics.presenceId,
      inCall: inTeams.sessions.some(({ kind }) => kind === "call"),
      hasManual: inTeams.preferred !== null,
    };
  }
}

function timesOf<Entry extends { readonly atMs: number }>(
  journal: readonly Entry[],
  isHers: (entry: Entry) => boolean,
): readonly number[] {
  return journal.filter(isHers).map(({ atMs }) => atMs);
}
