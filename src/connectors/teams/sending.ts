import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Context, Middleware, MiddlewareOptions } from "@microsoft/microsoft-graph-client";
import { type Dispatcher, Pool } from "undici";
import { malformed, oversized, type Refused } from "./graph-error.ts";

/** What came back, whatever its status. */
export type Answer = Pick<Refused, "status" | "retryAfter" | "text">;

/** 650 presences are about 200 KB; an answer of this size is not one of ours. */
const MAX_ANSWER_BYTES = 5 * 1024 * 1024;
/** A bulk read is a tenth of its size when it is compressed. */
const HEADERS = { accept: "application/json", "accept-encoding": "gzip" };

const unzip = promisify(gunzip);

/**
 * Travels with one request through the library, which would replace what the request failed with and drop the cause, and
 * which hands over no answer that it did not read itself.
 */
export class Exchange implements MiddlewareOptions {
  readonly signal: AbortSignal;
  answer: Answer | null = null;
  failure: unknown = null;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }
}

/**
 * The end of the library's chain: one request over connections of our own, and nothing else. Its own chain retries (and
 * cuts a long Retry-After to 180 s) and follows redirects with the token; here the controller decides, having read. And
 * it ends in `fetch`, which takes several times the CPU for the same bytes.
 */
export class Sending implements Middleware {
  readonly #origin: string;
  readonly #pool: Pool;

  constructor(origin: string, timeoutMs: number) {
    this.#origin = origin;
    this.#pool = new Pool(origin, {
      connect: { timeout: timeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  async execute({ request, options, middlewareControl }: Context): Promise<void> {
    const exchange = middlewareControl?.getMiddlewareOptions(Exchange) as Exchange;
    try {
      const { statusCode, headers, body } = await this.#pool.request({
        path: (request as string).slice(this.#origin.length),
        method: options?.method as Dispatcher.HttpMethod,
        headers: { ...HEADERS, ...(options?.headers as Readonly<Record<string, string>>) },
        body: (options?.body as string | undefined) ?? null,
        signal: exchange.signal,
      });
      const sent = await bytesOf(body);
      exchange.answer = {
        status: statusCode,
        retryAfter: first(headers["retry-after"]),
        text: (await plain(sent, first(headers["content-encoding"]))).toString("utf8"),
      };
    } catch (error) {
      exchange.failure = error;
      throw error;
    }
  }
}

const first = (header: string | string[] | undefined): string | null =>
  (Array.isArray(header) ? header[0] : header) ?? null;

/** Reads an answer to its end, however empty, because one left unread keeps its connection. */
async function bytesOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw oversized();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function plain(bytes: Buffer, encoding: string | null): Promise<Buffer> {
  if (encoding === null || encoding === "identity" || bytes.length === 0) return bytes;
  if (encoding !== "gzip") throw malformed();
  try {
    return await unzip(bytes, { maxOutputLength: MAX_ANSWER_BYTES });
  } catch (error) {
    throw error instanceof RangeError ? oversized() : malformed();
  }
}
