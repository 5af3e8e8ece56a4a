import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTANTS } from "../model/mutants.ts";
import { DRIVE_MUTANTS } from "../sim/mutants.ts";
import { RULE_MUTANTS } from "./mutants.ts";

const SPEC = join(import.meta.dirname, "../../docs/SPEC.md");

const AT_THE_WIRE =
  "What stands at an edge is proved at the wire, against emulators, contract suites and broken input; a mutant of it " +
  "would take an emulated tenant each. Those that need none are taken out in edge-mutants.ts.";

/** Sections of docs/SPEC.md whose rules need not be taken out one by one, by the beginning of their heading. */
const SPARED: Readonly<Record<string, string>> = {
  "7. Keeping":
    "The stores are asked by a contract suite, on failing disks and through kill -9: a store that lacks a rule fails there.",
  "7b. Keeping on a server": "So are these; each would take a PostgreSQL server.",
  "7c. A thread for the writes":
    "So are these: the contract runs in both places, and crashes are played on the thread.",
  "8. Systems": AT_THE_WIRE,
  "9. Edges": AT_THE_WIRE,
  "9a. Commands": AT_THE_WIRE,
  "8a. Dynamics in full": AT_THE_WIRE,
  "8b. Availability": AT_THE_WIRE,
  "9b. Directory": AT_THE_WIRE,
  "9b. The bot": AT_THE_WIRE,
  "9c. Other applications": AT_THE_WIRE,
  "9d. More of the bot": AT_THE_WIRE,
  "10. Invariants": "They are what the mutants of the core and of the drive are caught by.",
  "11. Known limits": "A limit is not kept by code that could be taken out.",
  "12. What strangers send": "Half a million broken bodies ask for these in every run.",
  "13. Change notifications": AT_THE_WIRE,
  "15. What it costs": "The bench measures the service, and is no part of it.",
  "16. What is counted": AT_THE_WIRE,
  "17. The policy":
    "The commands and the card are proved at the wire; how a replay decides is taken out in edge-mutants.ts.",
  "18. Coming":
    "Real processes and a real server are asked; one that lacks a rule lives on, or keeps others waiting.",
};

/** Rules in the other sections, with the reason why nothing takes them out. */
const EXEMPT: Readonly<Record<string, string>> = {
  R324: "At the wire, as in section 13: it is about accounts that Teams is watched with.",
};

type Rule = { readonly id: string; readonly section: string };

async function rules(): Promise<readonly Rule[]> {
  const found: Rule[] = [];
  let section = "";
  for (const line of (await readFile(SPEC, "utf8")).split("\n")) {
    section = /^## (.*)/.exec(line)?.[1] ?? section;
    const [, id] = /^(?:- )?\*\*([RPL]\d+)\b/.exec(line) ?? [];
    if (id !== undefined) found.push({ id, section });
  }
  return found;
}

const takenOut = (): ReadonlySet<string> => {
  const names = [...MUTANTS, ...DRIVE_MUTANTS].map(({ name }) => name);
  const cited = names.flatMap((name) => name.match(/\bR\d+\b/g) ?? []);
  return new Set([...cited, ...RULE_MUTANTS.map(({ rule }) => rule)]);
};

const sparedIn = (section: string): string | undefined =>
  Object.keys(SPARED).find((beginning) => section.startsWith(beginning));

test("every rule of the decision and of the drive is taken out by a mutant, or it is said why not", async () => {
  const all = await rules();
  expect(all.length).toBeGreaterThan(200);
  const mutants = takenOut();
  const needed = all.filter(({ id, section }) => !sparedIn(section) && !(id in EXEMPT));
  expect(needed.length).toBeGreaterThan(80);
  expect(needed.filter(({ id }) => !mutants.has(id))).toEqual([]);
});

test("no mutant takes out a rule that is not there, and no exemption is left over", async () => {
  const all = await rules();
  const ids = new Set(all.map(({ id }) => id));
  const mutants = takenOut();
  expect([...mutants].filter((id) => !ids.has(id))).toEqual([]);
  expect(Object.keys(EXEMPT).filter((id) => mutants.has(id) || !ids.has(id))).toEqual([]);
  const sections = all.map(({ section }) => section);
  const spared = Object.keys(SPARED);
  expect(spared.filter((one) => !sections.some((name) => name.startsWith(one)))).toEqual([]);
});
