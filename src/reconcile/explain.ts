import type { SystemName } from "../presence/identity.ts";
import { isRoutable, type Status } from "../presence/status.ts";
import type { Classification } from "./classify.ts";
import type { Write } from "./plan.ts";
import { type Cause, endpointOf, type Fight, type Rep } from "./rep.ts";
import type { Policy } from "./policy.ts";
import { coverOf, statusOf, topFor, topOf } from "./resolve.ts";

const NAMES: Readonly<Record<string, string>> = { teams: "Teams", dynamics: "Dynamics" };

/** The name that people know a system or a partner by. */
export function nameOf(source: string): string {
  return NAMES[source] ?? source;
}

const WORDS: Readonly<Record<Status, string>> = {
  Available: "Available",
  BeRightBack: "Be right back",
  Away: "Away",
  Busy: "Busy",
  InAMeeting: "In a meeting",
  DoNotDisturb: "Do not disturb",
  InACall: "In a call",
  Offline: "Offline",
};

/** A status as people read it. */
function wordsFor(status: Status): string {
  return WORDS[status];
}

/** A cause as the end of a sentence that began with an effect: "…because …". */
function becauseOf({ kind, source, status }: Cause): string {
  const where = nameOf(source);
  const what = wordsFor(status);
  const sentences: Readonly<Record<Cause["kind"], string>> = {
    "first sight": `${where} showed ${what} when it was first read`,
    choice: `the rep chose ${what} in ${where}`,
    "sign-in": `the rep signed in to ${where} as ${what}`,
    "sign-out": `the rep signed out of ${where}`,
    automatic: `${where} shows ${what} by itself`,
    "automatic ended": `what ${where} showed by itself is over`,
    hold: `${where} reports ${what}`,
    "hold ended": `${where} reports that ${what} is over`,
    "hold expired": `${where} stopped confirming ${what}`,
    command: `${where} set ${what}`,
    "command ended": `${what}, which ${where} had set, is over`,
    shift: `${where} says the shift ${status === "Offline" ? "has ended" : "has begun"}`,
    "lease ended": `our own entry in ${where} ran out`,
    paused: `syncing was paused (${source})`,
    resumed: "syncing goes on",
  };
  return sentences[kind];
}

/** What is wanted now, with what led to it. */
export function explainIntent(rep: Rep): string {
  const because = rep.cause ? becauseOf(rep.cause) : "nothing is known yet";
  const over = topOf(rep) ? `, over ${wordsFor(rep.base.status)}` : "";
  return `${because} → ${wordsFor(statusOf(rep))}${over}`;
}

/** A reading as one sentence; `null` for one that says nothing new. */
export function explainReading(
  system: SystemName,
  classification: Classification,
  status: Status | null,
  rep: Rep,
): string | null {
  const where = nameOf(system);
  const what = status === null ? "nothing usable" : wordsFor(status);
  const wanted = wordsFor(statusOf(rep));
  const sentences: Readonly<Record<Classification, string | null>> = {
    unusable: null,
    stale: null,
    same: null,
    settled: null,
    echo: `${where} shows ${what}: our own write, seen; nothing to do`,
    "late echo": `${where} shows ${what}: a write of ours that arrived late`,
    absorbed: `${where} still shows ${what}: it accepted our write and shows something stronger`,
    agrees: `${where} shows ${what}, which agrees`,
    outranked: `${where} shows ${what}, but ${wanted} was chosen elsewhere at the same time: the less available wins`,
    "lease ended": `${where} shows ${what}: our own entry ran out`,
    unconfirmed: `${where} shows ${what}: our write has not arrived yet`,
    uncovered: `${where} shows ${what}, which our own entry had covered`,
    absent: endpointOf(rep, system).disconnected
      ? `${where} shows Offline: what she chose there is kept for a while, in case she was only disconnected`
      : `${where} shows Offline`,
    "first sight": `${where} shows ${what}, read for the first time`,
    returned: `${where} shows ${what} again: the rep was only disconnected`,
    "sign-in": `the rep signed in to ${where} as ${what}`,
    automatic: `${where} shows ${what} by itself`,
    "automatic ended": `${where} shows ${what}: what it showed by itself is over`,
    choice: `the rep chose ${what} in ${where}`,
  };
  return sentences[classification];
}

/** A write as one sentence with its cause. */
export function explainWrite(write: Write): string {
  const withdraws = write.to === "none" && write.from !== "none";
  const where = nameOf(write.system);
  const what = `${wordsFor(write.shows)}${write.native === null ? "" : " as it was before"}`;
  const effect = withdraws
    ? `${where}: ours withdrawn, so that ${what} shows`
    : `${where} ← ${what}`;
  if (write.renewal) return `${where}: ${what} renewed before it runs out`;
  return `${effect}, because ${becauseOf(write.cause)}`;
}

/** Who fights with us, over what, and what we do about it. */
export function explainFight({ system, by, between, changes, sinceMs, lastMs }: Fight): string {
  const where = nameOf(system);
  const who = by === null ? `${where} does not say by whom` : `by ${by}, says ${where}`;
  const [one, other] = between.map(wordsFor);
  const seconds = Math.max(1, Math.round((lastMs - sinceMs) / 1_000));
  return `${where} was changed ${changes} times in ${seconds} s, between ${one} and ${other} (${who}): automatic writes rest until that stops`;
}

/** The end of it. */
export function explainFightEnd({ system, changes, sinceMs, lastMs }: Fight): string {
  const minutes = Math.max(1, Math.round((lastMs - sinceMs) / 60_000));
  return `${nameOf(system)} is left alone again, after ${changes} changes in ${minutes} min: automatic writes go on`;
}

/** Why the rep shows what she shows, in one sentence: what lies on top, since whom, and what lies beneath. */
export function explainRep(rep: Rep): string {
  const top = topOf(rep);
  if (rep.paused) return `Not synced: paused (${rep.paused.by})`;
  const base = wordsFor(rep.base.status);
  const from =
    rep.base.origin === null ? "nothing was chosen yet" : `chosen in ${nameOf(rep.base.origin)}`;
  if (!top) return `${base}: ${from}`;
  const source = top.system
    ? `${nameOf(top.system)} shows it by itself`
    : `${nameOf(top.source)} reports it`;
  return `${wordsFor(top.status)}: ${source}; ${base} (${from}) returns when it ends`;
}

/**
 * What we cannot see in a system, because our own entry covers it: since when (epoch milliseconds), and what
 * covers it. `null` where nothing of ours lies.
 */
export function maskOf(
  rep: Rep,
  system: SystemName,
): { readonly sinceMs: number; readonly covering: Status } | null {
  const endpoint = endpointOf(rep, system);
  const { covering, coveredSinceMs: sinceMs } = endpoint;
  return coverOf(endpoint) === "none" || covering === null ? null : { sinceMs, covering };
}

/** Her own manual status in Teams, where it keeps what happens elsewhere from showing there. */
export function overrideOf(rep: Rep, policy: Policy): Override | null {
  const { base, paused } = rep;
  if (paused || base.origin === null || isRoutable(base.status)) return null;
  const profile = policy.systems.find(({ name }) => name === base.origin);
  const top = topFor(rep, base.origin, policy);
  if (!profile?.absorbing || !top || top.system === base.origin) return null;
  const { seen } = endpointOf(rep, base.origin);
  if (seen !== profile.shows[base.status] || seen === profile.shows[top.status]) return null;
  return { system: base.origin, status: base.status, hides: top.status, sinceMs: base.atMs };
}

export type Override = {
  readonly system: SystemName;
  /** What she chose, and what does not show because of it. */
  readonly status: Status;
  readonly hides: Status;
  readonly sinceMs: number;
};

/** What one system shows and whether that is what it should, for a table or a card. */
export function describeEndpoint(rep: Rep, system: SystemName): string {
  const { seen, health, absent, pending } = endpointOf(rep, system);
  const mask = maskOf(rep, system);
  const shown = absent ? "Offline" : seen === null ? "not read yet" : wordsFor(seen);
  if (pending) return `${shown}, a change is on its way`;
  if (mask) return `${shown} (by us: what she shows there herself is hidden since we set it)`;
  return health === "ok" ? shown : `${shown} (our last write was ${health})`;
}
