import type { ClockTime, Until } from "./command.ts";
import type { Words } from "./words.ts";

const LONGEST_MINUTES = 24 * 60;
const DAY_MS = 86_400_000;

/** `17:30`, `17.30`, `5pm`, `5:30 p.m.`, `17 Uhr`, `17時`; `null` if it is no time of day. */
export function readClockTime(text: string): ClockTime | null {
  const match = /^(\d{1,2})(?:[:.](\d{2}))?\s*([ap])?(?:\.?m\.?)?\s*(?:uhr|時)?$/iu.exec(
    text.trim(),
  );
  if (!match) return null;
  const half = match[3]?.toLowerCase();
  const given = Number(match[1]);
  const minute = Number(match[2] ?? 0);
  if (minute > 59 || given > 23 || (half !== undefined && (given < 1 || given > 12))) return null;
  if (half === undefined) return { hour: given, minute };
  return { hour: (given % 12) + (half === "p" ? 12 : 0), minute };
}

/** A time of day, or a length such as `45 min` and `2 h`; at most 24 hours. `null` if it is neither. */
export function readUntil(text: string, words: Words): Until | null {
  const length = /^(\d{1,4})\s*(\p{L}+)$/u.exec(text.trim());
  const unit = length?.[2]?.toLowerCase() ?? "";
  const factor = words.minutes.includes(unit) ? 1 : words.hours.includes(unit) ? 60 : 0;
  if (factor > 0) {
    const minutes = Number(length?.[1]) * factor;
    return minutes >= 1 && minutes <= LONGEST_MINUTES ? { kind: "for", minutes } : null;
  }
  const at = readClockTime(text);
  return at === null ? null : { kind: "at", ...at };
}

/** Where somebody's clock stands: `timeZone` by its name at IANA, or, where nobody told that, so far ahead of UTC all year. */
export type Zone = { readonly timeZone: string | null; readonly offsetMinutes: number };

/** Epoch milliseconds of the next time it is `at` there. */
export function nextAtMs(at: ClockTime, nowMs: number, zone: Zone): number {
  const today = dayOf(nowMs, zone);
  const atMs = momentMs(today, at, zone);
  return atMs > nowMs ? atMs : momentMs(today + 1, at, zone);
}

/** Epoch milliseconds at which it ends. */
export function untilMs(until: Until, nowMs: number, zone: Zone): number {
  return until.kind === "for" ? nowMs + until.minutes * 60_000 : nextAtMs(until, nowMs, zone);
}

/** The first and the last millisecond of today (0) or yesterday (1) there, and when it was `at` on that day. */
export function dayMs(
  daysAgo: number,
  at: ClockTime | null,
  nowMs: number,
  zone: Zone,
): { readonly fromMs: number; readonly toMs: number; readonly atMs: number | null } {
  const day = dayOf(nowMs, zone) - daysAgo;
  return {
    fromMs: momentMs(day, MIDNIGHT, zone),
    toMs: momentMs(day + 1, MIDNIGHT, zone) - 1,
    atMs: at === null ? null : momentMs(day, at, zone),
  };
}

const MIDNIGHT: ClockTime = { hour: 0, minute: 0 };

/** Days since 1970 of the date there. */
const dayOf = (atMs: number, zone: Zone): number =>
  Math.floor((atMs + aheadMs(atMs, zone)) / DAY_MS);

/** Where clocks are set back, the later of both; a time that they leap over comes as much later. */
function momentMs(day: number, { hour, minute }: ClockTime, zone: Zone): number {
  const there = day * DAY_MS + (hour * 60 + minute) * 60_000;
  // Clocks are set at most once within a day.
  const [before, after] = [there - DAY_MS, there + DAY_MS].map((atMs) => aheadMs(atMs, zone));
  const laterMs = there - (after ?? 0);
  return aheadMs(laterMs, zone) === after ? laterMs : there - (before ?? 0);
}

function aheadMs(atMs: number, { timeZone, offsetMinutes }: Zone): number {
  return (aheadIn(timeZone, atMs) ?? offsetMinutes) * 60_000;
}

/** Minutes ahead of UTC; `null` for a place that nobody knows. */
function aheadIn(timeZone: string | null, atMs: number): number | null {
  if (timeZone === null) return null;
  try {
    const clock = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
    const name = clock.formatToParts(atMs).find(({ type }) => type === "timeZoneName")?.value;
    const match = /^GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name ?? "");
    if (!match) return null;
    const minutes = Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0);
    return match[1] === "-" ? -minutes : minutes;
  } catch {
    return null;
  }
}
