import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Hours, openingAt } from "../../src/emulators/dataverse/hours.ts";
import { momentThere } from "../../src/emulators/dataverse/time-zones.ts";
import "../fuzz/same-cases.ts";

type Rules = NonNullable<Hours>;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UTC = 92;
const BERLIN = 110;
const MONDAY_MS = Date.parse("2026-01-12T00:00:00Z");

const weekly = fc.record({
  zone: fc.constant(UTC),
  days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }).map((it) => new Set(it)),
  startMinute: fc.integer({ min: 0, max: 1439 }),
  minutes: fc.integer({ min: 1, max: 1440 }),
  fromDayMs: fc.integer({ min: -3, max: 10 }).map((day) => MONDAY_MS + day * DAY_MS),
  untilDayMs: fc.integer({ min: 0, max: 400 }).map((day) => MONDAY_MS + day * DAY_MS),
});
const closure = fc.record({
  zone: fc.constant(UTC),
  dayMs: fc.integer({ min: -2, max: 8 }).map((day) => MONDAY_MS + day * DAY_MS),
  minutes: fc.integer({ min: 1, max: 3 }).map((days) => days * 1440),
});
const rules: fc.Arbitrary<Rules> = fc.record({
  weekly: fc.array(weekly, { maxLength: 4 }),
  closures: fc.array(closure, { maxLength: 2 }),
});

/** The same by looking, for one minute: is it in a time of today or of yesterday, and in no closure? */
function isOpen({ weekly: times, closures }: Rules, atMs: number): boolean {
  const closed = closures.some(
    ({ dayMs, minutes }) => atMs >= dayMs && atMs < dayMs + minutes * MINUTE_MS,
  );
  const todayMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  return (
    !closed &&
    [todayMs, todayMs - DAY_MS].some((dayMs) =>
      times.some(({ days, startMinute, minutes, fromDayMs, untilDayMs }) => {
        const startMs = dayMs + startMinute * MINUTE_MS;
        const known = dayMs >= fromDayMs && dayMs < untilDayMs;
        const applies = known && days.has(new Date(dayMs).getUTCDay());
        return applies && atMs >= startMs && atMs < startMs + minutes * MINUTE_MS;
      }),
    )
  );
}

describe("the hours of a calendar", () => {
  test("are what looking at every minute finds", () => {
    fc.assert(
      fc.property(rules, fc.integer({ min: 0, max: 10_080 }), (hours, minute) => {
        const atMs = MONDAY_MS + minute * MINUTE_MS;
        const { open, changesAtMs, next } = openingAt(hours, atMs);
        expect(open).toBe(isOpen(hours, atMs));
        let flipMs = atMs;
        while (flipMs < atMs + 12 * DAY_MS && isOpen(hours, flipMs) === open) flipMs += MINUTE_MS;
        const flips = flipMs < atMs + 12 * DAY_MS;
        if (flips) expect(changesAtMs).toBe(flipMs);
        else expect(changesAtMs ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(flipMs);
        if (!flips || open) return;
        expect(next?.startMs).toBe(flipMs);
        expect(isOpen(hours, (next?.endMs ?? 0) - MINUTE_MS)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ["before the clock goes forward", "2026-03-28", 540, "2026-03-28T08:00:00Z"],
    ["on the day it does, after", "2026-03-29", 540, "2026-03-29T07:00:00Z"],
    ["in the hour that is left out", "2026-03-29", 150, "2026-03-29T01:30:00Z"],
    ["on the day it goes back, after", "2026-10-25", 540, "2026-10-25T08:00:00Z"],
  ])("begin in Berlin by the clock on the wall: %s", (_, day, minute, moment) => {
    const atMs = momentThere(BERLIN, Date.parse(day), minute);
    expect(new Date(atMs).toISOString()).toBe(moment.replace("Z", ".000Z"));
  });

  test("that are far away are found all the same", () => {
    const hours: Rules = {
      weekly: [
        {
          zone: UTC,
          days: new Set([0, 1, 2, 3, 4, 5, 6]),
          startMinute: 0,
          minutes: 60,
          fromDayMs: MONDAY_MS + 100 * DAY_MS,
          untilDayMs: MONDAY_MS + 101 * DAY_MS,
        },
      ],
      closures: [],
    };
    const startMs = MONDAY_MS + 100 * DAY_MS;
    expect(openingAt(hours, MONDAY_MS)).toEqual({
      open: false,
      changesAtMs: startMs,
      next: { startMs, endMs: startMs + 60 * MINUTE_MS },
    });
    expect(openingAt(hours, startMs + 60 * MINUTE_MS)).toEqual({
      open: false,
      changesAtMs: null,
      next: null,
    });
  });
});
