import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { onTestFinished } from "vitest";
import { type Api, createApi } from "../../src/api/api.ts";
import {
  DEFAULT_QUOTA,
  INTEGRATION_RECORD,
  type KeptIntegration,
} from "../../src/api/integrations/integration.ts";
import { type Board, createBoard } from "../../src/availability/board.ts";
import type { AvailabilitySource, QueueSetup } from "../../src/availability/source.ts";
import { SystemError } from "../../src/connectors/connector.ts";
import { announcing } from "../../src/engine/announcing.ts";
import { Registry } from "../../src/api/integrations/registry.ts";
import { createEntraTokenVerifier } from "../../src/connectors/entra-token.ts";
import { createPartnerInbound } from "../../src/connectors/partner/inbound.ts";
import { Controller } from "../../src/controller/controller.ts";
import { Directory } from "../../src/directory/directory.ts";
import { type Entra, startEntra } from "../../src/emulators/entra/entra.ts";
import type { Engine, RepDocument } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import type { Limits } from "../../src/http/limits.ts";
import { parseJson } from "../../src/http/json.ts";
import { DEFAULT_MAPPINGS } from "../../src/presence/mapping.ts";
import { createPolicy } from "../../src/policy.ts";
import {
  DYNAMICS,
  type RepIdentity,
  repId,
  systemName,
  systemUserId,
  teamsUserId,
} from "../../src/presence/identity.ts";
import { statusOf } from "../../src/reconcile/resolve.ts";
import { VirtualClock } from "../controller/clock.ts";
import { temporaryDirectory } from "../engine/store.ts";
import { type Running, start } from "../http/raw-http.ts";

const TENANT = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
const US = "0b1d2c3e-0000-4000-8000-000000000002";
export const APPS = {
  reader: "0b1d2c3e-0000-4000-8000-0000000000a1",
  writer: "0b1d2c3e-0000-4000-8000-0000000000a2",
  nobody: "0b1d2c3e-0000-4000-8000-0000000000a3",
} as const;
const ROLES = {
  reader: ["Presence.Read"],
  writer: ["Presence.Read", "Presence.Write"],
  nobody: ["Other.Role"],
};

const person = (last: number): RepIdentity => ({
  rep: repId(`aaaaaaaa-0000-0000-0000-00000000000${last}`),
  systemUserId: systemUserId(`aaaaaaaa-0000-0000-0000-00000000000${last}`),
  teamsUserId: teamsUserId(`bbbbbbbb-0000-0000-0000-00000000000${last}`),
});
export const [ANA, BEN, CLEO] = [person(1), person(2), person(3)];

export const SALES = "dddddddd-0000-0000-0000-000000000001";
export const REPAIRS = "dddddddd-0000-0000-0000-000000000002";
const AWAKE = new AbortController().signal;
const AWAY = new SystemError({
  system: DYNAMICS,
  code: "dataverse-unreachable",
  retry: "unavailable",
  nextStep: "wait",
  surelyNotApplied: true,
});

export const secretOf = (name: string): string =>
  `whsec_${Buffer.from(`${name}: a secret of no value`.padEnd(32, ".")).toString("base64")}`;

/** An integration as an administrator would have kept it. */
export function keptIntegration(
  name: string,
  change: Partial<KeptIntegration> = {},
): KeptIntegration {
  return {
    secrets: [{ secret: secretOf(name), untilMs: null }],
    appId: null,
    permissions: ["read", "write"],
    kinds: ["hold", "status", "shift", "override"],
    reps: null,
    quota: DEFAULT_QUOTA,
    revokedAtMs: null,
    acts: [],
    ...change,
  };
}

export type Asked = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Signs as this integration; `id` and `secret` replace what it would use. */
  readonly as?: string;
  readonly id?: string;
  readonly secret?: string;
  /** A bearer token. */
  readonly token?: string;
};

export type Answered = {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
};

/**
 * The API as it is, over HTTP, with a real store and a real controller that drives no system: reps have the status
 * that was reported for them, and time moves when it is moved.
 */
export class Office implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly path = join(temporaryDirectory(), "office.db");
  readonly faults: string[] = [];
  readonly disabled: string[] = [];
  /** Who works where, in a contact centre that knows nothing else; `null`: it cannot be read. */
  queues: readonly QueueSetup[] | null = [
    { id: SALES, name: "Sales", hours: null, members: [ANA.systemUserId, BEN.systemUserId] },
    { id: REPAIRS, name: "Repairs", hours: null, members: [CLEO.systemUserId] },
  ];
  readonly #limits: Partial<Limits>;
  readonly #boardOf: ((nowMs: () => number) => Board) | null;
  #engine: Engine | null = null;
  #controller: Controller | null = null;
  #api: Api | null = null;
  #http: Running | null = null;
  #entra: Entra | null = null;

  constructor(limits: Partial<Limits>, boardOf: ((nowMs: () => number) => Board) | null) {
    this.#limits = limits;
    this.#boardOf = boardOf;
  }

  static async open(
    kept: Readonly<Record<string, Partial<KeptIntegration>>> = { phone: {}, planner: {} },
    limits: Partial<Limits> = {},
    boardOf: ((nowMs: () => number) => Board) | null = null,
  ): Promise<Office> {
    const office = new Office(limits, boardOf);
    onTestFinished(() => office[Symbol.asyncDispose]());
    const engine = await openSqliteEngine({ path: office.path });
    for (const [name, change] of Object.entries(kept)) {
      const body = keptIntegration(name, change);
      await engine.keep({ kind: INTEGRATION_RECORD, id: name, body, expiresAtMs: null });
    }
    await engine.close();
    await office.begin();
    return office;
  }

  get engine(): Engine {
    if (!this.#engine) throw new Error("the office is closed");
    return this.#engine;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#http?.port}/api/v1`;
  }

  get logged(): Running["logged"] {
    return this.#http?.logged ?? [];
  }

  /** Everything stops and starts again on the same store. */
  async restart(): Promise<void> {
    await this.end();
    await this.begin();
  }

  async end(): Promise<void> {
    await this.#http?.stop();
    await this.#api?.stop();
    await this.#controller?.stop();
    await this.#engine?.close();
    this.#engine = null;
  }

  async begin(): Promise<void> {
    const nowMs = (): number => this.clock.nowMs();
    const engine = announcing(await openSqliteEngine({ path: this.path }), (_, stored) =>
      api.committed(stored),
    );
    this.#engine = engine;
    const directory = new Directory();
    const reps = [ANA, BEN, CLEO];
    directory.replace(reps);
    const registry = new Registry([]);
    const parse = (body: Buffer) => parseJson(body, { strict: true });
    const apps = (Object.keys(APPS) as (keyof typeof APPS)[]).map((name) => ({
      clientId: APPS[name],
      secrets: [{ value: "s" }],
      certificates: [],
      roles: ROLES[name],
    }));
    this.#entra ??= await startEntra({ tenantId: TENANT, apps, nowMs });
    const find = (id: string): RepIdentity | null => directory.find(id);
    const policy = { ...createPolicy(DEFAULT_MAPPINGS), systems: [] };
    const controller = new Controller({
      engine,
      policy,
      clock: this.clock,
      systems: [],
      gatherMs: 0,
      confirmMs: 0,
      onSystemError: () => undefined,
      onFault: (_rep, error) => this.faults.push(String(error)),
    });
    const api = createApi({
      engine,
      policy,
      clock: this.clock,
      registry,
      tokens: createEntraTokenVerifier({
        authorityHost: this.#entra.url,
        tenantId: TENANT,
        audiences: [US, `api://${US}`],
        nowMs,
        fetch,
      }),
      publicUrl: null,
      privateHosts: ["localhost"],
      parse,
      identities: () => reps,
      find,
      document: (rep) => controller.document(rep),
      submit: (event) => controller.submit(event),
      board:
        this.#boardOf?.(nowMs) ??
        createBoard({ source: this.#center(), nowMs, signal: AWAKE, codeOf: () => null }),
      unreadable: (error) => (error instanceof SystemError ? { retryAfterSeconds: 5 } : null),
      onFault: (what, error) => this.faults.push(`${what}: ${String(error)}`),
      onDisabled: ({ id }) => this.disabled.push(id),
    });
    this.#controller = controller;
    this.#api = api;
    await controller.start();
    for (const identity of reps) controller.adopt(identity);
    await api.start();
    const events = createPartnerInbound({
      partners: () => registry.all(),
      refuse: api.refuseEvent,
      find,
      findLeaver: (id) => controller.leaver(id),
      accept: (event) => engine.accept(event),
      submit: (event) => controller.submit(event),
      parse,
      nowMs,
    });
    const clock = this.clock;
    const seen = {
      get nowMs() {
        return clock.nowMs();
      },
    };
    this.#http = await start(() => [events, ...api.routes], this.#limits, seen);
  }

  #center(): AvailabilitySource {
    return {
      setup: async () => {
        if (this.queues === null) throw AWAY;
        return { queues: this.queues, workstreams: [], profiles: new Map() };
      },
      reps: async () => [],
      conversations: async () => [],
      center: () => Promise.reject(AWAY),
    };
  }

  document({ rep }: RepIdentity): RepDocument {
    const document = this.#controller?.document(rep);
    if (!document) throw new Error("nobody is there");
    return document;
  }

  /** How many streams an integration has open. */
  streams(name: string): number {
    return this.#api?.streamsOf(systemName(name)) ?? 0;
  }

  /** When somebody next begins or ends a shift, as the bot is told. */
  nextShift({ rep }: RepIdentity): ReturnType<Api["nextShift"]> {
    return this.#api?.nextShift(rep) ?? null;
  }

  /** What is wanted for her, once everything that was accepted has been taken in. */
  async statusOf(identity: RepIdentity): Promise<string> {
    await this.clock.settle();
    await this.clock.advance(0);
    return statusOf(this.document(identity).rep);
  }

  async token(app: keyof typeof APPS, audience = US): Promise<string> {
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: APPS[app],
      client_secret: "s",
      scope: `${audience}/.default`,
    });
    const url = `${this.#entra?.url}/${TENANT}/oauth2/v2.0/token`;
    const answer = await fetch(url, { method: "POST", body });
    return ((await answer.json()) as { readonly access_token: string }).access_token;
  }

  headersFor(body: string, asked: Asked): Record<string, string> {
    const { as, token, id = randomUUID() } = asked;
    if (token !== undefined) return { authorization: `Bearer ${token}`, ...asked.headers };
    if (as === undefined) return { ...asked.headers };
    const at = new Date(this.clock.nowMs());
    return {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(asked.secret ?? secretOf(as)).sign(id, at, body),
      ...asked.headers,
    };
  }

  async ask(line: string, asked: Asked = {}): Promise<Answered> {
    const [method = "", path = ""] = line.split(" ");
    const body = asked.body === undefined ? "" : JSON.stringify(asked.body);
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(body === "" ? {} : { "content-type": "application/json" }),
        ...this.headersFor(body, asked),
      },
      ...(body === "" ? {} : { body }),
    });
    const text = await answer.text();
    const { status, headers } = answer;
    return { status, headers, json: text === "" ? null : (JSON.parse(text) as unknown) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#engine) return;
    await this.end();
    await this.#entra?.close();
  }
}
