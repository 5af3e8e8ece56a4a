import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ClimateName } from "./climate.ts";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

/** A plausible shortcut in the driving layer; `find` must occur in the file exactly once. */
export type DriveMutant = {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Where it is caught, in how many seeds at most. */
  readonly climate: ClimateName;
  readonly seeds: number;
};

export const DRIVE_MUTANTS: readonly DriveMutant[] = [
  {
    name: "D1 send before the record is durable",
    file: "controller.ts",
    find: "      if (!this.#awaits(next, reads) && !(await this.#store(slot, draft))) return true;\n      for (const write of next.writes) this.#send(slot, write);",
    replace:
      "      for (const write of next.writes) this.#send(slot, write);\n      if (!this.#awaits(next, reads) && !(await this.#store(slot, draft))) return true;",
    climate: "network",
    seeds: 3,
  },
  {
    name: "D2 forget at a restart that a write was on its way",
    file: "controller.ts",
    find: "    return recover(completed(rep, names), { ...policy, systems }, clock.nowMs());",
    replace:
      "    return systems.length < 0 ? recover(rep, policy, clock.nowMs()) : completed(rep, names);",
    climate: "disk",
    seeds: 60,
  },
  {
    name: "D3 decide about a system while a write is on its way there",
    file: "slot.ts",
    find: "...this.blind, ...this.flying]",
    replace: "...this.blind]",
    climate: "instances",
    seeds: 250,
  },
  {
    name: "D4 lose the answer to a write when it cannot be stored",
    file: "slot.ts",
    find: "    this.answers.unshift(...draft.answers);\n",
    replace: "",
    climate: "disk",
    seeds: 60,
  },
  {
    name: "D5 send inside a Retry-After",
    file: "pace.ts",
    find: "    if (this.isPaused) return false;\n",
    replace: "",
    climate: "network",
    seeds: 5,
  },
  {
    name: "D6 take an event again that somebody else has settled",
    file: "controller.ts",
    find: "      slot.retain(await engine.unsettled());\n",
    replace: "",
    climate: "disk",
    seeds: 60,
  },
  {
    name: "D7 drop what a draft took when it cannot be stored",
    file: "slot.ts",
    find: "    this.events.unshift(...draft.events);\n",
    replace: "",
    climate: "disk",
    seeds: 60,
  },
  {
    name: "D8 write over what another instance stored",
    file: "controller.ts",
    find: `      throw new Error("another writer changed the rep's document; it is taken up again");`,
    replace: "      return true;",
    climate: "instances",
    seeds: 60,
  },
  {
    name: "D9 leave unsettled events where they are at a restart",
    file: "controller.ts",
    find: "    for (const event of await engine.unsettled()) this.submit(event);\n",
    replace: "",
    climate: "disk",
    seeds: 100,
  },
  {
    name: "D10 settle an event without storing that",
    file: "controller.ts",
    find: "      settles: events,\n",
    replace: "      settles: [],\n",
    climate: "disk",
    seeds: 10,
  },
  {
    name: "D11 say that a read left when it came back",
    file: "reader.ts",
    find: "      for (const { identity, tick, resolve } of waiting) {",
    replace:
      "      left.startedAtMs = clock.nowMs() + 10_000;\n      for (const { identity, tick, resolve } of waiting) {",
    climate: "network",
    seeds: 60,
  },
  {
    name: "D12 give up sweeping after one failure",
    file: "sweep.ts",
    find: "    await this.once();\n    if (this.#abort.signal.aborted) return;",
    replace: "    if (!(await this.once()) || this.#abort.signal.aborted) return;",
    climate: "network",
    seeds: 40,
  },
];

/**
 * Writes a mutated copy of the controller's folder below `folder`, and says where: the argument that `loadDrive`
 * takes. Everything that it imports from elsewhere is the real thing.
 */
export async function writeDriveMutant(mutant: DriveMutant, folder: string): Promise<string> {
  const target = join(folder, mutant.name.replaceAll(/\W+/g, "-"));
  await mkdir(target, { recursive: true });
  const sources = join(SOURCES, "controller");
  for (const file of await readdir(sources)) {
    let text = await readFile(join(sources, file), "utf8");
    if (file === mutant.file) {
      const found = text.split(mutant.find).length - 1;
      if (found !== 1) throw new Error(`${mutant.name}: found ${found} times in ${file}, not once`);
      text = text.replace(mutant.find, () => mutant.replace);
    }
    await writeFile(join(target, file), text.replaceAll('from "../', `from "${SOURCES}`));
  }
  return pathToFileURL(target).href;
}
