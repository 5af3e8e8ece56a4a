import { isRoutable, join, type Status, strength } from "../../src/presence/status.ts";
import type { SystemName } from "../../src/presence/identity.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { endpointOf } from "../../src/reconcile/rep.ts";
import type { Core } from "./core.ts";
import { swapped } from "./instances.ts";
import { DYNAMICS, EPOCH_MS, type Setting, TEAMS } from "./setting.ts";
import { isKnown, isSignedOut, showing, type World } from "./world.ts";

/** A broken promise, by the name of the invariant. */
export type Violation = { readonly invariant: string; readonly says: string };

const LEFT_ALONE = "R114 a paused rep is left alone";
const FRESH = "a write follows a fresh read";
const DISCONNECTED = "R310 a lost connection is no sign-out";

/** What must hold after every step, of either instance. */
export function checkEveryStep(
  before: World,
  after: World,
  core: Core,
  setting: Setting,
): Violation | null {
  const violation = checkStep(before, after, core, setting);
  if (violation || !before.peer || !after.peer) return violation;
  return checkStep(swapped(before), swapped(after), core, setting);
}

/** What must hold after every step. */
export function checkStep(
  before: World,
  after: World,
  core: Core,
  setting: Setting,
): Violation | null {
  const choices = after.chosen.filter(({ kind }) => kind !== "sign-out").length;
  const lostToLease = setting.leases && after.raced;
  if (after.choiceIntents > choices + after.swallowed && !lostToLease) {
    const says = `${after.choiceIntents} choices were recorded, but she made ${choices}`;
    return { invariant: "P3 no intent without a cause", says };
  }
  if (setting.flaps > 0 && isMisread(before, after)) {
    const says = `a ${after.rep.cause?.kind ?? ""} was recorded, and she was there all the time`;
    return { invariant: DISCONNECTED, says };
  }
  const allowed = writeBound(after, setting);
  if (after.writes > allowed) {
    const says = `${after.writes} writes, where at most ${allowed} are explained`;
    return { invariant: "P2 bounded writes", says };
  }
  const minute = after.rep.writesMs.filter((atMs) => atMs > (after.epoch - 1) * EPOCH_MS);
  if (after.writes > before.writes && minute.length > setting.writesPerMinute) {
    return { invariant: "P2 write budget", says: `${minute.length} writes within a minute` };
  }
  const issued = after.writes > before.writes ? after.flights.slice(before.flights.length) : [];
  for (const { write } of issued) {
    if (after.rep.paused && !givesBack(after, write)) {
      return { invariant: LEFT_ALONE, says: `${write.shows} to ${write.system} while paused` };
    }
    if (before.rep.fight && after.rep.fight) {
      return { invariant: "P2 a fight is not fed", says: `${write.shows} to ${write.system}` };
    }
    if (!write.protective && minute.length === setting.writesPerMinute) {
      return { invariant: "P2 write budget", says: "nothing is left for a write that protects" };
    }
    const flying = [...before.flights, ...(before.peer?.flights ?? [])];
    // Who starts again cannot know that what is under way is the other's, and alive.
    const isShared = before.peer !== null && after.left.crashes < setting.crashes;
    if (!isShared && flying.some((flight) => flight.write.system === write.system)) {
      return { invariant: "P9 one write at a time", says: `a second write to ${write.system}` };
    }
    if (before.rep.systems[write.system]?.seen === "Offline" && write.system === DYNAMICS) {
      return { invariant: "a sign-out writes nothing there", says: `${write.shows} to Dynamics` };
    }
    if (write.shows === "Offline" && after.left.shifts === setting.shifts) {
      return { invariant: "a closed client hides nobody", says: `Offline to ${write.system}` };
    }
    if (endpointOf(before.rep, write.system).readTick < after.rep.intentTick) {
      return { invariant: FRESH, says: `${write.system} was not read since this was decided` };
    }
    if (write.system !== DYNAMICS || !isRoutable(write.shows)) continue;
    if (after.liveHolds.length > 0) {
      return { invariant: "P13 protection", says: "Dynamics released while a call is on" };
    }
    const { readTick } = endpointOf(after.rep, TEAMS);
    const { intentTick, cause } = after.rep;
    const fresh = readTick >= intentTick || cause?.source === TEAMS;
    if ((after.teams.session && !after.raced) || !fresh) {
      return { invariant: "P13 protection", says: "Dynamics released before Teams was read bare" };
    }
  }
  const known = after.behind ? after.stored : after.rep;
  if (after.teams.session && endpointOf(known, TEAMS).sessionUntilMs === 0) {
    return { invariant: "R356 no session is forgotten", says: "ours lies there unaccounted for" };
  }
  const top = core.topOf(after.rep);
  const isProtected = top?.kind === "hold" || after.behind;
  if (!isProtected && after.liveHolds.length > 0) {
    return { invariant: "P13 protection", says: "a live hold is not on top" };
  }
  const stronger = Object.values(after.rep.holds).find(
    ({ status }) => strength(status) > strength(top?.status ?? "Available"),
  );
  return stronger
    ? { invariant: "R20 the strongest call wins", says: `${stronger.status} is not on top` }
    : null;
}

/** Coming or going was recorded, and she did neither but for a moment. */
function isMisread(before: World, { rep, chosen, blurred }: World): boolean {
  const kind = rep.intent > before.rep.intent ? rep.cause?.kind : null;
  if ((kind !== "sign-in" && kind !== "sign-out") || blurred) return false;
  return chosen.every((one) => one.kind === "choice");
}

const BEGIN_AND_END = [
  "calls",
  "holds",
  "meetings",
  "signOuts",
  "flaps",
  "pauses",
  "commands",
  "shifts",
] as const;

/** Every event may cost one write per system, a withdrawal included; every fault may cost one more. */
function writeBound(world: World, setting: Setting): number {
  const { left } = world;
  const spent = (kind: keyof World["left"]): number => setting[kind] - left[kind];
  const twice = BEGIN_AND_END.reduce((sum, kind) => sum + spent(kind), 0);
  const events = 2 * twice + spent("acts");
  const faults =
    spent("losses") + 2 * spent("zombies") + 2 * spent("crashes") + spent("duplicates");
  const leases = setting.leases ? world.epoch : 0;
  return setting.systems.length * events + 2 * faults + leases;
}

/** True when nothing is on its way, nothing waits to be read or written, and only people can change anything. */
export function isQuiet(world: World, core: Core, policy: Policy, setting: Setting): boolean {
  if (!isOneQuiet(world, core, policy, setting)) return false;
  return !world.peer || isOneQuiet(swapped(world), core, policy, setting);
}

function isOneQuiet(world: World, core: Core, policy: Policy, setting: Setting): boolean {
  if (world.flights.length + world.zombies.length + world.reads.length > 0) return false;
  const planned = core.plan(world.rep, policy, world.epoch * EPOCH_MS);
  if (planned.writes.length + planned.reads.length > 0 || planned.held) return false;
  return setting.systems.every((name) => {
    const { pending } = endpointOf(world.rep, name);
    return isKnown(world, name) && !pending && world.values[name] === world.shown[name];
  });
}

/** What must hold whenever the world is quiet: every system shows what it should, and her choice stands. */
export function checkQuiet(
  world: World,
  core: Core,
  policy: Policy,
  setting: Setting,
): Violation | null {
  if (world.behind) return checkQuiet(swapped(world), core, policy, setting);
  if (world.rep.paused) return checkPaused(world, setting);
  const told = checkTold(world, setting);
  if (told) return told;
  for (const name of setting.systems) {
    const target = core.targetOf(world.rep, name, policy);
    const { health } = endpointOf(world.rep, name);
    const { status } = showing(world, name);
    if (target === null || status === target || (name === TEAMS && health === "absorbed")) continue;
    if (isExempt(world, name, setting)) continue;
    return { invariant: "P1 convergence", says: `${name} shows ${status}, not ${target}` };
  }
  if (world.teams.session && world.liveHolds.length === 0 && !hasFaults(world, setting)) {
    return { invariant: "P1 convergence", says: "our session outlived every call" };
  }
  return checkBase(world, setting);
}

/** What was told and what is seen protects her, by the truth of the world; and no longer than it should. */
function checkTold(world: World, setting: Setting): Violation | null {
  const { rep, teams, liveHolds, decreed, sequential, values } = world;
  const outlived = Object.keys(rep.holds).find((id) => !liveHolds.includes(id));
  if (outlived)
    return { invariant: "R57 a hold ends", says: `${outlived} is over, and still held` };
  if (decreed !== null && sequential && rep.base.status !== decreed) {
    const says = `a supervisor set ${decreed}, and ${rep.base.status} stands`;
    return { invariant: "R119 a command stands", says };
  }
  const shows = teams.client === "InACall" && teams.open && !teams.preferred;
  const isFree = isRoutable(values[DYNAMICS] ?? "Offline");
  if (!shows || !isFree || world.raced || hasFaults(world, setting)) return null;
  return { invariant: "P13 protection", says: "Dynamics is free while Teams shows her call" };
}

/** A rep who is left alone is only given back what is hers. */
function givesBack({ rep }: World, { system, to, shows }: Write): boolean {
  return system === TEAMS ? to === "none" : shows === endpointOf(rep, system).own?.status;
}

/** In a quiet world nothing of ours lies with a paused rep, and what she chose last in Dynamics stands there. */
function checkPaused(world: World, setting: Setting): Violation | null {
  const { teams, chosen, values, raced } = world;
  if (raced || hasFaults(world, setting)) return null;
  const lastIn = (system: SystemName): Status =>
    chosen.findLast((one) => one.system === system)?.status ?? "Available";
  if (teams.session || (teams.preferred && teams.preferred.status !== lastIn(TEAMS))) {
    return { invariant: LEFT_ALONE, says: "something of ours is still in Teams" };
  }
  const hers = lastIn(DYNAMICS);
  const isOn = teams.client === "InACall" || world.liveHolds.length > 0;
  if (isOn || values[DYNAMICS] === hers || isSignedOut(world, DYNAMICS)) return null;
  return { invariant: LEFT_ALONE, says: `Dynamics shows ${values[DYNAMICS]}, she chose ${hers}` };
}

function hasFaults({ left }: World, setting: Setting): boolean {
  const kinds = ["losses", "zombies", "crashes", "absorptions"] as const;
  return kinds.some((kind) => left[kind] < setting[kind]);
}

/** Closed; or an absorbing system that swallowed a write, or was changed back before we looked: the one known limit. */
function isExempt(world: World, name: SystemName, setting: Setting): boolean {
  if (isSignedOut(world, name) || (name === TEAMS && !world.teams.open)) return true;
  if (name === TEAMS && world.mistaken) return true;
  // Signing out takes her choice in Dynamics back, not an equal one that she made in Teams as well. So does who lets go
  // of what was set for her.
  const letGo = world.left.commands < setting.commands && !world.rep.base.before;
  const origin = letGo ? null : world.rep.base.origin;
  const hers = world.chosen.findLast(({ system }) => system === TEAMS)?.status;
  if (name === TEAMS && origin === null && hers === world.teams.preferred?.status) return true;
  return name === TEAMS && world.left.absorptions < setting.absorptions;
}

/**
 * Her choice stands: the last one, or, where choices in two systems crossed, the less available, whatever
 * the order in which they were read. A choice inside the one racing round trip is the known limit.
 */
function checkBase(world: World, setting: Setting): Violation | null {
  const { chosen, left, rep } = world;
  const last = chosen.at(-1);
  // What a supervisor or a planner says is judged by itself.
  if (left.commands < setting.commands || left.shifts < setting.shifts) return null;
  if (!last || world.raced || world.blurred || hasFaults(world, setting)) return null;
  if (isHidden(world)) return null;
  const inOneSystem = chosen.every(({ system }) => system === last.system);
  const expected = chosen.some(({ kind }) => kind !== "choice")
    ? attendedStatus(world, setting)
    : inOneSystem || world.sequential
      ? last.status
      : crossedStatus(world, setting);
  if (expected === null || sameInDynamics(rep.base.status, expected)) return null;
  if (!inOneSystem && setting.concurrent && world.left.calls < setting.calls) {
    // Teams is not shown a choice made elsewhere while her own call shows there: one made in it then, crosses.
    const joined = chosen.reduce<Status>((sum, { status }) => join(sum, status), "Available");
    if (sameInDynamics(rep.base.status, joined)) return null;
  }
  const says = `${expected} should stand, and ${rep.base.status} does`;
  return { invariant: "P7 her choice stands", says };
}

/** Dynamics shows BeRightBack as Away: the finer of the two is kept. */
function sameInDynamics(a: Status, b: Status): boolean {
  const coarse = (status: Status): Status => (status === "BeRightBack" ? "Away" : status);
  return coarse(a) === coarse(b);
}

/** What crossing choices end in: the last of each system, and the less available of those. */
function crossedStatus(world: World, setting: Setting): Status | null {
  if (!world.crossed || !setting.concurrent) return null;
  const lasts = new Map(world.chosen.map(({ system, status }) => [system, status]));
  return [...lasts.values()].reduce<Status>(join, "Available");
}

/**
 * What coming and going leaves: a sign-out takes back what she chose in Dynamics and nothing else; the default
 * presence of a sign-in counts unless a status chosen elsewhere protects her.
 */
function attendedStatus(world: World, setting: Setting): Status | null {
  if (!world.sequential || setting.concurrent) return null;
  let base: { status: Status; system: SystemName | null } = {
    status: "Available",
    system: DYNAMICS,
  };
  for (const { kind, system, status } of world.chosen) {
    const hers = base.system === system;
    if (kind === "choice") base = { status, system };
    if (kind === "sign-out" && hers) base = { status: "Available", system: null };
    const guarded = base.system === TEAMS && base.status === "Busy";
    if (kind === "sign-in" && !guarded) base = { status, system };
  }
  return base.status;
}

/** Under a call or a manual status, or behind a closed client, nobody can see what else she wants. */
function isHidden({ teams }: World): boolean {
  return teams.client !== "Available" || !teams.open;
}
