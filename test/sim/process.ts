import { Commands } from "../../src/api/commands.ts";
import { HoldDetails } from "../../src/api/hold-details.ts";
import { DEFAULT_QUOTA, KINDS, PERMISSIONS } from "../../src/api/integrations/integration.ts";
import { Planner } from "../../src/api/shifts/planner.ts";
import type { Connector } from "../../src/connectors/connector.ts";
import { dynamicsOver } from "../../src/connectors/dynamics/dynamics.ts";
import { createDynamicsInbound } from "../../src/connectors/dynamics/inbound.ts";
import { createPartnerInbound } from "../../src/connectors/partner/inbound.ts";
import { teamsOver } from "../../src/connectors/teams/teams.ts";
import type { Controller } from "../../src/controller/controller.ts";
import type { Pace } from "../../src/controller/pace.ts";
import type { Recurring } from "../../src/controller/recurring.ts";
import type { Sweep } from "../../src/controller/sweep.ts";
import { Directory } from "../../src/directory/directory.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { parseJson } from "../../src/http/json.ts";
import type { Answer, InboundRequest, Route } from "../../src/http/route.ts";
import {
  DYNAMICS,
  type RepIdentity,
  repId,
  systemName,
  systemUserId,
  teamsUserId,
} from "../../src/presence/identity.ts";
import { CLIENT_ID } from "./graph.ts";
import type { Fault } from "./climate.ts";
import { VolatileEngine } from "./disk.ts";
import type { Caller } from "./line.ts";
import { DESK, PARTNERS, type PartnerEvent } from "./partner.ts";
import type { Status } from "../../src/presence/status.ts";
import { ProcessClock } from "./timeline.ts";
import type { World } from "./world.ts";

/** The supervisor's application: bound to everybody, and allowed to end calls of others. */
const SUPERVISOR = {
  name: systemName(DESK),
  keys: [],
  appId: null,
  permissions: new Set(PERMISSIONS),
  kinds: new Set(KINDS),
  reps: null,
  quota: DEFAULT_QUOTA,
  revoked: false,
};
const REFUSED: Readonly<Record<string, number>> = { "rep-unknown": 404, "api-not-stored": 503 };

const GATHER_MS = 4;
const CONFIRM_MS = 150;
const DISCOVER_EVERY_MS = 60_000;
const DISCOVER_RETRY_MS = 1_000;
const DISCOVER_SOON_MS = 250;

/** Ids differ in one digit, so that nobody can mistake one kind for another. */
export function identityOf(userId: string): RepIdentity {
  return {
    rep: repId(userId),
    systemUserId: systemUserId(userId),
    teamsUserId: teamsUserId(`b${userId.slice(1)}`),
  };
}

/**
 * The service as `main.ts` puts it together, with the ways to the outside replaced: its clock, its disk, its lines.
 * When it dies all that it had in memory is gone, and what it still does reaches nobody.
 */
export class ServiceProcess implements Caller {
  readonly name: string;
  readonly clock: ProcessClock;
  readonly engine: Engine;
  readonly controller: Controller;
  readonly directory = new Directory();
  readonly #world: World;
  readonly #routes: { readonly dynamics: Route; readonly partner: Route };
  readonly #paces: { readonly teams: Pace; readonly dynamics: Pace };
  readonly #sweeps: readonly Sweep[];
  readonly #discovery: Recurring;
  readonly #commands: Commands;
  #alive = true;
  #discovered = false;
  #hasStarted = false;
  #isStopping = false;

  constructor(world: World, name: string, skewMs: number) {
    this.#world = world;
    this.name = name;
    this.clock = new ProcessClock(world.timeline, () => this.#alive);
    this.clock.skewMs = skewMs;
    this.engine = world.checker.engineFor(this, this.#openDisk());
    const { drive, climate, policy } = world;
    const { clock, engine } = this;
    const nowMs = (): number => clock.nowMs();
    const { mappings } = world;
    const graph = world.graph.transport(this);
    const dataverse = world.dataverse.transport(this);
    const teams = teamsOver(
      { reading: graph, writing: graph },
      { clientId: CLIENT_ID, mapping: mappings.teams, nowMs },
    );
    const dynamics = dynamicsOver(dataverse, { mapping: mappings.dynamics, nowMs });
    this.#paces = {
      teams: new drive.Pace(clock, climate.pace),
      dynamics: new drive.Pace(clock, climate.pace),
    };
    const watched = {
      teams: world.checker.connectorFor(this, teams),
      dynamics: world.checker.connectorFor(this, dynamics),
    };
    const onSystemError = world.checker.systemErrorFor(this);
    this.controller = new drive.Controller({
      engine,
      policy,
      clock,
      systems: [
        { connector: watched.teams, pace: this.#paces.teams },
        { connector: watched.dynamics, pace: this.#paces.dynamics },
      ],
      gatherMs: GATHER_MS,
      confirmMs: CONFIRM_MS,
      onSystemError,
      onFault: (_rep, error) => world.checker.fault(this, error),
    });
    const sweepOf = (connector: Connector, pace: Pace, pollMs: number): Sweep =>
      new drive.Sweep({
        connector,
        controller: this.controller,
        pace,
        clock,
        pollMs,
        onSystemError,
        onFault: (error) => world.checker.fault(this, error),
      });
    this.#sweeps = [
      sweepOf(watched.teams, this.#paces.teams, climate.pollMs),
      sweepOf(watched.dynamics, this.#paces.dynamics, climate.dynamicsPollMs ?? climate.pollMs),
    ];
    this.#discovery = new drive.Recurring({
      clock,
      run: () => this.#discover(),
      everyMs: DISCOVER_EVERY_MS,
      retryMs: DISCOVER_RETRY_MS,
      soonMs: DISCOVER_SOON_MS,
    });
    this.#routes = {
      dynamics: createDynamicsInbound({
        keys: ["key"],
        organization: () => null,
        organizationIds: [],
        repOfAgentStatus: (id) => dynamics.repOfAgentStatus(id),
        isRep: (rep) => this.controller.document(rep) !== null,
        isNews: (hint) => dynamics.isNews(hint),
        hint: (rep, againMs) => {
          this.controller.hint(rep, DYNAMICS);
          this.controller.hint(rep, DYNAMICS, againMs);
        },
        sweep: () => this.#discovery.soon(),
        count: () => undefined,
      }),
      partner: createPartnerInbound({
        partners: () => PARTNERS,
        refuse: () => null,
        find: (id) => this.directory.find(id),
        findLeaver: (id) => this.controller.leaver(id),
        accept: (event) => engine.accept(event),
        submit: (event) => this.controller.submit(event),
        parse: (body) => parseJson(body, { strict: true }),
        nowMs,
      }),
    };
    const find = (id: string): RepIdentity | null => this.directory.find(id);
    const submit = this.controller.submit.bind(this.controller);
    const onFault = (error: unknown): void => world.checker.fault(this, error);
    this.#commands = new Commands({
      engine,
      planner: new Planner({ engine, clock, find, submit, onFault }),
      details: new HoldDetails(engine, nowMs),
      find,
      document: (rep) => this.controller.document(rep),
      submit,
      nowMs,
    });
  }

  isAlive = (): boolean => this.#alive;

  /** It listens: it has started, and is not shutting down. */
  get isOpen(): boolean {
    return this.#hasStarted && !this.#isStopping;
  }

  async boot(): Promise<void> {
    try {
      await this.controller.start();
    } catch (error) {
      // A process that cannot start ends, and is started again.
      if (this.#alive) this.crash("crash at rest");
      this.#world.checker.fault(this, error);
      return;
    }
    this.directory.replace(this.controller.staying());
    this.#hasStarted = true;
    this.#discovery.start();
  }

  crash(fault: Fault): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#world.journal.fault(fault);
    this.#world.journal.tell(`${this.name}: ${fault}`);
    this.#world.processEnded(this);
  }

  /** As SIGTERM does it. A process that does not come to an end is killed. */
  async stop(): Promise<void> {
    if (!this.isOpen) return;
    this.#isStopping = true;
    this.#world.journal.fault("stopped in order");
    this.#world.journal.tell(`${this.name}: stops`);
    await this.#discovery.stop();
    await Promise.all(this.#sweeps.map((sweep) => sweep.stop()));
    await this.controller.stop();
    if (!this.#alive) return;
    this.#alive = false;
    this.#world.journal.tell(`${this.name}: stopped`);
    this.#world.processEnded(this);
  }

  answerComes(): void {
    if (this.#world.strikes("crash when an answer comes")) this.crash("crash when an answer comes");
  }

  /** The webhook of Dataverse, on this stack. */
  async webhook(body: Buffer): Promise<Answer> {
    const answer = await this.#routes.dynamics.handle(this.#request(body, []));
    answer.afterwards?.();
    return answer;
  }

  partner(body: Buffer, headers: InboundRequest["headers"]): Promise<Answer> {
    return this.#routes.partner.handle(this.#request(body, headers));
  }

  /** What a supervisor's application asks of the API, with the status of the answer. */
  async command(event: PartnerEvent, eventId: string): Promise<{ readonly status: number }> {
    const { type, rep, endsHolds = false, ttlSeconds } = event;
    const command =
      type === "status.released"
        ? ({ op: "releaseStatus", rep } as const)
        : ({
            op: "setStatus",
            rep,
            status: event.status as Status,
            endsHolds,
            ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
          } as const);
    const outcome = await this.#commands.apply(command, { integration: SUPERVISOR, eventId });
    if (outcome.ok) return { status: outcome.result === "accepted" ? 202 : 200 };
    return { status: REFUSED[outcome.code] ?? 409 };
  }

  #request(body: Buffer, headers: InboundRequest["headers"]): InboundRequest {
    return {
      method: "POST",
      path: "/",
      query: new URLSearchParams(),
      headers,
      params: {},
      remoteAddress: "192.0.2.1",
      receivedAtMs: this.clock.nowMs(),
      requestId: "request",
      body,
    };
  }

  #openDisk(): Engine {
    const world = this.#world;
    return new VolatileEngine(world.platter, {
      flushMs: () => {
        const slow = world.strikes("disk slow");
        return slow ? world.chance.between(200, 3_000) : world.chance.between(1, 8);
      },
      readMs: () => world.chance.between(0, 5),
      flush: (accepts) => {
        if (world.strikes("crash before a flush")) this.crash("crash before a flush");
        if (world.isDiskFull || world.strikes("disk full")) return "refuses";
        // An accept of unknown outcome is a known limit of docs/SPEC.md.
        return !accepts && world.strikes("disk unsure") ? "unsure" : "well";
      },
      after: (delayMs, fire) => {
        this.clock.after(delayMs, fire);
      },
      nowMs: () => world.timeline.nowMs,
      written: () => {
        if (world.strikes("crash after a flush")) this.crash("crash after a flush");
      },
      isAlive: this.isAlive,
    });
  }

  async #discover(): Promise<boolean> {
    const { dataverse } = this.#world;
    const roster = await dataverse.line.send(this, false, () => [...dataverse.roster]);
    if (roster.kind === "failed") return false;
    try {
      const { joined, left } = this.directory.replace(roster.value.map(identityOf));
      for (const { rep } of left) this.controller.detach(rep);
      const look = this.#discovered ? "now" : "by the next sweep";
      for (const identity of joined) this.controller.adopt(identity, look);
    } catch (error) {
      this.#world.checker.fault(this, error);
      return false;
    }
    if (!this.#discovered) {
      this.#discovered = true;
      for (const sweep of this.#sweeps) sweep.start();
    }
    return true;
  }
}
