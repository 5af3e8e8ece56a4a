import { describe, expect, it } from "vitest";
import {
  DYNAMICS,
  holdId,
  systemName,
  type SystemName,
  TEAMS,
} from "../../src/presence/identity.ts";
import type { AutomaticKind, Reading } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";
import { classify, type Classification, lateWriteOf } from "../../src/reconcile/classify.ts";
import { profileOf } from "../../src/reconcile/policy.ts";
import {
  type Endpoint,
  newRep,
  type Pending,
  type Rep,
  withEndpoint,
} from "../../src/reconcile/rep.ts";
import { POLICY } from "./profiles.ts";

const NOW_MS = 10_000_000;
const PHONE = systemName("phone");

/** She wants `status`, chosen in `origin` long ago; both systems show Available and were shown nothing else. */
function wanting(status: Status, origin: SystemName): Rep {
  const rep: Rep = { ...newRep([TEAMS, DYNAMICS]), tick: 9, intent: 5, intentTick: 5 };
  const base = { ...rep.base, status, origin, tick: 4, intent: 4, atMs: 1 };
  const seen = { seen: "Available", readTick: 9 } as const;
  return at(at({ ...rep, base }, TEAMS, seen), DYNAMICS, seen);
}
const at = (rep: Rep, system: SystemName, change: Partial<Endpoint>): Rep =>
  withEndpoint(rep, system, change);

const WRITE: Pending = {
  intent: 5,
  status: "Busy",
  meant: "Busy",
  over: "Available",
  cover: "none",
  withdraws: false,
  clears: false,
  sentAtMs: NOW_MS - 60_000,
  leaseUntilMs: null,
  ackTick: null,
  ackAtMs: null,
  unknown: false,
  confirmed: false,
  overtaken: false,
};
/** Answered so long ago that whatever is read now has had its time. */
const SETTLED = { ackTick: 8, ackAtMs: NOW_MS - 50_000 } as const;
const writing = (rep: Rep, system: SystemName, write: Partial<Pending> = {}): Rep =>
  at(rep, system, { pending: { ...WRITE, ...write } });

function reads(
  rep: Rep,
  system: SystemName,
  status: Status,
  automatic: AutomaticKind | null = null,
  more: Partial<Reading> = {},
): Classification {
  const reading = { status, automatic, native: "", startedTick: 9, startedAtMs: NOW_MS };
  return classify(rep, system, { ...reading, sequence: null, ...more }, POLICY);
}

const during = (rep: Rep): Rep => {
  const call = { source: PHONE, status: "InACall", tick: 6, sinceMs: 1, untilMs: 9e9 } as const;
  return { ...rep, holds: { [holdId("call")]: call } };
};
const showing = (rep: Rep, system: SystemName, status: Status, kind: AutomaticKind): Rep => {
  const overlay = { status, kind, tick: 6, intent: 5, atMs: 1, over: null, untilMs: null } as const;
  return at({ ...rep, overlays: { [system]: overlay } }, system, { seen: status });
};

describe("[R2] versions", () => {
  it("a source that gave none before is not stale, nor one that gives none now", () => {
    const rep = wanting("Busy", TEAMS);
    expect(reads(rep, DYNAMICS, "Away", null, { sequence: "1" })).not.toBe("stale");
    const versioned = at(rep, DYNAMICS, { sequence: "5" });
    expect(reads(versioned, DYNAMICS, "Away")).not.toBe("stale");
    expect(reads(versioned, DYNAMICS, "Away", null, { sequence: "4" })).toBe("stale");
  });
});

describe("[R3] [R5] a write that changes nothing", () => {
  it("is seen only after its answer: before, the same was there", () => {
    const rep = at(wanting("Busy", TEAMS), DYNAMICS, { seen: "Busy" });
    expect(reads(writing(rep, DYNAMICS), DYNAMICS, "Busy")).toBe("same");
    expect(reads(writing(rep, DYNAMICS, SETTLED), DYNAMICS, "Busy")).toBe("echo");
    const later = { startedTick: 7 };
    expect(reads(writing(rep, DYNAMICS, SETTLED), DYNAMICS, "Busy", null, later)).toBe("same");
  });
});

describe("[R4] the old state, after a write had its time", () => {
  it("in Dynamics, she or the engine put it back; or it is wanted again", () => {
    const rep = writing(wanting("Busy", TEAMS), DYNAMICS, SETTLED);
    expect(reads(rep, DYNAMICS, "Available")).toBe("choice");
    expect(reads(rep, DYNAMICS, "Available", "soft")).toBe("automatic");
    const again = writing(wanting("Available", TEAMS), DYNAMICS, SETTLED);
    expect(reads(again, DYNAMICS, "Available")).toBe("settled");
  });

  it("says nothing where the system was changed while the write was on its way", () => {
    for (const system of [TEAMS, DYNAMICS]) {
      const rep = writing(wanting("Busy", system), system, { ...SETTLED, overtaken: true });
      expect(reads(rep, system, "Available")).toBe("settled");
    }
  });

  it("[R7] is an earlier write of unknown outcome, where one shows the same", () => {
    const late = [
      { status: "Available", cover: "none", clears: false, expiresAtMs: NOW_MS + 1 },
    ] as const;
    const rep = at(writing(wanting("Busy", TEAMS), DYNAMICS, SETTLED), DYNAMICS, { late });
    expect(reads(rep, DYNAMICS, "Available")).toBe("late echo");
  });

  it("[R11] in Teams comes to light only where a withdrawal uncovers what Teams shows by itself", () => {
    const call = (write: Partial<Pending>): Rep =>
      at(writing(wanting("Away", DYNAMICS), TEAMS, { ...SETTLED, ...write }), TEAMS, {
        seen: "InACall",
      });
    const withdrawn = call({ withdraws: true });
    expect(reads(withdrawn, TEAMS, "InACall", "hold")).toBe("uncovered");
    expect(reads(withdrawn, TEAMS, "InACall")).toBe("absorbed");
    expect(reads(call({}), TEAMS, "InACall", "hold")).toBe("absorbed");
    const known = showing(withdrawn, TEAMS, "InACall", "hold");
    expect(reads(known, TEAMS, "InACall", "hold")).toBe("absorbed");
  });
});

describe("[R7] a write of unknown outcome that was set aside", () => {
  it("is what shows its class, and nothing else", () => {
    const late = [
      { status: "Busy", cover: "preferred", clears: false, expiresAtMs: NOW_MS + 1 },
    ] as const;
    const rep = at(wanting("Available", DYNAMICS), TEAMS, { late });
    expect(reads(rep, TEAMS, "Busy")).toBe("late echo");
    expect(reads(rep, TEAMS, "Away")).toBe("choice");
  });
});

describe("[R6] [R9] signed out", () => {
  const out = at(wanting("Busy", TEAMS), DYNAMICS, { seen: "Offline", absent: true });

  it("of Dynamics and back is a sign-in; Teams opened again is not", () => {
    expect(reads(out, DYNAMICS, "Available")).toBe("sign-in");
    expect(reads(out, DYNAMICS, "Offline")).toBe("absent");
    const closed = at(wanting("Busy", DYNAMICS), TEAMS, { seen: "Offline", absent: true });
    expect(reads(closed, TEAMS, "Available")).toBe("choice");
    expect(reads(closed, TEAMS, "Offline")).toBe("same");
  });

  it("shown Offline by us, and there all the same, is no absence to come back from", () => {
    const shown = at(out, DYNAMICS, { absent: false });
    expect(reads(shown, DYNAMICS, "Offline")).toBe("same");
    expect(reads(shown, DYNAMICS, "Available")).toBe("choice");
  });
});

describe("[R10] our cover in Teams has run out", () => {
  const cover = { cover: "preferred", covering: "Busy", seen: "Busy" } as const;
  const ended = (change: Partial<Endpoint> = {}): Rep =>
    at(wanting("Busy", DYNAMICS), TEAMS, { ...cover, leaseUntilMs: NOW_MS, ...change });

  it("when it shows as free or idle, at its end or later", () => {
    expect(reads(ended(), TEAMS, "Available")).toBe("lease ended");
    expect(reads(ended(), TEAMS, "Away")).toBe("lease ended");
    expect(reads(ended({ leaseUntilMs: NOW_MS - 1 }), TEAMS, "Away")).toBe("lease ended");
  });

  it.each<[string, Rep, Status, AutomaticKind | null, Classification]>([
    ["its end is not there", ended({ leaseUntilMs: NOW_MS + 1 }), "Away", null, "choice"],
    ["it has no end", ended({ leaseUntilMs: null }), "Away", null, "choice"],
    ["nothing of ours lies there", ended({ cover: "none" }), "Away", null, "choice"],
    ["hers lies over it", ended({ seen: "DoNotDisturb" }), "Away", null, "choice"],
    ["it shows something else", ended(), "DoNotDisturb", null, "choice"],
    ["Teams shows it by itself", ended(), "Away", "soft", "automatic"],
    [
      "it is the Offline of a shift end",
      ended({ covering: "Offline", seen: "Offline" }),
      "Available",
      null,
      "choice",
    ],
  ])("not when %s", (_what, rep, status, automatic, is) => {
    expect(reads(rep, TEAMS, status, automatic)).toBe(is);
  });
});

describe("[R17] what looked like our session", () => {
  const session = { cover: "session", status: "InACall", confirmed: true } as const;
  const seen = (write: Partial<Pending>): Rep =>
    at(writing(wanting("Available", DYNAMICS), TEAMS, { ...session, ...write }), TEAMS, {
      seen: "InACall",
      cover: "session",
      covering: "InACall",
    });

  it("and is gone before the answer, to what was there before, was hers", () => {
    expect(reads(during(seen({})), TEAMS, "Available")).toBe("unconfirmed");
  });

  it.each<[string, Partial<Pending>, Status]>([
    ["it was never seen", { confirmed: false }, "Available"],
    ["it was no session", { cover: "preferred" }, "Available"],
    ["something else is there than before", {}, "DoNotDisturb"],
    ["the write was answered before", { ackTick: 8, ackAtMs: NOW_MS }, "Available"],
  ])("is no call of hers if %s", (_what, write, status) => {
    expect(reads(during(seen(write)), TEAMS, status)).toBe("choice");
  });
});

describe("[R11] while we take our cover away", () => {
  const open = (write: Partial<Pending> = {}, status: Status = "Busy"): Rep =>
    at(
      writing(wanting(status, DYNAMICS), TEAMS, {
        status: "BeRightBack",
        withdraws: true,
        clears: false,
        ...write,
      }),
      TEAMS,
      { seen: "InACall", cover: "session", covering: "InACall" },
    );

  it("what Teams shows by itself comes to light, and Away, which may be an idle computer", () => {
    expect(reads(open(), TEAMS, "InAMeeting", "soft")).toBe("uncovered");
    expect(reads(open(), TEAMS, "Away")).toBe("uncovered");
    expect(reads(open(), TEAMS, "DoNotDisturb")).toBe("choice");
    expect(reads(open({ withdraws: false }), TEAMS, "Away")).toBe("choice");
  });

  it("Available does so only while nobody knows whether the withdrawal arrived", () => {
    expect(reads(open({ unknown: true }), TEAMS, "Available")).toBe("uncovered");
    expect(reads(open(), TEAMS, "Available")).toBe("choice");
    expect(reads(open({ unknown: true }), TEAMS, "DoNotDisturb")).toBe("choice");
    expect(reads(open({ unknown: true, withdraws: false }), TEAMS, "Available")).toBe("choice");
  });
});

describe("[R7] which late write explains a reading", () => {
  const write = { status: "Busy", cover: "preferred", clears: true, expiresAtMs: 99e6 } as const;
  const session = { cover: "session", covering: "InACall", seen: "InACall" } as const;
  const which = (known: Partial<Endpoint>, status: Status): number => {
    const { systems } = at(wanting("Busy", DYNAMICS), TEAMS, known);
    const reading = { status, automatic: null, native: "", startedTick: 9, startedAtMs: NOW_MS };
    const endpoint = systems[TEAMS];
    if (!endpoint) throw new Error("Teams is always there");
    return lateWriteOf(endpoint, { ...reading, sequence: null }, profileOf(POLICY, TEAMS));
  };

  it("is the one that was to show it, before any that was to take something away", () => {
    const shows = { ...write, status: "Available", cover: "none", clears: false } as const;
    expect(which({ ...session, late: [write, shows] }, "Available")).toBe(1);
    expect(which({ ...session, late: [write] }, "Available")).toBe(0);
  });

  it("takes away only what lies there, and that leaves her Available", () => {
    expect(which({ cover: "none", seen: "Away", late: [write] }, "Available")).toBe(-1);
    expect(which({ ...session, late: [write] }, "Away")).toBe(-1);
  });

  it("[R301] is none, where it explained just that before and it shows still", () => {
    const assumed = { ...write, clears: false, assumed: true } as const;
    expect(which({ seen: "Busy", late: [assumed] }, "Busy")).toBe(-1);
    expect(which({ seen: "Away", late: [assumed] }, "Busy")).toBe(0);
  });
});

describe("[R308] while nobody knows whether our session arrived", () => {
  const lost = { cover: "session", status: "InACall", unknown: true } as const;
  const rep = (seen: Status): Rep =>
    at(writing(during(wanting("Available", DYNAMICS)), TEAMS, lost), TEAMS, { seen });

  it("only a call that shows anew is doubtful", () => {
    expect(reads(rep("Available"), TEAMS, "InACall")).toBe("unconfirmed");
    expect(reads(rep("InACall"), TEAMS, "InACall")).toBe("same");
    expect(reads(rep("Available"), TEAMS, "DoNotDisturb")).toBe("choice");
  });
});

describe("[R310] she is back within the grace", () => {
  it("as she was only with the same status, whatever the system calls it now", () => {
    const left = { status: "Busy", native: "", untilMs: NOW_MS + 1 } as const;
    const gone = at(wanting("Busy", DYNAMICS), DYNAMICS, {
      seen: "Offline",
      absent: true,
      disconnected: left,
    });
    expect(reads(gone, DYNAMICS, "Busy")).toBe("returned");
    expect(reads(gone, DYNAMICS, "Away")).toBe("sign-in");
  });
});

describe("[R307] a call or a meeting that was given up", () => {
  const bare = (status: Status): Rep =>
    at(writing(wanting("Busy", DYNAMICS), TEAMS, { status, withdraws: true }), TEAMS, {
      seen: "BeRightBack",
    });

  it("is not there any more when our entry over it is gone, and nobody chose that", () => {
    for (const status of ["InACall", "InAMeeting"] as const) {
      expect(reads(bare(status), TEAMS, "Available")).toBe("uncovered");
      expect(reads(showing(bare(status), TEAMS, status, "soft"), TEAMS, "Available")).toBe(
        "automatic ended",
      );
    }
    expect(reads(bare("Busy"), TEAMS, "Available")).toBe("choice");
  });
});

describe("[R12] what a system shows by itself", () => {
  it("agrees where our cover explains it, and holds where nothing of ours lies", () => {
    const rep = during(wanting("Available", DYNAMICS));
    const ours = { cover: "session", covering: "InACall" } as const;
    expect(reads(rep, TEAMS, "InACall", "hold")).toBe("automatic");
    expect(reads(at(rep, TEAMS, ours), TEAMS, "InACall", "hold")).toBe("agrees");
    expect(reads(at(rep, TEAMS, ours), TEAMS, "DoNotDisturb", "hold")).toBe("automatic");
    const other = { ...ours, covering: "InAMeeting" } as const;
    expect(reads(at(rep, TEAMS, other), TEAMS, "InACall", "hold")).toBe("agrees");
  });
});

describe("[R14] what it should show", () => {
  it("agrees; under a call only where her own choice explains it", () => {
    const busy = wanting("Busy", TEAMS);
    expect(reads(busy, DYNAMICS, "Busy")).toBe("agrees");
    expect(reads(during(busy), DYNAMICS, "Busy")).toBe("agrees");
    expect(reads(during(wanting("Available", TEAMS)), DYNAMICS, "Busy")).toBe("choice");
  });
});

describe("[R113] [R115] a paused rep who does what we were about to do", () => {
  const pausedIn = (origin: SystemName): Rep => ({
    ...wanting("Busy", origin),
    paused: { by: "manager", sinceMs: 1 },
  });

  it("chose it: she takes our cover away in Teams", () => {
    const cover = { cover: "preferred", covering: "Busy", seen: "Busy" } as const;
    expect(reads(at(pausedIn(DYNAMICS), TEAMS, cover), TEAMS, "Available")).toBe("choice");
  });

  it("chose it: she puts her own presence back in Dynamics", () => {
    const own = { status: "Away", native: "lunch" } as const;
    const rep = at(pausedIn(TEAMS), DYNAMICS, { seen: "Busy", own });
    expect(reads(rep, DYNAMICS, "Away")).toBe("choice");
  });
});

describe("[R15] a choice that crosses a command", () => {
  it("gives way to it while it is young, for a command shows nowhere by itself", () => {
    const rep = wanting("Busy", PHONE);
    const young = { ...rep, base: { ...rep.base, atMs: NOW_MS } };
    expect(reads(young, TEAMS, "Away")).toBe("outranked");
    expect(reads(rep, TEAMS, "Away")).toBe("choice");
  });
});
