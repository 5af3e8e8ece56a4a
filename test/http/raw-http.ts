import { connect, type Socket } from "node:net";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import type { Limits } from "../../src/http/limits.ts";
import type { Answer, InboundRequest, Route } from "../../src/http/route.ts";

type LogLine = { readonly level: string; readonly fields: Record<string, unknown> };

export type Running = {
  readonly port: number;
  readonly server: HttpServer;
  readonly logged: readonly LogLine[];
  /** What the handlers of `echoRoute` were given. */
  readonly handled: readonly InboundRequest[];
  stop(): Promise<void>;
};

/** A route that answers with the number of bytes it was given. */
export function echoRoute(handled: InboundRequest[], change: Partial<Route> = {}): Route {
  return {
    method: "POST",
    path: "/echo",
    maxBytes: 1000,
    contentTypes: ["application/json"],
    handle: async (request): Promise<Answer> => {
      handled.push(request);
      return { status: 200, json: { bytes: request.body.length } };
    },
    ...change,
  };
}

/** A server on a free loopback port. Its clock moves only when `clock.nowMs` is changed. */
export async function start(
  routes: (handled: InboundRequest[]) => readonly Route[],
  limits: Partial<Limits> = {},
  clock: { nowMs: number } = { nowMs: 1_800_000_000_000 },
): Promise<Running> {
  const logged: LogLine[] = [];
  const handled: InboundRequest[] = [];
  const keep = (level: string) => (fields: Readonly<Record<string, unknown>>, says: string) => {
    logged.push({ level, fields: { ...fields, says } });
  };
  const server = createHttpServer({
    routes: routes(handled),
    log: { info: keep("info"), warn: keep("warn"), error: keep("error") },
    nowMs: () => clock.nowMs,
    limits,
  });
  const { port } = await server.listen(0, "127.0.0.1");
  return { port, server, logged, handled, stop: () => server.close(0) };
}

export type RawAnswer = {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly text: string;
};

/** Opens a socket and sends bytes as they are. Resets are an end like any other. */
export function open(port: number, bytes: string | Buffer = ""): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(bytes);
  return socket;
}

/** Everything that the server sends until it closes the socket. */
export async function readAll(socket: Socket): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return parse(Buffer.concat(chunks).toString("utf8"));
}

export function parse(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { status: Number(statusLine.split(" ")[1]), headers, body: rest.join("\r\n\r\n"), text };
}

/** The text of a request on a connection of its own. Header names given replace those that are set here. */
export function request(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = "",
): Buffer {
  const length = Buffer.byteLength(body);
  const all = {
    host: "localhost",
    connection: "close",
    ...(length > 0 ? { "content-type": "application/json", "content-length": String(length) } : {}),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${line} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

export const ask = (port: number, bytes: string | Buffer): Promise<RawAnswer> =>
  readAll(open(port, bytes));
