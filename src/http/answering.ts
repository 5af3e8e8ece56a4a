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
  return { type: null, bytes: Buffer.from(answer.bytes ?? []) };
}

function writeHead(response: ServerResponse, answer: Answer, requestId: string): Buffer {
  const { type, bytes } = payloadOf(answer);
  const headers = {
    ...(type === null ? {} : { "content-type": type }),
    ...(answer.status === 204 ? {} : { "content-length": String(bytes.length) }),
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
