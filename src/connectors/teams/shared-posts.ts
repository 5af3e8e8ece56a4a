import { TEAMS } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import { answersIn, batchOf, type ItemAnswer, PER_BATCH, textOf } from "./batch.ts";
import type { Graph, GraphRequest } from "./graph.ts";
import { malformed, refusal } from "./graph-error.ts";

/** Fewer of them are under way on most days. More, or a longer wait, made no change cheaper. */
const CALLS_ALONE = 4;
const GATHER_MS = 4;
/** How long each leaves alone after Graph, or what stands before it, took no batch. */
const ALONE_FOR_MS = 10 * 60_000;

type Waiting = {
  readonly request: GraphRequest;
  readonly signal: AbortSignal;
  readonly resolve: (text: string) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Lets posts share calls of Graph while others are under way: whoever comes within a few milliseconds, or until there is
 * little under way again, when each leaves at once and alone. No answer is waited for. Each post is answered as it would
 * be alone; where a call failed as a whole, all who share it fail with one error.
 *
 * What shares a call runs side by side there. Whoever needs an order awaits the first before posting the second.
 */
export class SharedPosts implements Pick<Graph, "post"> {
  readonly #graph: Pick<Graph, "post">;
  readonly #nowMs: () => number;
  readonly #callsAlone: number;
  #gathering: Waiting[] = [];
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined;
  #aloneUntilMs = 0;

  /** `callsAlone`: with as many calls under way, whoever comes waits for company. */
  constructor(graph: Pick<Graph, "post">, nowMs: () => number, callsAlone = CALLS_ALONE) {
    this.#graph = graph;
    this.#nowMs = nowMs;
    this.#callsAlone = callsAlone;
  }

  post(request: GraphRequest, signal: AbortSignal): Promise<string> {
    if (this.#isQuiet || this.#nowMs() < this.#aloneUntilMs) {
      return this.#call(() => this.#graph.post(request, signal));
    }
    return new Promise((resolve, reject) => {
      // A call ends with its caller's patience: none is shared by callers who may lose it apart.
      if (this.#gathering[0]?.signal !== signal) this.#leave();
      const gathered = this.#gathering.push({ request, signal, resolve, reject });
      if (gathered === PER_BATCH) this.#leave();
      else this.#timer ??= setTimeout(() => this.#leave(), GATHER_MS);
    });
  }

  get #isQuiet(): boolean {
    return this.#underWay < this.#callsAlone;
  }

  #take(): readonly Waiting[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#gathering;
    this.#gathering = [];
    return waiting;
  }

  #leave(): void {
    const waiting = this.#take();
    const [first] = waiting;
    if (first && waiting.length === 1) void this.#alone(first);
    else if (first) void this.#together(waiting, first);
  }

  async #alone({ request, signal, resolve, reject }: Waiting): Promise<void> {
    await this.#call(() => this.#graph.post(request, signal)).then(resolve, reject);
  }

  async #together(waiting: readonly Waiting[], { request, signal }: Waiting): Promise<void> {
    let leaving = waiting;
    const batch: GraphRequest = {
      path: "/$batch",
      get body() {
        return batchOf(leaving.map((one) => one.request));
      },
      appRole: request.appRole,
      permit: () => {
        leaving = permitted(leaving);
      },
    };
    try {
      await this.#call(async () => {
        const text = await this.#graph.post(batch, signal);
        this.#deal(leaving, answersIn(text));
      });
    } catch (error) {
      const failure = isAboutTheBatch(error) ? this.#refused(error) : error;
      for (const { reject } of leaving) reject(failure);
    }
  }

  /** Nobody waits for company where there is little under way. */
  async #call<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    this.#underWay += 1;
    try {
      return await call();
    } catch (error) {
      this.#hush(error);
      throw error;
    } finally {
      this.#underWay -= 1;
      if (this.#isQuiet) this.#leave();
    }
  }

  #deal(left: readonly Waiting[], answers: ReadonlyMap<string, ItemAnswer>): void {
    let missing: SystemError | undefined;
    for (const [place, waiting] of left.entries()) {
      const { request, resolve, reject } = waiting;
      const answer = answers.get(String(place));
      if (!answer) reject((missing ??= malformed()));
      else if (answer.status < 300) resolve(textOf(answer));
      // Alone, its token is replaced.
      else if (answer.status === 401) void this.#alone(waiting);
      else {
        const { appRole } = request;
        const text = textOf(answer);
        const error = refusal({ ...answer, text, appRole, nowMs: this.#nowMs() });
        this.#hush(error);
        reject(error);
      }
    }
  }

  /** Where Graph asked for silence, what has not left yet does not leave. */
  #hush(error: unknown): void {
    if (!(error instanceof SystemError) || error.retryAfterMs === undefined) return;
    const failure = error.surelyNotApplied ? error : unsent(error, error.retryAfterMs);
    for (const { reject } of this.#take()) reject(failure);
  }

  #refused({ detail }: SystemError): SystemError {
    this.#aloneUntilMs = this.#nowMs() + ALONE_FOR_MS;
    return new SystemError({
      system: TEAMS,
      code: "graph-batch-refused",
      retry: "unavailable",
      nextStep:
        "Nothing: each write has a call of its own for ten minutes. If this comes back, let POST /v1.0/$batch pass to GRAPH_URL.",
      surelyNotApplied: true,
      ...(detail === undefined ? {} : { detail }),
    });
  }
}

/** Those that may leave; each of the others hears why it may not. Throws if there is none. */
function permitted(waiting: readonly Waiting[]): readonly Waiting[] {
  let why: unknown;
  const leaving = waiting.filter(({ request, reject }) => {
    try {
      request.permit?.();
      return true;
    } catch (error) {
      why = error;
      reject(error);
      return false;
    }
  });
  if (leaving.length === 0) throw why;
  return leaving;
}

/** Nobody knows what became of the call that failed so, but of those that have not left. */
function unsent(
  { system, code, retry, nextStep, detail }: SystemError,
  afterMs: number,
): SystemError {
  return new SystemError({
    system,
    code,
    retry,
    nextStep,
    surelyNotApplied: true,
    retryAfterMs: afterMs,
    ...(detail === undefined ? {} : { detail }),
  });
}

/** What a status like 404 means of one request, it does not mean of a batch. */
function isAboutTheBatch(error: unknown): error is SystemError {
  if (!(error instanceof SystemError)) return false;
  return error.code === "graph-user-not-found" || error.code === "graph-rejected";
}
