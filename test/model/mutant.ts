import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Setting } from "./setting.ts";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

/** One change to one source file of the core; `find` must occur in it exactly once. */
type Edit = { readonly file: string; readonly find: string; readonly replace: string };

/**
 * A plausible shortcut in the core. It is killed by an exploration that breaks the named invariant, or, where
 * the model cannot express what goes wrong, by a scenario of
 * `test/reconcile/scenarios.ts` or `defects.ts` that fails.
 */
export type Mutant = {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly killedBy:
    | {
        readonly setting: Partial<Setting>;
        readonly invariant: string;
        /** Where it survives: what this setting lacks is what finds it. */
        readonly spared?: Partial<Setting>;
      }
    | { readonly scenario: string };
};

/** Writes a mutated copy of the core below `folder`, and says where: the argument that `loadCore` takes. */
export async function writeMutant(mutant: Mutant, folder: string): Promise<string> {
  const root = join(folder, mutant.name.replaceAll(/\W+/g, "-"));
  await mkdir(root, { recursive: true });
  for (const part of ["presence", "reconcile", "controller"]) {
    await cp(join(SOURCES, part), join(root, part), { recursive: true });
  }
  for (const { file, find, replace } of mutant.edits) {
    const path = join(root, "reconcile", file);
    const source = await readFile(path, "utf8");
    const found = source.split(find).length - 1;
    if (found !== 1) {
      throw new Error(`${mutant.name}: "${find}" occurs ${found} times in ${file}, not once`);
    }
    await writeFile(
      path,
      source.replace(find, () => replace),
    );
  }
  return pathToFileURL(root).href;
}
