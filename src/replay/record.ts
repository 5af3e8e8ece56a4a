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
  | { readonly kind: "pause"; readonly atMs: number; readonly pause: Pause | null }
  /** She had left, and nothing was known of her any more. */
  | { readonly kind: "came again"; readonly atMs: number };

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
  const returns = returnsIn(entries);
  for (const [at, entry] of entries.entries()) {
    const { kind, atMs, detail, cause, says } = entry;
    if (returns.has(at)) facts.push({ kind: "came again", atMs });
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

/** Where somebody came again who had left: a system that had been read is read for the first time. */
function returnsIn(entries: readonly Entry[]): ReadonlySet<number> {
  const returns = new Set<number>();
  const read = new Set<unknown>();
  for (const [at, { kind, detail }] of entries.entries()) {
    if (kind !== "reading") continue;
    const { system, classification } = detail;
    if (classification === "first sight" && read.has(system)) {
      returns.add(beginningOf(entries, at));
      read.clear();
    }
    read.add(system);
  }
  return returns;
}

/** What was reported, and whether she is paused, is looked at before the first reading: her first intent tells of it. */
function beginningOf(entries: readonly Entry[], firstSight: number): number {
  const isTold = (at: number, kind: string): boolean => entries[at]?.kind === kind;
  for (let at = firstSight - 1; isTold(at, "intent") || isTold(at, "event"); at -= 1) {
    if (entries[at]?.detail["intent"] === 1) return isTold(at - 1, "event") ? at - 1 : at;
  }
  return firstSight;
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
