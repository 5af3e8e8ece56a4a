import type { Act } from "./day.ts";
import { type Lateness, PUNCTUAL } from "./lateness.ts";
import { type Class, lessAvailable, type Side, shownOn } from "./meaning.ts";
import type { Sight, Witness } from "./witness.ts";

/** What has to be known of the world in order to judge. */
export type Testimony = Pick<Witness, "sightsOf" | "lastedMs" | "writesTo">;

/** The same, and how late things came. */
export type Told = { readonly witness: Testimony; readonly lateMs: Lateness };

export type Choice = Act & { readonly status: Class };

export const isChoice = (act: Act): act is Choice => act.status !== null;

// All of these are times of a machine that is not busy. What is late there is added.

/** Two choices within this time cross, if the second was made without having seen the first. */
const CROSSING_MS = 10_000;
/** Nobody can say to the second when a service that reads every second has seen something. */
const BLUR_MS = 3_000;
/** She cannot have answered to what was in front of her for less than this. */
const NOTICED_MS = 2_000;
/** A choice that she replaced in the same place so soon may have been seen by nobody. */
const FLEETING_MS = 5_000;
/**
 * So long after a read left can the write that it justified arrive. A choice made in between is overwritten
 * before anybody could have read it: neither system can be told to write only if nothing has changed.
 */
const IN_FLIGHT_MS = 1_000;
/** Between two looks of a service that reads every second. */
const UNSEEN_MS = 1_500;
/** So long after a write a read may still be the first to show it: the same choice again looks like its echo. */
const ECHO_MS: Readonly<Record<Side, number>> = { teams: 2_500, dynamics: 5_500 };

/** Every choice that may stand at the end of a day; `null`: she never chose, so she is free. */
export type Expectation = {
  readonly choices: ReadonlySet<Choice | null>;
  /** How many of her choices met a write of ours that was under way: nobody can see those in time. */
  readonly met: number;
};

/**
 * What may stand after somebody's choices, from what she did and what was shown to her, and from nothing that
 * the service thinks: the later choice stands; where two in different systems crossed, the less available.
 *
 * Choices are taken in their order within each system. Across systems, those closer than `BLUR_MS` are taken in
 * either order. A choice that she herself replaced within `FLEETING_MS`, or that a write already under way
 * replaced, counts or does not. So the answer is one choice nearly always, and two where physics does not tell.
 */
export function expectationOf(
  acts: readonly Act[],
  witness: Testimony,
  lateMs: Lateness = PUNCTUAL,
): Expectation {
  const told: Told = { witness, lateMs };
  const choices = acts.filter(isChoice);
  const lanes = (["teams", "dynamics"] as const).map((side) =>
    choices.filter((choice) => choice.side === side),
  );
  const [teams = [], dynamics = []] = lanes;
  const reached = new Map<string, Set<Choice | null>>([["0 0", new Set([null])]]);
  for (let total = 0; total < choices.length; total += 1) {
    for (let taken = 0; taken <= total; taken += 1) {
      const [inTeams, inDynamics] = [taken, total - taken];
      const standing = reached.get(`${inTeams} ${inDynamics}`);
      if (!standing) continue;
      for (const [lane, own, other, to] of [
        [teams, inTeams, dynamics[inDynamics], `${inTeams + 1} ${inDynamics}`],
        [dynamics, inDynamics, teams[inTeams], `${inTeams} ${inDynamics + 1}`],
      ] as const) {
        const next = lane[own];
        if (!next || (other && next.atMs - other.atMs > blurMs(next, told))) continue;
        const after = reached.get(to) ?? new Set();
        reached.set(to, after);
        for (const before of standing) {
          for (const result of resultsOf(before, next, told)) after.add(result);
          if (isFleeting(next, lane[own + 1], told)) after.add(before);
        }
      }
    }
  }
  return {
    choices: reached.get(`${teams.length} ${dynamics.length}`) ?? new Set([null]),
    met: choices.filter((choice) => meetsWrite(choice, told)).length,
  };
}

const blurMs = ({ atMs }: Choice, { lateMs }: Told): number => BLUR_MS + lateMs(atMs);

function isFleeting(choice: Choice, next: Choice | undefined, told: Told): boolean {
  if (next !== undefined && next.atMs - choice.atMs < FLEETING_MS + told.lateMs(choice.atMs)) {
    return true;
  }
  return meetsWrite(choice, told);
}

/**
 * Nobody can tell her choice from a write: one arrived there at once, or had said just this a moment before
 * (docs/SPEC.md §11). Or she went back to what had been there so little time before that whoever looks
 * every second saw no difference.
 */
export function meetsWrite(choice: Choice, { witness, lateMs }: Told): boolean {
  const { person, side, atMs, status } = choice;
  const late = lateMs(atMs);
  const sights = witness.sightsOf(person);
  const last = sights.findLastIndex(
    (sight) => sight.atMs < atMs && sight[side] === shownOn(side, status),
  );
  const leftAtMs = last < 0 ? Number.NEGATIVE_INFINITY : (sights[last + 1]?.atMs ?? atMs);
  if (atMs - leftAtMs < UNSEEN_MS + late) return true;
  return witness.writesTo(person, side).some(({ atMs: writtenMs, says }) =>
    writtenMs >= atMs
      ? // The read came late, and so did the write.
        writtenMs - atMs < IN_FLIGHT_MS + 2 * late
      : // The answer came late, and so did the read that would have settled it.
        looksLike(choice, says) && atMs - writtenMs < ECHO_MS[side] + 2 * late,
  );
}

/** In Teams Away beneath a status that we have withdrawn may be an idle computer (docs/SPEC.md §11). */
function looksLike({ side, status }: Choice, says: Class | null): boolean {
  return says === status || (side === "teams" && says === "Available" && status === "Away");
}

function resultsOf(before: Choice | null, next: Choice, told: Told): readonly Choice[] {
  if (before === null || before.side === next.side) return [next];
  // What she chooses here is what her choice there asks for here: that may be taken as assent.
  if (shownOn(next.side, before.status) === next.status) return [before, next];
  const [first, second] = before.atMs <= next.atMs ? [before, next] : [next, before];
  const stronger = lessAvailable(first.status, second.status) === second.status ? second : first;
  const gapMs = second.atMs - first.atMs;
  const span = { fromMs: first.atMs, toMs: second.atMs };
  const { witness, lateMs } = told;
  const showsIt = (sight: Sight): boolean =>
    sight[second.side] === shownOn(second.side, first.status);
  const seenMs = witness.lastedMs(second.person, span, showsIt);
  const hasNoticed = seenMs >= NOTICED_MS + lateMs(second.atMs);
  if (hasNoticed || gapMs > CROSSING_MS + blurMs(second, told)) return [second];
  const talkedMs = witness.lastedMs(second.person, span, (sight) => sight.inCall);
  // It may have come to stand there since the last look before she chose.
  const isUnseen = seenMs === 0 && !showsIt(second.before);
  const crossed = isUnseen && talkedMs === 0 && gapMs < CROSSING_MS - blurMs(second, told);
  return crossed ? [stronger] : [second, stronger];
}
