import { holdId, type SystemName, systemName } from "../presence/identity.ts";
import type { AutomaticKind } from "../presence/reading.ts";
import { STATUSES, type Status } from "../presence/status.ts";
import { type Classification, CLASSIFICATIONS } from "../reconcile/classify.ts";
import type { RepEvent } from "../reconcile/event.ts";
import type { Cause, Pause } from "../reconcile/rep.ts";

/** One entry of the history, as far as a replay needs it. */
export type Entry = {
  readonly atMs: number;
  readonly kind: string;
  readonly says: string;
  readonly cause: Cause | null;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
};

/** What a system was read to show. `own`: people and the system did that by themselves; the rest answered a write of ours. */
export type ReadFact = {
  readonly kind: "reading";
  readonly atMs: number;
  readonly system: SystemName;
  readonly classification: Classification;
  readonly own: boolean;
  readonly status: Status | null;
  readonly automatic: AutomaticKind | null;
  readonly native: string;
  readonly disconnected?: boolean;
  readonly says: string;
};

export type Fact =
  | ReadFact
  | {
      readonly kind: "event";
      readonly atMs: number;
      readonly source: SystemName;
      readonly eventId: string;
      /** `null`: her manual status was lifted, whatever it is. */
      readonly event: RepEvent | null;
    }
  | { readonly kind: "pause"; readonly atMs: number; readonly pause: Pause | null };

/** A change of what is wanted, and what led to it. */
export type Decided = {
  readonly atMs: number;
  readonly status: Status;
  readonly cause: Cause;
  readonly says: string;
};

export type Recorded = {
  readonly facts: readonly Fact[];
  readonly decided: readonly Decided[];
  /** Reports of calls by a release that did not record which call: taken for one call of each source at a time. */
  readonly guessed: number;
  /** Fights with another automation, of which not every change is recorded. */
  readonly fights: number;
};

/** Nobody of ours made these happen. What withdrawing ours uncovered counts where it is the system's own. */
const OWN: ReadonlySet<Classification> = new Set([
  "first sight",
  "returned",
  "sign-in",
  "absent",
  "automatic",
  "automatic ended",
  "choice",
  "outranked",
  "agrees",
]);

/** Reads the history of one rep, oldest first. What it does not know it leaves out. */
export function recordedOf(entries: readonly Entry[]): Recorded {
  const facts: Fact[] = [];
  const decided: Decided[] = [];
  let [guessed, fights] = [0, 0];
  for (const [at, entry] of entries.entries()) {
    const { kind, atMs, detail, cause, says } = entry;
    if (kind === "reading") {
      const fact = readingOf(entry);
      if (fact) facts.push(fact);
    } else if (kind === "event") {
      const told = eventOf(entry, entries[at + 1]);
      if (!told) continue;
      facts.push(told);
      if (String(detail["type"]).startsWith("hold.") && detail["hold"] === undefined) guessed += 1;
    } else if (kind === "held" && detail["over"] === false) fights += 1;
    else if (kind === "intent" && cause) {
      if (cause.kind === "paused" || cause.kind === "resumed") {
        const pause = cause.kind === "paused" ? { by: cause.source, sinceMs: atMs } : null;
        facts.push({ kind: "pause", atMs, pause });
      }
      const status = statusOf(detail["status"]);
      if (status) decided.push({ atMs, status, cause, says });
    }
  }
  return { facts, decided, guessed, fights };
}

const statusOf = (value: unknown): Status | null =>
  STATUSES.find((known) => known === value) ?? null;

function readingOf({ atMs, detail, says }: Entry): ReadFact | null {
  const { system, native, disconnected, automatic } = detail;
  const classification = CLASSIFICATIONS.find((known) => known === detail["classification"]);
  if (typeof system !== "string" || typeof native !== "string" || !classification) return null;
  const status = statusOf(detail["status"]);
  // An older release did not record why a system shows something by itself.
  const shown = automatic ?? (classification === "automatic" ? "soft" : null);
  const kind = shown === "hold" || shown === "soft" ? shown : null;
  return {
    kind: "reading",
    atMs,
    system: systemName(system),
    classification,
    own: isOwn(classification, status, kind),
    status,
    automatic: kind,
    native,
    ...(typeof disconnected === "boolean" ? { disconnected } : {}),
    says,
  };
}

function isOwn(
  classification: Classification,
  status: Status | null,
  automatic: AutomaticKind | null,
): boolean {
  const looksLikeOurs = status === "InACall" || status === "InAMeeting";
  // A call that agrees is our session; a meeting that is uncovered is nobody's but hers.
  if (classification === "agrees") return !looksLikeOurs;
  if (classification === "uncovered") return looksLikeOurs || automatic !== null;
  return OWN.has(classification);
}

function eventOf({ atMs, detail }: Entry, next: Entry | undefined): Fact | null {
  const { source, event: eventId, type, status: shown, untilMs, hold, endsHolds } = detail;
  if (typeof source !== "string" || typeof eventId !== "string") return null;
  const common = { kind: "event", atMs, source: systemName(source), eventId } as const;
  const status = statusOf(shown);
  const named = { hold: holdId(typeof hold === "string" ? hold : `${source} (not recorded)`) };
  const ends = typeof untilMs === "number" ? { untilMs } : {};
  const frees = endsHolds === true ? { endsHolds } : {};
  switch (type) {
    case "hold.started":
      if (!status || typeof untilMs !== "number") return null;
      return { ...common, event: { type, ...named, status, untilMs } };
    case "hold.renewed":
      if (typeof untilMs !== "number") return null;
      return { ...common, event: { type, ...named, untilMs } };
    case "hold.ended":
      return { ...common, event: { type, ...named } };
    case "status.set":
      return status && { ...common, event: { type, status, ...ends, ...frees } };
    case "status.released":
      return { ...common, event: { type, ...frees } };
    case "shift.ended":
    case "shift.started":
      return { ...common, event: { type } };
    case "manual.lifted":
      // It named a choice by its number; it was meant for the one that stood if something came of it.
      return next?.cause?.kind === "manual lifted" && next.cause.eventId === eventId
        ? { ...common, event: null }
        : null;
    default:
      return null;
  }
}
