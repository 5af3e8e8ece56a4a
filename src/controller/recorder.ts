import type { SystemError } from "../connectors/connector.ts";
import type { HistoryEntry, InboxEvent, RepDocument } from "../engine/engine.ts";
import { nameOf, type RepId, type SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import type { Classification } from "../reconcile/classify.ts";
import type { Outcome } from "../reconcile/delivery.ts";
import {
  explainFight,
  explainFightEnd,
  explainIntent,
  explainReading,
  explainWrite,
} from "../reconcile/explain.ts";
import type { Plan, Write } from "../reconcile/plan.ts";
import type { Endpoint, Fight, Rep } from "../reconcile/rep.ts";
import { statusOf } from "../reconcile/resolve.ts";

/**
 * Collects what happened to a rep while she was processed, in the words that every surface shows, and says
 * whether any of it must be stored. A read that confirmed what was known leaves no trace.
 */
export class Recorder {
  readonly rep: RepId;
  readonly #entries: HistoryEntry[] = [];

  constructor(rep: RepId) {
    this.rep = rep;
  }

  reading(
    before: Rep,
    after: Rep,
    system: SystemName,
    reading: Reading,
    classification: Classification,
  ): void {
    if (after.fight && !before.fight) this.#fightBegins(after, after.fight, reading.startedAtMs);
    // A fight is told when it begins and when it ends, not change by change.
    else if (after.fight) return;
    const says = explainReading(system, classification, reading.status, after);
    if (says === null || (classification === "absent" && before.systems[system]?.absent)) return;
    this.#add("reading", reading.startedAtMs, says, after, {
      system,
      classification,
      status: reading.status,
      native: reading.native,
      // What cannot be told from the classification, for who replays the day.
      ...(reading.automatic === null ? {} : { automatic: reading.automatic }),
      ...(reading.disconnected === undefined ? {} : { disconnected: reading.disconnected }),
    });
    this.#intent(before, after, reading.startedAtMs);
  }

  event(before: Rep, after: Rep, event: InboxEvent): void {
    const { type, status, untilMs, hold, endsHolds } = event.body as {
      readonly type: string;
      readonly status?: string;
      readonly untilMs?: number;
      readonly hold?: string;
      readonly endsHolds?: boolean;
    };
    const says = `${nameOf(event.source)} sent ${type}`;
    this.#add("event", event.receivedAtMs, says, after, {
      source: event.source,
      event: event.id,
      type,
      // What was set, and until when: with the source it is the audit.
      ...(status === undefined ? {} : { status }),
      ...(untilMs === undefined ? {} : { untilMs }),
      ...(hold === undefined ? {} : { hold }),
      ...(endsHolds === undefined ? {} : { endsHolds }),
    });
    this.#intent(before, after, event.receivedAtMs);
  }

  plan(before: Rep, next: Plan, nowMs: number): void {
    this.#intent(before, next.rep, nowMs);
    for (const write of next.writes) {
      this.#entries.push({
        rep: this.rep,
        atMs: nowMs,
        kind: "write",
        says: explainWrite(write),
        cause: write.cause,
        detail: {
          system: write.system,
          intent: write.intent,
          status: write.shows,
          renewal: write.renewal,
        },
      });
    }
    const { heldUntilMs: untilMs } = next.rep;
    if (untilMs > before.heldUntilMs) {
      const says = "Too many automatic writes: none for a while but those that protect";
      this.#add("held", nowMs, says, next.rep, { untilMs });
    }
    if (before.fight && !next.rep.fight) {
      const { system, by, changes } = before.fight;
      const says = explainFightEnd(before.fight);
      this.#add("held", nowMs, says, next.rep, { system, by, changes, over: true });
    }
  }

  pause(before: Rep, after: Rep, nowMs: number): void {
    this.#intent(before, after, nowMs);
  }

  answer(write: Write, outcome: Outcome, error: SystemError | null, nowMs: number): void {
    if (outcome === "accepted") return;
    const detail = {
      system: write.system,
      intent: write.intent,
      outcome,
      code: error?.code ?? null,
    };
    const says = `${nameOf(write.system)} did not take the write (${outcome}): ${error?.nextStep ?? "no answer"}`;
    const { cause } = write;
    this.#entries.push({ rep: this.rep, atMs: nowMs, kind: "answer", says, cause, detail });
  }

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** Readings alone move only the time of the last look; everything else must survive a crash. */
  isWorthStoring(document: RepDocument, rep: Rep): boolean {
    if (document.generation === 0 || this.#entries.length > 0) return true;
    const before = document.rep;
    if (before.intent !== rep.intent || before.base !== rep.base || before.holds !== rep.holds)
      return true;
    if (before.overlays !== rep.overlays || before.heldUntilMs !== rep.heldUntilMs) return true;
    if (before.fight !== rep.fight) return true;
    return Object.keys(rep.systems).some((name) => {
      const [a, b] = [before.systems[name as SystemName], rep.systems[name as SystemName]];
      return DURABLE_FIELDS.some((field) => a?.[field] !== b?.[field]);
    });
  }

  #fightBegins(after: Rep, fight: Fight, atMs: number): void {
    const { system, by, changes } = fight;
    this.#add("held", atMs, explainFight(fight), after, { system, by, changes, over: false });
  }

  #intent(before: Rep, after: Rep, atMs: number): void {
    if (after.intent === before.intent || !after.cause) return;
    const says = explainIntent(after);
    this.#add("intent", atMs, says, after, { intent: after.intent, status: statusOf(after) });
  }

  #add(
    kind: HistoryEntry["kind"],
    atMs: number,
    says: string,
    { cause }: Rep,
    detail: HistoryEntry["detail"],
  ): void {
    this.#entries.push({ rep: this.rep, atMs, kind, says, cause, detail });
  }
}

const DURABLE_FIELDS = [
  "seen",
  "pending",
  "tried",
  "shown",
  "late",
  "cover",
  "covering",
  "leaseUntilMs",
  "sessionUntilMs",
  "absent",
  "disconnected",
  "health",
] as const satisfies readonly (keyof Endpoint)[];
