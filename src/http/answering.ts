import type { IncomingMessage, ServerResponse } from "node:http";
import { hasBody } from "./body.ts";
import type { Answer } from "./route.ts";

const ALWAYS = { "x-content-type-options": "nosniff" };

function payloadOf(answer: Answer): { readonly type: string | null; readonly bytes: Buffer } {
  if (answer.json !== undefined) {
    return {
      type: "application/json; charset=utf-8",
      bytes: Buffer.from(JSON.stringify(answer.json)),
    };
  }
  if (answer.text !== undefined) {
    return { type: "text/plain; charset=utf-8", bytes: Buffer.from(answer.text) };
  }
  if (answer.stream) return { type: "text/event-stream", bytes: Buffer.alloc(0) };
  return { type: null, bytes: Buffer.from(answer.bytes ?? []) };
}

function writeHead(response: ServerResponse, answer: Answer, requestId: string): Buffer {
  const { type, bytes } = payloadOf(answer);
  const isBodiless = answer.stream !== undefined || answer.status === 204 || answer.status === 304;
  const headers = {
    ...(type === null ? {} : { "content-type": type }),
    ...(isBodiless ? {} : { "content-length": String(bytes.length) }),
    ...answer.headers,
    ...ALWAYS,
    "x-request-id": requestId,
  };
  response.writeHead(answer.status, headers);
  return bytes;
}

/** Answers a request whose body has been read, or that has none. */
export function send(response: ServerResponse, answer: Answer, requestId: string): void {
  if (response.headersSent || response.destroyed) return;
  response.end(writeHead(response, answer, requestId));
}

/**
 * Answers with something that goes on, and resolves when it has ended. A reader that takes nothing for `drainMs`
 * is cut: nothing is kept for it beyond what the socket holds. One that has gone already is a stream that ends at once.
 */
export async function sendStream(
  response: ServerResponse,
  answer: Answer & Required<Pick<Answer, "stream">>,
  given: { readonly requestId: string; readonly drainMs: number; readonly closing: AbortSignal },
): Promise<void> {
  if (response.headersSent) return;
  const { requestId, drainMs, closing } = given;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once("close", leave);
  closing.addEventListener("abort", leave, { once: true });
  // Whoever left while the answer was being found is told nothing; but what the answer holds open is to be let go.
  if (response.destroyed || closing.aborted) leave();
  if (!response.destroyed) {
    writeHead(response, answer, requestId);
    response.flushHeaders();
  }
  const write = async (text: string): Promise<boolean> => {
    if (gone.signal.aborted) return false;
    if (response.write(text)) return true;
    return roomIn(response, drainMs, gone.signal);
  };
  try {
    if (response.req.method !== "HEAD") await answer.stream({ write, signal: gone.signal });
  } finally {
    closing.removeEventListener("abort", leave);
    response.end();
  }
}

function roomIn(response: ServerResponse, drainMs: number, gone: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (room: boolean): void => {
      clearTimeout(timer);
      response.off("drain", onDrain);
      gone.removeEventListener("abort", onGone);
      resolve(room);
    };
    const onDrain = (): void => settle(true);
    const onGone = (): void => settle(false);
    const timer = setTimeout(() => response.destroy(), drainMs);
    response.on("drain", onDrain);
    gone.addEventListener("abort", onGone);
  });
}

/**
 * Answers a request whose body was not read to its end, and closes the connection. The rest of the body is
 * discarded for up to `lingerMs` first: closing at once would reset the connection, and the sender would
 * learn of a reset rather than of the answer.
 */
export async function sendAndCut(
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse },
  answer: Answer,
  requestId: string,
  lingerMs: number,
): Promise<void> {
  const { request, response } = exchange;
  if (response.headersSent || response.destroyed) return;
  if (!hasBody(request)) {
    send(response, answer, requestId);
    return;
  }
  response.setHeader("connection", "close");
  const bytes = writeHead(response, answer, requestId);
  response.flushHeaders();
  response.write(bytes);
  if (lingerMs > 0) await drained(request, lingerMs);
  response.end();
}

function drained(request: IncomingMessage, lingerMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      request.off("end", done).off("close", done);
      resolve();
    };
    const timer = setTimeout(done, lingerMs);
    request.on("end", done).on("close", done);
    request.resume();
    if (request.readableEnded || request.destroyed) done();
  });
}
