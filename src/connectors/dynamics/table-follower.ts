import { z } from "zod";
import { SystemError } from "../connector.ts";
import type { Dataverse, Row } from "./dataverse.ts";

export type TableFollower = {
  /** Every row of the query as it is now: what is known, with what has changed since. */
  read(query: string, signal: AbortSignal): Promise<readonly Row[]>;
};

export type TableFollowerOptions = {
  readonly dataverse: Dataverse;
  /** Logical name, for errors. */
  readonly table: string;
  /** The primary key's column. */
  readonly key: string;
  readonly nowMs: () => number;
};

/** So long the whole table is read each time before following it is tried again. */
const WITHOUT_MS = 60 * 60_000;

type Followed = { readonly query: string; readonly link: string; readonly rows: Map<string, Row> };

const deletion = z.object({ id: z.string(), reason: z.string() });

/**
 * Follows a table by change tracking: the first read takes all of it, later ones what has changed. Where the table does
 * not track changes the answer has no link, or is a refusal; where the link has grown too old it is refused: then all of it
 * is read again. Reads do not overlap: whoever asks meanwhile has the next answer. Microsoft: "Use change tracking to
 * synchronize data with external systems".
 */
export function createTableFollower(options: TableFollowerOptions): TableFollower {
  const { dataverse, table, key, nowMs } = options;
  let followed: Followed | null = null;
  let withoutUntilMs = Number.NEGATIVE_INFINITY;
  let last: Promise<unknown> = Promise.resolve();

  async function follow(known: Followed, signal: AbortSignal): Promise<readonly Row[]> {
    const { rows, deltaLink } = await dataverse.changes({ deltaLink: known.link }, table, signal);
    for (const row of rows) {
      const gone = deletion.safeParse(row);
      if (gone.success) known.rows.delete(gone.data.id.toLowerCase());
      else known.rows.set(String(row[key]).toLowerCase(), row);
    }
    followed = deltaLink === null ? null : { ...known, link: deltaLink };
    return [...known.rows.values()];
  }

  async function begin(query: string, signal: AbortSignal): Promise<readonly Row[]> {
    const { rows, deltaLink } = await dataverse.changes({ query }, table, signal);
    if (deltaLink === null) withoutUntilMs = nowMs() + WITHOUT_MS;
    else {
      const byKey = new Map(rows.map((row) => [String(row[key]).toLowerCase(), row]));
      followed = { query, link: deltaLink, rows: byKey };
    }
    return rows;
  }

  async function readNow(query: string, signal: AbortSignal): Promise<readonly Row[]> {
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
    if (nowMs() < withoutUntilMs) return dataverse.rows(query, table, signal);
    try {
      return await begin(query, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const rows = await dataverse.rows(query, table, signal);
      withoutUntilMs = nowMs() + WITHOUT_MS;
      return rows;
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
