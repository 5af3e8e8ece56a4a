import type * as Delivery from "../../src/reconcile/delivery.ts";
import type * as Intent from "../../src/reconcile/intent.ts";
import type * as Observe from "../../src/reconcile/observe.ts";
import type * as Pausing from "../../src/reconcile/pause.ts";
import type * as Planning from "../../src/reconcile/plan.ts";
import type * as Resolve from "../../src/reconcile/resolve.ts";

/** The reducer under test: the real modules, or a mutated copy of them. */
export type Core = Pick<typeof Observe, "observe"> &
  Pick<typeof Planning, "plan"> &
  Pick<typeof Delivery, "deliver" | "recover"> &
  Pick<typeof Pausing, "setPaused"> &
  Pick<typeof Intent, "choose" | "putHold" | "releaseHold"> &
  Pick<typeof Resolve, "targetOf" | "topOf" | "isSatisfied">;

/** Loads the reducer from the folder that holds `reconcile/`, which is `src/` or a mutant of it. */
export async function loadCore(folder: string): Promise<Core> {
  const load = async <Module>(file: string): Promise<Module> =>
    (await import(/* @vite-ignore */ `${folder}/reconcile/${file}.ts`)) as Module;
  const [observe, plan, delivery, intent, pause, resolve] = await Promise.all([
    load<typeof Observe>("observe"),
    load<typeof Planning>("plan"),
    load<typeof Delivery>("delivery"),
    load<typeof Intent>("intent"),
    load<typeof Pausing>("pause"),
    load<typeof Resolve>("resolve"),
  ]);
  return { ...observe, ...plan, ...delivery, ...intent, ...pause, ...resolve };
}
