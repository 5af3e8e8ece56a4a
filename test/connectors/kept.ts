import type { KeptRecord } from "../../src/engine/engine.ts";

/** The kept records of an engine, in memory; `records` is what lies on its disk. */
export class Kept {
  readonly records = new Map<string, KeptRecord>();
  /** Set to make the next writes fail. */
  broken = false;

  async keep(record: KeptRecord): Promise<void> {
    if (this.broken) throw new Error("the disk is full");
    this.records.set(`${record.kind}/${record.id}`, structuredClone(record));
  }

  async kept(kind: string): Promise<readonly KeptRecord[]> {
    const all = [...this.records.values()].filter((record) => record.kind === kind);
    return all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async forget(kind: string, id: string): Promise<boolean> {
    return this.records.delete(`${kind}/${id}`);
  }
}
