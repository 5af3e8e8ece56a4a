import type { Mutant } from "./mutant.ts";
import { DYNAMICS, PHONE, type Setting, TEAMS } from "./setting.ts";

const P1 = "P1 convergence";
const P13 = "P13 protection";

const FREE_OR_BUSY = ["Available", "Busy"] as const;
const THREE: Partial<Setting> = {
  systems: [TEAMS, DYNAMICS, PHONE],
  choices: { [TEAMS]: FREE_OR_BUSY, [DYNAMICS]: FREE_OR_BUSY, [PHONE]: FREE_OR_BUSY },
};

/** One or more for each piece of the explorer: without that piece (`spared`) nobody would notice them. */
export const PIECE_MUTANTS: readonly Mutant[] = [
  {
    name: "three systems: the third is never looked after",
    edits: [
      {
        file: "plan.ts",
        find: "return [...policy.systems].sort((a, b) => Number(a.releasesLast) - Number(b.releasesLast));",
        replace:
          "return [...policy.systems].sort((a, b) => Number(a.releasesLast) - Number(b.releasesLast)).filter(({ name }) => name !== policy.systems[2]?.name);",
      },
    ],
    killedBy: { setting: { ...THREE, acts: 1 }, spared: { acts: 1 }, invariant: P1 },
  },
  {
    name: "time to live: a hold without heartbeat never ends (R57)",
    edits: [{ file: "intent.ts", find: "if (hold.untilMs > nowMs)", replace: "if (nowMs >= 0)" }],
    killedBy: {
      setting: { acts: 0, holds: 1, ttl: true },
      spared: { acts: 0, holds: 1 },
      invariant: "R57 a hold ends",
    },
  },
  {
    name: "overlapping holds: the time of one ends all (R57)",
    edits: [
      {
        file: "intent.ts",
        find: "next = releaseHold(next, id, {",
        replace: "next = releaseHold({ ...next, holds: { [id]: hold } }, id, {",
      },
    ],
    killedBy: {
      setting: { acts: 0, holds: 2, ttl: true, renewals: 1 },
      spared: { acts: 0, holds: 1, ttl: true, renewals: 1 },
      invariant: P13,
    },
  },
  {
    name: "calls of different strengths: the first one wins (R20)",
    edits: [
      {
        file: "resolve.ts",
        find: "if (!top || strength(candidate.status) > strength(top.status)) top = candidate;",
        replace: "top ??= candidate;",
      },
    ],
    killedBy: {
      setting: { acts: 0, holds: 2, strengths: true },
      spared: { acts: 0, holds: 2 },
      invariant: "R20 the strongest call wins",
    },
  },
  {
    name: "shift end: during a call it hides the call (R20)",
    edits: [
      {
        file: "resolve.ts",
        find: "  let top = null as Top | null;\n",
        replace: `  if (rep.base.status === "Offline") return null;\n  let top = null as Top | null;\n`,
      },
    ],
    killedBy: {
      setting: { acts: 0, holds: 1, shifts: 1 },
      spared: { acts: 0, holds: 1 },
      invariant: P13,
    },
  },
  {
    name: "command: it lies over a call (R20)",
    edits: [
      {
        file: "resolve.ts",
        find: "  let top = null as Top | null;\n",
        replace: "  if (rep.base.before) return null;\n  let top = null as Top | null;\n",
      },
    ],
    killedBy: {
      setting: { acts: 0, holds: 1, commands: 1 },
      spared: { acts: 0, holds: 1 },
      invariant: P13,
    },
  },
  {
    name: "command: it is an opinion (R119)",
    edits: [
      {
        file: "event.ts",
        find: `return choose(freed, choice, cause("command", event.status), policy);`,
        replace: `return rep.base.origin === null ? choose(freed, choice, cause("command", event.status), policy) : freed;`,
      },
    ],
    killedBy: {
      setting: { acts: 0, commands: 2 },
      spared: { acts: 0, holds: 1 },
      invariant: "R119 a command stands",
    },
  },
  {
    name: "two instances: what the other has under way is lost (R305)",
    edits: [
      {
        file: "../controller/takeover.ts",
        find: "  return completed(\n    stored,\n    policy.systems.map(({ name }) => name),\n  );",
        replace: "  return recover(completed(stored, []), policy, 0);",
      },
    ],
    killedBy: {
      setting: { acts: 1, instances: 2 },
      spared: { acts: 2 },
      invariant: "P9 one write at a time",
    },
  },
];
