import type { Mutant } from "./mutant.ts";

const P3 = "P3 no intent without a cause";

/** Shortcuts in telling our session, which looks like a call, from a call of hers. */
export const SESSION_MUTANTS: readonly Mutant[] = [
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
