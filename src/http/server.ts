import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import pino from "pino";
import {
  createServer as createRouter,
  type Request,
  type Response,
  type ServerOptions,
} from "restify";
import { send, sendAndCut, sendStream } from "./answering.ts";
import { BODY_REFUSALS, type BodyRefusal, readBody, refuseByHead } from "./body.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { describeThrown, type Log } from "./log.ts";
import { createLogPace } from "./log-pace.ts";
import type { Answer, HeaderLines, RequestHead, Route } from "./route.ts";

export type HttpServer = {
  /** Port 0 picks a free one. Rejects when the port is taken. */
  listen(port: number, host: string): Promise<{ readonly port: number }>;
  /** Accepts nothing more, lets requests in flight finish for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
};

export type HttpServerOptions = {
  readonly routes: readonly Route[];
  readonly log: Log;
  readonly nowMs: () => number;
  readonly limits?: Partial<Limits>;
  /** A request of a route has its answer, so many milliseconds after its head came; a stream has only begun then. */
  readonly onServed?: (route: string, status: number, tookMs: number) => void;
};

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

/**
 * Serves the routes. restify only routes: it has no plug-ins, and its own listener never opens a port.
 * Ours does, because limits such as the time for headers can only be set where the listener is made.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { log, nowMs, onServed } = options;
  const pace = createLogPace(nowMs);
  const closed = new AbortController();
  // As many streams wait for it as there are connections.
  setMaxListeners(0, closed.signal);

  const logRefusal = (head: RequestHead, route: string, status: number, reason: string): void => {
    const suppressed = pace(head.remoteAddress);
    if (suppressed === null) return;
    const { remoteAddress, requestId } = head;
    log.warn(
      { code: reason, status, route, remoteAddress, requestId, suppressed },
      "request refused",
    );
  };

  const logFailure = (head: RequestHead, route: string, thrown: unknown): void => {
    const suppressed = pace(`failure of ${route}`);
    if (suppressed === null) return;
    const { requestId } = head;
    log.error({ ...describeThrown(thrown), route, requestId, suppressed }, "handler failed");
  };

  /** The answer, and whether the body was read to its end. */
  const answerTo = async (
    route: Route,
    exchange: Exchange,
    head: RequestHead,
  ): Promise<Outcome> => {
    const { request, response } = exchange;
    const refused = await route.authenticate?.(head);
    if (refused) return { answer: refused, read: false };
    const forbidden = refuseByHead(request, route);
    if (forbidden) return { answer: bodyRefused(forbidden, route), read: false };
    if (request.headers.expect !== undefined) response.writeContinue();
    const { maxBytes } = route;
    const body = await readBody(request, { maxBytes, deadlineMs: limits.readDeadlineMs });
    if (!body.ok) return { answer: bodyRefused(body.refusal, route), read: false };
    return { answer: await route.handle({ ...head, body: body.body }), read: true };
  };

  const deliver = async (
    exchange: Exchange,
    outcome: Outcome,
    requestId: string,
  ): Promise<void> => {
    const { answer, read } = outcome;
    const lingerMs = answer.status === 408 ? 0 : limits.lingerMs;
    const { stream } = answer;
    const { drainMs } = limits;
    if (stream) {
      const given = { requestId, drainMs, closing: closed.signal };
      await sendStream(exchange.response, { ...answer, stream }, given);
    } else if (read) send(exchange.response, answer, requestId);
    else await sendAndCut(exchange, answer, requestId, lingerMs);
  };

  /** Not at once: other requests may have come together with this one, and their answers are quicker than its work. */
  const beginAfterwards = ({ afterwards }: Answer, head: RequestHead, route: string): void => {
    if (!afterwards) return;
    setImmediate(() => {
      try {
        afterwards();
      } catch (thrown) {
        logFailure(head, route, thrown);
      }
    });
  };

  const serve = async (route: Route, exchange: Exchange, head: RequestHead): Promise<void> => {
    const name = `${route.method} ${route.path}`;
    const { requestId } = head;
    try {
      const outcome = await answerTo(route, exchange, head);
      const { status, reason } = outcome.answer;
      const isRefusal = status >= 400 && status < 500;
      if (isRefusal || reason !== undefined) logRefusal(head, name, status, reason ?? "refused");
      onServed?.(name, status, nowMs() - head.receivedAtMs);
      await deliver(exchange, outcome, requestId);
      beginAfterwards(outcome.answer, head, name);
    } catch (thrown) {
      logFailure(head, name, thrown);
      const answer = route.refuse?.(500, "internal") ?? internal(requestId);
      onServed?.(name, answer.status, nowMs() - head.receivedAtMs);
      await deliver(exchange, { answer, read: false }, requestId);
    }
  };

  // restify is typed for bunyan and runs on pino; it has nothing to say that is not logged here.
  const silent = pino({ level: "silent" }) as unknown as ServerOptions["log"];
  const router = createRouter({ name: "", log: silent });

  // Unknown paths, wrong methods and whatever restify itself trips over arrive here. restify's own answer,
  // which quotes the path and the error, is sent only by the callback that is not called.
  const onUnrouted = (
    request: Request,
    response: Response,
    error: { readonly statusCode?: number },
  ): void => {
    const head = headOf(request, nowMs());
    const answer = UNROUTED[error.statusCode ?? 500] ?? internal(head.requestId);
    if (answer.status === 500) logFailure(head, "no route", error);
    else logRefusal(head, "no route", answer.status, answer.reason ?? "refused");
    void sendAndCut({ request, response }, answer, head.requestId, limits.lingerMs);
  };
  router.on("restifyError", onUnrouted);

  for (const route of options.routes) {
    const handle = (request: Request, response: Response, next: () => void): void => {
      serve(route, { request, response }, headOf(request, nowMs())).then(next, next);
    };
    router[ROUTER_METHODS[route.method]](route.path, handle);
    if (route.method === "GET") router.head(route.path, handle);
  }

  const server: Server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkEveryMs,
  });
  server.maxRequestsPerSocket = limits.maxRequestsPerSocket;
  server.maxConnections = limits.maxConnections;

  let inFlight = 0;
  let closing = false;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    inFlight += 1;
    response.once("close", () => {
      inFlight -= 1;
      if (closing && inFlight === 0) server.closeAllConnections();
    });
    if (closing) response.setHeader("connection", "close");
    if (urlOf(request) === null) {
      const requestId = randomUUID();
      void sendAndCut({ request, response }, MALFORMED, requestId, limits.lingerMs);
      return;
    }
    router.server.emit("request", request, response);
  };
  server.on("request", onRequest);
  // Without this, Node would invite the body before the sender has been authenticated.
  server.on("checkContinue", onRequest);

  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve({ port: (server.address() as AddressInfo).port });
        });
      }),
    close: (graceMs) =>
      new Promise((resolve) => {
        closing = true;
        closed.abort();
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        if (inFlight === 0) server.closeAllConnections();
      }),
  };
}

type Outcome = { readonly answer: Answer; readonly read: boolean };

const ROUTER_METHODS = {
  GET: "get",
  POST: "post",
  PUT: "put",
  PATCH: "patch",
  DELETE: "del",
} as const;

const MALFORMED: Answer = { status: 400, json: { code: "bad-request" } };
const UNROUTED: Readonly<Record<number, Answer>> = {
  404: { status: 404, json: { code: "not-found" }, reason: "not-found" },
  405: { status: 405, json: { code: "method-not-allowed" }, reason: "method-not-allowed" },
};

const internal = (requestId: string): Answer => ({
  status: 500,
  json: { code: "internal", requestId },
});

function bodyRefused(refusal: BodyRefusal, { refuse }: Route): Answer {
  const status = BODY_REFUSALS[refusal];
  return refuse?.(status, refusal) ?? { status, json: { code: refusal }, reason: refusal };
}

/**
 * Only a path is a target here, and a Host header must be a host: restify puts the two together and parses
 * the result, so anything else could throw there, or be routed by what stands in Host.
 */
function urlOf(request: IncomingMessage): URL | null {
  const { host = "localhost" } = request.headers;
  const target = request.url ?? "";
  if (!target.startsWith("/") || !/^[\w.:[\]-]*$/.test(host)) return null;
  return URL.parse(`http://${host || "localhost"}${target}`);
}

function headOf(
  request: IncomingMessage & { params?: unknown },
  receivedAtMs: number,
): RequestHead {
  const url = urlOf(request);
  const lines: [string, string][] = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    lines.push([(request.rawHeaders[at] ?? "").toLowerCase(), request.rawHeaders[at + 1] ?? ""]);
  }
  return {
    method: request.method ?? "",
    path: url?.pathname ?? "",
    query: url?.searchParams ?? new URLSearchParams(),
    headers: lines satisfies HeaderLines,
    params: { ...(request.params as Record<string, string> | undefined) },
    remoteAddress: request.socket.remoteAddress ?? "",
    receivedAtMs,
    requestId: randomUUID(),
  };
}
