import { createHash } from "node:crypto";
import type { Deed, Fault, Overlap } from "./climate.ts";

/** A promise that was broken, by the name of the invariant. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, says: string) {
    super(`${invariant}: ${says}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

/**
 * Everything that happened in a simulation, in order. Two runs of one seed must write the same text; what happened
 * is also counted, so that a run can say what it covered.
 */
export class Journal {
  readonly lines: string[] = [];
  readonly covered = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  tell(line: string): void {
    this.lines.push(`${this.#nowMs()} ${line}`);
  }

  fault(fault: Fault): void {
    this.#count(`fault: ${fault}`);
  }

  deed(deed: Deed): void {
    this.#count(`deed: ${deed}`);
  }

  overlap(overlap: Overlap): void {
    this.#count(`overlap: ${overlap}`);
  }

  classified(classification: string): void {
    this.#count(`reading: ${classification}`);
  }

  checked(invariant: string): void {
    this.#count(`checked: ${invariant}`);
  }

  hash(): string {
    return createHash("sha256").update(this.lines.join("\n")).digest("hex");
  }

  #count(what: string): void {
    this.covered.set(what, (this.covered.get(what) ?? 0) + 1);
  }
}
