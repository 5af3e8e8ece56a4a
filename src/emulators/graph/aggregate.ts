/** What Graph shows of a user: two words, of which the second says more than the first. */
export type Pair = { readonly availability: string; readonly activity: string };

export type SessionKind = "client" | "call" | "meeting" | "app";

/**
 * One source of presence. Teams' own sources (a client, a call, the calendar) live until they end; a
 * session of an application also ends at `expiresAtMs`, and one that says Available fades before that.
 */
export type Session = Pair & {
  readonly kind: SessionKind;
  readonly setAtMs: number;
  readonly expiresAtMs: number | null;
};

/** A status that was picked by hand, or by an application in the user's place: it looks the same. */
export type Preferred = Pair & { readonly expiresAtMs: number | null; readonly setBy: string };

const OFFLINE: Pair = { availability: "Offline", activity: "Offline" };

const MINUTE_MS = 60_000;
const FADES_AFTER_MS = 5 * MINUTE_MS;
const AWAY_AFTER_MS = 10 * MINUTE_MS;

// "Manage presence state": DoNotDisturb > Busy > Available > Away. Be right back counts as Away and
// Offline as the weakest, which no page states.
const RANKS: Readonly<Record<string, number>> = {
  DoNotDisturb: 4,
  Busy: 3,
  BusyIdle: 3,
  Available: 2,
  AvailableIdle: 2,
  Away: 1,
  BeRightBack: 1,
};

// Between sessions of one rank the more specific activity is shown.
const SPECIFICITIES: Readonly<Record<string, number>> = {
  InACall: 3,
  InAConferenceCall: 3,
  Presenting: 3,
  InAMeeting: 2,
  AvailableInactive: 0,
};

/**
 * Combines the sources at one moment, after "Manage presence state using the Microsoft Graph API":
 * a preferred presence beats every session, but only while there is at least one; otherwise the
 * strongest session shows, the latest among equals; and nobody without a session is anything but Offline.
 */
export function aggregate(
  sessions: Iterable<Session>,
  preferred: Preferred | null,
  atMs: number,
): Pair {
  let shown: (Pair & { setAtMs: number }) | null = null;
  for (const session of sessions) {
    if (isOver(session, atMs)) continue;
    const candidate = { ...fade(session, atMs), setAtMs: session.setAtMs };
    if (shown === null || compare(candidate, shown) >= 0) shown = candidate;
  }
  if (shown === null) return OFFLINE;
  const { availability, activity } = preferred && !isOver(preferred, atMs) ? preferred : shown;
  return { availability, activity };
}

export function isOver({ expiresAtMs }: { expiresAtMs: number | null }, atMs: number): boolean {
  return expiresAtMs !== null && expiresAtMs <= atMs;
}

/** The moments at which a source changes by itself, without anybody's doing. */
export function boundariesOf(source: Session | Preferred): readonly number[] {
  const ends = source.expiresAtMs === null ? [] : [source.expiresAtMs];
  if (!("kind" in source) || !canFade(source)) return ends;
  return [...ends, source.setAtMs + FADES_AFTER_MS, source.setAtMs + AWAY_AFTER_MS];
}

function canFade({ kind, availability }: Session): boolean {
  return kind === "app" && availability === "Available";
}

/** An application that says Available must say it again: after 5 minutes it counts as inactive, after 10 as away. */
function fade(session: Session, atMs: number): Pair {
  const ageMs = atMs - session.setAtMs;
  if (!canFade(session) || ageMs < FADES_AFTER_MS) return session;
  if (ageMs < AWAY_AFTER_MS) return { availability: "Available", activity: "AvailableInactive" };
  return { availability: "Away", activity: "Away" };
}

type Candidate = Pair & { readonly setAtMs: number };

function compare(a: Candidate, b: Candidate): number {
  return (
    (RANKS[a.availability] ?? 0) - (RANKS[b.availability] ?? 0) ||
    (SPECIFICITIES[a.activity] ?? 1) - (SPECIFICITIES[b.activity] ?? 1) ||
    a.setAtMs - b.setAtMs
  );
}
