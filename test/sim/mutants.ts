import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ClimateName } from "./climate.ts";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

/** One change to one file of the driving layer; `find` must occur in it exactly once. */
type Edit = { readonly file: string; readonly find: string; readonly replace: string };

/** A plausible shortcut in the driving layer. */
export type DriveMutant = {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Where it is caught, in how many seeds at most. */
  readonly climate: ClimateName;
  readonly seeds: number;
};

export const DRIVE_MUTANTS: readonly DriveMutant[] = [
  {
    name: "D1 send before the record is durable (R38, R49)",
    edits: [
      {
        file: "controller.ts",
        find: "      if (!awaits && !(await this.#store(slot, draft, patient))) return true;\n      for (const write of next.writes) this.#send(slot, write);",
        replace:
          "      for (const write of next.writes) this.#send(slot, write);\n      if (!awaits && !(await this.#store(slot, draft, patient))) return true;",
      },
    ],
    climate: "network",
    seeds: 3,
  },
  {
    name: "D2 forget at a restart, and for good, that a write was on its way (R54)",
    edits: [
      {
        file: "takeover.ts",
        find: `import { recover } from "../reconcile/delivery.ts";`,
        replace: "const recover = (rep: Rep, ..._rest: readonly unknown[]): Rep => rep;",
      },
    ],
    climate: "disk",
    seeds: 60,
  },
  {
    name: "D3 decide about a system while a write is on its way there, and take those of others for lost (R305)",
    edits: [
      {
        file: "takeover.ts",
        find: "const ANSWER_MS = 45_000;",
        replace: "const ANSWER_MS = 0;",
      },
      {
        file: "slot.ts",
        find: "...this.blind, ...this.flying]",
        replace: "...this.blind]",
      },
    ],
    climate: "instances",
    seeds: 250,
  },
  {
    name: "D4 lose the answer to a write when it cannot be stored, and never miss it",
    edits: [
      {
        file: "takeover.ts",
        find: "sentAtMs + ANSWER_MS <= nowMs",
        replace: "sentAtMs + ANSWER_MS <= 0",
      },
      {
        file: "slot.ts",
        find: "    this.answers.unshift(...draft.answers);\n",
        replace: "",
      },
    ],
    climate: "disk",
    seeds: 60,
  },
  {
    name: "D5 send inside a Retry-After (R46)",
    edits: [
      {
        file: "pace.ts",
        find: "    if (this.isPaused) return false;\n",
        replace: "",
      },
    ],
    climate: "network",
    seeds: 5,
  },
  {
    name: "D6 take an event again that somebody else has settled (R63)",
    edits: [
      {
        file: "controller.ts",
        find: "      slot.retain(await engine.unsettled());\n",
        replace: "",
      },
    ],
    climate: "disk",
    seeds: 60,
  },
  {
    name: "D7 drop what a draft took when it cannot be stored (R63)",
    edits: [
      {
        file: "slot.ts",
        find: "    this.events.unshift(...draft.events);\n",
        replace: "",
      },
    ],
    climate: "disk",
    seeds: 120,
  },
  {
    name: "D8 write over what another instance stored (R60)",
    edits: [
      {
        file: "controller.ts",
        find: `      throw new Error("another writer changed the rep's document; it is taken up again");`,
        replace: "      return true;",
      },
    ],
    climate: "instances",
    seeds: 60,
  },
  {
    name: "D9 leave unsettled events where they are at a restart (R63)",
    edits: [
      {
        file: "controller.ts",
        find: "    for (const event of await engine.unsettled()) this.submit(event);\n",
        replace: "",
      },
    ],
    climate: "disk",
    seeds: 100,
  },
  {
    name: "D10 settle an event without storing that (R63)",
    edits: [
      {
        file: "controller.ts",
        find: "      settles: events,\n",
        replace: "      settles: [],\n",
      },
    ],
    climate: "disk",
    seeds: 10,
  },
  {
    name: "D11 say that a read left when it came back",
    edits: [
      {
        file: "reader.ts",
        find: "      for (const { identity, tick, resolve } of waiting) {",
        replace:
          "      left.startedAtMs = clock.nowMs() + 10_000;\n      for (const { identity, tick, resolve } of waiting) {",
      },
    ],
    climate: "network",
    seeds: 60,
  },
  {
    name: "D12 give up sweeping after one failure",
    edits: [
      {
        file: "sweep.ts",
        find: "    await this.once();\n    if (this.#hasEnded) return;",
        replace: "    if (!(await this.once()) || this.#hasEnded) return;",
      },
    ],
    climate: "network",
    seeds: 40,
  },
  {
    name: "D13 forget who leaves while something of ours lies with her (R116)",
    edits: [
      {
        file: "controller.ts",
        find: "if (busy || !rep.paused || !isReleased(rep, policy, clock.nowMs())) {",
        replace: "if (busy && rep.paused && !isReleased(rep, policy, clock.nowMs())) {",
      },
    ],
    climate: "disk",
    seeds: 60,
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
    for (const { find, replace } of mutant.edits.filter((edit) => edit.file === file)) {
      const found = text.split(find).length - 1;
      if (found !== 1) throw new Error(`${mutant.name}: found ${found} times in ${file}, not once`);
      text = text.replace(find, () => replace);
    }
    await writeFile(join(target, file), text.replaceAll('from "../', `from "${SOURCES}`));
  }
  return pathToFileURL(target).href;
}
