import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { isReleased, setPaused } from "../../src/reconcile/pause.ts";
import {
  newRep,
  type Pause,
  type Pending,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;
const PAUSE = { by: "manager" } as unknown as Pause;
const NEW: Rep = { ...newRep([TEAMS, DYNAMICS]), tick: 5, intent: 5 };

describe("[R113] pausing", () => {
  it("is an intent of whoever asked for it, and so is going on", () => {
    const paused = setPaused(NEW, PAUSE, NOW_MS);
    expect(paused).toMatchObject({ paused: PAUSE, intent: 6 });
    expect(paused.cause).toEqual({
      kind: "paused",
      source: "manager",
      status: "Available",
      atMs: NOW_MS,
    });
    const resumed = setPaused(paused, null, NOW_MS + 1);
    expect(resumed).toMatchObject({ paused: null, intent: 7 });
    expect(resumed.cause).toEqual({
      kind: "resumed",
      source: "manager",
      status: "Available",
      atMs: NOW_MS + 1,
    });
  });

  it("what already is changes nothing", () => {
    expect(setPaused(NEW, null, NOW_MS)).toBe(NEW);
    const paused = setPaused(NEW, PAUSE, NOW_MS);
    expect(setPaused(paused, PAUSE, NOW_MS)).toBe(paused);
  });
});

describe("[R114] a rep is let go of", () => {
  /** Paused, both systems read, and a cover of ours still to be withdrawn from Teams. */
  const seen = { seen: "Busy", tried: 5 } as const;
  const both = withEndpoint(
    withEndpoint(setPaused(NEW, PAUSE, NOW_MS), TEAMS, seen),
    DYNAMICS,
    seen,
  );
  const covered = withEndpoint(both, TEAMS, {
    cover: "preferred",
    covering: "Busy",
    leaseUntilMs: NOW_MS + 1,
  });
  const released = (rep: Rep, nowMs = NOW_MS): boolean => isReleased(rep, POLICY, nowMs);

  it("when nothing of ours is left", () => {
    expect(released(both)).toBe(true);
    expect(released(covered)).toBe(false);
  });

  it("when what is left was tried, has run out, or cannot be seen", () => {
    expect(released(withEndpoint(covered, TEAMS, { tried: 6 }))).toBe(true);
    expect(released(covered, NOW_MS + 1)).toBe(true);
    expect(released(withEndpoint(covered, TEAMS, { leaseUntilMs: null }))).toBe(false);
    expect(released(withEndpoint(covered, TEAMS, { seen: null }))).toBe(true);
  });

  it("not while a write is on its way, but one into a system where she is signed out does not count", () => {
    const pending = {} as Pending;
    expect(released(withEndpoint(both, TEAMS, { pending, tried: 6 }))).toBe(false);
    expect(released(withEndpoint(both, DYNAMICS, { pending, absent: true }))).toBe(true);
    expect(released(withEndpoint(both, DYNAMICS, { pending }))).toBe(false);
    expect(released(withEndpoint(covered, TEAMS, { absent: true }))).toBe(false);
  });

  it("[R116] not while a write that nobody knows of may still arrive", () => {
    const write = { status: "Available", cover: "none", clears: false } as const;
    const late = [{ ...write, expiresAtMs: NOW_MS + 1 }];
    for (const absent of [false, true]) {
      const awaited = withEndpoint(both, DYNAMICS, { late, absent });
      expect([released(awaited), released(awaited, NOW_MS + 1)]).toEqual([false, true]);
    }
  });

  it("not during a call; a meeting does not matter", () => {
    const overlay = {
      status: "InACall",
      tick: 1,
      intent: 1,
      atMs: 1,
      over: null,
      untilMs: null,
    } as const;
    expect(released({ ...both, overlays: { [TEAMS]: { ...overlay, kind: "hold" } } })).toBe(false);
    expect(released({ ...both, overlays: { [TEAMS]: { ...overlay, kind: "soft" } } })).toBe(true);
  });
});
