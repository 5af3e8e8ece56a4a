import { openSqliteEngine } from "../engine/sqlite/sqlite-engine.ts";
import type { Engine, StoredHistoryEntry } from "../engine/engine.ts";
import { DYNAMICS, nameOf, type RepId, repId, TEAMS } from "../presence/identity.ts";
import { DEFAULT_MAPPINGS } from "../presence/mapping.ts";
import { createPolicy } from "../policy.ts";
import { describeEndpoint, explainRep } from "../reconcile/explain.ts";
import type { Actor } from "./world.ts";

/** The story sets no policy of its own. */
const POLICY = createPolicy(DEFAULT_MAPPINGS);
const DIM = "\u001b[2m";
const BOLD = "\u001b[1m";
const GREEN = "\u001b[32m";
const RED = "\u001b[31m";
const PLAIN = "\u001b[0m";

/**
 * Tells the story as it happens: what people do, and below it what the service recorded about it, read from its
 * own store by a second reader. Nothing here is made up: a sentence is printed because it is in the history.
 */
export class Transcript {
  readonly #names: ReadonlyMap<RepId, string>;
  readonly #startedAtMs = Date.now();
  readonly #colours = process.stdout.isTTY === true;
  readonly #counts = { writes: 0, echoes: 0, causeless: 0, choices: 0 };
  #engine: Engine | null = null;
  #position = 0;

  constructor(actors: readonly Actor[]) {
    this.#names = new Map(actors.map(({ name, systemUserId }) => [repId(systemUserId), name]));
  }

  get counts(): Readonly<Record<"writes" | "echoes" | "causeless" | "choices", number>> {
    return this.#counts;
  }

  async open(databasePath: string): Promise<void> {
    this.#engine = await openSqliteEngine({ path: databasePath, readOnly: true });
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }

  chapter(title: string): void {
    this.#print(`\n${this.#paint(BOLD, title)}`);
  }

  /** Something that a person or a partner did. */
  act(says: string): void {
    this.#print(`${this.#time()}  ${says}`);
  }

  /** What was expected of the world, and whether it came true. */
  check(says: string, isTrue: boolean): void {
    const mark = isTrue ? this.#paint(GREEN, "✓") : this.#paint(RED, "✗");
    this.#print(`${" ".repeat(8)}${mark} ${says}`);
  }

  line(says = ""): void {
    this.#print(says);
  }

  /** Why each rep of the story shows what she shows, as the service itself would answer. */
  async why(): Promise<void> {
    for (const [rep, name] of this.#names) {
      const document = await this.#engine?.get(rep);
      if (!document) continue;
      const systems = [TEAMS, DYNAMICS].map(
        (system) => `${nameOf(system)}: ${describeEndpoint(document.rep, system, POLICY)}`,
      );
      this.line(`  ${name.padEnd(9)} ${explainRep(document.rep)}  (${systems.join(" · ")})`);
    }
  }

  /** Prints what was recorded since the last time, about the people of the story. */
  async follow(): Promise<void> {
    if (!this.#engine) return;
    const entries = await this.#engine.history({ after: this.#position, limit: 1_000 });
    for (const entry of entries) {
      this.#position = entry.position;
      this.#count(entry);
      const name = this.#names.get(entry.rep);
      if (name === undefined || !isTelling(entry)) continue;
      const time = this.#time(entry.atMs);
      this.#print(this.#paint(DIM, `${time}    ${MARKS[entry.kind]} ${name}: ${entry.says}`));
    }
  }

  #count({ kind, detail, cause }: StoredHistoryEntry): void {
    const chosen = detail.classification === "choice" || detail.classification === "sign-in";
    if (kind === "reading" && chosen) this.#counts.choices += 1;
    if (kind === "write") this.#counts.writes += 1;
    if (kind === "write" && cause === null) this.#counts.causeless += 1;
    if (detail.classification === "echo") this.#counts.echoes += 1;
  }

  #time(atMs = Date.now()): string {
    return `${((atMs - this.#startedAtMs) / 1000).toFixed(1).padStart(5)} s`;
  }

  #paint(code: string, text: string): string {
    return this.#colours ? `${code}${text}${PLAIN}` : text;
  }

  #print(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

const TELLING_READINGS: ReadonlySet<unknown> = new Set([
  "echo",
  "late echo",
  "agrees",
  "outranked",
  "absorbed",
  "uncovered",
  "lease ended",
]);

/** A reading that leads to an intent is told by the intent. */
function isTelling({ kind, detail, cause }: StoredHistoryEntry): boolean {
  if (kind === "reading") return TELLING_READINGS.has(detail.classification);
  return kind !== "intent" || cause?.kind !== "first sight";
}

const MARKS: Readonly<Record<StoredHistoryEntry["kind"], string>> = {
  reading: "sees  ",
  intent: "wants ",
  write: "writes",
  answer: "hears ",
  held: "rests ",
  event: "takes ",
};
