import type { Status } from "../../src/presence/status.ts";
import { BASE_SETTING, DYNAMICS, PHONE, type Setting, TEAMS } from "./setting.ts";

/** A setting together with how much of it is explored; a bounded one need not be complete. */
export type Exploring = { readonly setting: Setting; readonly maxStates: number };

const AVAILABLE_OR_BUSY: readonly Status[] = ["Available", "Busy"];
const THREE_SYSTEMS = {
  systems: [TEAMS, DYNAMICS, PHONE],
  choices: {
    [TEAMS]: AVAILABLE_OR_BUSY,
    [DYNAMICS]: AVAILABLE_OR_BUSY,
    [PHONE]: AVAILABLE_OR_BUSY,
  },
};

function exploring(change: Partial<Setting>, maxStates: number): Exploring {
  const knobs = Object.entries(change).flatMap(([knob, value]) => {
    if (knob === "systems") return ["three systems"];
    if (knob === "choices") return [];
    return [
      typeof value === "boolean"
        ? `${value ? "" : "not "}${knob}`
        : `${knob} ${JSON.stringify(value)}`,
    ];
  });
  return { setting: { ...BASE_SETTING, ...change, name: knobs.join(", ") }, maxStates };
}

const COMPLETE = 10_000_000;

/** Explored by every `npm test`: about a minute. Small worlds completely, larger ones breadth first up to a bound. */
export const EVERY_RUN: readonly Exploring[] = [
  exploring({ acts: 2 }, COMPLETE),
  exploring({ acts: 2, readsInFlight: 2 }, COMPLETE),
  exploring({ acts: 2, losses: 1 }, COMPLETE),
  exploring({ acts: 2, crashes: 1 }, COMPLETE),
  exploring({ acts: 2, unknowns: 1 }, COMPLETE),
  exploring({ acts: 2, lagging: true }, COMPLETE),
  exploring({ acts: 2, absorptions: 1 }, COMPLETE),
  exploring({ acts: 1, losses: 1, zombies: 1 }, COMPLETE),
  exploring({ acts: 2, cold: true }, COMPLETE),
  exploring({ acts: 1, calls: 1, cold: true }, COMPLETE),
  exploring({ acts: 1, calls: 1 }, COMPLETE),
  exploring({ acts: 0, calls: 1, holds: 1 }, COMPLETE),
  exploring({ acts: 0, holds: 2, losses: 1 }, 60_000),
  exploring({ acts: 0, holds: 1, calls: 1, losses: 1 }, 60_000),
  exploring({ acts: 1, holds: 2 }, 100_000),
  exploring({ acts: 1, meetings: 1 }, COMPLETE),
  exploring({ acts: 1, calls: 1, meetings: 1 }, 40_000),
  exploring({ acts: 2, leases: true, epochs: 2 }, 40_000),
  exploring({ acts: 2, epochs: 2, writesPerMinute: 2 }, 40_000),
  exploring({ acts: 3, epochs: 1, fightChanges: 2 }, 40_000),
  exploring({ acts: 2, duplicates: 1, readsInFlight: 2 }, 40_000),
  exploring({ acts: 2, ...THREE_SYSTEMS }, 40_000),
  exploring({ acts: 1, signOuts: 1, losses: 1 }, COMPLETE),
  exploring({ acts: 2, signOuts: 1, concurrent: false }, 40_000),
  exploring({ acts: 1, flaps: 1 }, COMPLETE),
  exploring({ acts: 1, flaps: 1, losses: 1 }, 60_000),
  exploring({ acts: 2, flaps: 1, concurrent: false }, 40_000),
  exploring({ acts: 0, holds: 1, flaps: 1 }, 60_000),
  exploring({ acts: 1, flaps: 1, refuses: true }, COMPLETE),
  exploring({ acts: 0, holds: 1, flaps: 1, refuses: true }, 60_000),
  exploring({ acts: 2, closings: 1 }, COMPLETE),
  exploring({ acts: 0, holds: 1, closings: 2 }, COMPLETE),
  exploring({ acts: 1, pauses: 1 }, COMPLETE),
  exploring({ acts: 2, pauses: 1 }, 60_000),
  exploring({ acts: 0, calls: 1, pauses: 1 }, COMPLETE),
  exploring({ acts: 0, holds: 1, pauses: 1 }, COMPLETE),
  exploring({ acts: 0, holds: 2, ttl: true, renewals: 1 }, 40_000),
  exploring({ acts: 0, holds: 2, strengths: true }, 40_000),
  exploring({ acts: 1, holds: 1, shifts: 1 }, 40_000),
  exploring({ acts: 1, commands: 1, ttl: true }, 40_000),
  exploring({ acts: 0, holds: 2, commands: 1, ttl: true }, 40_000),
  exploring({ acts: 1, holds: 1, ...THREE_SYSTEMS }, 40_000),
  exploring({ acts: 1, losses: 1, ...THREE_SYSTEMS }, COMPLETE),
  exploring({ acts: 1, instances: 2, losses: 1 }, COMPLETE),
  exploring({ acts: 1, instances: 2, crashes: 1 }, 40_000),
  exploring({ acts: 0, holds: 2, instances: 2 }, 40_000),
  exploring({ acts: 0, calls: 1, instances: 2 }, COMPLETE),
  exploring({ acts: 1, instances: 2, ...THREE_SYSTEMS }, 40_000),
];

/** Explored by `npm run prove`: more than ten million states. */
export const DEEP: readonly Exploring[] = [
  exploring({ acts: 3 }, 1_000_000),
  exploring({ acts: 2, losses: 1, zombies: 1 }, 500_000),
  exploring({ acts: 2, losses: 1, crashes: 1 }, 500_000),
  exploring({ acts: 2, losses: 1, readsInFlight: 2 }, 500_000),
  exploring({ acts: 2, duplicates: 1, readsInFlight: 2 }, 500_000),
  exploring({ acts: 2, calls: 1 }, 500_000),
  exploring({ acts: 0, calls: 2, holds: 1 }, 500_000),
  exploring({ acts: 0, holds: 2, losses: 1 }, 500_000),
  exploring({ acts: 1, holds: 2 }, 500_000),
  exploring({ acts: 0, holds: 3, calls: 1, ttl: true, renewals: 1 }, 1_000_000),
  exploring({ acts: 1, holds: 2, shifts: 1 }, 500_000),
  exploring({ acts: 0, holds: 3, strengths: true, shifts: 1, commands: 1, ttl: true }, 500_000),
  exploring({ acts: 1, holds: 2, commands: 1, ttl: true }, 500_000),
  exploring({ acts: 2, commands: 2 }, 500_000),
  exploring({ acts: 1, calls: 1, commands: 1, losses: 1 }, 500_000),
  exploring({ acts: 1, calls: 1, meetings: 1 }, 500_000),
  exploring({ acts: 1, holds: 1, meetings: 1 }, 500_000),
  exploring({ acts: 2, leases: true, epochs: 2 }, 500_000),
  exploring({ acts: 2, epochs: 2, writesPerMinute: 2 }, 500_000),
  exploring({ acts: 3, epochs: 2, fightChanges: 2 }, 500_000),
  exploring({ acts: 2, cold: true, losses: 1 }, 500_000),
  exploring({ acts: 1, calls: 1, holds: 1, cold: true }, 500_000),
  exploring({ acts: 2, signOuts: 1, losses: 1 }, 500_000),
  exploring({ acts: 1, holds: 1, signOuts: 1 }, 500_000),
  exploring({ acts: 2, flaps: 2 }, 500_000),
  exploring({ acts: 1, holds: 1, flaps: 1, losses: 1 }, 500_000),
  exploring({ acts: 1, calls: 1, flaps: 1 }, 500_000),
  exploring({ acts: 1, holds: 1, flaps: 1, losses: 1, refuses: true }, 500_000),
  exploring({ acts: 1, calls: 1, closings: 1 }, 500_000),
  exploring({ acts: 1, holds: 1, closings: 1 }, 500_000),
  exploring({ acts: 2, closings: 1, signOuts: 1, concurrent: false }, 500_000),
  exploring({ acts: 2, pauses: 1, losses: 1 }, 500_000),
  exploring({ acts: 1, holds: 1, calls: 1, pauses: 1 }, 500_000),
  exploring({ acts: 2, ...THREE_SYSTEMS }, 500_000),
  exploring({ acts: 1, holds: 2, ...THREE_SYSTEMS }, 1_000_000),
  exploring({ acts: 1, calls: 1, losses: 1, ...THREE_SYSTEMS }, 500_000),
  exploring({ acts: 2, instances: 2 }, 1_000_000),
  exploring({ acts: 1, instances: 2, losses: 1, crashes: 1 }, 500_000),
  exploring({ acts: 1, holds: 2, instances: 2 }, 1_000_000),
  exploring({ acts: 0, holds: 1, calls: 1, losses: 1 }, 500_000),
  exploring({ acts: 0, holds: 1, calls: 1, instances: 2, losses: 1 }, 500_000),
  exploring({ acts: 1, commands: 1, instances: 2 }, 500_000),
  exploring({ acts: 1, holds: 1, instances: 2, ...THREE_SYSTEMS }, 1_000_000),
];
