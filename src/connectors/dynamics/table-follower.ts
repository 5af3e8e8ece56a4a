import { z } from "zod";
import { SystemError } from "../connector.ts";
import type { Dataverse, Row } from "./dataverse.ts";

export type TableFollower<Value> = {
  /** Every row of the query as it is now: what is known, with what has changed since. */
  read(query: string, signal: AbortSignal): Promise<readonly Value[]>;
};

export type TableFollowerOptions<Value> = {
  readonly dataverse: Dataverse;
  /** Logical name, for errors. */
  readonly table: string;
  /** The primary key's column. */
  readonly key: string;
  /** Called once for each row that comes, not at each read. `null` for one that means nothing: it is left out. */
  readonly decode: (row: Row) => Value | null;
  readonly nowMs: () => number;
};

/** So long the whole table is read each time before following it is tried again. */
const WITHOUT_MS = 60 * 60_000;

type Followed<Value> = {
  readonly query: string;
  readonly link: string;
  readonly values: Map<string, Value>;
};

const deletion = z.object({ id: z.string(), reason: z.string() });

/**
 * Follows a table by change tracking: the first read takes all of it, later ones what has changed. Where the table does
 * not track changes the answer has no link, or is a refusal; where the link has grown too old it is refused: then all of it
 * is read again. Reads do not overlap: whoever asks meanwhile has the next answer. Microsoft: "Use change tracking to
 * synchronize data with external systems".
 */
export function createTableFollower<Value>(
  options: TableFollowerOptions<Value>,
): TableFollower<Value> {
  const { dataverse, table, key, decode, nowMs } = options;
  let followed: Followed<Value> | null = null;
  let withoutUntilMs = Number.NEGATIVE_INFINITY;
  let last: Promise<unknown> = Promise.resolve();

  function take(values: Map<string, Value>, row: Row): void {
    const gone = deletion.safeParse(row).data?.id;
    const value = gone === undefined ? decode(row) : null;
    const id = (gone ?? String(row[key])).toLowerCase();
    if (value === null) values.delete(id);
    else values.set(id, value);
  }

  async function follow(known: Followed<Value>, signal: AbortSignal): Promise<readonly Value[]> {
    const { rows, deltaLink } = await dataverse.changes({ deltaLink: known.link }, table, signal);
    for (const row of rows) take(known.values, row);
    followed = deltaLink === null ? null : { ...known, link: deltaLink };
    return [...known.values.values()];
  }

  async function begin(query: string, signal: AbortSignal): Promise<readonly Value[]> {
    const { rows, deltaLink } = await dataverse.changes({ query }, table, signal);
    const values = new Map<string, Value>();
    for (const row of rows) take(values, row);
    if (deltaLink === null) withoutUntilMs = nowMs() + WITHOUT_MS;
    else followed = { query, link: deltaLink, values };
    return [...values.values()];
  }

  async function readWhole(query: string, signal: AbortSignal): Promise<readonly Value[]> {
    const rows = await dataverse.rows(query, table, signal);
    return rows.map(decode).filter((value) => value !== null);
  }

  async function readNow(query: string, signal: AbortSignal): Promise<readonly Value[]> {
    if (followed?.query === query) {
      const known = followed;
      try {
        return await follow(known, signal);
      } catch (error) {
        // Half an answer may have been taken in: what is known is worth nothing any more.
        followed = null;
        if (!isRefusal(error)) throw error;
      }
    }
    if (nowMs() < withoutUntilMs) return readWhole(query, signal);
    try {
      return await begin(query, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const values = await readWhole(query, signal);
      withoutUntilMs = nowMs() + WITHOUT_MS;
      return values;
    }
  }

  return {
    read(query, signal) {
      const turn = last.then(() => readNow(query, signal));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** The request was not liked, or the table is not ours to follow: reading it plainly may still be allowed. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof SystemError)) return false;
  return error.retry === "rejected" || error.code === "dataverse-read-privilege-missing";
}
