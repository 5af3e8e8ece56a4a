import type { Many } from "./schema.ts";
import type { Row, Tables } from "./tables.ts";

/** Goes from a row to those it is related to, as the tables were at one moment. */
export class Links {
  readonly #tables: Tables;
  readonly #asOfMs: number;
  readonly #indexes = new Map<string, ReadonlyMap<string, readonly Row[]>>();

  constructor(tables: Tables, asOfMs = Number.POSITIVE_INFINITY) {
    this.#tables = tables;
    this.#asOfMs = asOfMs;
  }

  follow(set: string, id: string): Row | undefined {
    return this.#tables.get(set, id, this.#asOfMs);
  }

  /** The related rows of the row `id`. The first call for a navigation reads it whole, the others are quick. */
  gather(many: Many, id: string): readonly Row[] {
    const { target, through } = many;
    if ("lookup" in through) return this.#indexOf(target, through.lookup).get(id) ?? [];
    const pairs = this.#indexOf(through.pairs, through.here).get(id) ?? [];
    return pairs
      .map((pair) => this.follow(target, String(pair[through.there])))
      .filter((row) => row !== undefined);
  }

  #indexOf(set: string, column: string): ReadonlyMap<string, readonly Row[]> {
    const name = `${set} ${column}`;
    const known = this.#indexes.get(name);
    if (known) return known;
    const index = new Map<string, Row[]>();
    for (const row of this.#tables.all(set, this.#asOfMs)) {
      const key = String(row[column]);
      const rows = index.get(key);
      if (rows) rows.push(row);
      else index.set(key, [row]);
    }
    this.#indexes.set(name, index);
    return index;
  }
}
