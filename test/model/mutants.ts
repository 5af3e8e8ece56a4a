import { DISCONNECT_MUTANTS } from "./disconnect-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { LATE_MUTANTS } from "./late-mutants.ts";
import { PIECE_MUTANTS } from "./piece-mutants.ts";
import { RULE_MUTANTS } from "./rule-mutants.ts";
import { SESSION_MUTANTS } from "./session-mutants.ts";

const P1 = "P1 convergence";
const P2 = "P2 bounded writes";
const P3 = "P3 no intent without a cause";
const P9 = "P9 one write at a time";
const FRESH = "a write follows a fresh read";

/** Every shortcut that the checks must catch: M1 to M12 of the protocol, and one for each rule added since. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "M1 no echo rule (R3)",
    edits: [
      {
        file: "classify.ts",
        find: "if (explains && (seen !== n || isAnswered(pending, reading))) {",
        replace: "if (explains && seen === null) {",
      },
    ],
    killedBy: { setting: { acts: 2 }, invariant: P3 },
  },
  {
    name: "M2 assume applied on acknowledgement (R50)",
    edits: [
      {
        file: "delivery.ts",
        find: "pending: sure ? null : { ...pending, ackTick: tick, ackAtMs: nowMs },",
        replace: "pending: null, seen: pending.status,",
      },
    ],
    killedBy: { setting: { acts: 1, lagging: true }, invariant: P3 },
  },
  {
    name: "M3 accept stale reads (R2)",
    edits: [
      {
        file: "classify.ts",
        find: `  if (isStale(endpoint, reading)) return "stale";\n`,
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 1, readsInFlight: 2 }, invariant: P3 },
  },
  {
    name: "M4 overlapping writes (R30)",
    edits: [
      {
        file: "plan.ts",
        find: "if (pending && !pending.unknown) {",
        replace: "if (pending && !pending.unknown && endpoint.tried >= rep.intent) {",
      },
    ],
    killedBy: { setting: { acts: 2 }, invariant: P9 },
  },
  {
    name: "M5 pending write not durable (R54)",
    edits: [
      {
        file: "delivery.ts",
        find: `next = deliver(next, name, pending.intent, "unknown", policy, nowMs);`,
        replace: "next = withEndpoint(next, name, { pending: null, tried: pending.intent - 1 });",
      },
    ],
    killedBy: { setting: { acts: 2, crashes: 1 }, invariant: P3 },
  },
  {
    name: "M6 forget unknown outcomes (R53)",
    edits: [
      {
        file: "delivery.ts",
        find: "pending: arrived ? null : { ...pending, unknown: true, confirmed: false },",
        replace: "pending: null,",
      },
    ],
    killedBy: { setting: { acts: 2, losses: 1 }, invariant: P3 },
  },
  {
    name: "M7 no settling time for a lagging reader (R4)",
    edits: [
      {
        file: "classify.ts",
        find: "reading.startedAtMs >= pending.ackAtMs + settleMs",
        replace: "settleMs >= 0",
      },
    ],
    killedBy: { setting: { acts: 1, lagging: true }, invariant: P3 },
  },
  {
    name: "M8 an absorbed write is a choice of hers (R4)",
    edits: [
      {
        file: "classify.ts",
        find: "    if (!profile.absorbing) return n",
        replace: "    return n",
      },
    ],
    killedBy: { setting: { acts: 1, absorptions: 1 }, invariant: P3 },
  },
  {
    name: "M9 an echo of a superseded write is not written over (R7)",
    edits: [
      {
        file: "observe.ts",
        find: "tried: pending.intent < rep.intent ? Math.min(tried, rep.intent - 1) : pending.intent,",
        replace: "tried: Math.max(tried, pending.intent),",
      },
      {
        file: "delivery.ts",
        find: "Math.min(endpoint.tried, pending.intent < rep.intent ? rep.intent - 1 : rep.intent)",
        replace: "endpoint.tried",
      },
    ],
    killedBy: { setting: { acts: 2 }, invariant: P1 },
  },
  {
    name: "M10 a revert in Dynamics is never noticed (R4)",
    edits: [
      {
        file: "classify.ts",
        find: `return n === target ? "settled" : change;`,
        replace: `return "settled";`,
      },
    ],
    killedBy: { setting: { acts: 2 }, invariant: P1 },
  },
  {
    name: "M11 no read before a write (R34)",
    edits: [
      {
        file: "plan.ts",
        find: "endpoint.readTick < sinceTick || endpoint.seen === null",
        replace: "endpoint.seen === null",
      },
    ],
    killedBy: { setting: { acts: 1 }, invariant: FRESH },
  },
  {
    name: "M12 retry at every reconciliation (R32)",
    edits: [
      {
        file: "plan.ts",
        find: `  if (endpoint.tried >= rep.intent && !pending && !renewal) return { kind: "nothing" };\n`,
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 1, absorptions: 2 }, invariant: P2 },
  },
  ...RULE_MUTANTS,
  ...PIECE_MUTANTS,
  ...SESSION_MUTANTS,
  ...DISCONNECT_MUTANTS,
  ...LATE_MUTANTS,
];
