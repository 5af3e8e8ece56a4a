import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { LoopbackTls } from "./tls.ts";

/** One request as an emulator sees it: the body is read whole, and `url` is absolute. */
export type EmulatorRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
};

/** `json` is serialised with its content type; `text` is sent as it is; neither means an empty body. */
export type EmulatorResponse = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  /** Cuts the connection without an answer, after the effect has happened: a lost acknowledgement. */
  readonly hangUp?: boolean;
};

export type Listener = { readonly url: string; close(): Promise<void> };

const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Dataverse takes URLs of 32 KB; Node stops at 16 KB of headers unless told otherwise. */
const MAX_HEADER_BYTES = 64 * 1024;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error("an emulator takes bodies of up to 8 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Serves `handle` on 127.0.0.1 (port 0 picks a free one), over HTTPS when `tls` is given. A handler
 * that throws answers 500 with its message: an emulator's own fault must be loud in a test.
 */
export async function listen(
  handle: (request: EmulatorRequest) => Promise<EmulatorResponse> | EmulatorResponse,
  options: { readonly port?: number; readonly tls?: LoopbackTls },
): Promise<Listener> {
  const { tls } = options;
  const scheme = tls ? "https" : "http";
  const server: Server = tls
    ? createHttpsServer({ key: tls.keyPem, cert: tls.certPem, maxHeaderSize: MAX_HEADER_BYTES })
    : createHttpServer({ maxHeaderSize: MAX_HEADER_BYTES });
  server.on("request", (request, response) => {
    const respond = async (): Promise<void> => {
      const body = await readBody(request);
      const host = request.headers.host ?? "localhost";
      const answer = await handle({
        method: request.method ?? "GET",
        url: new URL(request.url ?? "/", `${scheme}://${host}`),
        headers: request.headers,
        body,
      });
      if (answer.hangUp) {
        request.socket.destroy();
        return;
      }
      const payload = answer.json === undefined ? (answer.text ?? "") : JSON.stringify(answer.json);
      response.writeHead(answer.status, {
        ...(answer.json === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
        ...answer.headers,
      });
      response.end(payload);
    };
    respond().catch((error: unknown) => {
      if (response.headersSent) return;
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { code: "EmulatorFault", message: String(error) } }));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://localhost:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
