import type { Core } from "./core.ts";
import { checkQuiet, checkStep, isQuiet, type Violation } from "./properties.ts";
import {
  BASE_SETTING,
  DYNAMICS,
  EPOCH_MS,
  PHONE,
  policyOf,
  type Setting,
  TEAMS,
} from "./setting.ts";
import { firstWorld, steps } from "./steps.ts";
import type { Step, World } from "./world.ts";

/**
 * Everything at once, three systems included: far too much to explore, enough to walk through at random. But a
 * write that a closed client swallows cannot be told from one that it took, so no walk has both.
 */
const EVERYTHING: Setting = {
  ...BASE_SETTING,
  name: "everything",
  systems: [TEAMS, DYNAMICS, PHONE],
  choices: {
    [TEAMS]: ["Available", "Busy", "BeRightBack", "Away", "DoNotDisturb"],
    [DYNAMICS]: ["Available", "Busy", "Away", "DoNotDisturb"],
    [PHONE]: ["Available", "Busy"],
  },
  acts: 90,
  calls: 30,
  holds: 30,
  meetings: 30,
  losses: 30,
  zombies: 15,
  crashes: 15,
  duplicates: 40,
  absorptions: 10,
  closings: 20,
  signOuts: 20,
  unknowns: 40,
  readsInFlight: 3,
  concurrent: true,
};

/** Chance is wanted in bulk and must repeat itself: a multiply-with-carry generator, seeded. */
function chanceOf(seed: number): (below: number) => number {
  let state = (seed + 1) * 2_654_435_761;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** From this seed on, syncing is paused and resumed now and then. */
export const PAUSING_SEEDS = 1_000_000;
/** From this one on, she loses her connection to Dynamics now and then. */
export const FLAPPING_SEEDS = 2_000_000;

export type Walk = {
  readonly steps: number;
  readonly writes: number;
  readonly violation: Violation | null;
  readonly trace: readonly string[];
};

/** People are slower than machines: else every walk would begin with a hundred clicks and end in silence. */
const PEOPLE = /^(she|a|her|desk|syncing) /;
/** …and a lost connection comes back sooner than it is given up, mostly. */
const PATIENCE = "time passes";
const SCHEDULE_STEPS = 900;
/** After the last fault, this many steps must be enough to become quiet: some hundred times what one change needs. */
const SETTLING_STEPS = 2_000;

/**
 * Walks one random schedule. Then faults and people rest, holds end, and the world must become quiet (P10),
 * show what it should (P1), have written no more than was explained (P2), and stay quiet without a write (P15).
 */
export function walk(seed: number, core: Core): Walk {
  const setting = settingOf(seed);
  const policy = policyOf(setting);
  const chance = chanceOf(seed);
  const trace: string[] = [];
  let world = firstWorld(setting, core, policy);

  const take = (from: readonly Step[]): Violation | null => {
    const step = from[chance(from.length)];
    if (!step) return null;
    const before = world;
    trace.push(step.heard ? `${step.name} (${step.heard})` : step.name);
    world = step.next;
    return checkStep(before, world, core, setting);
  };
  const done = (violation: Violation | null): Walk => {
    return { steps: trace.length, writes: world.writes, violation, trace };
  };

  for (let at = 0; at < SCHEDULE_STEPS; at += 1) {
    const next = steps(world, setting, core, policy);
    const waits = world.interrupted !== null;
    const machines = next.filter(({ name }) => !PEOPLE.test(name) && !(waits && name === PATIENCE));
    const rush = chance(8) === 0 || machines.length === 0;
    const violation = take(rush ? next : machines);
    if (violation) return done(violation);
  }
  world = atRest(world);
  for (let at = 0; at < SETTLING_STEPS && !isQuiet(world, core, policy, setting); at += 1) {
    const next = steps(world, setting, core, policy);
    const ending = next.filter(({ name }) =>
      / ends$|she opens|she signs in|she is connected|syncing goes on/.test(name),
    );
    const violation = take(ending.length > 0 ? ending : next);
    if (violation) return done(violation);
  }
  if (!isQuiet(world, core, policy, setting)) {
    return done({ invariant: "P10 liveness", says: "the world does not become quiet" });
  }
  const later = core.plan(world.rep, policy, world.epoch * EPOCH_MS + 600_000);
  if (later.writes.length > 0) {
    return done({
      invariant: "P15 quiescence",
      says: `${later.writes[0]?.system} is written again`,
    });
  }
  return done(checkQuiet(world, core, policy, setting));
}

function settingOf(seed: number): Setting {
  const flaps = seed < FLAPPING_SEEDS ? 0 : 20;
  const pauses = flaps > 0 || seed < PAUSING_SEEDS ? 0 : 10;
  const rest = seed % 2 === 0 ? { absorptions: 0 } : { closings: 0 };
  return { ...EVERYTHING, ...rest, pauses, flaps };
}

function atRest(world: World): World {
  const left = Object.fromEntries(Object.keys(world.left).map((kind) => [kind, 0]));
  return { ...world, left: left as World["left"] };
}
