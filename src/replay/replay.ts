import type { SystemName } from "../presence/identity.ts";
import { compare, type Difference, reproduced, type Span } from "./compare.ts";
import type { Vocabulary } from "./meaning.ts";
import { type Entry, recordedOf } from "./record.ts";
import { live, type Ruled } from "./run.ts";

/** The policy under which a history was recorded, and the one that it is replayed through beside it. */
export type Question = {
  readonly inForce: Ruled;
  readonly other: Ruled;
  readonly vocabulary: Vocabulary;
  readonly span: Span;
};

/** What would have been different for one rep, and what that rests on. */
export type Answer = Difference & {
  readonly trust: Trust;
};

export type Sum = Omit<Answer, "moments">;

type Trust = {
  /** Decisions that were recorded, and of those the ones that the policy in force comes to again. */
  readonly decisions: number;
  readonly reproduced: number;
  /** Reports of calls of which the record does not say which call. */
  readonly guessed: number;
  /** Readings of which it does not say what the other policy would have taken them for. */
  readonly unsure: number;
  /** Fights with another automation, of which not every change is recorded. */
  readonly fights: number;
};

/**
 * Replays the history of one rep, oldest first and from its beginning, through both policies. Both live in the same
 * faultless world (`run.ts`), so that what differs is due to the policies alone.
 */
export function replayed(
  entries: readonly Entry[],
  { inForce, other, vocabulary, span }: Question,
): Answer {
  const { facts, decided, guessed, fights } = recordedOf(entries);
  const through = (ruled: Ruled) => live(facts, ruled, inForce.mappings, vocabulary, span.untilMs);
  const [before, after] = [through(inForce), through(other)];
  const systems = inForce.policy.systems.map(({ name }) => name);
  return {
    ...compare(before, after, systems, span),
    trust: {
      decisions: decided.length,
      reproduced: reproduced(decided, before.decided),
      guessed,
      unsure: after.unsure,
      fights,
    },
  };
}

/** Whether anything would have been different at all. */
export function isDifferent({ writes, otherwiseMs, routableMs }: Difference): boolean {
  return (
    [...otherwiseMs.values()].some((ms) => ms > 0) ||
    [routableMs, ...writes.values()].some(({ inForce, other }) => inForce !== other)
  );
}

/** Everybody's together. */
export function summed(answers: readonly Answer[]): Sum {
  const writes = new Map<SystemName, { readonly inForce: number; readonly other: number }>();
  const otherwiseMs = new Map<SystemName, number>();
  const routableMs = { inForce: 0, other: 0 };
  const trust = { decisions: 0, reproduced: 0, guessed: 0, unsure: 0, fights: 0 };
  for (const answer of answers) {
    for (const [system, { inForce, other }] of answer.writes) {
      const sum = writes.get(system) ?? { inForce: 0, other: 0 };
      writes.set(system, { inForce: sum.inForce + inForce, other: sum.other + other });
    }
    for (const [system, ms] of answer.otherwiseMs) {
      otherwiseMs.set(system, (otherwiseMs.get(system) ?? 0) + ms);
    }
    routableMs.inForce += answer.routableMs.inForce;
    routableMs.other += answer.routableMs.other;
    for (const key of Object.keys(trust) as (keyof Trust)[]) trust[key] += answer.trust[key];
  }
  return { writes, otherwiseMs, routableMs, trust };
}
