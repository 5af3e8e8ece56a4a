import type * as Takeover from "../../src/controller/takeover.ts";
import type * as Delivery from "../../src/reconcile/delivery.ts";
import type * as Events from "../../src/reconcile/event.ts";
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
  Pick<typeof Events, "takeEvent"> &
  Pick<typeof Intent, "choose" | "putHold" | "releaseHold"> &
  Pick<typeof Takeover, "known"> &
  Pick<typeof Resolve, "targetOf" | "topOf" | "isSatisfied">;

/** Loads the reducer from the folder that holds `reconcile/` and `controller/`, which is `src/` or a mutant of it. */
export async function loadCore(folder: string): Promise<Core> {
  const load = async <Module>(file: string): Promise<Module> =>
    (await import(/* @vite-ignore */ `${folder}/${file}.ts`)) as Module;
  const [observe, plan, delivery, event, intent, pause, resolve, takeover] = await Promise.all([
    load<typeof Observe>("reconcile/observe"),
    load<typeof Planning>("reconcile/plan"),
    load<typeof Delivery>("reconcile/delivery"),
    load<typeof Events>("reconcile/event"),
    load<typeof Intent>("reconcile/intent"),
    load<typeof Pausing>("reconcile/pause"),
    load<typeof Resolve>("reconcile/resolve"),
    load<typeof Takeover>("controller/takeover"),
  ]);
  return {
    ...observe,
    ...plan,
    ...delivery,
    ...event,
    ...intent,
    ...pause,
    ...resolve,
    ...takeover,
  };
}
