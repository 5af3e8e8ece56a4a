import type { LoopbackTls } from "../../../src/emulators/tls.ts";
import type { Result } from "../report/result.ts";

/** How much is measured. `quick` is for a test: everything once, tiny, and without what has to be fetched. */
export type Scope = {
  readonly quick: boolean;
  /** Rounds, each contestant in turn in each of them. */
  readonly rounds: number;
  /** Whether Node-RED may be measured: it was installed, or could be. */
  readonly rivals: boolean;
  readonly tls: LoopbackTls;
  readonly say: (line: string) => void;
  /** Whether the section's time is nearly over: what has been measured then is all there will be. */
  readonly isLate: () => boolean;
};

export type Section = {
  readonly id: string;
  /** Cut off after so long: one that hangs must not cost the others their time. */
  readonly withinMs: number;
  run(scope: Scope): Promise<Result>;
};

/** The items in turn, beginning with another one in each round: nobody is always first. */
export function inTurn<Item>(items: readonly Item[], round: number): readonly Item[] {
  return items.map((_, index) => items[(index + round) % items.length] as Item);
}

/** Plays the rounds, fewer if time runs out, and one at least. Resolves to how many. */
export async function playRounds(
  scope: Scope,
  play: (round: number) => Promise<void>,
): Promise<number> {
  let round = 0;
  while (round < scope.rounds && (round === 0 || !scope.isLate())) {
    await play(round);
    round += 1;
  }
  return round;
}

/** What is to be said of rounds that were cut short. */
export function cutShort(rounds: number, scope: Scope): readonly string[] {
  if (rounds >= scope.rounds) return [];
  return [
    `Only ${rounds} of ${scope.rounds} rounds: the machine was too busy for more in the time.`,
  ];
}
