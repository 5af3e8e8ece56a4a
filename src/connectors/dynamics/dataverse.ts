import { Pool } from "undici";
import { z } from "zod";
import { DYNAMICS } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import type { Credential } from "../credential.ts";
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

/**
 * The Dataverse Web API, version 9.2, as the application user: nobody is impersonated. Sends each request
 * once, save for one fresh token after a 401. Throws `SystemError`.
 */
export type Dataverse = {
  /** Every row of a query, page after page. `query` begins with the entity set. */
  rows(query: string, table: string, signal: AbortSignal): Promise<readonly Row[]>;
  /** The answer of a function without parameters, such as WhoAmI. */
  call(name: string, signal: AbortSignal): Promise<Row>;
  post(action: string, body: Row, signal: AbortSignal): Promise<void>;
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

const page = z.looseObject({
  value: z.array(z.record(z.string(), z.unknown())),
  "@odata.nextLink": z.string().optional(),
});

type Answer = {
  readonly status: number;
  readonly retryAfter: string | null;
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
    method: "GET" | "POST",
    path: string,
    body: Row | null,
    token: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    try {
      const response = await pool.request({
        method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          accept: "application/json",
          "odata-version": "4.0",
          "odata-maxversion": "4.0",
          ...(body
            ? { "content-type": "application/json; charset=utf-8" }
            : { "if-none-match": "null", prefer: `odata.maxpagesize=${PAGE_ROWS}` }),
        },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const header = response.headers["retry-after"];
      return {
        status: response.statusCode,
        retryAfter: (Array.isArray(header) ? header[0] : header) ?? null,
        text: await readText(response.body),
      };
    } catch (error) {
      if (error instanceof SystemError) throw error;
      throw lost(error, signal.aborted);
    }
  }

  async function request(
    method: "GET" | "POST",
    path: string,
    body: Row | null,
    doing: Doing,
    signal: AbortSignal,
  ): Promise<string> {
    const asking = { scope, system: DYNAMICS, signal };
    const token = await credential.token(asking);
    let answer = await send(method, path, body, token, signal);
    if (answer.status === 401) {
      const replacement = await credential.replacement(asking, token);
      answer = await send(method, path, body, replacement, signal);
    }
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw refusal({ ...answer, doing, nowMs: nowMs() });
  }

  return {
    async rows(query, table, signal) {
      const rows: Row[] = [];
      let path: string | null = `${root}${query}`;
      for (let pages = 0; path !== null; pages += 1) {
        if (pages === MAX_PAGES) throw malformed();
        const text = await request("GET", path, null, { kind: "read", table }, signal);
        const { value, "@odata.nextLink": next } = parsePage(text);
        rows.push(...value);
        path = next === undefined ? null : pathOf(next, origin);
      }
      return rows;
    },
    async call(name, signal) {
      const doing: Doing = { kind: "read", table: "organization" };
      return parseRow(await request("GET", `${root}${name}`, null, doing, signal));
    },
    async post(action, body, signal) {
      await request("POST", `${root}${action}`, body, { kind: "set presence" }, signal);
    },
    close: () => pool.close(),
  };
}

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
