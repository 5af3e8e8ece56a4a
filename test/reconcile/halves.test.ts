import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { Reading } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import { observe } from "../../src/reconcile/observe.ts";
import {
  type Endpoint,
  endpointOf,
  type LateWrite,
  newRep,
  type Pending,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;
const SESSION = { cover: "session", covering: "InACall", seen: "InACall" } as const;

/** What is known of Teams, or of `system`, once it was read to show `status`. */
function after(known: Partial<Endpoint>, status: Status, system = TEAMS) {
  const reading: Reading = {
    status,
    automatic: null,
    native: status,
    sequence: null,
    startedTick: 9,
    startedAtMs: NOW_MS,
  };
  const rep = { ...newRep([TEAMS, DYNAMICS]), tick: 9, intent: 3 };
  const before = withEndpoint(rep, system, { seen: "Available", readTick: 8, tried: 3, ...known });
  const seen = observe(before, system, reading, POLICY);
  return { ...endpointOf(seen.rep, system), classification: seen.classification };
}

/** A write of unknown outcome that was to put something there and take something away, set aside. */
const late = (write: Partial<LateWrite>): LateWrite => ({
  status: "Busy",
  cover: "preferred",
  clears: true,
  expiresAtMs: 99e6,
  ...write,
});

describe("[R301] a write that takes something away as well, found late", () => {
  const bares = late({ status: "Available", cover: "none" });

  it("put an entry of ours there, and may still take away what lay there", () => {
    const { classification, late: left } = after({ ...SESSION, late: [late({})] }, "Busy");
    expect(classification).toBe("late echo");
    expect(left).toEqual([late({ status: null })]);
  });

  it("laid bare what we had put there: that was the second half", () => {
    const { classification, late: left } = after({ ...SESSION, late: [bares] }, "Available");
    expect(classification).toBe("late echo");
    expect(left).toEqual([]);
  });

  it("showed where nothing of ours lay: the second half may still follow", () => {
    expect(after({ seen: "Busy", late: [bares] }, "Available").late).toEqual([
      { ...bares, status: null },
    ]);
  });

  it("made her look signed out: nothing follows what took away nothing, or has done so", () => {
    const plain = late({ status: "Offline", clears: false });
    expect(after({ late: [plain] }, "Offline")).toMatchObject({
      classification: "late echo",
      late: [],
    });
    const bared = late({ status: "Offline", cover: "none" });
    expect(after({ ...SESSION, late: [bared] }, "Offline").late).toEqual([]);
  });

  it("took away what we put there since, and nothing of ours is left", () => {
    for (const write of [late({}), late({ status: null })]) {
      expect(after({ ...SESSION, late: [write] }, "Available")).toMatchObject({
        classification: "late echo",
        late: [],
        cover: "none",
        covering: null,
      });
    }
  });
});

describe("[R3] [R301] a write of unknown outcome that takes something away as well, seen", () => {
  const pending: Pending = {
    intent: 3,
    status: "Busy",
    meant: "Busy",
    over: "InACall",
    cover: "preferred",
    withdraws: false,
    clears: true,
    sentAtMs: NOW_MS - 100,
    leaseUntilMs: null,
    ackTick: null,
    ackAtMs: null,
    unknown: true,
    confirmed: false,
    overtaken: false,
  };
  const older = late({ status: "Away" });

  it("may still take it away, for as long as a late write may; what was older is kept", () => {
    const half = late({ status: null, expiresAtMs: NOW_MS - 100 + POLICY.lateMs });
    const seen = after({ ...SESSION, pending, late: [older] }, "Busy");
    expect(seen).toMatchObject({ classification: "echo", pending: null });
    expect(seen.late).toEqual([older, half]);
  });

  it("leaves nothing to come where its answer came, or where it took nothing away", () => {
    const known = { ackTick: 8, ackAtMs: NOW_MS, unknown: false };
    for (const other of [known, { clears: false }]) {
      const seen = after({ ...SESSION, pending: { ...pending, ...other }, late: [older] }, "Busy");
      expect(seen).toMatchObject({ classification: "echo", late: [older] });
    }
  });
});

describe("[R300] a late write whose time is over", () => {
  it("is forgotten where a rep is gone and everybody can see it", () => {
    const over = late({ status: "Away", expiresAtMs: NOW_MS });
    expect(after({ late: [over] }, "Offline", DYNAMICS).late).toEqual([]);
    expect(after({ late: [over] }, "Offline", TEAMS).late).toEqual([over]);
  });
});
