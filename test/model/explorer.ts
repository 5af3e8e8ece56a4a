import { CLASSIFICATIONS, type Classification } from "../../src/reconcile/classify.ts";
import type { Core } from "./core.ts";
import { binaryKeyOf } from "./key.ts";
import { checkEveryStep, checkQuiet, isQuiet, type Violation } from "./properties.ts";
import { policyOf, type Setting } from "./setting.ts";
import { StateSet } from "./state-set.ts";
import { firstWorld, steps } from "./steps.ts";
import type { World } from "./world.ts";

export type Exploration = {
  readonly setting: string;
  readonly states: number;
  readonly transitions: number;
  /** Quiet states at which convergence was checked: 0 would mean that the run proved nothing. */
  readonly quiet: number;
  readonly maxWrites: number;
  /** How many transitions delivered a reading that was classified so. */
  readonly heard: Readonly<Record<Classification, number>>;
  readonly complete: boolean;
  readonly violation: (Violation & { readonly trace: readonly string[] }) | null;
};

type Heard = Record<Classification, number>;

/**
 * Visits every world that the setting can lead to, breadth first, so that the first violation found has a
 * shortest trace. Stops at the first violation, or at `maxStates`.
 */
export function explore(setting: Setting, core: Core, maxStates: number): Exploration {
  const policy = policyOf(setting);
  const first = firstWorld(setting, core, policy);
  const seen = new StateSet();
  seen.add(binaryKeyOf(first));
  type Node = { readonly world: World; readonly from: Node | null; readonly step: string };
  let frontier: Node[] = [{ world: first, from: null, step: "everything is Available" }];
  let transitions = 0;
  let quiet = 0;
  let maxWrites = 0;
  const heard = Object.fromEntries(CLASSIFICATIONS.map((name) => [name, 0])) as Heard;

  const finish = (
    complete: boolean,
    node: Node | null,
    violation: Violation | null,
  ): Exploration => {
    const trace: string[] = [];
    for (let at = node; at; at = at.from) trace.unshift(at.step);
    const found = violation ? { ...violation, trace } : null;
    const states = seen.size;
    return {
      setting: setting.name,
      states,
      transitions,
      quiet,
      maxWrites,
      heard,
      complete,
      violation: found,
    };
  };

  while (frontier.length > 0) {
    const next: Node[] = [];
    for (const node of frontier) {
      const { world } = node;
      if (isQuiet(world, core, policy, setting)) {
        quiet += 1;
        const violation = checkQuiet(world, core, policy, setting);
        if (violation) return finish(false, node, violation);
      }
      for (const step of steps(world, setting, core, policy)) {
        transitions += 1;
        if (step.heard) heard[step.heard] += 1;
        if (!seen.add(binaryKeyOf(step.next))) continue;
        const child: Node = { world: step.next, from: node, step: step.name };
        maxWrites = Math.max(maxWrites, step.next.writes);
        const violation = checkEveryStep(world, step.next, core, setting);
        if (violation) return finish(false, child, violation);
        next.push(child);
        if (seen.size >= maxStates) return finish(false, null, null);
      }
    }
    frontier = next;
  }
  return finish(true, null, null);
}
