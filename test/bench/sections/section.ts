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
