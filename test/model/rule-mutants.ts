import type { Mutant } from "./mutant.ts";
import { DYNAMICS, type Setting, TEAMS } from "./setting.ts";

const AVAILABLE_OR_BUSY: Setting["choices"] = {
  [TEAMS]: ["Available", "Busy"],
  [DYNAMICS]: ["Available", "Busy"],
};

const P1 = "P1 convergence";
const P3 = "P3 no intent without a cause";
const P7 = "P7 her choice stands";
const LEFT_ALONE = "R114 a paused rep is left alone";
const P13 = "P13 protection";
const BUDGET = "P2 write budget";
const SIGN_OUT = "a sign-out writes nothing there";
const CLOSED = "a closed client hides nobody";

/** One or more for each rule that the protocol needed beyond its first twelve shortcuts. */
export const RULE_MUTANTS: readonly Mutant[] = [
  {
    name: "R56 releasing one of two overlapping holds releases all",
    edits: [{ file: "intent.ts", find: "holds: without(rep.holds, id)", replace: "holds: {}" }],
    killedBy: { setting: { acts: 0, holds: 2 }, invariant: P13 },
  },
  {
    name: "R21 a meeting beats a later choice",
    edits: [
      {
        file: "resolve.ts",
        find: "rep.base.origin === system || overlay.tick > rep.base.tick",
        replace: "overlay.tick >= 0",
      },
    ],
    killedBy: { scenario: "a choice made after a meeting began counts" },
  },
  {
    name: "R24 write over what the system shows by itself",
    edits: [
      { file: "resolve.ts", find: "  if (top.system === system) return null;\n", replace: "" },
    ],
    killedBy: { scenario: "a meeting in Teams is left alone in Teams" },
  },
  {
    name: "R312 a meeting beneath our entry is older than every choice",
    edits: [
      {
        file: "overlay.ts",
        find: `reading.automatic === "soft" && rep.base.atMs > coveredSinceMs`,
        replace: `reading.automatic === "soft" && coveredSinceMs >= 0`,
      },
    ],
    killedBy: {
      scenario: "[R312] a meeting that began beneath our entry protects her when it comes to light",
    },
  },
  {
    name: "R314 a session that arrived in half leaves our entry over it",
    edits: [
      {
        file: "plan.ts",
        find: "const rep = withCut(before, name);",
        replace: "const rep = before;",
      },
    ],
    killedBy: { scenario: "[R314] a session that was cut in half still takes our entry away" },
  },
  {
    name: "R315 her choice lies beneath our session, whatever replaced it",
    edits: [{ file: "resolve.ts", find: "? endpoint.own === null", replace: "? true" }],
    killedBy: { scenario: "[R315] what replaced her choice is put back after a call" },
  },
  {
    name: "R311 what Dynamics counts covers Teams whatever the policy says",
    edits: [
      {
        file: "resolve.ts",
        find: "keepsToItself?.includes(top.status) ? null : top",
        replace: "keepsToItself?.includes(top.status) ? top : top",
      },
    ],
    killedBy: {
      scenario: "[R311] a call is seen where what Dynamics counts by itself is not shown in Teams",
    },
  },
  {
    name: "R25 automation replaces what she chose there",
    edits: [
      {
        file: "resolve.ts",
        find: "rep.base.origin === system && !isRoutable(base)",
        replace: "false && isRoutable(base)",
      },
    ],
    killedBy: { scenario: "a meeting does not replace what she chose in Dynamics" },
  },
  {
    name: "R26 a call replaces a stronger base in the target's own terms",
    edits: [{ file: "resolve.ts", find: "return join(over, base);", replace: "return over;" }],
    killedBy: { scenario: "a call does not weaken DoNotDisturb in Dynamics" },
  },
  {
    name: "R36 Dynamics is released before Teams was read",
    edits: [
      {
        file: "plan.ts",
        find: "if (!profile.releasesLast || !releases) return false;",
        replace: "if (profile) return releases === null;",
      },
    ],
    killedBy: { setting: { acts: 0, holds: 1 }, invariant: P13 },
  },
  {
    name: "R36 a system that was never read does not hold the release back",
    edits: [
      {
        file: "plan.ts",
        find: "return pending !== null || tried < rep.intent;",
        replace:
          "return endpointOf(rep, other.name).seen !== null && (pending !== null || tried < rep.intent);",
      },
    ],
    killedBy: { setting: { acts: 0, holds: 1, cold: true }, invariant: P13 },
  },
  {
    name: "R35 clear a manual status that she put over ours",
    edits: [
      {
        file: "resolve.ts",
        find: `return cover === "preferred" && covering !== seen ? "none" : cover;`,
        replace: "return covering === seen ? cover : cover;",
      },
      {
        file: "choice.ts",
        find: "    shown: pending ? shown : rep.intent,\n    ...coverBeneath(endpointOf(rep, system), reading),\n",
        replace: "    shown: pending ? shown : rep.intent,\n",
      },
    ],
    killedBy: { scenario: "a manual status of hers that agreed with ours is not ours to clear" },
  },
  {
    name: "R17 a call before our session was answered is our session",
    edits: [
      {
        file: "classify.ts",
        find: `  if (isUnconfirmed(pending, n, reading)) return "unconfirmed";\n`,
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 0, calls: 1, holds: 1 }, invariant: P3 },
  },
  {
    name: "R7 late writes are a set",
    edits: [
      {
        file: "observe.ts",
        find: "late: late.toSpliced(landed, 1, ...remains),",
        replace: "late: late.filter((write) => write.status !== reading.status),",
      },
    ],
    killedBy: {
      setting: { choices: AVAILABLE_OR_BUSY, acts: 2, losses: 1, zombies: 1 },
      invariant: P3,
    },
  },
  {
    name: "R4 what she changed meanwhile says something about our write",
    edits: [
      {
        file: "classify.ts",
        find: `    if (pending.overtaken) return "settled";\n`,
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 1, calls: 1, meetings: 1 }, invariant: P3 },
  },
  {
    name: "R3 what was read after the answer to a write takes its echo away",
    edits: [
      {
        file: "choice.ts",
        find: "pending: pending && { ...pending, overtaken: true },",
        replace: "pending: pending?.ackTick == null ? pending : null,",
      },
    ],
    killedBy: { setting: { acts: 2, lagging: true }, invariant: P3 },
  },
  {
    name: "R10 the end of our lease is a choice of hers",
    edits: [
      {
        file: "classify.ts",
        find: `  if (leaseRanOut(endpoint, reading)) return "lease ended";\n`,
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 1, leases: true, epochs: 3 }, invariant: P3 },
  },
  {
    name: "R37 the budget is not enforced",
    edits: [
      {
        file: "plan.ts",
        find: "return protects ? left > 0 : left > 1 && rep.heldUntilMs <= nowMs;",
        replace: "return left > -100;",
      },
    ],
    killedBy: { setting: { acts: 2, epochs: 1, writesPerMinute: 1 }, invariant: BUDGET },
  },
  {
    name: "R37 the last write of the budget goes to anybody",
    edits: [
      {
        file: "plan.ts",
        find: "left > 1 && rep.heldUntilMs",
        replace: "left > 0 && rep.heldUntilMs",
      },
    ],
    killedBy: { setting: { acts: 2, epochs: 1, writesPerMinute: 1 }, invariant: BUDGET },
  },
  {
    name: "R110 a fight is fed",
    edits: [
      {
        file: "plan.ts",
        find: "if (!told && (rep.fight || !mayWrite",
        replace: "if (!told && (!mayWrite",
      },
      {
        file: "plan.ts",
        find: "if (!rep.fight && rep.heldUntilMs <= nowMs) {",
        replace: "if (rep.heldUntilMs <= nowMs) {",
      },
    ],
    killedBy: {
      setting: { acts: 3, epochs: 1, fightChanges: 2 },
      invariant: "P2 a fight is not fed",
    },
  },
  {
    name: "R119 a command never ends",
    edits: [{ file: "intent.ts", find: "base.untilMs <= nowMs", replace: "base.untilMs < 0" }],
    killedBy: { scenario: "[R119] a command that has an end gives way to what was chosen before" },
  },
  {
    name: "R113 a paused rep is written to",
    edits: [
      {
        file: "resolve.ts",
        find: "  if (rep.paused) return pausedTarget(rep, system, policy);\n",
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 1, pauses: 1 }, invariant: LEFT_ALONE },
  },
  {
    name: "R114 what we set in Dynamics stays there",
    edits: [
      { file: "resolve.ts", find: "return endpoint.own?.status ?? null;", replace: "return null;" },
    ],
    killedBy: { setting: { acts: 1, pauses: 1 }, invariant: LEFT_ALONE },
  },
  {
    name: "R114 pausing releases Dynamics under a call",
    edits: [
      {
        file: "resolve.ts",
        find: `rep.overlays[system] || topOf(rep)?.kind === "hold"`,
        replace: "rep.overlays[system]",
      },
    ],
    killedBy: { setting: { acts: 0, holds: 1, pauses: 1 }, invariant: P13 },
  },
  {
    name: "R112 a fight never ends",
    edits: [
      { file: "fight.ts", find: "endsMs !== null && endsMs <= nowMs", replace: "endsMs === null" },
    ],
    killedBy: {
      scenario:
        "[R110] [R111] [R112] another automation is not fed, is named, and is left behind when it stops",
    },
  },
  {
    name: "R14 a choice hidden under a call agrees",
    edits: [
      {
        file: "classify.ts",
        find: "n === target && isExplained(rep, system, n, policy)",
        replace: "n === target",
      },
    ],
    killedBy: { setting: { acts: 1, calls: 1 }, invariant: P7 },
  },
  {
    name: "R9 the default presence of a sign-in beats a protecting status",
    edits: [
      {
        file: "attendance.ts",
        find: "if (!guarded) return chosen(",
        replace: "if (cause) return chosen(",
      },
    ],
    killedBy: { setting: { acts: 1, signOuts: 1, concurrent: false }, invariant: P7 },
  },
  {
    name: "R33 a sign-out is ignored",
    edits: [
      {
        file: "plan.ts",
        find: `  if (endpoint.absent && profile.absence === "withdraws") return { kind: "absent" };\n`,
        replace: "",
      },
    ],
    killedBy: { setting: { acts: 1, signOuts: 1 }, invariant: SIGN_OUT },
  },
  {
    name: "R6 a closed client is a choice of Offline",
    edits: [
      {
        file: "classify.ts",
        find: `  if (n === "Offline") return "absent";\n  if (seen === null)`,
        replace: "  if (seen === null)",
      },
    ],
    killedBy: { setting: { acts: 0, closings: 1 }, invariant: P3 },
  },
  {
    name: "R6 closing Teams takes her choice back",
    edits: [
      {
        file: "attendance.ts",
        find: `  if (profile.absence === "ignored") {`,
        replace: `  if (profile.name === "") {`,
      },
    ],
    killedBy: { setting: { acts: 1, closings: 1 }, invariant: P3 },
  },
  {
    name: "R6 signing out of Dynamics means Offline everywhere",
    edits: [
      {
        file: "attendance.ts",
        find: `baseOf({ status: "Available"`,
        replace: `baseOf({ status: "Offline"`,
      },
    ],
    killedBy: { setting: { acts: 1, signOuts: 1 }, invariant: CLOSED },
  },
  {
    name: "R6 a write into a closed client is forgotten",
    edits: [
      {
        file: "attendance.ts",
        find: "settled ? beneath(rep, system, pending) : rep;",
        replace: "settled ? withEndpoint(rep, system, { pending: null }) : rep;",
      },
    ],
    killedBy: { setting: { acts: 2, closings: 1 }, invariant: P1 },
  },
  {
    name: "R13 a call that was given up is never seen again",
    edits: [
      {
        file: "intent.ts",
        find: "const seen = last === overlay.status ? (overlay.over ?? last) : last;",
        replace: "const seen = last;",
      },
    ],
    killedBy: {
      scenario: "a call that goes on after a long silence of its client still protects her",
    },
  },
  {
    name: "R36 an old read that agrees releases Dynamics",
    edits: [
      {
        file: "choice.ts",
        find: "if (pending || !isFresh) return next;",
        replace: "if (pending) return isFresh ? next : { ...next };",
      },
    ],
    killedBy: { setting: { acts: 1, commands: 1 }, invariant: P13 },
  },
  {
    name: "R8 what a call hid at the first read is a choice when it ends",
    edits: [
      {
        file: "overlay.ts",
        find: "if (overlay?.over === null) return firstSight(intend(bare, cause), system, reading, policy);\n",
        replace: "\n",
      },
    ],
    killedBy: { setting: { acts: 1, calls: 1, cold: true }, invariant: P7 },
  },
];
