/** When a queue is served: weekly times, and days on which it is not. */
export type Hours = {
  readonly weekly: readonly {
    /** IANA name: the times are by the clock on the wall there. */
    readonly zone: string;
    /** 0 is Sunday. */
    readonly days: readonly number[];
    readonly startMinute: number;
    readonly minutes: number;
  }[];
  readonly closures: readonly {
    readonly zone: string;
    /** The first day, `2026-12-25`, and how long from its midnight. */
    readonly date: string;
    readonly minutes: number;
  }[];
};

/** `changesAtMs`: when it next opens or closes; `null` if that is more than a year away or never. */
export type Opening = { readonly isOpen: boolean; readonly changesAtMs: number | null };

type Window = { readonly startMs: number; readonly endMs: number };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A week with a holiday in it is found near; only a long closure is looked for farther away. */
const HORIZONS_DAYS = [16, 400] as const;

/** Whether it is open at a moment, and when that changes. Pure. `null` hours are open always. */
export function openingAt(hours: Hours | null, atMs: number): Opening {
  if (hours === null) return { isOpen: true, changesAtMs: null };
  for (const days of HORIZONS_DAYS) {
    const window = windowsFrom(hours, atMs, days).find(({ endMs }) => endMs > atMs);
    if (!window) continue;
    const isOpen = window.startMs <= atMs;
    const changesAtMs = isOpen ? window.endMs : window.startMs;
    // Near the horizon a window may only seem to end.
    if (changesAtMs < atMs + (days - 3) * DAY_MS) return { isOpen, changesAtMs };
    if (days === HORIZONS_DAYS.at(-1)) return { isOpen, changesAtMs: null };
  }
  return { isOpen: false, changesAtMs: null };
}

/** The times of opening from two days ago on: in order, neighbours joined, closures cut out. */
function windowsFrom({ weekly, closures }: Hours, atMs: number, days: number): readonly Window[] {
  const windows: Window[] = [];
  for (const { zone, days: weekdays, startMinute, minutes } of weekly) {
    const firstDayMs = dayIn(zone, atMs) - 2 * DAY_MS;
    for (let day = 0; day < days; day += 1) {
      const dayMs = firstDayMs + day * DAY_MS;
      if (!weekdays.includes(new Date(dayMs).getUTCDay())) continue;
      windows.push({
        startMs: momentIn(zone, dayMs, startMinute),
        endMs: momentIn(zone, dayMs, startMinute + minutes),
      });
    }
  }
  let open = joined(windows);
  for (const { zone, date, minutes } of closures) {
    const dayMs = Date.parse(`${date}T00:00:00Z`);
    const closed = { startMs: momentIn(zone, dayMs, 0), endMs: momentIn(zone, dayMs, minutes) };
    open = open.flatMap((window) => without(window, closed));
  }
  return open;
}

function joined(windows: readonly Window[]): readonly Window[] {
  const result: Window[] = [];
  for (const window of windows.toSorted((a, b) => a.startMs - b.startMs)) {
    const last = result.at(-1);
    if (last && window.startMs <= last.endMs) {
      result[result.length - 1] = {
        startMs: last.startMs,
        endMs: Math.max(last.endMs, window.endMs),
      };
    } else result.push(window);
  }
  return result;
}

function without(window: Window, closed: Window): readonly Window[] {
  return [
    { startMs: window.startMs, endMs: Math.min(window.endMs, closed.startMs) },
    { startMs: Math.max(window.startMs, closed.endMs), endMs: window.endMs },
  ].filter(({ startMs, endMs }) => startMs < endMs);
}

/** What the clock on the wall there shows, as if it were UTC. */
function wallMs(zone: string, atMs: number): number {
  const at = new Map(
    formatOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number => at.get(type) ?? 0;
  return Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second"),
  );
}

const dayIn = (zone: string, atMs: number): number =>
  Math.floor(wallMs(zone, atMs) / DAY_MS) * DAY_MS;

/** The moment at which the clock there shows so many minutes after that midnight. */
function momentIn(zone: string, dayMs: number, minutes: number): number {
  const shownMs = dayMs + minutes * MINUTE_MS;
  const guessMs = shownMs - (wallMs(zone, shownMs) - shownMs);
  return shownMs - (wallMs(zone, guessMs) - guessMs);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, format);
  return format;
}
