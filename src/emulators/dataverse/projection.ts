import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import { isBlocked, type Rep } from "./engine.ts";
import type { Message, Organization, RowChange } from "./execution-context.ts";
import { knownTable } from "./schema.ts";
import { dateText, type Row, type Tables } from "./tables.ts";
import { StepFailure, type Webhooks } from "./webhooks.ts";

export type Rollback = { readonly atMs: number; readonly agentId: string; readonly code: string };

const MAX_RETRY_MS = 30_000;

/**
 * Writes `msdyn_agentstatus`, which is no more than a late copy of what the engine knows. Each change
 * becomes one write, `delayMs` after it; the writes of one rep run one at a time, each as a
 * transaction that its synchronous webhook steps can roll back.
 */
export class Projection {
  readonly #clock: Clock;
  readonly #tables: Tables;
  readonly #webhooks: Webhooks;
  readonly #organization: Organization;
  readonly #retryMs: number;
  readonly #rowIds = new Map<string, string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #newest = new Map<string, Rep>();
  readonly #openHistory = new Map<string, Row>();
  readonly rollbacks: Rollback[] = [];
  delayMs: number;

  constructor(options: {
    readonly clock: Clock;
    readonly tables: Tables;
    readonly webhooks: Webhooks;
    readonly organization: Organization;
    readonly delayMs: number;
    readonly retryMs: number;
  }) {
    this.#clock = options.clock;
    this.#tables = options.tables;
    this.#webhooks = options.webhooks;
    this.#organization = options.organization;
    this.delayMs = options.delayMs;
    this.#retryMs = options.retryMs;
  }

  rowOf(userId: string): Row | undefined {
    const id = this.#rowIds.get(userId);
    return id === undefined ? undefined : this.#tables.get("msdyn_agentstatuses", id);
  }

  /** Fixes the id that the user's row has or will get. */
  nameRow(userId: string, rowId: string): void {
    this.#rowIds.set(userId, rowId);
  }

  /** A row that was there before the emulator started: nobody is told. */
  seed(rep: Rep): void {
    const table = knownTable("msdyn_agentstatuses");
    this.#tables.seed(table, this.#columns(rep, this.#clock.nowMs(), "Create"));
  }

  enqueue(rep: Rep): void {
    this.#newest.set(rep.userId, rep);
    this.#clock.after(this.delayMs, () => this.#inTurn(rep, 0));
  }

  #inTurn(rep: Rep, failures: number): void {
    const before = this.#running.get(rep.userId) ?? Promise.resolve();
    const mine = before.then(() => this.#transact(rep, failures));
    this.#running.set(rep.userId, mine);
    void mine.then(() => {
      if (this.#running.get(rep.userId) === mine) this.#running.delete(rep.userId);
    });
  }

  async #transact(rep: Rep, failures: number): Promise<void> {
    const table = knownTable("msdyn_agentstatuses");
    const message: Message = this.rowOf(rep.userId) ? "Update" : "Create";
    const atMs = this.#clock.nowMs();
    const row = this.#columns(rep, atMs, message);
    const change: Omit<RowChange, "rowVersion"> = {
      message,
      rowId: String(row[table.key]),
      rep,
      atMs,
      correlationId: randomUUID(),
    };
    try {
      await this.#webhooks.runSync({ ...change, rowVersion: this.#tables.version + 1 });
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      this.rollbacks.push({ atMs: this.#clock.nowMs(), agentId: rep.userId, code: error.code });
      this.#retryLater(rep, failures);
      return;
    }
    const stored = this.#tables.put(table, row);
    this.#writeHistory(rep, atMs);
    this.#webhooks.queueAsync({ ...change, rowVersion: Number(stored["versionnumber"]) });
  }

  /**
   * Our assumption: Microsoft does not say what the assignment engine does when a synchronous step
   * refuses its write. We let it try again, later and later, unless a newer state has replaced this one.
   */
  #retryLater(rep: Rep, failures: number): void {
    const delayMs = Math.min(this.#retryMs * 2 ** failures, MAX_RETRY_MS);
    this.#clock.after(delayMs, () => {
      if (this.#newest.get(rep.userId) === rep) this.#inTurn(rep, failures + 1);
    });
  }

  #columns(rep: Rep, atMs: number, message: Message): Row {
    const rowId = this.#rowIds.get(rep.userId) ?? randomUUID();
    this.#rowIds.set(rep.userId, rowId);
    const { engineUserId } = this.#organization;
    const created: Row = {
      _createdby_value: engineUserId,
      _ownerid_value: engineUserId,
      _owninguser_value: engineUserId,
      timezoneruleversionnumber: 4,
      statecode: 0,
      statuscode: 1,
      createdon: dateText(atMs),
    };
    return {
      ...(message === "Create" ? created : {}),
      msdyn_agentstatusid: rowId,
      msdyn_name: this.#nameOf(rep.userId),
      _msdyn_agentid_value: rep.userId,
      _msdyn_currentpresenceid_value: rep.presenceId,
      msdyn_isagentloggedin: rep.loggedIn,
      msdyn_availableunitscapacity: rep.capacityUnits - rep.usedUnits,
      msdyn_assignedconversationcount: rep.conversations,
      msdyn_isblockedbysomeprofile: isBlocked(rep),
      msdyn_presencemodifiedby: rep.modifiedBy,
      _msdyn_presencemodifiedbyuserid_value: rep.modifiedByUserId,
      msdyn_presencemodifiedon: dateText(rep.presenceAtMs),
      msdyn_presencemodifiedonwithmilliseconds: new Date(rep.presenceAtMs).toISOString(),
      msdyn_capacitymodifiedon: dateText(rep.capacityAtMs),
      msdyn_capacitymodifiedonwithmilliseconds: new Date(rep.capacityAtMs).toISOString(),
      msdyn_eventname: rep.event,
      _modifiedby_value: engineUserId,
    };
  }

  #nameOf(userId: string): string | null {
    const name = this.#tables.get("systemusers", userId)?.["fullname"];
    return typeof name === "string" ? name : null;
  }

  /** The history has one row per change; the open one is the present. */
  #writeHistory(rep: Rep, atMs: number): void {
    const table = knownTable("msdyn_agentstatushistories");
    const open = this.#openHistory.get(rep.userId);
    if (open) this.#tables.put(table, { ...open, msdyn_endtime: dateText(atMs) });
    const entry: Row = {
      msdyn_agentstatushistoryid: randomUUID(),
      _msdyn_agentid_value: rep.userId,
      _msdyn_presenceid_value: rep.presenceId,
      msdyn_starttime: dateText(atMs),
      msdyn_endtime: null,
      msdyn_availablecapacity: rep.capacityUnits - rep.usedUnits,
      msdyn_assignedconversationcount: rep.conversations,
      msdyn_isagentloggedin: rep.loggedIn,
      msdyn_isblockedbysomeprofile: isBlocked(rep),
      msdyn_eventname: rep.event,
      _msdyn_presencemodifiedbyuserid_value: rep.modifiedByUserId,
    };
    this.#openHistory.set(rep.userId, this.#tables.put(table, entry));
  }
}
