import type { Tenant } from "../../src/emulators/tenant.ts";
import {
  type Class,
  dynamicsClass,
  saidToDynamics,
  saidToTeams,
  type Side,
  teamsClass,
} from "./meaning.ts";

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

/** A write of an application, and the class that it makes its system show; `null` where it has no word for that. */
export type Written = { readonly atMs: number; readonly says: Class | null };

type Span = { readonly fromMs: number; readonly toMs: number };

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
  lastedMs(person: Person, span: Span, fits: (sight: Sight) => boolean): number {
    return lasted(this.sightsOf(person), span, fits);
  }

  /** What applications wrote to somebody's presence, and when, by the system's own journal. */
  writesTo({ teams, dynamics }: Person, side: Side): readonly Written[] {
    const { graph, dataverse } = this.#tenant;
    if (side === "teams") {
      return graph.control
        .writes()
        .filter(({ userId }) => userId === teams)
        .map(({ atMs, operation, body }) => ({ atMs, says: saidToTeams(operation, body) }));
    }
    return dataverse.control
      .writes()
      .filter(({ agentId }) => agentId === dynamics)
      .map(({ atMs, presenceId }) => ({ atMs, says: saidToDynamics(presenceId) }));
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

/** For how long, between two moments, what was seen answered to a description. */
export function lasted(
  sights: readonly Sight[],
  span: Span,
  fits: (sight: Sight) => boolean,
): number {
  let totalMs = 0;
  for (const [index, sight] of sights.entries()) {
    const untilMs = Math.min(sights[index + 1]?.atMs ?? span.toMs, span.toMs);
    const fromMs = Math.max(sight.atMs, span.fromMs);
    if (untilMs > fromMs && fits(sight)) totalMs += untilMs - fromMs;
  }
  return totalMs;
}
