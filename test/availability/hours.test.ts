import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Hours, openingAt } from "../../src/availability/hours.ts";
import "../fuzz/same-cases.ts";

const WEEKDAYS = [1, 2, 3, 4, 5];
const BERLIN: Hours = {
  weekly: [{ zone: "Europe/Berlin", days: WEEKDAYS, startMinute: 9 * 60, minutes: 8 * 60 }],
  closures: [{ zone: "Europe/Berlin", date: "2026-12-25", minutes: 1440 }],
};
const at = (iso: string): number => Date.parse(iso);
const opening = (hours: Hours | null, iso: string): [boolean, string | null] => {
  const { isOpen, changesAtMs } = openingAt(hours, at(iso));
  return [isOpen, changesAtMs === null ? null : new Date(changesAtMs).toISOString()];
};

describe("[R168] opening hours", () => {
  test.each<[string, string, boolean, string]>([
    ["on a morning before it opens", "2026-11-20T07:59:59Z", false, "2026-11-20T08:00:00.000Z"],
    ["at the moment it opens", "2026-11-20T08:00:00Z", true, "2026-11-20T16:00:00.000Z"],
    ["at the moment it closes", "2026-11-20T16:00:00Z", false, "2026-11-23T08:00:00.000Z"],
    ["over a weekend", "2026-11-21T12:00:00Z", false, "2026-11-23T08:00:00.000Z"],
    ["before a holiday on a Friday", "2026-12-24T20:00:00Z", false, "2026-12-28T08:00:00.000Z"],
    ["in summer, an hour earlier by UTC", "2026-07-01T07:00:00Z", true, "2026-07-01T15:00:00.000Z"],
    [
      "over the night in which clocks go forward",
      "2026-03-27T20:00:00Z",
      false,
      "2026-03-30T07:00:00.000Z",
    ],
    [
      "over the night in which they go back",
      "2026-10-23T20:00:00Z",
      false,
      "2026-10-26T08:00:00.000Z",
    ],
  ])("%s", (_when, iso, isOpen, changesAt) => {
    expect(opening(BERLIN, iso)).toEqual([isOpen, changesAt]);
  });

  test("none at all is always, and no time at all is never", () => {
    expect(opening(null, "2026-11-20T08:00:00Z")).toEqual([true, null]);
    expect(opening({ weekly: [], closures: [] }, "2026-11-20T08:00:00Z")).toEqual([false, null]);
  });

  test("every hour of every day is open, and never changes", () => {
    const days = [0, 1, 2, 3, 4, 5, 6];
    const always = {
      weekly: [{ zone: "Etc/UTC", days, startMinute: 0, minutes: 1440 }],
      closures: [],
    };
    expect(opening(always, "2026-11-20T08:00:00Z")).toEqual([true, null]);
  });

  test("a night shift is one time, over midnight and in another zone", () => {
    const night: Hours = {
      weekly: [{ zone: "Asia/Kolkata", days: [6], startMinute: 22 * 60, minutes: 480 }],
      closures: [],
    };
    expect(opening(night, "2026-11-21T20:00:00Z")).toEqual([true, "2026-11-22T00:30:00.000Z"]);
  });

  test("what is said to change at a moment is different at that moment, and not before", () => {
    const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
    const times = fc.record({
      zone: fc.constantFrom(...zones),
      days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
      startMinute: fc.integer({ min: 0, max: 1439 }),
      minutes: fc.integer({ min: 1, max: 1440 }),
    });
    const closure = fc.record({
      zone: fc.constantFrom(...zones),
      date: fc.constantFrom("2026-03-28", "2026-10-25", "2026-11-01"),
      minutes: fc.constantFrom(720, 1440, 4320),
    });
    const hours = fc.record({
      weekly: fc.array(times, { minLength: 1, maxLength: 3 }),
      closures: fc.array(closure, { maxLength: 2 }),
    });
    const moment = fc.integer({ min: at("2026-03-20T00:00:00Z"), max: at("2026-11-10T00:00:00Z") });
    fc.assert(
      fc.property(hours, moment, (given, atMs) => {
        const { isOpen, changesAtMs } = openingAt(given, atMs);
        if (changesAtMs === null) return;
        expect(changesAtMs).toBeGreaterThan(atMs);
        expect(openingAt(given, changesAtMs).isOpen).toBe(!isOpen);
        expect(openingAt(given, changesAtMs - 1).isOpen).toBe(isOpen);
      }),
      { numRuns: 60 },
    );
  });
});
