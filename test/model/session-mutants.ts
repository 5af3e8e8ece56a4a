import type { Mutant } from "./mutant.ts";

const TAKEN =
  "[R356] a session that was not taken away is taken by every withdrawal, while it may last";
const P3 = "P3 no intent without a cause";

/** Shortcuts in telling our session, which looks like a call, from a call of hers. */
export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    name: "R356 a withdrawal that was accepted has taken our session away",
    edits: [
      {
        file: "delivery.ts",
        find: "cover: pending.withdraws ? endpoint.cover : pending.cover,\n        covering: pending.withdraws ? endpoint.covering : pending.status,\n        coveredSinceMs",
        replace:
          "...(pending.withdraws ? { sessionUntilMs: 0 } : {}),\n        cover: pending.withdraws ? endpoint.cover : pending.cover,\n        covering: pending.withdraws ? endpoint.covering : pending.status,\n        coveredSinceMs",
      },
    ],
    killedBy: {
      setting: { acts: 0, holds: 1, absorptions: 1 },
      invariant: "R356 no session is forgotten",
    },
  },
  {
    name: "R356 a session that does not show is not there",
    edits: [
      {
        file: "plan.ts",
        find: "session: sessionUntilMs > nowMs,",
        replace: `session: from === "session",`,
      },
    ],
    killedBy: { scenario: TAKEN },
  },
  {
    name: "R308 a call that shows proves a session of unknown outcome",
    edits: [
      {
        file: "classify.ts",
        find: `if (isDoubtful(endpoint, n)) return "unconfirmed";`,
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 0, holds: 1, calls: 1, losses: 1 }, invariant: P3 },
  },
  {
    name: "R308 a call that showed before the answer was lost proves our session",
    edits: [
      {
        file: "delivery.ts",
        find: `const doubtful = pending.confirmed && pending.cover === "session";`,
        replace: "const doubtful = false;",
      },
    ],
    killedBy: { setting: { acts: 0, holds: 1, calls: 1, losses: 1 }, invariant: P3 },
  },
  {
    name: "R307 what lies bare where a call was is a choice",
    edits: [
      {
        file: "classify.ts",
        find: "(pending.unknown || isBare(rep, system, pending))",
        replace: "pending.unknown",
      },
    ],
    killedBy: { scenario: "[R307] a call that was given up does not come to light" },
  },
  {
    name: "R307 a call lies beneath a closed client for ever",
    edits: [
      {
        file: "attendance.ts",
        find: "(status === covering || !isChosen(status))",
        replace: "status === covering",
      },
    ],
    killedBy: { scenario: "[R307] a call that was given up does not wait behind a closed client" },
  },
  {
    name: "R309 nobody but the engine ends Inactive",
    edits: [
      {
        file: "overlay.ts",
        find: `overlay?.status === "Away" && !absorbing`,
        replace: "false",
      },
    ],
    killedBy: { scenario: "[R309] what follows Inactive is her choice" },
  },
];
