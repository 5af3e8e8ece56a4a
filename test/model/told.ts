import { holdId } from "../../src/presence/identity.ts";
import type { Status } from "../../src/presence/status.ts";
import type { RepEvent } from "../../src/reconcile/event.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import type { Core } from "./core.ts";
import { committed, reloaded, swapped } from "./instances.ts";
import { isQuiet } from "./properties.ts";
import { EPOCH_MS, PHONE, type Setting, systemName } from "./setting.ts";
import type { Left, Step, World } from "./world.ts";

const FOREVER_MS = Number.MAX_SAFE_INTEGER;
const DESK = systemName("desk");
const PLANNER = systemName("planner");
const COMMANDS: readonly Status[] = ["Available", "Busy"];

type Told = { readonly name: string; readonly next: World; readonly event: RepEvent };

/**
 * What partners and supervisors say: calls of which several may overlap, whose time to live ends unless they are heard
 * of, commands against them, the end of a shift during them. Each is taken once, by either instance.
 */
export function toldSteps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  const isCalm = world.left.commands > 0 && isQuiet(world, core, policy, setting);
  return tellable(world, setting, isCalm).flatMap(({ name, next, event }) => {
    const source = event.type.startsWith("hold")
      ? PHONE
      : event.type.startsWith("shift")
        ? PLANNER
        : DESK;
    const origin = { source, eventId: "", atMs: world.epoch * EPOCH_MS };
    const take = (from: World): World => {
      const taken = reloaded(from, core, policy);
      return committed(
        taken,
        { ...taken, rep: core.takeEvent(taken.rep, event, origin, policy) },
        core,
        policy,
      );
    };
    const here: Step = { name, next: take(next) };
    if (!next.peer) return [here];
    return [here, { name: `${name}, says the other`, next: swapped(take(swapped(next))) }];
  });
}

function tellable(world: World, setting: Setting, isCalm: boolean): readonly Told[] {
  const { left, liveHolds, rep } = world;
  const nowMs = world.epoch * EPOCH_MS;
  const untilMs = setting.ttl ? nowMs + EPOCH_MS : FOREVER_MS;
  const found: Told[] = [];
  if (left.holds > 0) {
    const id = `call-${left.holds}`;
    const status = setting.strengths && left.holds % 2 === 0 ? "DoNotDisturb" : "InACall";
    found.push({
      name: `desk phone ${id} begins`,
      next: { ...spend(world, "holds"), liveHolds: [...liveHolds, id] },
      event: { type: "hold.started", hold: holdId(id), status, untilMs },
    });
  }
  for (const id of liveHolds) {
    const hold = holdId(id);
    const without = liveHolds.filter((live) => live !== id);
    const next = { ...world, liveHolds: without };
    found.push({ name: `desk phone ${id} ends`, next, event: { type: "hold.ended", hold } });
    if (left.renewals === 0 || rep.holds[hold]?.untilMs === untilMs) continue;
    found.push({
      name: `desk phone ${id} goes on`,
      next: spend(world, "renewals"),
      event: { type: "hold.renewed", hold, untilMs },
    });
  }
  return [...found, ...ordered(world, setting, isCalm)];
}

/** A command stands if nothing that she chose before is still to be read. */
function ordered(world: World, setting: Setting, isCalm: boolean): readonly Told[] {
  const found: Told[] = [];
  const { left, rep } = world;
  const untilMs = world.epoch * EPOCH_MS + EPOCH_MS;
  for (const status of left.commands > 0 ? COMMANDS : []) {
    const next = { ...spend(world, "commands"), decreed: isCalm ? status : null };
    const event = { type: "status.set", status } as const;
    found.push({ name: `a supervisor sets ${status}`, next, event });
    if (setting.ttl) {
      found.push({
        name: `a supervisor sets ${status} for a while`,
        next: { ...next, decreed: null },
        event: { ...event, untilMs },
      });
    }
    if (world.liveHolds.length === 0) continue;
    found.push({
      name: `a supervisor sets ${status} and ends her calls`,
      next: { ...next, liveHolds: [] },
      event: { ...event, endsHolds: true },
    });
  }
  const current = world.behind ? world.stored : rep;
  if (current.base.before) {
    const next = { ...world, decreed: null };
    found.push({ name: "the supervisor lets go", next, event: { type: "status.released" } });
  }
  if (left.shifts > 0) {
    const next = { ...spend(world, "shifts"), decreed: null };
    found.push({ name: "her shift ends", next, event: { type: "shift.ended" } });
  }
  if (current.base.status === "Offline") {
    const next = { ...world, decreed: null };
    found.push({ name: "her shift begins", next, event: { type: "shift.started" } });
  }
  return found;
}

const spend = (world: World, kind: keyof Left): World => ({
  ...world,
  left: { ...world.left, [kind]: world.left[kind] - 1 },
});
