import type { Mutant } from "./mutant.ts";

const DISCONNECTED = "R310 a lost connection is no sign-out";

/** One for each thing that a lost connection to Dynamics needs. */
export const DISCONNECT_MUTANTS: readonly Mutant[] = [
  {
    name: "R310 a lost connection takes back what she chose",
    edits: [
      {
        file: "attendance.ts",
        find: "if (disconnected && reading.startedAtMs < disconnected.untilMs) return gone;",
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 1, flaps: 1 }, invariant: DISCONNECTED },
  },
  {
    name: "R310 coming back as she was is signing in",
    edits: [
      {
        file: "classify.ts",
        find: "return disconnected.status === reading.status &&",
        replace: "return disconnected.status !== reading.status &&",
      },
    ],
    killedBy: { setting: { acts: 0, flaps: 1 }, invariant: DISCONNECTED },
  },
  {
    name: "R310 who stays away is never signed out",
    edits: [
      {
        file: "plan.ts",
        find: "endAbsences(expire(before, policy, nowMs), policy, nowMs)",
        replace: "expire(before, policy, nowMs)",
      },
    ],
    killedBy: {
      setting: { acts: 1, flaps: 1, concurrent: false },
      invariant: "P7 her choice stands",
    },
  },
  {
    name: "R310 what was decided while she was gone is not written",
    edits: [
      {
        file: "attendance.ts",
        find: "return agrees ? next : reassert(next, system, reading);",
        replace: "return agrees ? next : next;",
      },
    ],
    killedBy: { setting: { acts: 0, holds: 1, flaps: 1 }, invariant: "P1 convergence" },
  },
  {
    name: "R310 what fell into the gap was taken back by her",
    edits: [
      {
        file: "attendance.ts",
        find: `    health: "ok",\n    pending: pending && { ...pending, overtaken: true },\n`,
        replace: `    health: "ok",\n    pending,\n`,
      },
    ],
    killedBy: { scenario: "a write that fell into a lost connection was not taken back by her" },
  },
  {
    name: "R51 whoever was gone for a moment is not written to again",
    edits: [
      {
        file: "delivery.ts",
        find: "const isFinal = endpoint.refused?.intent === intent;",
        replace: "const isFinal = true;",
      },
    ],
    killedBy: { setting: { acts: 1, flaps: 1, refuses: true }, invariant: "P1 convergence" },
  },
  {
    name: "R51 a refused write is tried again before anybody looks",
    edits: [
      {
        file: "plan.ts",
        find: "const sinceTick = refused?.tick ?? rep.intentTick;",
        replace: "const sinceTick = rep.intentTick;",
      },
    ],
    killedBy: { setting: { acts: 1, flaps: 1, refuses: true }, invariant: "P1 convergence" },
  },
  {
    name: "R51 a refused write is tried again for ever",
    edits: [
      {
        file: "delivery.ts",
        find: "const isFinal = endpoint.refused?.intent === intent;",
        replace: "const isFinal = endpoint.refused?.intent === null;",
      },
    ],
    killedBy: { scenario: "[R51] what Dynamics refuses twice is not tried again" },
  },
  {
    name: "R310 a write that arrived before she was gone is forgotten",
    edits: [
      {
        file: "attendance.ts",
        find: "pending.unknown || (settled && endpointOf(rep, system).disconnected)",
        replace: "pending.unknown",
      },
    ],
    killedBy: { setting: { acts: 0, holds: 1, flaps: 1 }, invariant: DISCONNECTED },
  },
];
