import { z } from "zod";
import { SystemError } from "../connector.ts";
import type { Dataverse, Row, Take } from "./dataverse.ts";

export type TableFollower = {
  /** Brings `rows` up to date: with all rows of the query, or with what has changed since. */
  read(query: string, signal: AbortSignal): Promise<void>;
};

/** Where the rows go. Ids are in lower case. */
type FollowedRows = {
  set(id: string, row: Row): void;
  delete(id: string): void;
  /** Deletes every row but these. */
  retain(ids: ReadonlySet<string>): void;
};

export type TableFollowerOptions = {
  readonly dataverse: Dataverse;
  /** Logical name, for errors. */
  readonly table: string;
  /** The primary key's column. */
  readonly key: string;
  readonly rows: FollowedRows;
  readonly nowMs: () => number;
};

/** So long the whole table is read each time before following it is tried again. */
const WITHOUT_MS = 60 * 60_000;

type Followed = { readonly query: string; readonly link: string };

const deletion = z.object({ id: z.string(), reason: z.string() });

/**
 * Follows a table by change tracking: the first read takes all of it, later ones what has changed. Where the table does
 * not track changes the answer has no link, or is a refusal; where the link has grown too old it is refused: then all of it
 * is read again. Reads do not overlap: whoever asks meanwhile has the next answer. Microsoft: "Use change tracking to
 * synchronize data with external systems".
 */
export function createTableFollower(options: TableFollowerOptions): TableFollower {
  const { dataverse, table, key, rows, nowMs } = options;
  let followed: Followed | null = null;
  let withoutUntilMs = Number.NEGATIVE_INFINITY;
  let last: Promise<unknown> = Promise.resolve();

  /** The id of the row, `null` of one that is gone. */
  function takeIn(row: Row): string | null {
    // Only what tells of a deletion lacks the key.
    const id = row[key];
    const gone = id === undefined ? deletion.safeParse(row).data?.id : undefined;
    if (gone !== undefined) rows.delete(gone.toLowerCase());
    if (typeof id !== "string") return null;
    rows.set(id.toLowerCase(), row);
    return id.toLowerCase();
  }

  async function follow(known: Followed, signal: AbortSignal): Promise<void> {
    const { link } = known;
    const next = await dataverse.changes({ deltaLink: link }, table, takeIn, signal);
    followed = next === null ? null : { ...known, link: next };
  }

  /** All of it: what does not come is there no more. */
  async function readWhole<Result>(read: (take: Take) => Promise<Result>): Promise<Result> {
    const ids = new Set<string>();
    const result = await read((row) => {
      const id = takeIn(row);
      if (id !== null) ids.add(id);
    });
    rows.retain(ids);
    return result;
  }

  async function begin(query: string, signal: AbortSignal): Promise<void> {
    const link = await readWhole((take) => dataverse.changes({ query }, table, take, signal));
    if (link === null) withoutUntilMs = nowMs() + WITHOUT_MS;
    else followed = { query, link };
  }

  const readPlainly = (query: string, signal: AbortSignal): Promise<void> =>
    readWhole((take) => dataverse.each(query, table, take, signal));

  async function readNow(query: string, signal: AbortSignal): Promise<void> {
    if (followed?.query === query) {
      const known = followed;
      try {
        await follow(known, signal);
        return;
      } catch (error) {
        // Of half an answer nobody knows what is missing.
        followed = null;
        if (!isRefusal(error)) throw error;
      }
    }
    if (nowMs() < withoutUntilMs) return readPlainly(query, signal);
    try {
      await begin(query, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await readPlainly(query, signal);
      withoutUntilMs = nowMs() + WITHOUT_MS;
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
