import type { Pool } from "pg";
import type { RepId } from "../../presence/identity.ts";
import type { RepDocument } from "../engine.ts";
import { toKey } from "./key.ts";
import { documentIn, type RepRow } from "./rows.ts";

/** Reads documents one by one: those that are asked for together share a query. */
export class Documents {
  readonly #pool: Pool;
  #asked: string[] = [];
  #reading: Promise<ReadonlyMap<string, RepRow>> | null = null;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async get(rep: RepId): Promise<RepDocument | null> {
    const key = toKey(rep);
    this.#asked.push(key);
    this.#reading ??= Promise.resolve().then(() => this.#read());
    const row = (await this.#reading).get(key);
    return row ? documentIn(row) : null;
  }

  async #read(): Promise<ReadonlyMap<string, RepRow>> {
    const keys = this.#asked;
    this.#asked = [];
    this.#reading = null;
    const sql = "SELECT * FROM lockstep.rep WHERE rep = ANY($1)";
    const { rows } = await this.#pool.query<RepRow>(sql, [keys]);
    return new Map(rows.map((row) => [row.rep, row]));
  }
}
