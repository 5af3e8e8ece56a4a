import type { Row, Tables } from "./tables.ts";
import { dayThere, momentThere } from "./time-zones.ts";

type Window = { readonly startMs: number; readonly endMs: number };

/** When a queue is served, as the rules of its calendar say; null is always. */
export type Hours = {
  readonly weekly: readonly {
    readonly zone: number;
    /** 0 is Sunday. */
    readonly days: ReadonlySet<number>;
    readonly startMinute: number;
    readonly minutes: number;
    /** First day, and the first day no more, as dates without a zone. */
    readonly fromDayMs: number;
    readonly untilDayMs: number;
  }[];
  readonly closures: readonly {
    readonly zone: number;
    readonly dayMs: number;
    readonly minutes: number;
  }[];
} | null;

/** What is the case at one moment. `changesAtMs` and `next` are null when it never changes. */
export type Opening = {
  readonly open: boolean;
  readonly changesAtMs: number | null;
  /** When closed: the next time it is open. */
  readonly next: Window | null;
};

const DAY_MS = 86_400_000;
const WEEKDAYS: Readonly<Record<string, number>> = {
  SU: 0,
  MO: 1,
  TU: 2,
  WE: 3,
  TH: 4,
  FR: 5,
  SA: 6,
};
/** Far enough for a week and a holiday; farther only when nothing is found that near. */
const NEAR_DAYS = 15;
const FAR_DAYS = 400;
const UNAVAILABLE = 2;

/**
 * Reads the calendar behind an operating hour record. A calendar says on which days (the outer rule
 * with its pattern), and the calendar that a rule points to says when in such a day; a rule whose time
 * is unavailable points to a calendar of holidays.
 */
export function hoursOf(tables: Tables, operatingHourId: string | null): Hours {
  const record =
    operatingHourId === null ? undefined : tables.get("msdyn_operatinghours", operatingHourId);
  if (!record) return null;
  const rules = tables.all("calendarrules");
  const rulesOf = (calendarId: unknown): Row[] =>
    rules.filter((rule) => rule["_calendarid_value"] === calendarId);
  const outer = rulesOf(record["msdyn_calendarid"]);
  return {
    weekly: outer
      .filter((rule) => rule["timecode"] !== UNAVAILABLE)
      .flatMap((rule) =>
        rulesOf(rule["_innercalendarid_value"]).map((inner) => ({
          zone: Number(rule["timezonecode"]),
          days: daysOf(String(rule["pattern"])),
          startMinute: Number(inner["offset"]),
          minutes: Number(inner["duration"]),
          fromDayMs: dayOf(rule["effectiveintervalstart"]),
          untilDayMs: dayOf(rule["effectiveintervalend"]),
        })),
      ),
    closures: outer
      .filter((rule) => rule["timecode"] === UNAVAILABLE)
      .flatMap((rule) =>
        rulesOf(rule["_innercalendarid_value"]).map((inner) => ({
          zone: Number(rule["timezonecode"]),
          dayMs: dayOf(inner["starttime"]),
          minutes: Number(inner["duration"]),
        })),
      ),
  };
}

export function openingAt(hours: Hours, atMs: number): Opening {
  if (hours === null) return { open: true, changesAtMs: null, next: null };
  for (const days of [NEAR_DAYS, FAR_DAYS]) {
    const horizonMs = atMs + (days - 2) * DAY_MS;
    const window = windowsOf(hours, atMs, days).find(({ endMs }) => endMs > atMs);
    if (!window || window.startMs > horizonMs) continue;
    if (window.startMs > atMs) return { open: false, changesAtMs: window.startMs, next: window };
    if (window.endMs < horizonMs) return { open: true, changesAtMs: window.endMs, next: null };
    if (days === FAR_DAYS) return { open: true, changesAtMs: null, next: null };
  }
  return { open: false, changesAtMs: null, next: null };
}

/** The times it is open from yesterday on, in order, with neighbours joined and closures cut out. */
function windowsOf(
  { weekly, closures }: NonNullable<Hours>,
  fromMs: number,
  days: number,
): Window[] {
  const windows: Window[] = [];
  for (const rule of weekly) {
    const firstDayMs = dayThere(rule.zone, fromMs) - DAY_MS;
    for (let day = 0; day < days; day += 1) {
      const dayMs = firstDayMs + day * DAY_MS;
      if (dayMs < rule.fromDayMs || dayMs >= rule.untilDayMs) continue;
      if (!rule.days.has(new Date(dayMs).getUTCDay())) continue;
      windows.push({
        startMs: momentThere(rule.zone, dayMs, rule.startMinute),
        endMs: momentThere(rule.zone, dayMs, rule.startMinute + rule.minutes),
      });
    }
  }
  let open = joined(windows);
  for (const { zone, dayMs, minutes } of closures) {
    const startMs = momentThere(zone, dayMs, 0);
    const endMs = momentThere(zone, dayMs, minutes);
    open = open.flatMap((window) => without(window, { startMs, endMs }));
  }
  return open;
}

function joined(windows: readonly Window[]): Window[] {
  const result: Window[] = [];
  for (const window of windows.toSorted((a, b) => a.startMs - b.startMs)) {
    const last = result.at(-1);
    if (last && window.startMs <= last.endMs) {
      result.pop();
      result.push({ startMs: last.startMs, endMs: Math.max(last.endMs, window.endMs) });
    } else {
      result.push(window);
    }
  }
  return result;
}

function without(window: Window, closure: Window): Window[] {
  return [
    { startMs: window.startMs, endMs: Math.min(window.endMs, closure.startMs) },
    { startMs: Math.max(window.startMs, closure.endMs), endMs: window.endMs },
  ].filter(({ startMs, endMs }) => startMs < endMs);
}

/** Of "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU" the days; a pattern without any is for every day. */
function daysOf(pattern: string): ReadonlySet<number> {
  const listed = /BYDAY=([A-Z,]+)/.exec(pattern)?.[1]?.split(",") ?? Object.keys(WEEKDAYS);
  return new Set(listed.flatMap((name) => WEEKDAYS[name] ?? []));
}

function dayOf(value: unknown): number {
  return Date.parse(String(value).slice(0, 10));
}
