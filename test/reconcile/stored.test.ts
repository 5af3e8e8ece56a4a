import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { repIn, repText } from "../../src/engine/rep-text.ts";
import { DYNAMICS, holdId, systemName, TEAMS } from "../../src/presence/identity.ts";
import { STATUSES } from "../../src/presence/status.ts";
import {
  type Base,
  type Cause,
  type Endpoint,
  endpointOf,
  type Hold,
  newRep,
  type Rep,
} from "../../src/reconcile/rep.ts";
import { restored, stored } from "../../src/reconcile/stored.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "./stage.ts";
import "../fuzz/same-cases.ts";

const NEW = newRep([TEAMS]);
const PHONE = systemName("phone");

const status = fc.constantFrom(...STATUSES);
const count = fc.nat(9);
const timeMs = fc.constantFrom(0, 1, 1_795_308_720_464);
const systems = fc.constantFrom(TEAMS, DYNAMICS, PHONE);
const cover = fc.constantFrom("none" as const, "session" as const, "preferred" as const);
const orNull = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(value);
/** Words that are no harmless words anywhere else, and any. */
const text = fc.oneof(fc.constantFrom("", "__proto__", "toString", "\0", "ä\u2028"), fc.string());

const cause: fc.Arbitrary<Cause> = fc.record({
  kind: fc.constantFrom("choice" as const, "hold" as const, "paused" as const),
  source: text,
  status,
  atMs: timeMs,
});
const natives: fc.Arbitrary<Base["natives"]> = fc.dictionary(systems, text, { maxKeys: 2 });
const origin = orNull(systems);
const chosen = { status, origin, tick: count, intent: count, atMs: timeMs, natives };
const base: fc.Arbitrary<Base> = fc.record({
  ...chosen,
  untilMs: orNull(timeMs),
  before: orNull(fc.record(chosen)),
});
const sinceMs = timeMs;
const untilMs = timeMs;
const hold: fc.Arbitrary<Hold> = fc.record({
  source: systems,
  status,
  tick: count,
  sinceMs,
  untilMs,
});
const holds: fc.Arbitrary<Rep["holds"]> = fc.dictionary(text.map(holdId), hold, { maxKeys: 2 });
const overlay = fc.record({
  status,
  kind: fc.constantFrom("hold" as const, "soft" as const),
  tick: count,
  intent: count,
  atMs: timeMs,
  over: orNull(status),
  untilMs: orNull(timeMs),
});
const pending: fc.Arbitrary<Endpoint["pending"]> = orNull(
  fc.record({
    intent: count,
    status,
    meant: status,
    over: orNull(status),
    cover,
    withdraws: fc.boolean(),
    clears: fc.boolean(),
    sentAtMs: timeMs,
    leaseUntilMs: orNull(timeMs),
    ackTick: orNull(count),
    ackAtMs: orNull(timeMs),
    unknown: fc.boolean(),
    confirmed: fc.boolean(),
    overtaken: fc.boolean(),
  }),
);
const late = fc.record({
  status: orNull(status),
  cover,
  clears: fc.boolean(),
  expiresAtMs: timeMs,
});
const endpoint: fc.Arbitrary<Endpoint> = fc.record({
  seen: orNull(status),
  native: orNull(text),
  sequence: orNull(text),
  readTick: count,
  tried: count,
  shown: count,
  pending,
  late: fc.array(late, { maxLength: 2 }),
  cover,
  covering: orNull(status),
  leaseUntilMs: orNull(timeMs),
  sessionUntilMs: timeMs,
  absent: fc.boolean(),
  disconnected: orNull(fc.record({ status, native: orNull(text), untilMs: timeMs })),
  health: fc.constantFrom("ok" as const, "absorbed" as const, "rejected" as const),
  refused: orNull(fc.record({ intent: count, tick: count, atMs: timeMs })),
  failures: count,
  retryAtMs: timeMs,
  changesMs: fc.array(timeMs, { maxLength: 2 }),
  own: orNull(fc.record({ status, native: text })),
  coveredSinceMs: timeMs,
});
const anybody: fc.Arbitrary<Rep> = fc.record({
  tick: count,
  intent: count,
  intentTick: count,
  intentAtMs: timeMs,
  cause: orNull(cause),
  base,
  holds,
  overlays: fc.dictionary(systems, overlay, { maxKeys: 2 }),
  systems: fc.dictionary(systems, endpoint, { maxKeys: 3 }),
  writesMs: fc.array(timeMs, { maxLength: 2 }),
  heldUntilMs: timeMs,
  fight: orNull(
    fc.record({
      system: systems,
      by: orNull(text),
      between: fc.tuple(status, status),
      sinceMs: timeMs,
      lastMs: timeMs,
      changes: count,
    }),
  ),
  paused: orNull(fc.record({ by: text, sinceMs: timeMs })),
});

/** As JSON has it, and without the prototypes that a test library gives its objects. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("a rep in the store", () => {
  test("[R385] comes back as she was, whoever she is", () => {
    fc.assert(
      fc.property(anybody, (rep) => {
        expect(plain(repIn(repText(rep)))).toEqual(plain(rep));
      }),
    );
  });

  test("[R385] comes back as she was if an older release stored all of her", () => {
    fc.assert(
      fc.property(anybody, (rep) => {
        expect(plain(repIn(JSON.stringify(rep)))).toEqual(plain(rep));
      }),
    );
  });

  test("[R385] takes nothing along that is as in a new one", () => {
    fc.assert(
      fc.property(anybody, (rep) => {
        const usual = plain(NEW) as typeof NEW;
        const kept = plain(stored(rep)) as Partial<Rep>;
        const parts = [
          [kept, { ...usual, base: null, systems: null }],
          [kept.base, usual.base],
          ...Object.values(kept.systems ?? {}).map((one) => [one, endpointOf(usual, TEAMS)]),
        ] as [object, object][];
        for (const [part, like] of parts) {
          const same = Object.entries(like).filter(
            ([key, value]) =>
              JSON.stringify(Object.entries(part).find(([name]) => name === key)?.[1]) ===
              JSON.stringify(value),
          );
          expect(same).toEqual([]);
        }
      }),
    );
    expect(stored(newRep([TEAMS]))).toEqual({ base: {}, systems: { [TEAMS]: {} } });
    expect(restored({})).toEqual(newRep([]));
  });

  test("[R385] is far shorter than all that is known of her while nothing goes on", async () => {
    const core = await loadCore(new URL("../../src", import.meta.url).href);
    const { rep } = Stage.settled(core);
    expect(repIn(repText(rep))).toEqual(rep);
    expect(repText(rep).length).toBeLessThan(JSON.stringify(rep).length * 0.5);
  });

  // Whoever must change this test changes what every stored document says: give the new meaning a field of its own.
  test("[R386] is for ever what she was when a field was left out", () => {
    expect(repIn(`{"intent":3,"base":{"intent":3},"systems":{"teams":{"tried":3}}}`)).toEqual({
      tick: 0,
      intent: 3,
      intentTick: 0,
      intentAtMs: 0,
      cause: null,
      base: {
        status: "Available",
        tick: 0,
        intent: 3,
        atMs: 0,
        origin: null,
        natives: {},
        untilMs: null,
        before: null,
      },
      holds: {},
      overlays: {},
      systems: {
        teams: {
          seen: null,
          native: null,
          sequence: null,
          readTick: 0,
          tried: 3,
          shown: 0,
          pending: null,
          late: [],
          cover: "none",
          covering: null,
          leaseUntilMs: null,
          sessionUntilMs: 0,
          absent: false,
          disconnected: null,
          health: "ok",
          refused: null,
          failures: 0,
          retryAtMs: 0,
          changesMs: [],
          own: null,
          coveredSinceMs: 0,
        },
      },
      writesMs: [],
      heldUntilMs: 0,
      fight: null,
      paused: null,
    });
  });
});
