import {
  AuthenticationHandler,
  AuthenticationHandlerOptions,
  Client,
  type Context,
  type GraphRequest as LibraryRequest,
  type Middleware,
  type MiddlewareOptions,
  ResponseType,
} from "@microsoft/microsoft-graph-client";
import { TEAMS } from "../../presence/identity.ts";
import type { Permit, SystemError } from "../connector.ts";
import type { Credential } from "../credential.ts";
import { Deadline } from "../deadline.ts";
import { lost, oversized, type Refused, refusal } from "./graph-error.ts";

export type GraphOptions = {
  /** The root of the service: `https://graph.microsoft.com`, with or without a version. HTTPS only. */
  readonly graphUrl: string;
  /** Of the token; by default Graph's own, on whichever host this Graph listens. */
  readonly scope?: string;
  readonly credential: Credential;
  readonly timeoutMs?: number;
  readonly nowMs: () => number;
  /** What a refusal means here, where it means something else than it does of a presence. */
  readonly explain?: (refused: Refused) => SystemError | null;
};

type Method = "GET" | "POST" | "PATCH" | "DELETE";

type GraphRequest = {
  /** Below the version, with a leading slash. */
  readonly path: string;
  readonly body?: unknown;
  /** The permission that the operation needs, for the error that says it is missing. */
  readonly appRole: string;
  /** Asked right before it leaves. */
  readonly permit?: Permit | undefined;
};

/** Asks Graph and gives the text of a 2xx answer. Throws `SystemError`. Sends each request once. */
export type Graph = {
  post(request: GraphRequest, signal: AbortSignal): Promise<string>;
  ask(method: Method, request: GraphRequest, signal: AbortSignal): Promise<string>;
};

/** 650 presences are about 200 KB; an answer of this size is not one of ours. */
const MAX_ANSWER_BYTES = 5 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

/** Microsoft: "National cloud deployments", Microsoft Graph service root endpoints. */
const GRAPH_HOSTS: ReadonlySet<string> = new Set([
  "graph.microsoft.com",
  "graph.microsoft.us",
  "dod-graph.microsoft.us",
  "microsoftgraph.chinacloudapi.cn",
]);

export function createGraph(options: GraphOptions): Graph {
  const { credential, explain, nowMs, timeoutMs = TIMEOUT_MS } = options;
  const { origin, hostname, pathname } = new URL(options.graphUrl);
  const scope = options.scope ?? `${resourceOf(options.graphUrl)}/.default`;
  const authentication = new AuthenticationHandler({
    getAccessToken: () => Promise.reject(new Error("every request brings its own token")),
  });
  authentication.setNext(new Sending());
  const client = Client.initWithMiddleware({
    middleware: authentication,
    baseUrl: `${origin}${pathname.replace(/(\/v1\.0)?\/*$/, "")}`,
    defaultVersion: "v1.0",
    customHosts: new Set([hostname.toLowerCase()]),
  });

  async function send(
    method: Method,
    request: GraphRequest,
    token: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    using limit = new Deadline(signal, timeoutMs);
    const provider = { getAccessToken: () => Promise.resolve(token) };
    const attempt = new Attempt();
    request.permit?.();
    try {
      const asked = client
        .api(request.path)
        .middlewareOptions([new AuthenticationHandlerOptions(provider), attempt])
        .options({ signal: limit.signal, redirect: "manual" })
        .responseType(ResponseType.RAW);
      const response = (await METHODS[method](asked, request.body)) as Response;
      return { response, text: await readText(response) };
    } catch (error) {
      if (error instanceof TooLarge) throw oversized();
      throw lost(attempt.failure ?? error, signal.aborted);
    }
  }

  async function ask(method: Method, request: GraphRequest, signal: AbortSignal): Promise<string> {
    const asking = { scope, system: TEAMS, signal };
    const token = await credential.token(asking);
    let answer = await send(method, request, token, signal);
    if (answer.response.status === 401) {
      const replacement = await credential.replacement(asking, token);
      answer = await send(method, request, replacement, signal);
    }
    const { response, text } = answer;
    if (response.ok) return text;
    const refused = { response, text, appRole: request.appRole, nowMs: nowMs() };
    throw explain?.(refused) ?? refusal(refused);
  }

  return { ask, post: (request, signal) => ask("POST", request, signal) };
}

/** What a token for this Graph is asked for: itself in a national cloud, else the public one, which emulators share. */
export function resourceOf(graphUrl: string): string {
  const { origin, hostname } = new URL(graphUrl);
  return GRAPH_HOSTS.has(hostname) ? origin : "https://graph.microsoft.com";
}

const METHODS: Readonly<
  Record<Method, (request: LibraryRequest, body: unknown) => Promise<unknown>>
> = {
  GET: (request) => request.get(),
  POST: (request, body) => request.post(body),
  PATCH: (request, body) => request.patch(body),
  DELETE: (request) => request.delete(),
};

type Answer = { readonly response: Response; readonly text: string };

/** Travels with one request: the library replaces what fetch threw and drops the cause, which is kept here. */
class Attempt implements MiddlewareOptions {
  failure: unknown = null;
}

/**
 * The end of the chain: one fetch, and nothing else. The library's own chain retries (and cuts a long
 * Retry-After to 180 s) and follows redirects with the token; here the controller decides, having read.
 */
class Sending implements Middleware {
  async execute(context: Context): Promise<void> {
    try {
      context.response = await fetch(context.request as string | Request, context.options);
    } catch (error) {
      const attempt = context.middlewareControl?.getMiddlewareOptions(Attempt);
      if (attempt instanceof Attempt) attempt.failure = error;
      throw error;
    }
  }
}

class TooLarge extends Error {}

/** Reads an answer to its end, however empty, because one left unread keeps its socket. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  const chunks: AsyncIterable<Uint8Array> | readonly Uint8Array[] = response.body ?? [];
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new TooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
