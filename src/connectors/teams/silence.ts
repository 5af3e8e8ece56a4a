import type { TeamsUserId } from "../../presence/identity.ts";

/** A notification may come this much later than what it tells of. Microsoft: presence, at most one minute. */
export const ANNOUNCED_WITHIN_MS = 60_000;
/** So many changes missed of late condemn a subscription, even one that still delivers some. */
const MISSES_THAT_CONDEMN = 3;
const MISSES_COUNT_FOR_MS = 10 * 60_000;
/** Fewer than this would be an odd shard: at that rate nobody says anything once in 150 000 such spans. */
const EXPECTED_BEFORE_DOUBT = 12;
const RATE_HALF_LIFE_MS = 15 * 60_000;
const DOUBT_REST_MS = 60_000;

/** A reading that a notification caused may still show what was before; a later one then finds old news. */
const READ_LAG_MS = 5_000;

type Change = {
  readonly user: TeamsUserId;
  /** The change happened after the reading before it left, */
  readonly afterMs: number;
  /** and before this reading came. Until a minute later its notification may still come. */
  readonly seenAtMs: number;
};

/** What is known about one subscription's talk. Times are epoch milliseconds. */
export type Listening = {
  /** Since when the subscription counts; what happened before it need not be announced. */
  readonly sinceMs: number;
  readonly lastNotifiedAtMs: number | null;
  /** Notifications a minute, as a decaying average, and when it was brought up to date. */
  readonly perMinute: number;
  readonly ratedAtMs: number;
  readonly announced: ReadonlyMap<TeamsUserId, number>;
  readonly open: readonly Change[];
  readonly missedAtMs: readonly number[];
  readonly doubtedAtMs: number | null;
};

/**
 * - `well`: nothing speaks against the subscription.
 * - `doubtful`: far fewer notifications than usual. That may be a lunch break, so read, and see whether
 *   anything had changed.
 * - `silent`: it did not announce what a reading found. `sinceMs` is when it was last heard.
 */
export type Verdict =
  | { readonly kind: "well" }
  | { readonly kind: "doubtful" }
  | { readonly kind: "silent"; readonly sinceMs: number };

export function startListening(nowMs: number, perMinute = 0): Listening {
  return {
    sinceMs: nowMs,
    lastNotifiedAtMs: null,
    perMinute,
    ratedAtMs: nowMs,
    announced: new Map(),
    open: [],
    missedAtMs: [],
    doubtedAtMs: null,
  };
}

/** The notifications of one delivery, by the people they name. */
export function heard(
  listening: Listening,
  users: readonly TeamsUserId[],
  nowMs: number,
): Listening {
  const announced = new Map(listening.announced);
  for (const user of users) announced.set(user, nowMs);
  return {
    ...listening,
    lastNotifiedAtMs: nowMs,
    perMinute: rateAt(listening, nowMs) + (users.length * Math.LN2 * 60_000) / RATE_HALF_LIFE_MS,
    ratedAtMs: nowMs,
    announced,
    doubtedAtMs: null,
  };
}

/**
 * A reading found somebody changed since the reading before it. That one left at `afterMs`; if the
 * subscription did not exist then, the change may be older than it and counts for nothing.
 */
export function found(listening: Listening, change: Change): Listening {
  if (change.afterMs < listening.sinceMs) return listening;
  const afterMs = change.afterMs - READ_LAG_MS;
  return { ...listening, open: [...listening.open, { ...change, afterMs }] };
}

/**
 * Judges. Of the changes that a reading found, an announced one is settled, and one that nobody announced
 * within a minute is missed. Missed, and nothing at all heard since it happened: silent. Missed three times
 * in ten minutes: silent too, although it delivers now and then.
 *
 * A change is found at the next reading, so a subscription that stops is known within one poll and a minute.
 */
export function judge(
  listening: Listening,
  nowMs: number,
): { readonly listening: Listening; readonly verdict: Verdict } {
  const { announced, lastNotifiedAtMs, sinceMs } = listening;
  const unannounced = listening.open.filter(
    ({ user, afterMs }) => (announced.get(user) ?? Number.NEGATIVE_INFINITY) < afterMs,
  );
  const missed = unannounced.filter(({ seenAtMs }) => nowMs >= seenAtMs + ANNOUNCED_WITHIN_MS);
  const open = unannounced.filter((change) => !missed.includes(change));
  const missedAtMs = [
    ...listening.missedAtMs.filter((atMs) => atMs > nowMs - MISSES_COUNT_FOR_MS),
    ...missed.map(() => nowMs),
  ];
  const next = { ...listening, open, missedAtMs };
  const lastHeardMs = lastNotifiedAtMs ?? sinceMs;
  const nothingSince = missed.some(({ afterMs }) => (lastNotifiedAtMs ?? -1) < afterMs);
  if (nothingSince || (missed.length > 0 && missedAtMs.length >= MISSES_THAT_CONDEMN)) {
    return { listening: next, verdict: { kind: "silent", sinceMs: lastHeardMs } };
  }
  const expected = expectedSince(listening, lastHeardMs, nowMs);
  const rested = listening.doubtedAtMs === null || nowMs >= listening.doubtedAtMs + DOUBT_REST_MS;
  if (expected >= EXPECTED_BEFORE_DOUBT && rested) {
    return { listening: { ...next, doubtedAtMs: nowMs }, verdict: { kind: "doubtful" } };
  }
  return { listening: next, verdict: { kind: "well" } };
}

/** When the first change that nobody announced yet will be missed; `null` while there is none. */
export function nextMissAtMs({ open }: Listening): number | null {
  const [first] = open;
  return first ? first.seenAtMs + ANNOUNCED_WITHIN_MS : null;
}

function rateAt({ perMinute, ratedAtMs }: Listening, nowMs: number): number {
  return perMinute * 0.5 ** (Math.max(0, nowMs - ratedAtMs) / RATE_HALF_LIFE_MS);
}

/** Notifications that the usual rate would have brought in a span. The rate fades while nothing comes. */
function expectedSince(listening: Listening, fromMs: number, nowMs: number): number {
  const span = Math.max(0, nowMs - fromMs);
  const fade = 1 - 0.5 ** (span / RATE_HALF_LIFE_MS);
  return (listening.perMinute * fade * RATE_HALF_LIFE_MS) / (60_000 * Math.LN2);
}
