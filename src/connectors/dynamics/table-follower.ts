import { z } from "zod";
import { SystemError } from "../connector.ts";
import type { Dataverse, Row, Take } from "./dataverse.ts";

export type TableFollower<Item> = {
  /** Every row of the query as it is now: what is known, with what has changed since. */
  read(query: string, signal: AbortSignal): Promise<Iterable<Item>>;
};

export type TableFollowerOptions<Item> = {
  readonly dataverse: Dataverse;
  /** Logical name, for errors. */
  readonly table: string;
  /** The primary key's column. */
  readonly key: string;
  /** Called once for each row that comes, not at each read. `null` for one that means nothing: it is left out. */
  readonly decode: (row: Row) => Item | null;
  readonly nowMs: () => number;
};

/** So long the whole table is read each time before following it is tried again. */
const WITHOUT_MS = 60 * 60_000;

type Followed<Item> = {
  readonly query: string;
  readonly link: string;
  readonly items: Map<string, Item>;
};

const deletion = z.object({ id: z.string(), reason: z.string() });

/**
 * Follows a table by change tracking: the first read takes all of it, later ones what has changed. Where the table does
 * not track changes the answer has no link, or is a refusal; where the link has grown too old it is refused: then all of it
 * is read again. Reads do not overlap: whoever asks meanwhile has the next answer. Microsoft: "Use change tracking to
 * synchronize data with external systems".
 */
export function createTableFollower<Item>(
  options: TableFollowerOptions<Item>,
): TableFollower<Item> {
  const { dataverse, table, key, decode, nowMs } = options;
  let followed: Followed<Item> | null = null;
  let withoutUntilMs = Number.NEGATIVE_INFINITY;
  let last: Promise<unknown> = Promise.resolve();

  const into =
    (items: Map<string, Item>): Take =>
    (row) => {
      const gone = deletion.safeParse(row).data?.id;
      const item = gone === undefined ? decode(row) : null;
      const id = (gone ?? String(row[key])).toLowerCase();
      if (item === null) items.delete(id);
      else items.set(id, item);
    };

  async function follow(known: Followed<Item>, signal: AbortSignal): Promise<Iterable<Item>> {
    const { items, link } = known;
    const next = await dataverse.changes({ deltaLink: link }, table, into(items), signal);
    followed = next === null ? null : { ...known, link: next };
    return items.values();
  }

  async function begin(query: string, signal: AbortSignal): Promise<Iterable<Item>> {
    const items = new Map<string, Item>();
    const link = await dataverse.changes({ query }, table, into(items), signal);
    if (link === null) withoutUntilMs = nowMs() + WITHOUT_MS;
    else followed = { query, link, items };
    return items.values();
  }

  async function readPlainly(query: string, signal: AbortSignal): Promise<Iterable<Item>> {
    const items = new Map<string, Item>();
    await dataverse.each(query, table, into(items), signal);
    return items.values();
  }

  async function readNow(query: string, signal: AbortSignal): Promise<Iterable<Item>> {
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
    if (nowMs() < withoutUntilMs) return readPlainly(query, signal);
    try {
      return await begin(query, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const items = await readPlainly(query, signal);
      withoutUntilMs = nowMs() + WITHOUT_MS;
      return items;
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
