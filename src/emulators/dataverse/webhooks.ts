import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import {
  type Message,
  type Organization,
  remoteExecutionContext,
  type RowChange,
  type StepMode,
} from "./execution-context.ts";
import { between, type Random } from "./random.ts";
import { knownTable } from "./schema.ts";
import { dateText, type Tables } from "./tables.ts";

/** One registered step that is enabled: whom to call, and about what. */
export type Step = {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** Sent with every call; where an HttpHeader secret is. */
  readonly headers: Readonly<Record<string, string>>;
  readonly mode: StepMode;
  /** Lower ranks run first. */
  readonly rank: number;
  /** Columns that must be in the request for an Update to be told; none means every Update. */
  readonly filteringAttributes: readonly string[];
  readonly messages: readonly Message[];
  /** Whether the system job of a successful call stays to be seen (`asyncautodelete` off). */
  readonly keepsJobs: boolean;
};

/** Misbehaviour between the organisation and the endpoint. Shares are probabilities in [0, 1]. */
export type HookFaults = {
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  readonly dropShare: number;
  readonly duplicateShare: number;
  /** Asynchronous calls of one row may overtake each other, as Microsoft says they may. */
  readonly reorder: boolean;
  /** Sends bodies as the platform does above 256 KB: without parameters, images and parent. */
  readonly oversized: boolean;
};

export type SentCall = {
  readonly url: string;
  /** 0 when nobody answered. */
  readonly status: number;
  readonly atMs: number;
  readonly mode: StepMode;
  readonly message: Message;
  readonly agentId: string;
};

/** Thrown into the transaction by a synchronous step. The code is what the failing operation reports. */
export class StepFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "StepFailure";
    this.code = code;
  }
}

const NON_SUCCESS = "0x80050201";
const TIMED_OUT = "0x80050202";
const POST_FAILED = "0x80050205";
/** Columns of every write of the engine: a filter on any of them always matches. */
const WRITTEN_COLUMNS: ReadonlySet<string> = new Set([
  "msdyn_agentstatusid",
  "msdyn_availableunitscapacity",
  "msdyn_currentpresenceid",
  "msdyn_capacitymodifiedon",
  "msdyn_presencemodifiedby",
  "msdyn_presencemodifiedon",
  "msdyn_isblockedbysomeprofile",
  "msdyn_isagentloggedin",
  "msdyn_agentid",
]);
const ANSWERS_TRIED_AGAIN: ReadonlySet<number> = new Set([502, 503, 504]);
const LOG_LIMIT = 20_000;

export const NO_HOOK_FAULTS: HookFaults = {
  delayMinMs: 0,
  delayMaxMs: 0,
  dropShare: 0,
  duplicateShare: 0,
  reorder: false,
  oversized: false,
};

/**
 * Tells registered endpoints about row changes (Microsoft: "Use webhooks to create external handlers
 * for server events"). Only the status of the answer counts; 502, 503 and 504 earn exactly one more
 * attempt; nothing else is ever sent again.
 */
export class Webhooks {
  readonly #clock: Clock;
  readonly #tables: Tables;
  readonly #random: Random;
  readonly #organization: Organization;
  readonly #timeoutMs: number;
  readonly #host: () => string;
  readonly #steps: Step[] = [];
  readonly #sent: SentCall[] = [];
  readonly #lastOfRow = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  faults: HookFaults = NO_HOOK_FAULTS;

  constructor(options: {
    readonly clock: Clock;
    readonly tables: Tables;
    readonly random: Random;
    readonly organization: Organization;
    readonly timeoutMs: number;
    /** The organisation's host name, for `x-ms-dynamics-organization`. */
    readonly host: () => string;
  }) {
    this.#clock = options.clock;
    this.#tables = options.tables;
    this.#random = options.random;
    this.#organization = options.organization;
    this.#timeoutMs = options.timeoutMs;
    this.#host = options.host;
  }

  get sent(): readonly SentCall[] {
    return this.#sent;
  }

  register(step: Step): void {
    this.#steps.push(step);
    this.#steps.sort((a, b) => a.rank - b.rank);
  }

  unregister(id: string): void {
    const index = this.#steps.findIndex((step) => step.id === id);
    if (index >= 0) this.#steps.splice(index, 1);
  }

  /** Runs the synchronous steps one after another, inside the transaction; throws a StepFailure. */
  async runSync(change: RowChange): Promise<void> {
    for (const step of this.#stepsFor(change, "sync")) {
      if (this.#random() < this.faults.dropShare) continue;
      await this.#pause();
      const body = this.#body(change, step);
      if (this.#random() < this.faults.duplicateShare) await this.#post(step, change, body);
      const status = await this.#post(step, change, body);
      if (status < 200 || status > 299) throw failureFor(status);
    }
  }

  /** Queues a system job per asynchronous step; called once the change is committed. */
  queueAsync(change: RowChange): void {
    for (const step of this.#stepsFor(change, "async")) {
      if (this.#random() < this.faults.dropShare) continue;
      const copies = this.#random() < this.faults.duplicateShare ? 2 : 1;
      const body = this.#body(change, step);
      for (let copy = 0; copy < copies; copy += 1) this.#queueJob(step, change, body);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #queueJob(step: Step, change: RowChange, body: string): void {
    if (this.faults.reorder) {
      void this.#runJob(step, change, body);
      return;
    }
    const lane = `${step.id} ${change.rowId}`;
    const before = this.#lastOfRow.get(lane) ?? Promise.resolve();
    const mine = before.then(() => this.#runJob(step, change, body));
    this.#lastOfRow.set(lane, mine);
    void mine.then(() => {
      if (this.#lastOfRow.get(lane) === mine) this.#lastOfRow.delete(lane);
    });
  }

  async #runJob(step: Step, change: RowChange, body: string): Promise<void> {
    await this.#pause();
    const status = await this.#post(step, change, body);
    if (this.#closing.signal.aborted) return;
    const failure = status >= 200 && status <= 299 ? undefined : failureFor(status);
    if (!failure && !step.keepsJobs) return;
    this.#tables.put(knownTable("asyncoperations"), {
      asyncoperationid: randomUUID(),
      name: step.name,
      operationtype: 1,
      messagename: change.message,
      message: failure?.message ?? null,
      friendlymessage: failure?.message ?? null,
      errorcode: failure ? Number.parseInt(failure.code, 16) | 0 : null,
      retrycount: 0,
      startedon: dateText(change.atMs),
      completedon: dateText(this.#clock.nowMs()),
      correlationid: change.correlationId,
      _owningextensionid_value: step.id,
      _regardingobjectid_value: change.rowId,
      statecode: 3,
      statuscode: failure ? 31 : 30,
    });
  }

  #stepsFor(change: RowChange, mode: StepMode): Step[] {
    return this.#steps.filter((step) => {
      if (step.mode !== mode || !step.messages.includes(change.message)) return false;
      const filter = change.message === "Update" ? step.filteringAttributes : [];
      return filter.length === 0 || filter.some((column) => WRITTEN_COLUMNS.has(column));
    });
  }

  #body(change: RowChange, step: Step): string {
    const context = remoteExecutionContext(change, step, this.#organization);
    if (this.faults.oversized) {
      context["InputParameters"] = [];
      context["PreEntityImages"] = [];
      context["PostEntityImages"] = [];
      context["ParentContext"] = null;
    }
    return JSON.stringify(context);
  }

  #pause(): Promise<void> {
    const { delayMinMs, delayMaxMs } = this.faults;
    return this.#clock.pause(between(this.#random, delayMinMs, delayMaxMs));
  }

  async #post(step: Step, change: RowChange, body: string): Promise<number> {
    const first = await this.#attempt(step, change, body);
    return ANSWERS_TRIED_AGAIN.has(first) ? this.#attempt(step, change, body) : first;
  }

  /** The status of the answer; 408 when there was none in time, 0 when the endpoint could not be reached. */
  async #attempt(step: Step, change: RowChange, body: string): Promise<number> {
    const status = await this.#send(step, change, body);
    const { url, mode } = step;
    const { message, rep } = change;
    this.#sent.push({ url, status, atMs: this.#clock.nowMs(), mode, message, agentId: rep.userId });
    if (this.#sent.length > LOG_LIMIT) this.#sent.splice(0, LOG_LIMIT / 2);
    return status;
  }

  async #send(step: Step, change: RowChange, body: string): Promise<number> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      const answer = await fetch(step.url, {
        method: "POST",
        body,
        redirect: "manual",
        signal: AbortSignal.any([timeout, this.#closing.signal]),
        headers: {
          "content-type": "application/json",
          "x-ms-dynamics-organization": this.#host(),
          "x-ms-dynamics-entity-name": "msdyn_agentstatus",
          "x-ms-dynamics-request-name": change.message,
          "x-ms-correlation-request-id": change.correlationId,
          ...(this.faults.oversized ? { "x-ms-dynamics-msg-size-exceeded": "true" } : {}),
          ...step.headers,
        },
      });
      await answer.body?.cancel();
      return answer.status;
    } catch {
      return timeout.aborted ? 408 : 0;
    }
  }
}

function failureFor(status: number): StepFailure {
  if (status === 0) return new StepFailure(POST_FAILED, "The webhook call failed: no answer.");
  if (status === 408) return new StepFailure(TIMED_OUT, "The webhook call failed: it timed out.");
  return new StepFailure(
    NON_SUCCESS,
    `The webhook call failed because the http request is not a success: status ${status}.`,
  );
}
