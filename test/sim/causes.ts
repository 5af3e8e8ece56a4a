import type { HistoryEntry } from "../../src/engine/engine.ts";
import type { RepId, SystemName } from "../../src/presence/identity.ts";
import type { Status } from "../../src/presence/status.ts";
import { keyOf } from "./disk.ts";
import type { Journal } from "./journal.ts";

type Broken = (invariant: string, says: string) => void;

/**
 * P3 and P4: who did what, and what the service says was done. Every choice that it records must be one that was
 * made, in that system and of that status, and each is used once. P8's other half: an event is taken once.
 */
export class Causes {
  /** What people and systems did, which may explain a write; each counts for one in every system. */
  inputs = 0;
  readonly #journal: Journal;
  readonly #broken: Broken;
  readonly #deeds = new Map<string, Status[]>();
  readonly #taken = new Set<string>();

  constructor(journal: Journal, broken: Broken) {
    this.#journal = journal;
    this.#broken = broken;
  }

  /** Something a human did after which `system` may show `status` as hers. */
  did(rep: RepId, system: SystemName, status: Status): void {
    const key = `${rep} ${system}`;
    const deeds = this.#deeds.get(key) ?? [];
    deeds.push(status);
    this.#deeds.set(key, deeds);
  }

  committed(rep: RepId, history: readonly HistoryEntry[]): void {
    for (const entry of history) {
      if (entry.kind === "intent") this.#intent(rep, entry);
      if (entry.kind === "event") this.#event(entry);
      if (entry.kind === "write" && !entry.cause) {
        this.#broken("P3 no write without a cause", `a write for ${rep} names none`);
      }
    }
  }

  wasTaken(key: string): boolean {
    return this.#taken.has(key);
  }

  #intent(rep: RepId, { cause, says }: HistoryEntry): void {
    this.#journal.tell(`intent ${rep}: ${says}`);
    this.#journal.checked("P3");
    if (!cause) return this.#broken("P3 no write without a cause", `an intent of ${rep} has none`);
    if (cause.kind !== "choice") return undefined;
    this.#journal.checked("P4");
    const deeds = this.#deeds.get(`${rep} ${cause.source}`) ?? [];
    const at = deeds.lastIndexOf(cause.status);
    if (at < 0) {
      const claim = `${rep} chose ${cause.status} in ${cause.source}`;
      return this.#broken("P4 no echo", `the service says that ${claim}, and she did not`);
    }
    deeds.splice(at, 1);
    return undefined;
  }

  #event({ detail }: HistoryEntry): void {
    const key = keyOf({ source: String(detail["source"]), id: String(detail["event"]) });
    if (this.#taken.has(key)) this.#broken("P5 idempotence", `${key} was taken twice`);
    this.#taken.add(key);
    this.#journal.checked("P5");
  }
}
