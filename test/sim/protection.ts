import type { Sightings } from "../../src/connectors/connector.ts";
import type { Commit, RepDocument } from "../../src/engine/engine.ts";
import { DYNAMICS, type RepId, type RepIdentity, TEAMS } from "../../src/presence/identity.ts";
import { isRoutable } from "../../src/presence/status.ts";
import type { Rep } from "../../src/reconcile/rep.ts";
import type { TeamsTruth } from "./graph.ts";
import type { Journal } from "./journal.ts";
import type { PartnerEvent } from "./partner.ts";
import type { ServiceProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

type Broken = (invariant: string, says: string) => void;
type Hold = { readonly rep: string; readonly untilMs: number };
/** What the newest read of Teams said about a call, as far as one process has heard. */
type Heard = { readonly departure: number; readonly sequence: string; readonly inCall: boolean };

/** A clock may be set by this much, and a hold end by itself so much earlier. */
const SLACK_MS = 2_000;

/** A renewal that was promised is acted on within this time. */
const RENEWAL_MS = 10_000;

/** When somebody began to say something of a rep, and how often a command that ends calls had begun or ended by then. */
export type Said = { readonly atMs: number; readonly overrides: number };

/**
 * P13: while a call is on, nothing routable is decided for Dynamics. A call is on when a partner was promised so and
 * has not ended it, or when the newest read of Teams that this process has heard of shows it.
 */
export class Protection {
  readonly #timeline: Timeline;
  readonly #journal: Journal;
  readonly #broken: Broken;
  readonly #holds = new Map<string, Hold>();
  readonly #heard = new Map<ServiceProcess, Map<RepId, Heard>>();
  readonly #tooEarly = new WeakMap<Commit, string>();
  /** By rep: how many commands that end calls are on their way, and how often one began or was over. */
  readonly #overrides = new Map<string, { readonly under: number; readonly count: number }>();
  #departures = 0;

  constructor(timeline: Timeline, journal: Journal, broken: Broken) {
    this.#timeline = timeline;
    this.#journal = journal;
    this.#broken = broken;
  }

  said(rep: string): Said {
    return { atMs: this.#timeline.nowMs, overrides: this.#overrides.get(rep)?.count ?? 0 };
  }

  /** An event of a partner was promised. Of a call that crosses a command nobody can tell which was taken first. */
  taken({ type, rep, hold = "", ttlSeconds = 14_400 }: PartnerEvent, said: Said): void {
    const key = `${rep} ${hold}`;
    const untilMs = said.atMs + ttlSeconds * 1_000 - SLACK_MS;
    const { under, count } = this.#overrides.get(rep) ?? { under: 0, count: 0 };
    const crosses = count !== said.overrides || under > 0;
    if (type === "hold.started" && !crosses) this.#holds.set(key, { rep, untilMs });
    const knownUntilMs = this.#holds.get(key)?.untilMs ?? 0;
    if (type !== "hold.renewed" || knownUntilMs === 0) return;
    // What is renewed after its time, or as it ends, may not be known any more.
    if (knownUntilMs < this.#timeline.nowMs + RENEWAL_MS) this.#holds.delete(key);
    else this.#holds.set(key, { rep, untilMs });
  }

  /** The partner is about to say so: from now on it may be known. */
  ending(rep: string, hold: string): void {
    this.#holds.delete(`${rep} ${hold}`);
  }

  /** A command that ends every call of hers is about to be said, or was acted on. */
  overriding(rep: string, what: "begins" | "over"): void {
    const { under, count } = this.#overrides.get(rep) ?? { under: 0, count: 0 };
    const now = what === "begins" ? under + 1 : under - 1;
    this.#overrides.set(rep, { under: now, count: count + 1 });
    for (const [key, hold] of this.#holds) if (hold.rep === rep) this.#holds.delete(key);
  }

  /** Counts a read that leaves. */
  departs(): number {
    this.#departures += 1;
    return this.#departures;
  }

  cameBack(
    process: ServiceProcess,
    departure: number,
    truths: readonly TeamsTruth[],
    reps: readonly RepIdentity[],
    seen: Sightings,
  ): void {
    const heard = this.#heard.get(process) ?? new Map<RepId, Heard>();
    this.#heard.set(process, heard);
    for (const { rep } of reps) {
      const { status = null } = seen.get(rep) ?? {};
      const truth = truths.find(({ userId }) => userId.slice(1) === rep.slice(1));
      const known = heard.get(rep);
      if (!truth || status === null) continue;
      const { sequence } = truth;
      const inCall = truth.inCall && !truth.ours && status === "InACall";
      // Who believes the later of two departures need not believe this call; that it is over is true all the same.
      const isOvertaken = known && departure < known.departure && inCall;
      if (isOvertaken || (known && sequence < known.sequence)) continue;
      heard.set(rep, { departure: Math.max(departure, known?.departure ?? 0), sequence, inCall });
    }
  }

  /**
   * A process asks for something to be stored: this is where a release is decided. It counts if it is stored: who is
   * too late, because another instance has the newer document, sends nothing.
   */
  decided(process: ServiceProcess, commit: Commit, stored: ReadonlyMap<RepId, RepDocument>): void {
    const { identity, rep: after } = commit.document;
    const forgotten = Object.values(after.holds).some(
      ({ untilMs }) => untilMs < process.clock.nowMs() - SLACK_MS,
    );
    if (forgotten) this.#broken("P10 liveness", "a call lasts, of which nobody has heard in time");
    const pending = after.systems[DYNAMICS]?.pending;
    const before = stored.get(identity.rep)?.rep.systems[DYNAMICS]?.pending;
    const isNew = pending && pending.ackTick === null && !pending.unknown;
    if (!isNew || !isRoutable(pending.status) || before?.sentAtMs === pending.sentAtMs) return;
    this.#journal.checked("P13");
    for (const { rep, untilMs } of this.#holds.values()) {
      if (rep !== identity.rep || untilMs < this.#timeline.nowMs) continue;
      this.#tooEarly.set(commit, "a call that was reported is on");
    }
    if (this.#isInCall(process, after, identity.rep)) {
      this.#tooEarly.set(commit, "Teams shows her call");
    }
  }

  /** By what this process has heard itself, or what another one did whose document it took over, if that is newer. */
  #isInCall(process: ServiceProcess, { systems }: Rep, rep: RepId): boolean {
    const own = this.#heard.get(process)?.get(rep);
    const believed = systems[TEAMS]?.sequence ?? "";
    const newest = [...this.#heard.values()]
      .flatMap((heard) => heard.get(rep) ?? [])
      .find(({ sequence }) => sequence === believed);
    return (newest && own && newest.sequence > own.sequence ? newest : own)?.inCall ?? false;
  }

  stored(commit: Commit): void {
    const why = this.#tooEarly.get(commit);
    const { rep } = commit.document.identity;
    if (why) this.#broken("P13 protection", `${rep} is released in Dynamics, and ${why}`);
  }

  /** Who leaves takes what is known of her calls along: if she comes back, she starts anew. */
  left(rep: RepId): void {
    for (const [key, hold] of this.#holds) if (hold.rep === rep) this.#holds.delete(key);
    for (const heard of this.#heard.values()) heard.delete(rep);
  }
}
