import {
  AuthenticationHandler,
  AuthenticationHandlerOptions,
  Client,
  type GraphRequest as LibraryRequest,
  ResponseType,
} from "@microsoft/microsoft-graph-client";
import { TEAMS } from "../../presence/identity.ts";
import { type Permit, SystemError } from "../connector.ts";
import type { Credential } from "../credential.ts";
import { Deadline } from "../deadline.ts";
import { lost, type Refused, refusal } from "./graph-error.ts";
import { type Answer, Exchange, Sending } from "./sending.ts";

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

export type GraphRequest = {
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
  authentication.setNext(new Sending(origin, timeoutMs));
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
    const exchange = new Exchange(limit.signal);
    request.permit?.();
    try {
      const asked = client
        .api(request.path)
        .middlewareOptions([new AuthenticationHandlerOptions(provider), exchange])
        .responseType(ResponseType.RAW);
      await METHODS[method](asked, request.body);
      if (!exchange.answer) throw new Error("the library sent nothing");
      return exchange.answer;
    } catch (error) {
      const failure = exchange.failure ?? error;
      throw failure instanceof SystemError ? failure : lost(failure, signal.aborted);
    }
  }

  async function ask(method: Method, request: GraphRequest, signal: AbortSignal): Promise<string> {
    const asking = { scope, system: TEAMS, signal };
    const token = await credential.token(asking);
    let answer = await send(method, request, token, signal);
    if (answer.status === 401) {
      const replacement = await credential.replacement(asking, token);
      answer = await send(method, request, replacement, signal);
    }
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    const refused = { ...answer, appRole: request.appRole, nowMs: nowMs() };
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
