import { randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import {
  createEntraTokenVerifier,
  GRAPH_NOTIFICATIONS_APP_ID,
} from "../../src/connectors/entra-token.ts";
import type { NotificationResult } from "../../src/connectors/teams/inbound.ts";
import {
  createTeamsPush,
  type PushNote,
  type TeamsPush,
  type TeamsPushOptions,
} from "../../src/connectors/teams/push.ts";
import { createTeamsConnector } from "../../src/connectors/teams/teams.ts";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { type RepIdentity, type TeamsUserId, teamsUserId } from "../../src/presence/identity.ts";
import { DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import { VirtualClock } from "../controller/clock.ts";
import { PATIENT } from "../emulators/graph-tenant.ts";
import { eventually } from "../service/launch.ts";
import { identitiesOf, secretCredential } from "./bench.ts";
import { Kept } from "./kept.ts";
import { LOOPBACK_TLS } from "./loopback.ts";

/** What Microsoft 365 calls; the emulator finds it through its ingress. */
const PUBLIC_URL = "https://lockstep.example";
export const CALLBACK = `${PUBLIC_URL}/connect/teams/callback`;

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

export type PushBenchOptions = {
  readonly people?: number;
  readonly accounts?: number;
  readonly push?: Partial<TeamsPushOptions>;
};

/**
 * The change notifications of Teams at the wire: an emulated tenant, a server that it can call, and the service's
 * side of it, both on one clock that the test moves. Nobody reads unless the test polls.
 */
export class PushBench {
  readonly tenant: Tenant;
  readonly clock: VirtualClock;
  readonly reps: readonly RepIdentity[];
  readonly kept = new Kept();
  readonly cacheKey = randomBytes(32);
  /** Everybody about whom a read was asked for, in order. */
  readonly hints: TeamsUserId[] = [];
  readonly notes: PushNote[] = [];
  readonly counts: NotificationResult[] = [];
  push: TeamsPush;
  #server: HttpServer | null = null;
  #port = 0;
  readonly #change: Partial<TeamsPushOptions>;

  private constructor(tenant: Tenant, clock: VirtualClock, change: Partial<TeamsPushOptions>) {
    this.tenant = tenant;
    this.clock = clock;
    this.reps = identitiesOf(tenant);
    this.#change = change;
    this.push = this.#create();
  }

  static async open(options: PushBenchOptions = {}): Promise<PushBench> {
    const clock = new VirtualClock(Date.now());
    const tenant = await startTenant({
      people: makePeople(options.people ?? 5),
      tls: LOOPBACK_TLS,
      nowMs: () => clock.nowMs(),
      redirectUris: [CALLBACK],
      subscriberAccounts: options.accounts ?? 2,
    });
    tenant.graph.control.setPush(PATIENT);
    const bench = new PushBench(tenant, clock, options.push ?? {});
    onTestFinished(async () => {
      await bench.stop();
      await tenant.close();
    });
    for (const { teamsUserId: userId } of bench.reps) {
      tenant.graph.control.setClient({ userId, availability: "Available" });
    }
    await bench.start();
    return bench;
  }

  get users(): readonly TeamsUserId[] {
    return this.reps.map((rep) => rep.teamsUserId);
  }

  get port(): number {
    return this.#port;
  }

  /** Mounts and starts the service's side; after `stop`, as a new process on the same records. */
  async start(): Promise<void> {
    this.push = this.#create();
    await this.push.start();
    this.#server = createHttpServer({
      log: SILENT,
      nowMs: () => this.clock.nowMs(),
      routes: this.push.routes,
    });
    const { port } = await this.#server.listen(0, "127.0.0.1");
    this.#port = port;
    const to = `http://127.0.0.1:${port}`;
    this.tenant.graph.control.setIngress({ origin: PUBLIC_URL, to });
  }

  async stop(): Promise<void> {
    await this.push.stop();
    await this.#server?.close(0);
    this.#server = null;
  }

  /** Signs an account in through the pages, as an administrator with a browser does. */
  async connect(account = 0, path = "/connect/teams"): Promise<{ status: number; text: string }> {
    this.tenant.entra.control.setPresent({ account: this.accountId(account) });
    const { location, cookie } = await this.begin(path);
    return this.finish(await this.signIn(location), cookie);
  }

  accountId(account = 0): string {
    return this.tenant.subscribers[account]?.oid ?? "nobody";
  }

  /** Asks for the page: where it sends the browser, and the cookie that it sets. */
  async begin(path = "/connect/teams"): Promise<{ location: string; cookie: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, { redirect: "manual" });
    await answer.body?.cancel();
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    return { location: answer.headers.get("location") ?? "", cookie };
  }

  /** What Entra sends the browser back to. */
  async signIn(location: string): Promise<string> {
    const answer = await fetch(location, { redirect: "manual" });
    await answer.body?.cancel();
    return answer.headers.get("location") ?? "";
  }

  async finish(callback: string, cookie: string): Promise<{ status: number; text: string }> {
    const { pathname, search } = new URL(callback);
    const answer = await fetch(`http://127.0.0.1:${this.#port}${pathname}${search}`, {
      headers: { cookie },
    });
    return { status: answer.status, text: await answer.text() };
  }

  /** Everybody is to be watched, and every account's subscription is there. */
  async live(accounts = 1): Promise<void> {
    for (let account = 0; account < accounts; account += 1) await this.connect(account);
    this.push.follow(this.users);
    await this.delivering(accounts);
  }

  async delivering(shards = 1): Promise<void> {
    await eventually(`${shards} shards deliver`, () => {
      const { shards: all } = this.push.status();
      return all.filter(({ state }) => state === "live").length === shards;
    });
  }

  /** One poll of Teams by the service. */
  async poll(): Promise<void> {
    await this.#connector.read(this.reps, new AbortController().signal);
  }

  /** Everything that Graph has to tell now is told. */
  async told(): Promise<void> {
    await this.tenant.graph.control.deliveriesSettled();
    await this.clock.settle();
  }

  /** Somebody chooses a status in her Teams client. */
  choose(index: number, availability: string): TeamsUserId {
    const userId = this.users[index] ?? teamsUserId("nobody");
    this.tenant.graph.control.setManual({ userId, availability });
    return userId;
  }

  /** How many requests reach Graph while something is done. */
  async requestsDuring(act: () => Promise<void>): Promise<number> {
    const before = this.tenant.graph.control.requests().total;
    await act();
    return this.tenant.graph.control.requests().total - before;
  }

  subscriptions(): ReturnType<Tenant["graph"]["control"]["subscriptions"]> {
    return this.tenant.graph.control.subscriptions();
  }

  codes(): readonly string[] {
    return this.notes.map((note) =>
      note.code === "push-failed"
        ? note.error.code
        : note.code === "push-sign-in"
          ? note.why
          : note.code,
    );
  }

  readonly #connector = (() => {
    let made: ReturnType<typeof createTeamsConnector> | null = null;
    return {
      read: (...asked: Parameters<ReturnType<typeof createTeamsConnector>["read"]>) => {
        made ??= createTeamsConnector({
          graphUrl: this.tenant.graph.url,
          clientId: this.tenant.clientId,
          credential: secretCredential(this.tenant),
          mapping: DEFAULT_TEAMS_MAPPING,
          nowMs: () => this.clock.nowMs(),
          onRead: (shown, leftAtMs) => this.push.saw(shown, leftAtMs),
        });
        return made.read(...asked);
      },
    };
  })();

  #create(): TeamsPush {
    const { tenant, clock } = this;
    const tokens = createEntraTokenVerifier({
      authorityHost: tenant.entra.url,
      tenantId: tenant.tenantId,
      audiences: [tenant.clientId],
      nowMs: () => clock.nowMs(),
      fetch,
    });
    const caller = { appId: GRAPH_NOTIFICATIONS_APP_ID };
    return createTeamsPush({
      publicUrl: PUBLIC_URL,
      cacheKeys: [this.cacheKey],
      tenantId: tenant.tenantId,
      clientId: tenant.clientId,
      clientSecret: tenant.clientSecret,
      authorityHost: tenant.entra.url,
      graphUrl: tenant.graph.url,
      admitted: tenant.subscribers.map(({ oid }) => teamsUserId(oid)),
      rich: false,
      records: this.kept,
      verifyToken: async (token) => (await tokens.verify(token, caller)).ok,
      nowMs: () => clock.nowMs(),
      after: (delayMs, fire) => clock.after(delayMs, fire),
      random: () => 0.5,
      take: () => Promise.resolve(),
      hint: (user) => this.hints.push(user),
      report: (note) => this.notes.push(note),
      count: (result) => this.counts.push(result),
      ...this.#change,
    });
  }
}
