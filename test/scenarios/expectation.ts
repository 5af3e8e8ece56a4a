import type { Act } from "./day.ts";
import { type Class, lessAvailable, type Side, shownOn } from "./meaning.ts";
import type { Witness } from "./witness.ts";

export type Choice = Act & { readonly status: Class };

/** Two choices within this time cross, if the second was made without having seen the first. */
const CROSSING_MS = 10_000;
/** Nobody can say to the second when a service that reads every second has seen something. */
const BLUR_MS = 3_000;
/** She cannot have answered to what was in front of her for less than this. */
const NOTICED_MS = 2_000;
/** A choice that she replaced in the same place so soon may have been seen by nobody. */
const FLEETING_MS = 5_000;

/** Every choice that may stand at the end of a day; `null`: she never chose, so she is free. */
export type Expectation = ReadonlySet<Choice | null>;

/**
 * What may stand after somebody's choices, from what she did and what was shown to her, and from nothing that
 * the service thinks: the later choice stands; where two in different systems crossed, the less available.
 *
 * Choices are taken in their order within each system. Across systems, those closer than `BLUR_MS` are taken in
 * either order. A choice that she herself replaced within `FLEETING_MS` counts or does not. So the answer is
 * one choice nearly always, and two where physics does not tell.
 */
export function expectationOf(acts: readonly Act[], witness: Witness): Expectation {
  const choices = acts.filter((act): act is Choice => act.status !== null);
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
        if (!next || (other && next.atMs - other.atMs > BLUR_MS)) continue;
        const after = reached.get(to) ?? new Set();
        reached.set(to, after);
        for (const before of standing) {
          for (const result of resultsOf(before, next, witness)) after.add(result);
          if (isFleeting(next, lane[own + 1])) after.add(before);
        }
      }
    }
  }
  return reached.get(`${teams.length} ${dynamics.length}`) ?? new Set([null]);
}

function isFleeting(choice: Choice, next: Choice | undefined): boolean {
  return next !== undefined && next.atMs - choice.atMs < FLEETING_MS;
}

function resultsOf(before: Choice | null, next: Choice, witness: Witness): readonly Choice[] {
  if (before === null || before.side === next.side) return [next];
  const [first, second] = before.atMs <= next.atMs ? [before, next] : [next, before];
  const stronger = lessAvailable(first.status, second.status) === second.status ? second : first;
  const gapMs = second.atMs - first.atMs;
  const span = { fromMs: first.atMs, toMs: second.atMs };
  const seenMs = witness.lastedMs(second.person, span, (sight) =>
    isShown(second.side, sight[second.side], first.status),
  );
  if (seenMs >= NOTICED_MS || gapMs > CROSSING_MS + BLUR_MS) return [second];
  const talkedMs = witness.lastedMs(second.person, span, (sight) => sight.inCall);
  const crossed = seenMs === 0 && talkedMs === 0 && gapMs < CROSSING_MS - BLUR_MS;
  return crossed ? [stronger] : [second, stronger];
}

function isShown(side: Side, shown: Class, status: Class): boolean {
  return shown === shownOn(side, status);
}
