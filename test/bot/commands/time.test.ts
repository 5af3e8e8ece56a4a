import { describe, expect, test } from "vitest";
import { dayMs, nextAtMs, untilMs, type Zone } from "../../../src/bot/commands/time.ts";

const at = (text: string): number => Date.parse(text);
const utc = (ms: number): string => new Date(ms).toISOString().slice(0, 16);
const zone = (timeZone: string | null, offsetMinutes = 0): Zone => ({ timeZone, offsetMinutes });
const BERLIN = zone("Europe/Berlin", 60);

describe("[R387] a time of day is that of the place where the asker is", () => {
  test.each([
    ["in winter", BERLIN, "2027-01-15T09:00Z", "08:00", "2027-01-16T07:00"],
    ["later today", BERLIN, "2027-01-15T06:00Z", "08:00", "2027-01-15T07:00"],
    ["after the clocks went forward", BERLIN, "2027-03-27T09:00Z", "08:00", "2027-03-28T06:00"],
    ["after they went back", BERLIN, "2027-10-30T09:00Z", "08:00", "2027-10-31T07:00"],
    ["a time that was leapt over", BERLIN, "2027-03-27T12:00Z", "02:30", "2027-03-28T01:30"],
    ["a time that comes twice", BERLIN, "2027-10-30T12:00Z", "02:30", "2027-10-31T01:30"],
    ["west", zone("America/New_York"), "2027-03-13T20:00Z", "17:00", "2027-03-13T22:00"],
    ["west, forward", zone("America/New_York"), "2027-03-14T02:00Z", "17:00", "2027-03-14T21:00"],
    ["a quarter", zone("Asia/Kathmandu"), "2027-01-15T09:00Z", "15:00", "2027-01-15T09:15"],
    ["at UTC itself", zone("UTC", 60), "2027-01-15T09:00Z", "10:00", "2027-01-15T10:00"],
    ["a day ahead", zone("Pacific/Kiritimati"), "2027-01-15T09:00Z", "00:30", "2027-01-15T10:30"],
    ["no place", zone(null, 60), "2027-01-15T09:00Z", "08:00", "2027-01-16T07:00"],
    [
      "a place that nobody knows",
      zone("Mars/One", -90),
      "2027-01-15T09:00Z",
      "08:00",
      "2027-01-15T09:30",
    ],
  ])("%s", (_what, where, now, clock, next) => {
    const [hour = 0, minute = 0] = clock.split(":").map(Number);
    expect(utc(nextAtMs({ hour, minute }, at(now), where))).toBe(next);
    expect(untilMs({ kind: "at", hour, minute }, at(now), where)).toBe(at(`${next}Z`));
  });

  test("a length is as long as it is, whatever clocks do", () => {
    const now = at("2027-03-28T00:30Z");
    expect(untilMs({ kind: "for", minutes: 60 }, now, BERLIN) - now).toBe(3_600_000);
  });

  test.each([
    ["with 23 hours", "2027-03-28T12:00Z", 0, "2027-03-27T23:00", 23],
    ["with 25", "2027-10-31T12:00Z", 0, "2027-10-30T22:00", 25],
    ["before one with 23", "2027-03-28T12:00Z", 1, "2027-03-26T23:00", 24],
    ["shortly after midnight", "2027-01-14T23:30Z", 0, "2027-01-14T23:00", 24],
  ])("a day %s begins and ends at midnight", (_what, now, daysAgo, from, hours) => {
    const day = dayMs(daysAgo, { hour: 11, minute: 42 }, at(now), BERLIN);
    expect(utc(day.fromMs)).toBe(from);
    expect(day.toMs + 1 - day.fromMs).toBe(hours * 3_600_000);
    const clock = new Intl.DateTimeFormat("de", { timeZone: "Europe/Berlin", timeStyle: "short" });
    expect(clock.format(day.atMs ?? 0)).toBe("11:42");
    expect(dayMs(daysAgo, null, at(now), BERLIN).atMs).toBeNull();
  });
});
