import { z } from "zod";
import type { Hours } from "../../availability/hours.ts";
import { SystemError } from "../connector.ts";
import type { Dataverse } from "./dataverse.ts";
import { ianaZoneOf } from "./time-zones.ts";

const id = z.string().transform((text) => text.toLowerCase());
const operatingHour = z.object({ msdyn_operatinghourid: id, msdyn_calendarid: id.nullish() });
const zoneRow = z.object({ timezonecode: z.coerce.number(), standardname: z.string() });
const rule = z.object({
  _innercalendarid_value: id.nullish(),
  pattern: z.string().nullish(),
  offset: z.coerce.number().nullish(),
  duration: z.coerce.number().nullish(),
  starttime: z.string().nullish(),
  timezonecode: z.coerce.number().nullish(),
  timecode: z.coerce.number().nullish(),
});
type Rule = z.output<typeof rule>;
const calendar = z.object({ calendar_calendar_rules: z.array(z.unknown()) });

/** Column timecode of a rule. */
const UNAVAILABLE = 2;
const DAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;
const DAY_MINUTES = 1440;

type Closures = Hours["closures"];

/**
 * Reads operating hours by id. One whose calendar cannot be understood is missing from the answer. Microsoft: "Calendar
 * entities": a rule says on which days, and the calendar that it points to says when in such a day; a rule whose
 * time is unavailable points to the holidays. Rules come with their calendar only.
 */
export async function readHours(
  dataverse: Dataverse,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Hours>> {
  const hours = new Map<string, Hours>();
  if (ids.length === 0) return hours;
  const [records, zones] = await Promise.all([
    dataverse.rows(
      "msdyn_operatinghours?$select=msdyn_operatinghourid,msdyn_calendarid",
      "msdyn_operatinghour",
      signal,
    ),
    readZones(dataverse, signal),
  ]);
  const rulesOf = async (calendarId: string): Promise<readonly Rule[]> => {
    const path = `calendars(${calendarId})?$select=calendarid&$expand=calendar_calendar_rules`;
    const doing = { kind: "read", table: "calendar" } as const;
    const parsed = calendar.safeParse(await dataverse.ask(path, { doing }, signal));
    const rules = parsed.data?.calendar_calendar_rules ?? [];
    return rules.flatMap((one) => rule.safeParse(one).data ?? []);
  };
  for (const row of records) {
    const record = operatingHour.safeParse(row).data;
    if (!record?.msdyn_calendarid || !ids.includes(record.msdyn_operatinghourid)) continue;
    const found = await calendarHours(record.msdyn_calendarid, rulesOf, zones);
    if (found) hours.set(record.msdyn_operatinghourid, found);
  }
  return hours;
}

async function calendarHours(
  calendarId: string,
  rulesOf: (calendarId: string) => Promise<readonly Rule[]>,
  zones: ReadonlyMap<number, string>,
): Promise<Hours | null> {
  const weekly: Hours["weekly"][number][] = [];
  const closures: Closures[number][] = [];
  try {
    for (const outer of await rulesOf(calendarId)) {
      if (!outer._innercalendarid_value) continue;
      const zone = zones.get(outer.timezonecode ?? -1);
      if (zone === undefined) return null;
      const inner = await rulesOf(outer._innercalendarid_value);
      if (outer.timecode === UNAVAILABLE) closures.push(...closuresOf(inner, zone));
      else {
        const days = daysOf(outer.pattern ?? "");
        weekly.push(
          ...inner.map(({ offset, duration }) => ({
            zone,
            days,
            startMinute: offset ?? 0,
            minutes: duration ?? DAY_MINUTES,
          })),
        );
      }
    }
  } catch (error) {
    // A calendar that we may not read is not understood; a limit or an outage is not the calendar's fault.
    const isRefused =
      error instanceof SystemError && error.code === "dataverse-read-privilege-missing";
    const isRejected = error instanceof SystemError && error.retry === "rejected";
    if (isRefused || isRejected) return null;
    throw error;
  }
  return { weekly, closures };
}

const closuresOf = (rules: readonly Rule[], zone: string): Closures =>
  rules.flatMap(({ starttime, duration }) =>
    starttime ? { zone, date: starttime.slice(0, 10), minutes: duration ?? DAY_MINUTES } : [],
  );

/** Of `FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU` the days; a pattern without any is for every day. */
function daysOf(pattern: string): readonly number[] {
  const listed = /BYDAY=([A-Z,]+)/.exec(pattern)?.[1]?.split(",");
  const days = DAYS.map((_, number) => number);
  return listed ? days.filter((number) => listed.includes(DAYS[number] ?? "")) : days;
}

async function readZones(
  dataverse: Dataverse,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const query = "timezonedefinitions?$select=timezonecode,standardname";
  const rows = await dataverse.rows(query, "timezonedefinition", signal);
  return new Map(
    rows.flatMap((row): [number, string][] => {
      const found = zoneRow.safeParse(row).data;
      const zone = found ? ianaZoneOf(found.standardname) : null;
      return found && zone ? [[found.timezonecode, zone]] : [];
    }),
  );
}
