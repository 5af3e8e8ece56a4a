import { Pool } from "undici";
import { z } from "zod";
import { DYNAMICS } from "../../presence/identity.ts";
import { type Permit, SystemError } from "../connector.ts";
import type { Credential } from "../credential.ts";
import { Deadline } from "../deadline.ts";
import { type Doing, lost, malformed, oversized, refusal } from "./dataverse-error.ts";

export type DataverseOptions = {
  /** The organization's address: `https://contoso.crm.dynamics.com`. */
  readonly dataverseUrl: string;
  readonly credential: Credential;
  /** Of the token; by default the organization's own. */
  readonly scope?: string;
  readonly timeoutMs?: number;
  readonly nowMs: () => number;
};

/** One row as Dataverse sends it: an object whose columns nobody has looked at yet. */
export type Row = Readonly<Record<string, unknown>>;

/** Is given one row at a time, page by page: a large table is never held as it was sent. */
export type Take = (row: Row) => void;

/** What one request is, beyond its address. `doing` is what an error is about. */
type Ask = {
  readonly doing: Doing;
  readonly body?: Row;
  /** Beside the usual ones; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Asked right before it leaves. */
  readonly permit?: Permit | undefined;
};

/**
 * The Dataverse Web API, version 9.2, as the application user: nobody is impersonated unless a header says so.
 * Sends each request once, save for one fresh token after a 401. Throws `SystemError`.
 */
export type Dataverse = {
  /** Every row of a query, page after page. `query` begins with the entity set. */
  rows(query: string, table: string, signal: AbortSignal): Promise<readonly Row[]>;
  /** The same, for a table that may be large. */
  each(query: string, table: string, take: Take, signal: AbortSignal): Promise<void>;
  /**
   * Every row, or what changed since `deltaLink`. Resolves to the link under which the changes after them are found;
   * `null` where the table does not track changes. Microsoft: "Use change tracking to synchronize data".
   */
  changes(
    from: { readonly query: string } | { readonly deltaLink: string },
    table: string,
    take: Take,
    signal: AbortSignal,
  ): Promise<string | null>;
  /** The answer of a function without parameters, such as WhoAmI. */
  call(name: string, signal: AbortSignal): Promise<Row>;
  post(action: string, body: Row, signal: AbortSignal, permit?: Permit): Promise<void>;
  /** The answer of a function or an action that has one. */
  ask(path: string, asked: Ask, signal: AbortSignal): Promise<Row>;
  /** The new row's id. */
  create(set: string, body: Row, doing: Doing, signal: AbortSignal): Promise<string>;
  update(row: string, body: Row, doing: Doing, signal: AbortSignal): Promise<void>;
  remove(row: string, doing: Doing, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

const ROOT = "/api/data/v9.2/";
/** Microsoft: "Query data using the Web API", page results: standard tables give 5000 rows at most. */
const PAGE_ROWS = 5000;
/** Twenty million rows. A server whose pages never end is broken. */
const MAX_PAGES = 4000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
const CONNECTIONS = 16;
const READ_HEADERS = { "if-none-match": "null", prefer: `odata.maxpagesize=${PAGE_ROWS}` };
/** Without it a PATCH of a row that is gone would make a new one. */
const UPDATE_ONLY = { "if-match": "*" };

/** As it was parsed: copying every row of a page would cost more than reading it. */
const row = z.custom<Row>((one) => typeof one === "object" && one !== null && !Array.isArray(one));
const page = z.looseObject({
  value: z.array(row),
  "@odata.nextLink": z.string().optional(),
  "@odata.deltaLink": z.string().optional(),
});

type Method = "GET" | "POST" | "PATCH" | "DELETE";

type Answer = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly entityId: string | null;
  readonly text: string;
};

export function createDataverse(options: DataverseOptions): Dataverse {
  const { credential, nowMs, timeoutMs = TIMEOUT_MS } = options;
  const { origin, pathname } = new URL(options.dataverseUrl);
  const root = `${pathname.replace(/(\/api\/data\/v[\d.]+)?\/*$/, "")}${ROOT}`;
  const scope = options.scope ?? `${origin}/.default`;
  const pool = new Pool(origin, {
    connections: CONNECTIONS,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  async function send(
    method: Method,
    path: string,
    { body, headers, permit }: Omit<Ask, "doing">,
    token: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    permit?.();
    using limit = new Deadline(signal, timeoutMs);
    try {
      const response = await pool.request({
        method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          accept: "application/json",
          "odata-version": "4.0",
          "odata-maxversion": "4.0",
          ...(method === "GET" ? READ_HEADERS : {}),
          ...(body ? { "content-type": "application/json; charset=utf-8" } : {}),
          ...headers,
        },
        body: body ? JSON.stringify(body) : null,
        signal: limit.signal,
      });
      return {
        status: response.statusCode,
        retryAfter: only(response.headers["retry-after"]),
        entityId: only(response.headers["odata-entityid"]),
        text: await readText(response.body),
      };
    } catch (error) {
      if (error instanceof SystemError) throw error;
      throw lost(error, signal.aborted);
    }
  }

  async function request(
    method: Method,
    path: string,
    asked: Ask,
    signal: AbortSignal,
  ): Promise<Answer> {
    const asking = { scope, system: DYNAMICS, signal };
    const token = await credential.token(asking);
    let answer = await send(method, path, asked, token, signal);
    if (answer.status === 401) {
      const replacement = await credential.replacement(asking, token);
      answer = await send(method, path, asked, replacement, signal);
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refusal({ ...answer, doing: asked.doing, nowMs: nowMs() });
  }

  async function takePages(
    first: string,
    asked: Ask,
    take: Take,
    signal: AbortSignal,
  ): Promise<string | null> {
    let path: string | null = first;
    let deltaLink: string | null = null;
    for (let pages = 0; path !== null; pages += 1) {
      if (pages === MAX_PAGES) throw malformed();
      const { text } = await request("GET", path, asked, signal);
      const { value, "@odata.nextLink": next, "@odata.deltaLink": delta } = parsePage(text);
      for (const row of value) take(row);
      deltaLink = delta === undefined ? null : pathOf(delta, origin);
      path = next === undefined ? null : pathOf(next, origin);
    }
    return deltaLink;
  }

  return {
    async rows(query, table, signal) {
      const rows: Row[] = [];
      const take: Take = (row) => rows.push(row);
      await takePages(`${root}${query}`, { doing: { kind: "read", table } }, take, signal);
      return rows;
    },
    async each(query, table, take, signal) {
      await takePages(`${root}${query}`, { doing: { kind: "read", table } }, take, signal);
    },
    changes(from, table, take, signal) {
      const prefer = `odata.track-changes,odata.maxpagesize=${PAGE_ROWS}`;
      const path = "query" in from ? `${root}${from.query}` : from.deltaLink;
      const asked: Ask = { doing: { kind: "read", table }, headers: { prefer } };
      return takePages(path, asked, take, signal);
    },
    async call(name, signal) {
      const doing: Doing = { kind: "read", table: "organization" };
      return parseRow((await request("GET", `${root}${name}`, { doing }, signal)).text);
    },
    async post(action, body, signal, permit) {
      const asked: Ask = { doing: { kind: "set presence" }, body, permit };
      await request("POST", `${root}${action}`, asked, signal);
    },
    async ask(path, asked, signal) {
      const method = asked.body ? "POST" : "GET";
      return parseRow((await request(method, `${root}${path}`, asked, signal)).text);
    },
    async create(set, body, doing, signal) {
      const { entityId } = await request("POST", `${root}${set}`, { doing, body }, signal);
      const id = /\(([0-9a-f-]{36})\)$/i.exec(entityId ?? "")?.[1];
      if (id === undefined) throw malformed();
      return id.toLowerCase();
    },
    async update(row, body, doing, signal) {
      await request("PATCH", `${root}${row}`, { doing, body, headers: UPDATE_ONLY }, signal);
    },
    async remove(row, doing, signal) {
      await request("DELETE", `${root}${row}`, { doing }, signal);
    },
    close: () => pool.close(),
  };
}

const only = (header: string | string[] | undefined): string | null =>
  (Array.isArray(header) ? header[0] : header) ?? null;

/** Only the path of a next link is followed: behind a gateway its host is another, and no other gets our token. */
function pathOf(nextLink: string, origin: string): string {
  if (!URL.canParse(nextLink, origin)) throw malformed();
  const { pathname, search } = new URL(nextLink, origin);
  return `${pathname}${search}`;
}

function parsePage(text: string): z.output<typeof page> {
  try {
    return page.parse(JSON.parse(text));
  } catch {
    throw malformed();
  }
}

function parseRow(text: string): Row {
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Falls through: text that is no JSON is as malformed as JSON that is no object.
  }
  throw malformed();
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw oversized();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
