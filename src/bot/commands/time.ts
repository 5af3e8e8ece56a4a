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

/** Epoch milliseconds of the next time it is `at` where the asker is: her clock is `offsetMinutes` ahead of UTC. */
export function nextAtMs(
  { hour, minute }: ClockTime,
  nowMs: number,
  offsetMinutes: number,
): number {
  const offsetMs = offsetMinutes * 60_000;
  const midnight = Math.floor((nowMs + offsetMs) / DAY_MS) * DAY_MS;
  const atMs = midnight + (hour * 60 + minute) * 60_000 - offsetMs;
  return atMs > nowMs ? atMs : atMs + DAY_MS;
}

/** Epoch milliseconds at which it ends. */
export function untilMs(until: Until, nowMs: number, offsetMinutes: number): number {
  return until.kind === "for"
    ? nowMs + until.minutes * 60_000
    : nextAtMs(until, nowMs, offsetMinutes);
}

/** The first and the last millisecond of her today (0) or yesterday (1). */
export function dayMs(
  daysAgo: number,
  nowMs: number,
  offsetMinutes: number,
): { readonly fromMs: number; readonly toMs: number } {
  const offsetMs = offsetMinutes * 60_000;
  const fromMs = (Math.floor((nowMs + offsetMs) / DAY_MS) - daysAgo) * DAY_MS - offsetMs;
  return { fromMs, toMs: fromMs + DAY_MS - 1 };
}
