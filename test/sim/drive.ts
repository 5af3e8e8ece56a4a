import type * as Controllers from "../../src/controller/controller.ts";
import type * as Paces from "../../src/controller/pace.ts";
import type * as Recorders from "../../src/controller/recorder.ts";
import type * as Recurrings from "../../src/controller/recurring.ts";
import type * as Sweeps from "../../src/controller/sweep.ts";

/** The driving layer under test: the real modules, or a mutated copy of them. */
export type Drive = Pick<typeof Controllers, "Controller"> &
  Pick<typeof Paces, "Pace"> &
  Pick<typeof Recorders, "Recorder"> &
  Pick<typeof Recurrings, "Recurring"> &
  Pick<typeof Sweeps, "Sweep">;

/** Loads the driving layer from the folder that holds its files, which is `src/controller` or a mutant of it. */
export async function loadDrive(folder: string): Promise<Drive> {
  const load = async <Module>(file: string): Promise<Module> =>
    (await import(/* @vite-ignore */ `${folder}/${file}.ts`)) as Module;
  const [controller, pace, recorder, recurring, sweep] = await Promise.all([
    load<typeof Controllers>("controller"),
    load<typeof Paces>("pace"),
    load<typeof Recorders>("recorder"),
    load<typeof Recurrings>("recurring"),
    load<typeof Sweeps>("sweep"),
  ]);
  return { ...controller, ...pace, ...recorder, ...recurring, ...sweep };
}

export const realDrive = (): Promise<Drive> =>
  loadDrive(new URL("../../src/controller", import.meta.url).href);
