/** A row of `timezonedefinitions`, and the name under which JavaScript knows the same zone. */
type TimeZone = {
  readonly code: number;
  readonly standardName: string;
  readonly shownName: string;
  readonly iana: string;
};

/** Some of the codes by which calendars name their time zone ("TimeZoneDefinition table"). */
export const TIME_ZONES: readonly TimeZone[] = [
  zone(4, "Pacific Standard Time", "(GMT-08:00) Pacific Time (US & Canada)", "America/Los_Angeles"),
  zone(20, "Central Standard Time", "(GMT-06:00) Central Time (US & Canada)", "America/Chicago"),
  zone(35, "Eastern Standard Time", "(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"),
  zone(85, "GMT Standard Time", "(GMT) Dublin, Edinburgh, Lisbon, London", "Europe/London"),
  zone(92, "UTC", "(GMT) Coordinated Universal Time", "UTC"),
  zone(105, "Romance Standard Time", "(GMT+01:00) Brussels, Copenhagen, Madrid", "Europe/Paris"),
  zone(110, "W. Europe Standard Time", "(GMT+01:00) Amsterdam, Berlin, Rome", "Europe/Berlin"),
  zone(190, "India Standard Time", "(GMT+05:30) Chennai, Kolkata, Mumbai", "Asia/Kolkata"),
  zone(235, "Tokyo Standard Time", "(GMT+09:00) Osaka, Sapporo, Tokyo", "Asia/Tokyo"),
];

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const formats = new Map<number, Intl.DateTimeFormat>();

function zone(code: number, standardName: string, shownName: string, iana: string): TimeZone {
  return { code, standardName, shownName, iana };
}

/** What a clock on a wall there shows, as if it were UTC. */
function wallMs(code: number, atMs: number): number {
  const parts = new Map(
    formatOf(code)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const at = (part: Intl.DateTimeFormatPartTypes): number => Number(parts.get(part));
  return Date.UTC(at("year"), at("month") - 1, at("day"), at("hour"), at("minute"), at("second"));
}

/** Midnight of the day it is there, as if it were UTC: a date without a zone. */
export function dayThere(code: number, atMs: number): number {
  return Math.floor(wallMs(code, atMs) / DAY_MS) * DAY_MS;
}

/**
 * The moment at which the clock there shows `minutes` after midnight of the day. Where a clock that is
 * put forward never shows it, the moment is as much later.
 */
export function momentThere(code: number, dayMs: number, minutes: number): number {
  const shownMs = dayMs + minutes * MINUTE_MS;
  const guessMs = shownMs - (wallMs(code, shownMs) - shownMs);
  return shownMs - (wallMs(code, guessMs) - guessMs);
}

function formatOf(code: number): Intl.DateTimeFormat {
  const known = formats.get(code);
  if (known) return known;
  const timeZone = TIME_ZONES.find((it) => it.code === code)?.iana;
  if (timeZone === undefined) throw new Error(`the emulator does not know the time zone ${code}`);
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(code, format);
  return format;
}
