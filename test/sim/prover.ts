import { fuzz, type Finding, type Tally } from "../fuzz/grammar.ts";
import { GRAMMARS } from "../fuzz/grammars.ts";
import { loadCore } from "../model/core.ts";
import { explore, type Exploration } from "../model/explorer.ts";
import { DEEP } from "../model/settings.ts";
import type { ClimateName } from "./climate.ts";
import { type Run, runSeeds } from "./seeds.ts";

/** A piece of the proof, small enough to be handed from one process to another. */
export type Task =
  | {
      readonly kind: "seeds";
      readonly climate: ClimateName;
      readonly from: number;
      readonly count: number;
    }
  | { readonly kind: "states"; readonly setting: number; readonly maxStates: number }
  | {
      readonly kind: "bodies";
      readonly grammar: number;
      readonly seed: number;
      readonly cases: number;
    };

export type Done =
  | (Omit<Run, "covered"> & {
      readonly kind: "seeds";
      readonly covered: readonly [string, number][];
    })
  | (Exploration & { readonly kind: "states"; readonly place: number })
  | { readonly kind: "bodies"; readonly tally: Tally; readonly finding: Finding | null };

/** Every fiftieth seed is run twice. */
const AGAIN = 50;

async function work(task: Task): Promise<Done> {
  if (task.kind === "seeds") {
    const { covered, ...run } = await runSeeds(
      task.climate,
      task.from,
      task.count,
      (seed) => seed % AGAIN === 0,
    );
    return { kind: "seeds", ...run, covered: [...covered] };
  }
  if (task.kind === "bodies") {
    const grammar = GRAMMARS[task.grammar];
    if (!grammar) throw new Error(`there is no grammar ${task.grammar}`);
    return { kind: "bodies", ...fuzz(grammar, task) };
  }
  const core = await loadCore(new URL("../../src", import.meta.url).href);
  const exploring = DEEP[task.setting];
  if (!exploring) throw new Error(`there is no setting ${task.setting}`);
  const explored = explore(exploring.setting, core, task.maxStates);
  return { kind: "states", place: task.setting, ...explored };
}

async function answer(task: Task): Promise<void> {
  const done = await work(task);
  process.send?.(done);
}

process.on("message", (task: Task) => void answer(task));
