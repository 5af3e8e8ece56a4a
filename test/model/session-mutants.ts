import type { Mutant } from "./mutant.ts";

/** Shortcuts in telling our session, which looks like a call, from a call of hers. */
export const SESSION_MUTANTS: readonly Mutant[] = [
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
];
