import type { StoredHistoryEntry } from "../../src/engine/engine.ts";
import type { Company } from "./company.ts";
import type { Act } from "./day.ts";
import {
  type Choice,
  expectationOf,
  isChoice,
  meetsWrite,
  type Testimony,
  type Told,
} from "./expectation.ts";
import { type Lateness, PUNCTUAL } from "./lateness.ts";
import { type Class, type Side, shownOn } from "./meaning.ts";
import type { Person, Sight, Witness } from "./witness.ts";

type Fault = "stuck" | "clobbered" | "lost";

/** A rep for whom something is wrong at the end, with all that is needed to find out why. */
type Wrong = {
  readonly fault: Fault;
  readonly person: Person;
  readonly expected: string;
  readonly stands: string;
  readonly did: string;
};

export type Count = Readonly<Record<Fault, number>> & {
  readonly wrong: readonly Wrong[];
  /** Reps of whom more than one outcome is right: what the counts above do not judge sharply. */
  readonly disputed: number;
  /** Choices that met a write under way. They are few, or the service writes without looking. */
  readonly met: number;
  /** Reps whose last choice in Teams stands there and met such a write, so that Dynamics never heard of it. */
  readonly diverged: number;
  /** Reps who must end as something else than Available. */
  readonly notAvailable: number;
};

/** Who is counted, and who has seen what became of them. */
type Watched = {
  readonly people: readonly Person[];
  readonly witness: Testimony & Pick<Witness, "look">;
};

/**
 * Counts what is wrong from the state of the world alone, once it is quiet and nobody talks.
 *
 * - stuck: busy in either system although nothing is left that she should be busy for.
 * - clobbered: where she made her last choice, something else stands.
 * - lost: it stands there, and the other system does not show it.
 *
 * On a busy machine more than that is right for some; whom that concerns is not counted as disputed, met or
 * available, so that a day means the same on every machine.
 */
export function countWrong(
  company: Watched,
  acts: readonly Act[],
  lateMs: Lateness = PUNCTUAL,
): Count {
  const byPerson = Map.groupBy(acts, ({ person }) => person);
  const wrong: Wrong[] = [];
  let [disputed, notAvailable, met, diverged] = [0, 0, 0, 0];
  for (const person of company.people) {
    const own = (byPerson.get(person) ?? []).toSorted((a, b) => a.atMs - b.atMs);
    const sight = company.witness.look(person);
    const { choices, met: metHere } = expectationOf(own, company.witness);
    met += metHere;
    if (new Set([...choices].map(statusOf)).size > 1) disputed += 1;
    if ([...choices].every((choice) => statusOf(choice) !== "Available")) notAvailable += 1;
    const expected = [...expectationOf(own, company.witness, lateMs).choices];
    const faults = expected.map((choice) => faultOf(choice, sight));
    const [fault] = faults;
    if (!fault || faults.includes(null)) continue;
    if (isUnnoticed(own, sight, { witness: company.witness, lateMs })) {
      diverged += 1;
      continue;
    }
    wrong.push({
      fault,
      person,
      expected: expected
        .map((choice) => `${statusOf(choice)} of ${choice?.side ?? "nobody"}`)
        .join(" or "),
      stands: `${sight.teams} in Teams, ${sight.dynamics} in Dynamics (${sight.presenceId})`,
      did: own.map(describe).join("; "),
    });
  }
  const count = (fault: Fault): number => wrong.filter((one) => one.fault === fault).length;
  return {
    stuck: count("stuck"),
    clobbered: count("clobbered"),
    lost: count("lost"),
    wrong,
    disputed,
    notAvailable,
    met,
    diverged,
  };
}

/**
 * For how many it would be noticed if nothing had been written at all, and each system showed what was chosen in
 * it last: however busy the machine was, the count has to stay able to fail.
 */
export function noticedWithoutService(
  { people, witness }: Watched,
  acts: readonly Act[],
  lateMs: Lateness,
): number {
  const lastOf = (person: Person, side: Side): Act | undefined =>
    acts
      .filter((act) => act.person === person && act.side === side && isChoice(act))
      .toSorted((a, b) => a.atMs - b.atMs)
      .at(-1);
  const look = (person: Person): Sight => {
    const [inTeams, inDynamics] = [lastOf(person, "teams"), lastOf(person, "dynamics")];
    return {
      ...witness.look(person),
      teams: inTeams?.status ?? "Available",
      dynamics: inDynamics?.status ?? "Available",
      presenceId: inDynamics?.presenceId ?? "",
    };
  };
  const without: Watched = {
    people,
    witness: {
      look,
      sightsOf: (person) => witness.sightsOf(person),
      writesTo: (person, side) => witness.writesTo(person, side),
      lastedMs: (person, span, fits) => witness.lastedMs(person, span, fits),
    },
  };
  return countWrong(without, acts, lateMs).wrong.length;
}

const statusOf = (choice: Choice | null): Class => choice?.status ?? "Available";

function faultOf(choice: Choice | null, sight: Sight): Fault | null {
  const status = statusOf(choice);
  const fits = (side: Side): boolean => sight[side] === shownOn(side, status);
  if (status === "Available") return fits("teams") && fits("dynamics") ? null : "stuck";
  const side = choice?.side ?? "teams";
  const isHers = choice?.presenceId === null || choice?.presenceId === sight.presenceId;
  if (!fits(side) || !isHers) return "clobbered";
  return fits(side === "teams" ? "dynamics" : "teams") ? null : "lost";
}

/**
 * The known limit: Teams takes a write and may show something else, so that her going back, while a write was
 * under way, looks like a write without effect. It heals with her next change.
 */
function isUnnoticed(acts: readonly Act[], sight: Sight, told: Told): boolean {
  const last = acts.findLast((act) => act.side === "teams" && isChoice(act));
  if (!last || !isChoice(last) || !meetsWrite(last, told)) return false;
  return sight.teams === last.status;
}

function describe({ atMs, side, does, status, before }: Act): string {
  const when = new Date(atMs).toISOString().slice(14, 23);
  const showed = `${before.teams}/${before.dynamics}`;
  return `${when} ${side} ${does} ${status ?? ""} (${showed} before)`;
}

/**
 * Intents that say "she chose" without her having done so. Each act explains one intent of its system and
 * status, no earlier than the act itself.
 */
export function spuriousChoices(
  history: readonly StoredHistoryEntry[],
  acts: readonly Act[],
  lateMs: Lateness = PUNCTUAL,
): readonly StoredHistoryEntry[] {
  const left = Map.groupBy(
    acts.filter(({ status }) => status !== null).toSorted((a, b) => a.atMs - b.atMs),
    ({ person, side, status }) => key(person.dynamics, side, status ?? ""),
  );
  return history.filter(({ rep, kind, cause, atMs }) => {
    if (kind !== "intent" || cause?.kind !== "choice") return false;
    const candidates = left.get(key(rep, cause.source, cause.status)) ?? [];
    const before = candidates.findLastIndex((act) => act.atMs <= atMs);
    const answeredMs = atMs + READ_MS + 2 * lateMs(atMs);
    const index = before >= 0 ? before : candidates.findIndex((act) => act.atMs <= answeredMs);
    if (index < 0) return true;
    candidates.splice(0, index + 1);
    return false;
  });
}

/** A read shows what was done after it left and before it was answered: reads of everybody take longer than writes. */
const READ_MS = 5_000;

function key(...parts: readonly string[]): string {
  return parts.join(" ").toLowerCase();
}

/** Seconds in which Dynamics would have sent work to somebody who is in a Teams call. For information. */
export function routedWhileBusySeconds({
  people,
  witness,
}: Pick<Company, "people" | "witness">): number {
  const span = { fromMs: 0, toMs: Date.now() };
  const routed = (sight: Sight): boolean =>
    sight.teams === "InACall" && sight.dynamics === "Available";
  const totalMs = people.reduce((sum, person) => sum + witness.lastedMs(person, span, routed), 0);
  return Math.round(totalMs / 100) / 10;
}
