import type { Operation, Write } from "./operation.ts";

/** A presence write that Graph accepted: answered 200, or will still apply although it said otherwise. */
export type JournalEntry = {
  readonly index: number;
  readonly atMs: number;
  readonly userId: string;
  readonly operation: Write;
  readonly body: unknown;
  readonly appId: string;
  readonly outcome: "applied" | "absorbed" | "late";
};

/** What was asked of the emulator, so that a test can count traffic and find who wrote what. */
export class Journal {
  readonly #writes: JournalEntry[] = [];
  readonly #counts = new Map<Operation, number>();
  readonly #idsPerBulkRead: number[] = [];
  #throttled = 0;

  recordWrite(entry: Omit<JournalEntry, "index">): void {
    this.#writes.push({ index: this.#writes.length, ...entry });
  }

  recordRequest(operation: Operation): void {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
  }

  recordBulkRead(ids: number): void {
    this.#idsPerBulkRead.push(ids);
  }

  recordThrottled(): void {
    this.#throttled += 1;
  }

  writesSince(index: number): readonly JournalEntry[] {
    return this.#writes.slice(index);
  }

  requests() {
    const byOperation: Partial<Record<Operation, number>> = Object.fromEntries(this.#counts);
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    return {
      total,
      throttled: this.#throttled,
      byOperation,
      idsPerBulkRead: [...this.#idsPerBulkRead],
    };
  }
}
