import { describe, expect, it } from "vitest";
import { DYNAMICS, systemName, TEAMS } from "../../src/presence/identity.ts";
import { profileOf } from "../../src/reconcile/policy.ts";
import {
  completed,
  endpointOf,
  newRep,
  type Rep,
  withEndpoint,
  without,
} from "../../src/reconcile/rep.ts";
import { observe } from "../../src/reconcile/observe.ts";
import { plan } from "../../src/reconcile/plan.ts";
import { restored, type StoredRep } from "../../src/reconcile/stored.ts";
import { POLICY } from "./profiles.ts";

const PARTNER = systemName("partner");
const NOW_MS = 10_000_000;

describe("a rep about whom nothing is known", () => {
  const rep = newRep([TEAMS, DYNAMICS]);

  it("[P3] wants nothing, shows nothing, and was told nothing", () => {
    expect(rep).toMatchObject({
      intent: 0,
      cause: null,
      base: {
        status: "Available",
        origin: null,
        atMs: 0,
        natives: {},
        untilMs: null,
        before: null,
      },
      holds: {},
      overlays: {},
      writesMs: [],
      fight: null,
      paused: null,
    });
    expect(Object.keys(rep.systems)).toEqual([TEAMS, DYNAMICS]);
    for (const endpoint of Object.values(rep.systems)) {
      expect(endpoint).toMatchObject({
        seen: null,
        pending: null,
        late: [],
        cover: "none",
        absent: false,
        health: "ok",
        changesMs: [],
        own: null,
      });
    }
  });

  it("[P15] costs no write before something is known", () => {
    expect(plan(rep, POLICY, NOW_MS).writes).toEqual([]);
  });
});

describe("[P8] a rep who was stored", () => {
  it("by this release is as she was", () => {
    const reading = {
      status: "Busy",
      automatic: null,
      native: "Busy",
      sequence: "7",
      startedTick: 0,
      startedAtMs: NOW_MS,
    } as const;
    const { rep } = observe(newRep([TEAMS, DYNAMICS]), TEAMS, reading, POLICY);
    expect(completed(rep, [TEAMS, DYNAMICS])).toEqual(rep);
  });

  it("by an older one, with less in it, has what a new rep has, and keeps what she had", () => {
    const {
      paused: _paused,
      fight: _fight,
      base,
      ...rest
    } = withEndpoint({ ...newRep([TEAMS]), intent: 7 }, TEAMS, { seen: "Busy" });
    const { before: _before, ...olderBase } = base;
    const { changesMs: _changesMs, ...olderEndpoint } = endpointOf(rest as Rep, TEAMS);
    const older: StoredRep = {
      ...rest,
      base: { ...olderBase, status: "Away" },
      systems: { [TEAMS]: olderEndpoint },
    };
    expect(restored(older)).toEqual({
      ...withEndpoint(newRep([TEAMS]), TEAMS, { seen: "Busy" }),
      intent: 7,
      base: { ...newRep([]).base, status: "Away" },
    });
  });

  it("when there was one system more, or one less, knows both what is and what was", () => {
    const older = withEndpoint(newRep([TEAMS, PARTNER]), PARTNER, { seen: "Away" });
    const rep = completed(older, [DYNAMICS, TEAMS]);
    expect(new Set(Object.keys(rep.systems))).toEqual(new Set([TEAMS, DYNAMICS, PARTNER]));
    expect(endpointOf(rep, PARTNER).seen).toBe("Away");
    expect(endpointOf(rep, DYNAMICS)).toEqual(endpointOf(newRep([DYNAMICS]), DYNAMICS));
  });
});

describe("[P14] what belongs to nobody", () => {
  it("a system that the rep or the policy does not know is named, not invented", () => {
    expect(() => endpointOf(newRep([TEAMS]), DYNAMICS)).toThrow("no endpoint for dynamics");
    expect(() => profileOf(POLICY, PARTNER)).toThrow("no profile for partner");
    expect(profileOf(POLICY, DYNAMICS).name).toBe(DYNAMICS);
  });

  it("what changes in one system leaves the others and the old document as they were", () => {
    const rep = newRep([TEAMS, DYNAMICS]);
    const changed = withEndpoint(rep, TEAMS, { seen: "Busy" });
    expect(endpointOf(changed, TEAMS).seen).toBe("Busy");
    expect(endpointOf(changed, DYNAMICS)).toBe(endpointOf(rep, DYNAMICS));
    expect(endpointOf(rep, TEAMS).seen).toBeNull();
    expect(without<string, number>({ a: 1, b: 2 }, "a")).toEqual({ b: 2 });
  });
});
