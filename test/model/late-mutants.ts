import type { Mutant } from "./mutant.ts";

/** Shortcuts in telling our own late writes from what she and the systems do. */
export const LATE_MUTANTS: readonly Mutant[] = [
  {
    name: "R301 a write of which one half was seen has no other",
    edits: [
      {
        file: "delivery.ts",
        find: "late: arrived ? lateHalf(endpoint, pending, policy) : endpoint.late,",
        replace: "",
      },
    ],
    killedBy: {
      scenario:
        "[R301] unversioned 246: what a write was to take away comes after all, though its other half was seen",
    },
  },
  {
    name: "R300 time alone ends what a late write may explain",
    edits: [
      {
        file: "observe.ts",
        find: "  if (hides(system, reading, policy)) return rep;\n",
        replace: "",
      },
    ],
    killedBy: {
      scenario:
        "[R300] unversioned 106: what lies behind a closed client is found there hours later, and taken back",
    },
  },
  {
    name: "R301 what still shows proves that a late write arrived",
    edits: [
      {
        file: "observe.ts",
        find: "[{ ...write, assumed: true as const }]",
        replace: "[]",
      },
    ],
    killedBy: {
      scenario: "[R301] unversioned 1515: a session that an older write takes away is no choice",
    },
  },
  {
    name: "R302 what Dynamics does by itself may be a late write",
    edits: [
      {
        file: "classify.ts",
        find: "  return automatic !== null && !absorbing;\n",
        replace: "  return automatic !== null && !absorbing && absorbing;\n",
      },
    ],
    killedBy: {
      scenario: "[R302] network 220: Available after a conversation is not an old write of ours",
    },
  },
  {
    name: "R303 a call where our preferred status lay agrees",
    edits: [
      {
        file: "classify.ts",
        find: `coverOf(endpoint) === "session" && (n`,
        replace: `endpoint.cover !== "none" && (n`,
      },
    ],
    killedBy: {
      scenario:
        "[R303] rush 2226: a call that replaces our preferred status is hers, reported or not",
    },
  },
  {
    name: "R304 what a withdrawal lays bare explains whatever shows",
    edits: [
      {
        file: "classify.ts",
        find: "pending?.withdraws && reading.automatic !== null && rep.overlays[system]?.status !== n;",
        replace: "false;",
      },
    ],
    killedBy: {
      scenario:
        "[R11] network 14: a call beneath our session shows although a meeting was seen before",
    },
  },
  {
    name: "R306 our session shows only while it is wanted",
    edits: [
      {
        file: "classify.ts",
        find: "(n === target || n === endpoint.covering)",
        replace: "n === target",
      },
    ],
    killedBy: {
      scenario:
        "[R306] hours 1138: our own session that comes to light when the call is over is no call of hers",
    },
  },
  {
    name: "R306 what agrees leaves our session beneath it",
    edits: [
      {
        file: "resolve.ts",
        find: `  if (wanted === "preferred" && cover === "session") return false;\n`,
        replace: "",
      },
    ],
    killedBy: {
      scenario: "[R306] everything 367: a choice that agrees does not leave our session beneath it",
    },
  },
  {
    name: "R111 who fights is not remembered",
    edits: [
      {
        file: "fight.ts",
        find: "const by = reading.by ?? fight.by;",
        replace: "const by = reading.by ?? null;",
      },
    ],
    killedBy: { scenario: "[R111] who fights is remembered" },
  },
  {
    name: "R115 resuming asks for nothing",
    edits: [
      {
        file: "pause.ts",
        find: "  return intend({ ...rep, paused: pause }, { kind",
        replace:
          "  if (!pause) return { ...rep, paused: pause };\n  return intend({ ...rep, paused: pause }, { kind",
      },
    ],
    killedBy: { setting: { acts: 1, pauses: 1 }, invariant: "P1 convergence" },
  },
  {
    name: "R117 a renewed entry hides since it was renewed",
    edits: [
      {
        file: "observe.ts",
        find: `coveredSinceMs: cover === "none" ? pending.sentAtMs : coveredSinceMs`,
        replace: `coveredSinceMs: coveredSinceMs < 0 ? 0 : pending.sentAtMs`,
      },
    ],
    killedBy: { scenario: "[R117] a renewed entry hides since it was first set" },
  },
  {
    name: "R118 a manual status gives way to nothing",
    edits: [
      {
        file: "resolve.ts",
        find: "return endpointOf(rep, system).tried < base.intent;",
        replace: "return false;",
      },
    ],
    killedBy: { setting: { acts: 2 }, invariant: "P1 convergence" },
  },
  {
    name: "R58 a shift end during a call is dropped",
    edits: [
      {
        file: "event.ts",
        find: `return choose(rep, choice, cause("shift", "Offline"), policy);`,
        replace: `return Object.keys(rep.holds).length > 0 ? rep : choose(rep, choice, cause("shift", "Offline"), policy);`,
      },
    ],
    killedBy: { scenario: "[R58] a shift end during a call applies when it is over" },
  },
  {
    name: "R322 one click lifts whatever she chose since",
    edits: [{ file: "event.ts", find: "event.choice === rep.base.intent", replace: "true" }],
    killedBy: { scenario: "[R322] a choice that she made since is not lifted" },
  },
];
