import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { Reading } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import { observe } from "../../src/reconcile/observe.ts";
import {
  type Endpoint,
  endpointOf,
  newRep,
  type Pending,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;

/** She is to show `status`, chosen in Dynamics long ago; in Teams lies what `teams` says. */
function wanting(status: Status, teams: Partial<Endpoint>): Rep {
  const rep: Rep = { ...newRep([TEAMS, DYNAMICS]), tick: 9, intent: 5, intentTick: 7 };
  const base = { ...rep.base, status, origin: DYNAMICS, tick: 4, intent: 4, atMs: 1 };
  const known = { seen: "Available", readTick: 6, tried: 4, ...teams } as const;
  return withEndpoint({ ...rep, base }, TEAMS, known);
}

function teamsShows(rep: Rep, status: Status, startedTick = 9) {
  const reading: Reading = {
    status,
    automatic: null,
    native: status,
    sequence: null,
    startedTick,
    startedAtMs: NOW_MS,
  };
  const { rep: next, classification } = observe(rep, TEAMS, reading, POLICY);
  return { classification, ...endpointOf(next, TEAMS) };
}

describe("[R75] a choice of hers in Teams, where our preferred status lies", () => {
  const ours = { cover: "preferred", covering: "Busy", leaseUntilMs: 99e6 } as const;

  it("takes its place: what she chooses there next is hers too", () => {
    expect(teamsShows(wanting("Busy", { ...ours, seen: "Busy" }), "Away")).toMatchObject({
      classification: "choice",
      cover: "none",
      covering: null,
      leaseUntilMs: null,
    });
  });

  it("may be what ours shows, which then lies there still and is ours to take away", () => {
    expect(teamsShows(wanting("Available", { ...ours, seen: "Away" }), "Busy")).toMatchObject({
      classification: "choice",
      cover: "preferred",
      covering: "Busy",
      leaseUntilMs: 99e6,
    });
  });
});

describe("[R14] a reading that shows what it should", () => {
  const sent: Pending = {
    intent: 5,
    status: "DoNotDisturb",
    meant: "DoNotDisturb",
    over: "Available",
    cover: "preferred",
    withdraws: false,
    clears: false,
    sentAtMs: NOW_MS - 100,
    leaseUntilMs: null,
    ackTick: null,
    ackAtMs: null,
    unknown: false,
    confirmed: false,
    overtaken: false,
  };

  it("leaves nothing to do, if it left since that is wanted and nothing is on its way", () => {
    const agreed = { classification: "agrees", seen: "Busy" };
    expect(teamsShows(wanting("Busy", {}), "Busy", 7)).toMatchObject({ ...agreed, tried: 5 });
    expect(teamsShows(wanting("Busy", {}), "Busy", 6)).toMatchObject({ ...agreed, tried: 4 });
    const writing = wanting("Busy", { pending: sent });
    expect(teamsShows(writing, "Busy")).toMatchObject({ ...agreed, tried: 4 });
  });

  it("[R306] leaves our session beneath it still to be taken away", () => {
    const session = { cover: "session", covering: "InACall", seen: "InACall" } as const;
    for (const [tried, left] of [
      [5, 4],
      [2, 2],
    ] as const) {
      expect(teamsShows(wanting("Busy", { ...session, tried }), "Busy")).toMatchObject({
        classification: "agrees",
        cover: "session",
        tried: left,
      });
    }
  });
});
