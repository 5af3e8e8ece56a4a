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
import { loadCore } from "../model/core.ts";
import { POLICY } from "./profiles.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

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

describe("[R301] [R75] a write has a second half", () => {
  /** The next write to Teams: what lay there, what it puts there, whether it takes something away as well. */
  function next(stage: Stage): readonly unknown[] {
    const { from, to } = stage.nextWrite(TEAMS);
    return [from, to, stage.endpoint(TEAMS).pending?.clears];
  }
  const covered = (): Stage => {
    const stage = Stage.settled(core);
    stage.dynamics("Busy");
    stage.settle();
    stage.wait(60_000);
    return stage;
  };

  it("where an entry of ours goes for another kind, or for none", () => {
    const called = covered();
    called.hold("call");
    expect(next(called)).toEqual(["preferred", "session", true]);
    const freed = covered();
    freed.dynamics("Available");
    expect(next(freed)).toEqual(["preferred", "none", true]);
  });

  it("not where one goes on, changes, or is put where nothing of ours lay", () => {
    const renewed = covered();
    renewed.wait(30 * 60_000);
    expect(next(renewed)).toEqual(["preferred", "preferred", false]);
    const changed = covered();
    changed.dynamics("Away");
    expect(next(changed)).toEqual(["preferred", "preferred", false]);
    const called = Stage.settled(core);
    called.hold("call");
    expect(next(called)).toEqual(["none", "session", false]);
  });

  it("where it lifts her manual status, unless our preferred status takes its place", () => {
    const freed = Stage.settled(core);
    freed.teams("Busy");
    freed.settle();
    freed.wait(60_000);
    freed.dynamics("Available");
    expect(next(freed)).toEqual(["none", "none", true]);
    const engaged = Stage.settled(core);
    engaged.teams("Away");
    engaged.settle();
    engaged.wait(60_000);
    engaged.dynamics("Available");
    engaged.dynamics("Busy", { automatic: "soft" });
    expect(next(engaged)).toEqual(["none", "preferred", false]);
  });
});

describe("[R314] what the next attempt takes away, after one that may have been cut in half", () => {
  /** A write that was lost, and what Teams shows then: what of ours does the next one take for lying there? */
  function from(stage: Stage, shows: "Available" | "Away" | "Busy" | "InACall"): string {
    stage.answer(stage.nextWrite(TEAMS), "unknown");
    stage.wait(60_000);
    stage.teams(shows);
    return stage.nextWrite(TEAMS).from;
  }
  const away = (): Stage => {
    const stage = Stage.settled(core);
    stage.dynamics("Away");
    stage.settle();
    stage.hold("call");
    return stage;
  };

  it("is our entry, where it shows still; never what she chose since", () => {
    expect(from(away(), "Away")).toBe("preferred");
    expect(from(away(), "Busy")).toBe("session");
  });

  it("is no entry of ours, where none was to go", () => {
    const stage = Stage.settled(core);
    stage.hold("call");
    expect(from(stage, "Available")).toBe("session");
  });

  it("is the session, where that was to go for an entry", () => {
    const stage = away();
    stage.settle();
    stage.release("call");
    expect(from(stage, "InACall")).toBe("session");
  });
});
