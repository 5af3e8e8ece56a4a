import type { Dataverse, Row } from "../../src/connectors/dynamics/dataverse.ts";
import {
  type Doing,
  lost,
  malformed,
  refusal,
} from "../../src/connectors/dynamics/dataverse-error.ts";
import { PresenceEngine, type Rep } from "../../src/emulators/dataverse/engine.ts";
import {
  BASE_PRESENCE,
  OUT_OF_THE_BOX,
  type PresenceStatus,
} from "../../src/emulators/dataverse/presence.ts";
import type { Chance } from "./chance.ts";
import type { Odds } from "./climate.ts";
import { brokenBy } from "./graph.ts";
import type { Journal } from "./journal.ts";
import type { Answer, Caller, Failure, Line } from "./line.ts";
import type { Timeline } from "./timeline.ts";

const ORGANIZATION_ID = "88888888-0000-4000-8000-000000000001";
/** The organization's own: counts as Away. */
export const LUNCH: PresenceStatus = {
  id: "77777777-0000-4000-8000-000000000001",
  name: "Lunch",
  basePresence: BASE_PRESENCE.away,
  settable: true,
};
export const PRESENCES = [...OUT_OF_THE_BOX, LUNCH];

/** The row is never further behind the engine, replica included: less than Dynamics is given to settle. */
export const LONGEST_LAG_MS = 2_500;
const STALEST_MS = 1_000;
const ROWS_KEPT = 20;

type Projected = { readonly atMs: number; readonly row: Row };

/** Dataverse's presence of a few reps: the emulator's own engine, rows that follow it late, webhooks, a bad line. */
export class SimulatedDataverse {
  odds: Odds;
  /** Rows follow within this time. */
  lagMs = LONGEST_LAG_MS;
  readonly line: Line;
  readonly engine: PresenceEngine;
  /** Called for every change, with how long the webhook takes. */
  onHint: (userId: string, body: Buffer, delayMs: number) => void = () => {};
  onWrite: (userId: string, presenceId: string) => void = () => {};
  /** Called at once, ahead of the row and the webhook. */
  onChange: (userId: string) => void = () => {};
  /** Who is on the roster. */
  readonly roster = new Set<string>();
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #journal: Journal;
  readonly #rows = new Map<string, Projected[]>();
  readonly #blinking = new Set<string>();
  readonly #projectedMs = new Map<string, number>();
  #version = 5_000_000;

  constructor(
    world: {
      readonly timeline: Timeline;
      readonly chance: Chance;
      readonly journal: Journal;
      readonly odds: Odds;
    },
    line: Line,
  ) {
    this.#timeline = world.timeline;
    this.#chance = world.chance;
    this.#journal = world.journal;
    this.odds = world.odds;
    this.line = line;
    this.engine = new PresenceEngine({
      nowMs: () => this.#timeline.nowMs,
      presenceOf: (id) => PRESENCES.find((presence) => presence.id === id),
      changed: (rep) => this.#changed(rep),
    });
  }

  join(userId: string, capacityUnits = 2): void {
    this.roster.add(userId);
    this.#project(this.engine.provision(userId, { capacityUnits }));
    this.engine.login(this.rep(userId));
  }

  rep(userId: string): Rep {
    const rep = this.engine.rep(userId);
    if (!rep) throw new Error(`nobody is ${userId}`);
    return rep;
  }

  choose(userId: string, presenceId: string): void {
    const choice = { presenceId, modifiedBy: "AGENT" as const, modifiedByUserId: userId };
    this.engine.choose(this.rep(userId), choice, true);
  }

  /** True when the rows show all that the engine did. */
  isProjected(userId: string): boolean {
    return (this.#projectedMs.get(userId) ?? 0) <= this.#timeline.nowMs;
  }

  transport(caller: Caller): Dataverse {
    const rows = (query: string, table: string): readonly Row[] =>
      table === "msdyn_presence" ? PRESENCES.map(presenceRow) : this.#statuses(query);
    const read = async (query: string, table: string): Promise<readonly Row[]> => {
      const answer = await this.line.send(caller, false, () => rows(query, table));
      return this.#valueOf(answer, { kind: "read", table }, caller);
    };
    const nobodyAsks = (): Promise<never> => Promise.reject(new Error("nobody asks this here"));
    return {
      rows: read,
      // An organization that does not track changes: every sweep reads everything.
      changes: async (from, table) => ({
        rows: await read("query" in from ? from.query : "", table),
        deltaLink: null,
      }),
      ask: nobodyAsks,
      create: nobodyAsks,
      update: nobodyAsks,
      remove: nobodyAsks,
      call: async () => ({}),
      post: async (_action, body) => {
        const answer = await this.line.send(caller, true, () => this.#modify(body));
        this.#valueOf(answer, { kind: "set presence" }, caller);
      },
      close: async () => undefined,
    };
  }

  #valueOf<Value>(answer: Answer<Value>, doing: Doing, caller: Caller): Value {
    if (answer.kind === "answered") return answer.value;
    throw errorOf(answer.failure, doing, caller.clock.nowMs());
  }

  /** She is gone just when the next change for her arrives, and back before a row could say so. */
  blinks(userId: string): void {
    this.#blinking.add(userId);
  }

  #modify(body: Row): true | { readonly refused: number } {
    const userId = String(body["AgentId"]);
    const presenceId = String(body["PresenceId"]);
    const rep = this.engine.rep(userId);
    if (this.#blinking.delete(userId) || !rep?.loggedIn) return { refused: 404 };
    const choice = { presenceId, modifiedBy: "AGENT" as const, modifiedByUserId: null };
    this.engine.choose(rep, choice, true);
    this.onWrite(userId, presenceId);
    return true;
  }

  #statuses(query: string): readonly Row[] {
    const asked = [...query.matchAll(/_value%20eq%20([0-9a-f-]{36})/g)].map(([, id]) => id);
    return [...this.#rows].flatMap(([userId, projected]) => {
      if (asked.length > 0 && !asked.includes(userId)) return [];
      if (this.#strikes("rep not mentioned")) return [];
      const newest = projected.at(-1) as Projected;
      if (!this.#strikes("stale read")) return [newest.row];
      const atMs = this.#timeline.nowMs - this.#chance.between(1, STALEST_MS);
      return [(projected.findLast((one) => one.atMs <= atMs) ?? newest).row];
    });
  }

  /** Rows follow in order. A synchronous step posts before its row is there, an asynchronous one after it. */
  #changed(rep: Rep): void {
    const { userId } = rep;
    const { nowMs } = this.#timeline;
    this.onChange(userId);
    const earliestMs = (this.#projectedMs.get(userId) ?? 0) + 1;
    const dueMs = Math.max(earliestMs, nowMs + this.#chance.between(50, this.lagMs));
    this.#projectedMs.set(userId, dueMs);
    this.#timeline.after(dueMs - nowMs, () => this.#project(rep));
    this.#announce(rep, dueMs - nowMs);
  }

  #announce(rep: Rep, lagMs: number): void {
    if (this.#strikes("hint dropped")) return;
    const early = this.#strikes("hint before the row");
    const late = this.#strikes("hint late") ? this.#chance.between(1_000, 600_000) : 0;
    const delayMs = (early ? 0 : lagMs) + late + this.#chance.between(10, 300);
    this.onHint(rep.userId, contextOf(rep), delayMs);
    if (this.#strikes("hint doubled")) {
      this.onHint(rep.userId, contextOf(rep), delayMs + this.#chance.between(0, 5_000));
    }
  }

  #project(rep: Rep): void {
    this.#version += 1;
    const row: Row = {
      msdyn_agentstatusid: statusIdOf(rep.userId),
      _msdyn_agentid_value: rep.userId,
      _msdyn_currentpresenceid_value: rep.presenceId,
      msdyn_isagentloggedin: rep.loggedIn,
      msdyn_presencemodifiedby: rep.modifiedBy,
      versionnumber: this.#version,
    };
    const kept = (this.#rows.get(rep.userId) ?? []).slice(1 - ROWS_KEPT);
    this.#rows.set(rep.userId, [...kept, { atMs: this.#timeline.nowMs, row }]);
  }

  #strikes(
    fault:
      | "rep not mentioned"
      | "stale read"
      | "hint dropped"
      | "hint doubled"
      | "hint late"
      | "hint before the row",
  ): boolean {
    const struck = this.#chance.happens(this.odds[fault] ?? 0);
    if (struck) this.#journal.fault(fault);
    return struck;
  }
}

const statusIdOf = (userId: string): string => `5${userId.slice(1)}`;

function presenceRow({ id, name, basePresence }: PresenceStatus): Row {
  return {
    msdyn_presenceid: id,
    msdyn_name: name,
    msdyn_basepresencestatus: basePresence,
    statecode: 0,
    msdyn_cansupervisorset: true,
  };
}

/** As little of a RemoteExecutionContext as names the rep. */
function contextOf({ userId }: Rep): Buffer {
  const agent = { key: "msdyn_agentid", value: { Id: userId, LogicalName: "systemuser" } };
  return Buffer.from(
    JSON.stringify({
      MessageName: "Update",
      PrimaryEntityName: "msdyn_agentstatus",
      PrimaryEntityId: statusIdOf(userId),
      OrganizationId: ORGANIZATION_ID,
      InputParameters: [{ key: "Target", value: { Attributes: [agent] } }],
    }),
  );
}

function errorOf(failure: Failure, doing: Doing, nowMs: number): Error {
  if (failure.kind === "garbled") return malformed();
  if (failure.kind !== "status") return lost(brokenBy(failure), false);
  const { status, retryAfter } = failure;
  return refusal({ status, retryAfter, text: "", doing, nowMs });
}
