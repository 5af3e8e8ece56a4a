import { nameOf, type SystemName } from "../presence/identity.ts";
import { isRoutable, type Status } from "../presence/status.ts";
import type { Classification } from "./classify.ts";
import type { Write } from "./plan.ts";
import { type Cause, endpointOf, type Fight, type Rep } from "./rep.ts";
import type { Policy } from "./policy.ts";
import { coverOf, statusOf, topFor, topOf } from "./resolve.ts";

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
    "manual lifted": `${where} lifted ${what}, which had been set by hand`,
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

/** Whose word the base is: a system's, in which she chose it, or somebody's who said it for her. */
function originOf({ base: { origin }, systems }: Rep): string {
  if (origin === null) return "nothing was chosen yet";
  return `${origin in systems ? "chosen in" : "set by"} ${nameOf(origin)}`;
}

/** Why the rep shows what she shows, in one sentence: what lies on top, since whom, and what lies beneath. */
export function explainRep(rep: Rep): string {
  const top = topOf(rep);
  if (rep.paused) return `Not synced: paused (${rep.paused.by})`;
  const base = wordsFor(rep.base.status);
  const from = originOf(rep);
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
  const { covering, coveredSinceMs: sinceMs, seen } = endpoint;
  // What shows over our session is seen.
  if (coverOf(endpoint) === "none" || covering === null || covering !== seen) return null;
  return { sinceMs, covering };
}

/**
 * A status that she set by hand, where it keeps what happens elsewhere from showing in that system. It shows in the
 * system, and is either what she last chose there, or stood against our write: nothing but a manual status does that.
 */
export function overrideOf(rep: Rep, policy: Policy): Override | null {
  const { base, paused } = rep;
  if (paused) return null;
  for (const profile of policy.systems) {
    const { name: system, absorbing, manualMs } = profile;
    const { seen, health } = endpointOf(rep, system);
    const top = topFor(rep, system, policy);
    if (!top || !absorbing || seen === null) continue;
    if (top.system === system || rep.overlays[system]) continue;
    if (seen === profile.shows[top.status] || seen === "Offline") continue;
    const chose = base.origin === system && seen === profile.shows[base.status];
    const stands = health === "absorbed" && isRoutable(base.status);
    if (!stands && !(chose && !isRoutable(seen))) continue;
    const status = chose ? base.status : seen;
    // What was there when it was first read may be of any age.
    const sinceMs = chose && base.atMs > 0 ? base.atMs : null;
    const lastsMs = manualMs?.[status] ?? null;
    const endsMs = sinceMs === null || lastsMs === null ? null : sinceMs + lastsMs;
    return { system, status, hides: top.status, sinceMs, endsMs, choice: base.intent };
  }
  return null;
}

export type Override = {
  readonly system: SystemName;
  /** What she set, and what does not show because of it. */
  readonly status: Status;
  readonly hides: Status;
  /** `null`: since before anybody looked. */
  readonly sinceMs: number | null;
  /** When the system ends it by itself, unless she named a time of her own, which no system tells; `null`: not known. */
  readonly endsMs: number | null;
  /** The intent of the base over which that happens; `manual.lifted` takes it back. */
  readonly choice: number;
};

/** What a manual status keeps from showing, and until when, for who asks why. */
function explainOverride({ system, status, hides, sinceMs, endsMs }: Override): string {
  const where = nameOf(system);
  const since = sinceMs === null ? "" : ` since ${moment(sinceMs)}`;
  const until =
    endsMs === null
      ? `${where} does not say until when`
      : `until ${moment(endsMs)}, unless another time was set in ${where}`;
  return `${wordsFor(status)}, set by hand in ${where}${since}, keeps ${wordsFor(hides)} from showing there (${until})`;
}

/** What one system shows, whether that is what it should, and what is not seen or not shown because of what. */
export function describeEndpoint(rep: Rep, system: SystemName, policy: Policy): string {
  const { seen, health, absent, pending } = endpointOf(rep, system);
  const mask = maskOf(rep, system);
  const shown = absent ? "Offline" : seen === null ? "not read yet" : wordsFor(seen);
  if (pending) return `${shown}, a change is on its way`;
  if (mask) {
    const ours = `covered by our ${wordsFor(mask.covering)}`;
    return `${shown} (beneath it: unknown since ${moment(mask.sinceMs)}, ${ours})`;
  }
  const override = overrideOf(rep, policy);
  if (override?.system === system) return explainOverride(override);
  return health === "ok" ? shown : `${shown} (our last write was ${health})`;
}

const MOMENT = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "UTC",
  dateStyle: "short",
  timeStyle: "medium",
});

/** `2026-03-04 10:42:30 UTC`: for texts whose reader's own clock is not known. */
function moment(atMs: number): string {
  return `${MOMENT.format(atMs)} UTC`;
}
