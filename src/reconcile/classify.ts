import type { SystemName } from "../presence/identity.ts";
import type { Reading } from "../presence/reading.ts";
import { strength, type Status } from "../presence/status.ts";
import { type Policy, profileOf, type SystemProfile } from "./policy.ts";
import { endpointOf, type Endpoint, type Pending, type Rep } from "./rep.ts";
import { coverOf, targetOf } from "./resolve.ts";

/** What a reading is. Exactly one of these, and only the last seven can change what we want. */
export const CLASSIFICATIONS = [
  "unusable",
  "stale",
  "echo",
  "late echo",
  "same",
  "settled",
  "absorbed",
  "agrees",
  "outranked",
  "lease ended",
  "unconfirmed",
  "uncovered",
  "absent",
  "first sight",
  "returned",
  "sign-in",
  "automatic",
  "automatic ended",
  "choice",
] as const;
export type Classification = (typeof CLASSIFICATIONS)[number];

/**
 * Says what a reading is, by the first row that fits. `n` is the class read, `seen` the merge base, `p` our
 * write in flight, `q` what the system should show. Time decides only where a row says so.
 *
 * | rule | reading                                                            | classification  |
 * |------|--------------------------------------------------------------------|-----------------|
 * | R1   | nothing usable in it                                               | unusable        |
 * | R2   | older version than the newest one read                             | stale           |
 * | R3   | n is what p shows, and that is new or p was acknowledged before    | echo            |
 * |      | (R302: never where a replacing system shows n by itself)           |                 |
 * | R308 | n is a call that a session of ours would show, and nobody knows    |                 |
 * |      | whether p, which was to put it there, arrived                      | unconfirmed     |
 * | R4   | n = seen, p acknowledged before this read left, and settled:       |                 |
 * |      | – an absorbing system: p withdrew ours, and the system shows this  |                 |
 * |      |   by itself                                                        | uncovered       |
 * |      | – an absorbing system otherwise                                    | absorbed        |
 * |      | – another system, n ≠ q: she took it back before we looked         | choice/automatic|
 * |      | – another system, n = q                                            | settled         |
 * |      | – whatever the system: she changed it while p was on its way       | settled         |
 * | R5   | n = seen otherwise                                                 | same            |
 * | R6   | n = Offline                                                        | absent          |
 * | R7   | n is a write of unknown outcome that was set aside                 | late echo       |
 * | R8   | never read before                                                  | first sight     |
 * | R310 | she was gone for less than the grace, and n is just what she left  | returned        |
 * | R9   | the rep was signed out until now                                   | sign-in         |
 * | R10  | Available or Away, and the lease of our own cover has run out      | lease ended     |
 * | R17  | what looked like our session before p was answered is gone again   | unconfirmed     |
 * | R11  | p withdrew ours; n is the system's own, or Away (perhaps idle), or |                 |
 * |      | Available while nobody knows whether p arrived, or (R307) where p  |                 |
 * |      | was to show a call or meeting that was given up since              | uncovered       |
 * | R12  | the system shows n by itself, and nothing of ours could explain it | automatic       |
 * | R13  | a state that the system showed by itself is over                   | automatic ended |
 * | R14  | n = q, and the base explains it                                    | agrees          |
 * | R15  | weaker than a choice elsewhere that is young and not yet shown here| outranked       |
 * | R16  | anything else: she chose it                                        | choice          |
 */
export function classify(
  rep: Rep,
  system: SystemName,
  reading: Reading,
  policy: Policy,
): Classification {
  const endpoint = endpointOf(rep, system);
  const profile = profileOf(policy, system);
  const { pending, seen } = endpoint;
  const n = reading.status;
  const change = reading.automatic ? "automatic" : "choice";

  if (n === null) return "unusable";
  if (isStale(endpoint, reading)) return "stale";
  // A call or a meeting that nobody knew of, under what we take away.
  const surfaces =
    pending?.withdraws && reading.automatic !== null && rep.overlays[system]?.status !== n;
  if (isDoubtful(endpoint, n)) return "unconfirmed";
  const explains = pending?.status === n && !surfaces && !isItsOwn(reading, profile.absorbing);
  if (explains && (seen !== n || isAnswered(pending, reading))) {
    return "echo";
  }

  const target = targetOf(rep, system, policy);
  if (n === seen && !returns(endpoint, profile.absence)) {
    if (!pending || !isSettled(pending, reading, profile.settleMs)) return "same";
    if (lateWriteOf(endpoint, reading, profile) !== -1) return "late echo";
    if (pending.overtaken) return "settled";
    if (!profile.absorbing) return n === target ? "settled" : change;
    // Behind a closed client nobody can see what a write did, whoever made it look closed before.
    if (n === "Offline") return "absent";
    return surfaces ? "uncovered" : "absorbed";
  }
  if (lateWriteOf(endpoint, reading, profile) !== -1) return "late echo";
  if (n === "Offline") return "absent";
  if (seen === null) return "first sight";
  if (returns(endpoint, profile.absence)) {
    return isRestored(endpoint, reading) ? "returned" : "sign-in";
  }
  if (leaseRanOut(endpoint, reading)) return "lease ended";
  if (isUnconfirmed(pending, n, reading)) return "unconfirmed";
  if (pending?.withdraws && (reading.automatic || n === "Away")) return "uncovered";
  if (
    pending?.withdraws &&
    n === "Available" &&
    (pending.unknown || isBare(rep, system, pending))
  ) {
    return "uncovered";
  }
  if (reading.automatic) {
    // Our session looks like a call. While it lies there, it is what shows, wanted any more or not.
    const isOurs = coverOf(endpoint) === "session" && (n === target || n === endpoint.covering);
    return isOurs ? "agrees" : "automatic";
  }
  if (rep.overlays[system]) return "automatic ended";
  if (n === target && isExplained(rep, system, n, policy)) return "agrees";
  return isOutranked(rep, system, n, reading, policy) ? "outranked" : "choice";
}

function isStale(endpoint: Endpoint, reading: Reading): boolean {
  return (
    reading.sequence !== null && endpoint.sequence !== null && reading.sequence < endpoint.sequence
  );
}

/**
 * Where among the writes that were set aside is the one that explains the reading; -1 if none.
 * One that was to clear something of ours may have cleared what we put there since: what is bare then is no choice.
 */
export function lateWriteOf(
  { late, cover, seen }: Endpoint,
  reading: Reading,
  { absorbing }: SystemProfile,
): number {
  const { status } = reading;
  if (isItsOwn(reading, absorbing)) return -1;
  const shown = late.findIndex((write) => {
    return write.status === status && !(write.assumed && status === seen);
  });
  if (shown !== -1 || cover === "none" || status !== "Available") return shown;
  return late.findIndex((write) => write.clears);
}

/** Where a write replaces what was there, the system says what it did itself: no write of ours explains that. */
function isItsOwn({ automatic }: Reading, absorbing: boolean): boolean {
  return automatic !== null && !absorbing;
}

function returns(endpoint: Endpoint, absence: "ignored" | "withdraws"): boolean {
  return endpoint.absent && absence === "withdraws";
}

/** The system shows again what it showed when her client was gone: nobody chose anything. */
function isRestored({ disconnected }: Endpoint, reading: Reading): boolean {
  if (disconnected === null || reading.startedAtMs >= disconnected.untilMs) return false;
  return disconnected.status === reading.status && disconnected.native === reading.native;
}

/**
 * The base explains what is read. Under a call, a Busy that we have not written is hers: she must find it again
 * when the call is over. While she is paused, what we would put back is hers too if she gets there before us.
 */
function isExplained(rep: Rep, system: SystemName, n: Status, policy: Policy): boolean {
  return n === profileOf(policy, system).shows[rep.base.status];
}

/** It was to lay bare what the system showed by itself, which was given up meanwhile. */
function isBare(rep: Rep, system: SystemName, { status }: Pending): boolean {
  return !isChosen(status) && !rep.overlays[system];
}

/** False for what systems show by themselves only. */
export function isChosen(status: Status): boolean {
  return status !== "InACall" && status !== "InAMeeting";
}

/** Our session looks just like a call of hers: what was read before its answer may have been the call. */
function isUnconfirmed(pending: Pending | null, n: Status, reading: Reading): boolean {
  if (!pending?.confirmed || pending.cover !== "session" || pending.over !== n) return false;
  return !isAnswered(pending, reading);
}

/** A call that shows may be hers, and over before the write is repeated: only an answer proves our session. */
function isDoubtful({ pending, seen }: Endpoint, n: Status): boolean {
  if (!pending?.unknown || pending.cover !== "session") return false;
  return n === pending.status && n !== seen;
}

/** The read left after the answer to the write had come, by our own counter. */
export function isAnswered({ ackTick }: Pending, reading: Reading): boolean {
  return ackTick !== null && reading.startedTick >= ackTick;
}

/** The read left after the acknowledgement, by our own counter, and late enough to show the effect. */
export function isSettled(pending: Pending, reading: Reading, settleMs: number): boolean {
  return (
    isAnswered(pending, reading) &&
    pending.ackAtMs !== null &&
    reading.startedAtMs >= pending.ackAtMs + settleMs
  );
}

/** An expired cover looks like a choice; a shift end's Offline is simply let go when its time is over. */
function leaseRanOut(endpoint: Endpoint, reading: Reading): boolean {
  const { cover, covering, leaseUntilMs, seen } = endpoint;
  if (cover === "none" || covering !== seen || seen === "Offline") return false;
  if (leaseUntilMs === null || reading.startedAtMs < leaseUntilMs) return false;
  return !reading.automatic && (reading.status === "Available" || reading.status === "Away");
}

/**
 * Two choices crossed: the base was chosen elsewhere a moment ago, this system has not shown it yet, and
 * what she chose here protects her no more than that. The order in which we happened to read them must
 * not matter, so the less available one stands.
 */
export function isOutranked(
  rep: Rep,
  system: SystemName,
  n: Status,
  reading: Reading,
  policy: Policy,
): boolean {
  const { base } = rep;
  if (base.origin === null || base.origin === system) return false;
  const { readTick, seen } = endpointOf(rep, system);
  const hadShownIt = seen === profileOf(policy, system).shows[base.status] && readTick >= base.tick;
  if (hadShownIt) return false;
  if (endpointOf(rep, system).shown >= base.intent) return false;
  if (reading.startedAtMs - base.atMs > policy.concurrentMs) return false;
  const origin = policy.systems.find((candidate) => candidate.name === base.origin);
  if (origin && origin.shows[n] === endpointOf(rep, origin.name).seen) return false;
  return strength(n) <= strength(base.status);
}
