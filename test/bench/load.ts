import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { WEBHOOK_KEY } from "./cloud.ts";
import type { Contestant } from "./contestant.ts";
import { type FastTenant, type Member, PRESENCE } from "./tenant.ts";

/** What came of a stretch of load. Times are in milliseconds. */
export type Run = {
  /** From a hint's leaving to the first byte of the write that it causes, one for each change that arrived. */
  readonly latenciesMs: readonly number[];
  /** From a hint's leaving to its answer. */
  readonly answersMs: readonly number[];
  readonly sent: number;
  readonly refused: number;
  readonly elapsedMs: number;
  /** CPU that the contestant used meanwhile, all of its instances together. */
  readonly cpuMs: number;
};

/** How long the last writes are waited for. */
const STRAGGLERS_MS = 5_000;
const TICK_MS = 2;

/** Where the reps choose, and whether the contestant is told of it or looks by itself. */
export type Way = { readonly from: "dynamics" | "teams"; readonly told: boolean };

/**
 * Makes changes in one system, and watches the writes arrive in the other. The reps take turns, and each goes from
 * Available to Busy and back, so that every change has exactly one write to wait for. Several instances of one contestant
 * are told in turn, whichever of them has the rep.
 */
export class Load {
  readonly #tenant: FastTenant;
  readonly #contestants: readonly Contestant[];
  readonly #pools: readonly Pool[];
  readonly #way: Way;
  #next = 0;

  constructor(
    tenant: FastTenant,
    contestants: readonly Contestant[],
    way: Way = { from: "dynamics", told: true },
  ) {
    this.#way = way;
    this.#tenant = tenant;
    this.#contestants = contestants;
    this.#pools = contestants.map(({ url }) => new Pool(url, { connections: 64, pipelining: 1 }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()));
  }

  /** `perSecond` changes for so long, whatever becomes of the earlier ones. */
  async run(perSecond: number, durationMs: number, stragglersMs = STRAGGLERS_MS): Promise<Run> {
    const run = new Running(this.#tenant, this.#way.from);
    const before = await this.#cpuMs();
    const beganMs = performance.now();
    while (performance.now() - beganMs < durationMs) {
      const due = Math.floor(((performance.now() - beganMs) / 1000) * perSecond);
      while (run.sent < due) void this.#send(run);
      await sleep(TICK_MS);
    }
    const untilMs = performance.now() + stragglersMs;
    while (!run.isOver && performance.now() < untilMs) await sleep(5);
    return this.#end(run, before, beganMs);
  }

  /**
   * As many changes as it takes to have `inFlight` on their way at any time, until the last of them has arrived: CPU
   * was used for each of them.
   */
  async saturate(inFlight: number, durationMs: number): Promise<Run> {
    const run = new Running(this.#tenant, this.#way.from);
    const before = await this.#cpuMs();
    const beganMs = performance.now();
    while (performance.now() - beganMs < durationMs) {
      while (run.open < inFlight) void this.#send(run);
      await nextTurn();
    }
    const untilMs = performance.now() + STRAGGLERS_MS;
    while (!run.isOver && performance.now() < untilMs) await sleep(2);
    return this.#end(run, before, beganMs);
  }

  async #cpuMs(): Promise<number> {
    const each = await Promise.all(this.#contestants.map((one) => one.cpuMs()));
    return each.reduce((sum, ms) => sum + ms, 0);
  }

  async #end(run: Running, before: number, beganMs: number): Promise<Run> {
    const elapsedMs = performance.now() - beganMs;
    const after = await this.#cpuMs();
    run.end();
    const { latenciesMs, answersMs, sent, refused } = run;
    const cpuMs = after - before;
    return { latenciesMs, answersMs, sent, refused, elapsedMs, cpuMs };
  }

  async #send(run: Running): Promise<void> {
    const member = this.#tenant.members[this.#next % this.#tenant.members.length];
    const pool = this.#pools[this.#next % this.#pools.length];
    this.#next += 1;
    if (!member || !pool) return;
    const body = this.#change(member);
    const leftAtMs = run.leaves(member);
    if (!this.#way.told) {
      run.answered(leftAtMs, true);
      return;
    }
    try {
      const answer = await pool.request({
        method: "POST",
        path: this.#way.from === "dynamics" ? "/webhooks/dataverse" : "/webhooks/graph",
        headers: { "content-type": "application/json", "x-lockstep-key": WEBHOOK_KEY },
        body,
      });
      await answer.body.dump();
      run.answered(leftAtMs, answer.statusCode < 300);
    } catch {
      run.answered(leftAtMs, false);
    }
  }

  #change(member: Member): string {
    if (this.#way.from === "teams") {
      return this.#tenant.chooseInTeams(member, member.preferred === null ? "Busy" : null);
    }
    const isBusy = member.presenceId === PRESENCE.busy;
    return this.#tenant.choose(member, isBusy ? PRESENCE.available : PRESENCE.busy);
  }
}

/** One stretch of load while it lasts. */
class Running {
  readonly latenciesMs: number[] = [];
  readonly answersMs: number[] = [];
  sent = 0;
  refused = 0;
  #unanswered = 0;
  readonly #waiting = new Map<string, number>();
  readonly #tenant: FastTenant;
  readonly #from: Way["from"];

  constructor(tenant: FastTenant, from: Way["from"]) {
    this.#tenant = tenant;
    this.#from = from;
    tenant.onWrite = ({ side, id, atMs }) => {
      const leftAtMs = side === from ? undefined : this.#waiting.get(id);
      if (leftAtMs === undefined) return;
      this.#waiting.delete(id);
      this.latenciesMs.push(atMs - leftAtMs);
    };
  }

  /** Changes whose write has not arrived. */
  get open(): number {
    return this.#waiting.size;
  }

  get isOver(): boolean {
    return this.#waiting.size === 0 && this.#unanswered === 0;
  }

  leaves({ teams, dynamics }: Member): number {
    const nowMs = performance.now();
    this.#waiting.set(this.#from === "teams" ? dynamics : teams, nowMs);
    this.sent += 1;
    this.#unanswered += 1;
    return nowMs;
  }

  answered(leftAtMs: number, well: boolean): void {
    this.#unanswered -= 1;
    if (well) this.answersMs.push(performance.now() - leftAtMs);
    else this.refused += 1;
  }

  end(): void {
    this.#tenant.onWrite = () => undefined;
  }
}
