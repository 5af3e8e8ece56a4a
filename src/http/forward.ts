import { setTimeout as sleep } from "node:timers/promises";
import { type Dispatcher, request as send } from "undici";
import type {
  Answer,
  HeaderLines,
  InboundRequest,
  RequestHead,
  Route,
  StreamSink,
} from "./route.ts";

export type ForwardOptions = {
  /** Whether this process can answer by itself. */
  readonly isHere: () => boolean;
  /** The address of the process that can, as `http://host:port`; `null` while there is none. May reject. */
  readonly where: () => Promise<string | null>;
};

/** So long a request waits for somebody who can answer it: about as long as it takes to replace one who died. */
const WAIT_MS = 9_000;
const LOOK_EVERY_MS = 250;
const ANSWER_MS = 15_000;
/** Longer than a stream is silent that has nothing to say. */
const SILENT_MS = 60_000;
const STREAM = "text/event-stream";
const RETRY_AFTER_SECONDS = "2";
/** On what was passed on already, so that it does not go in circles. */
const MARK = "x-lockstep-forwarded";
/** Of one connection, not of the request (RFC 9110, section 7.6.1); and what the next connection sets by itself. */
const HOP_BY_HOP = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A route that another process answers if this one cannot. Who asks is checked there; here nothing but the length
 * of the body is. What was sent is never sent twice: only where nobody was reached is it tried again.
 */
export function forwarded(route: Route, options: ForwardOptions): Route {
  const { authenticate } = route;
  /** Known by their headers, which stay the same object while the request goes on. */
  const checked = new WeakSet<HeaderLines>();
  const check = async (head: RequestHead): Promise<Answer | null> => {
    if (checked.has(head.headers)) return null;
    const refused = (await authenticate?.(head)) ?? null;
    if (refused === null) checked.add(head.headers);
    return refused;
  };
  const answerHere = async (request: InboundRequest): Promise<Answer> =>
    (await check(request)) ?? route.handle(request);

  const handle = async (request: InboundRequest): Promise<Answer> => {
    if (options.isHere()) return answerHere(request);
    if (request.headers.some(([name]) => name === MARK)) return unavailable("forwarded-in-vain");
    const untilMs = performance.now() + WAIT_MS;
    while (performance.now() < untilMs) {
      const address = await options.where().catch(() => null);
      const answer = address === null ? null : await attempt(request, address);
      if (answer) return answer;
      if (options.isHere()) return answerHere(request);
      await sleep(LOOK_EVERY_MS);
    }
    return unavailable("nobody-answers");
  };
  return {
    ...route,
    authenticate: (head) => (options.isHere() ? check(head) : null),
    handle,
  };
}

/** `null` if nothing was sent. */
async function attempt(request: InboundRequest, address: string): Promise<Answer | null> {
  try {
    return await passOn(request, address);
  } catch (error) {
    return wasSent(error) ? unavailable("no-answer") : null;
  }
}

async function passOn(request: InboundRequest, address: string): Promise<Answer> {
  const { body, headers, method, path, query } = request;
  const lines = headers.filter(([name]) => !HOP_BY_HOP.has(name));
  const search = query.size > 0 ? `?${query.toString()}` : "";
  const given = await send(`${address}${path}${search}`, {
    method,
    headers: [...lines, [MARK, "1"]].flat(),
    body: body.length > 0 ? body : null,
    headersTimeout: ANSWER_MS,
    bodyTimeout: SILENT_MS,
  });
  const answer = { status: given.statusCode, headers: headersOf(given.headers) };
  if (answer.headers["content-type"]?.startsWith(STREAM)) {
    return { ...answer, stream: (sink) => pour(given.body, sink) };
  }
  return { ...answer, bytes: Buffer.from(await given.body.arrayBuffer()) };
}

/** Passes on what comes, as fast as the reader takes it, until either side has gone. */
async function pour(body: Dispatcher.ResponseData["body"], sink: StreamSink): Promise<void> {
  const leave = (): void => void body.destroy();
  sink.signal.addEventListener("abort", leave, { once: true });
  if (sink.signal.aborted) leave();
  const text = new TextDecoder();
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (!(await sink.write(text.decode(chunk, { stream: true })))) return;
    }
  } catch {
    // The desk is somebody else's now, or the reader has gone: a reader asks again from where it was.
  } finally {
    leave();
  }
}

function headersOf(given: Dispatcher.ResponseData["headers"]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (HOP_BY_HOP.has(name) || value === undefined) continue;
    kept[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return kept;
}

/** A connection that was never made has carried nothing. */
function wasSent(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  const never = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"];
  return typeof code !== "string" || !(never.includes(code) || code === "UND_ERR_CONNECT_TIMEOUT");
}

const unavailable = (reason: string): Answer => ({
  status: 503,
  json: { code: "unavailable" },
  headers: { "retry-after": RETRY_AFTER_SECONDS },
  reason,
});
