import { derivedGuid } from "./roster.ts";
import { knownTable } from "./schema.ts";
import type { Row, Tables } from "./tables.ts";
import { TIME_ZONES } from "./time-zones.ts";

export const DAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;

type Holiday = {
  readonly name: string;
  /** "2026-12-25", in the calendar's own time zone. */
  readonly date: string;
  readonly days: number;
};

/** An operating hour record with the calendar behind it, as an administrator sets it up. */
export type OperatingHours = {
  readonly id: string;
  readonly name: string;
  readonly timeZoneCode: number;
  readonly weekly: readonly {
    readonly days: readonly (typeof DAYS)[number][];
    readonly startMinute: number;
    readonly minutes: number;
  }[];
  readonly holidays: readonly Holiday[];
};

const DAY_MINUTES = 1440;
const YEAR_MINUTES = 525_600;
const SINCE = "2024-01-01T00:00:00Z";
const FOREVER = "9999-12-30T00:00:00Z";

export function seedTimeZones(tables: Tables): void {
  for (const { code, standardName, shownName } of TIME_ZONES) {
    tables.seed(knownTable("timezonedefinitions"), {
      timezonedefinitionid: derivedGuid(`time zone ${code}`),
      timezonecode: code,
      standardname: standardName,
      userinterfacename: shownName,
    });
  }
}

/**
 * Writes the rows that Dataverse keeps of such a calendar: per weekly time an outer rule for the days
 * and an inner calendar for the time of day, and one yearly rule that points to the holidays
 * ("Calendar entities"; the codes are those that organisations were seen to hold).
 */
export function writeOperatingHours(tables: Tables, hours: OperatingHours): void {
  const { id, name, timeZoneCode: timezonecode } = hours;
  const calendarid = derivedGuid(`calendar ${id}`);
  for (const rule of tables.all("calendarrules")) {
    const owner = tables.get("calendars", String(rule["_calendarid_value"]));
    const ours = owner?.["calendarid"] === calendarid || owner?.["description"] === calendarid;
    if (ours) tables.remove("calendarrules", String(rule["calendarruleid"]));
  }
  tables.put(knownTable("msdyn_operatinghours"), {
    msdyn_operatinghourid: id,
    msdyn_name: name,
    msdyn_calendarid: calendarid,
    statecode: 0,
    statuscode: 1,
  });
  putCalendar(tables, { calendarid, name, type: 0 });
  hours.weekly.forEach(({ days, startMinute, minutes }, index) => {
    const innerId = derivedGuid(`calendar ${id} ${index}`);
    putCalendar(tables, { calendarid: innerId, name: null, type: -1, description: calendarid });
    putRule(tables, `${id} outer ${index}`, {
      _calendarid_value: calendarid,
      _innercalendarid_value: innerId,
      description: "Weekly Single Rule",
      pattern: `FREQ=WEEKLY;INTERVAL=1;BYDAY=${days.join(",")}`,
      rank: 2,
      duration: DAY_MINUTES,
      starttime: SINCE,
      effectiveintervalstart: SINCE,
      effectiveintervalend: FOREVER,
      timezonecode,
      timecode: 0,
      subcode: 1,
      extentcode: 1,
    });
    putRule(tables, `${id} inner ${index}`, {
      _calendarid_value: innerId,
      rank: 0,
      offset: startMinute,
      duration: minutes,
      starttime: SINCE,
      timezonecode,
      timecode: 0,
      subcode: 1,
      isselected: true,
      issimple: true,
    });
  });
  if (hours.holidays.length > 0) writeHolidays(tables, hours, calendarid);
}

function writeHolidays(tables: Tables, hours: OperatingHours, calendarid: string): void {
  const { id, timeZoneCode: timezonecode } = hours;
  const holidaysId = derivedGuid(`calendar ${id} holidays`);
  putCalendar(tables, {
    calendarid: holidaysId,
    name: `${hours.name}: holidays`,
    type: 2,
    description: calendarid,
  });
  putRule(tables, `${id} holidays`, {
    _calendarid_value: calendarid,
    _innercalendarid_value: holidaysId,
    description: "Holiday Rule",
    pattern: "FREQ=YEARLY;INTERVAL=1",
    rank: 1,
    duration: YEAR_MINUTES,
    starttime: SINCE,
    effectiveintervalend: FOREVER,
    timezonecode,
    timecode: 2,
    subcode: 5,
    extentcode: 2,
  });
  hours.holidays.forEach(({ name, date, days }, index) => {
    const starttime = `${date}T00:00:00Z`;
    const ends = new Date(Date.parse(starttime) + days * DAY_MINUTES * 60_000);
    putRule(tables, `${id} holiday ${index}`, {
      _calendarid_value: holidaysId,
      name,
      rank: 0,
      offset: 0,
      duration: days * DAY_MINUTES,
      starttime,
      effectiveintervalstart: starttime,
      effectiveintervalend: `${ends.toISOString().slice(0, 19)}Z`,
      timezonecode,
      timecode: 2,
      subcode: 5,
      isselected: true,
    });
  });
}

function putCalendar(tables: Tables, row: Row): void {
  tables.put(knownTable("calendars"), { isshared: false, ...row });
}

function putRule(tables: Tables, name: string, row: Row): void {
  tables.put(knownTable("calendarrules"), {
    calendarruleid: derivedGuid(`calendar rule ${name}`),
    ...row,
  });
}
