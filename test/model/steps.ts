import { holdId, type SystemName } from "../../src/presence/identity.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import { newRep } from "../../src/reconcile/rep.ts";
import type { Core } from "./core.ts";
import { committed, reloaded, swapped } from "./instances.ts";
import { isQuiet } from "./properties.ts";
import { DYNAMICS, EPOCH_MS, type Setting, TEAMS } from "./setting.ts";
import { toldSteps } from "./told.ts";
import {
  act,
  applyWrite,
  attend,
  deliverRead,
  type Flight,
  hasUnread,
  interrupt,
  isKnown,
  isSignedOut,
  type Left,
  reconnect,
  signedOutByTime,
  startRead,
  type Step,
  type World,
} from "./world.ts";

/** A rep who is Available everywhere, and known to be. */
export function firstWorld(setting: Setting, core: Core, policy: Policy): World {
  const replaced = setting.systems.filter((name) => name !== TEAMS);
  const available = Object.fromEntries(replaced.map((name) => [name, "Available" as const]));
  const rep = newRep(setting.systems);
  let world: World = {
    rep,
    peer: null,
    stored: rep,
    behind: false,
    teams: { client: "Available", preferred: null, session: false, open: true },
    values: available,
    shown: available,
    sequence: Object.fromEntries(setting.systems.map((name) => [name, 0])),
    liveHolds: [],
    flights: [],
    zombies: [],
    reads: [],
    left: { ...setting },
    epoch: 0,
    writes: 0,
    choiceIntents: 0,
    chosen: [],
    raced: false,
    mistaken: false,
    unread: true,
    crossed: true,
    sequential: true,
    decreed: null,
    interrupted: null,
    blurred: false,
    swallowed: 0,
  };
  for (const name of setting.cold ? [] : setting.systems) {
    const started = startRead(world, name);
    const read = started.reads[0];
    if (read) world = { ...deliverRead(started, read, core, policy).next, reads: [] };
  }
  const planned = { ...world, rep: core.plan(world.rep, policy, 0).rep };
  const { reads, flights, behind, rep: stored } = planned;
  const peer = setting.instances === 2 ? { rep: stored, reads, flights, behind } : null;
  return { ...planned, peer, stored, choiceIntents: 0, unread: true };
}

const spend = (world: World, kind: keyof Left): World => ({
  ...world,
  left: { ...world.left, [kind]: world.left[kind] - 1 },
});

const dropAt = <Item>(items: readonly Item[], index: number): readonly Item[] =>
  items.filter((_, at) => at !== index);

/** Every step that can happen next: what people do, what networks do, and what the controller does. */
export function steps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  return [
    ...humanSteps(world, setting, core, policy),
    ...toldSteps(world, setting, core, policy),
    ...lateSteps(world, setting),
    ...timeSteps(world, setting, core, policy),
    ...instanceSteps(world, setting, core, policy),
    ...(world.peer ? instanceSteps(swapped(world), setting, core, policy).map(byTheOther) : []),
  ];
}

function byTheOther({ name, next, ...step }: Step): Step {
  return { ...step, name: `the other: ${name}`, next: swapped(next) };
}

/** What the acting instance may do, and what comes back to it. */
function instanceSteps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  return [
    ...readSteps(world, setting, core, policy),
    ...controllerSteps(world, core, policy),
    ...flightSteps(world, setting, core, policy),
  ].map((step) => ({ ...step, next: committed(world, step.next, core, policy) }));
}

function humanSteps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  const found: Step[] = [];
  const { left } = world;
  const known = setting.systems.every((name) => !hasUnread(world, name));
  const quiet = known && left.acts > 0 && isQuiet(world, core, policy, setting);
  for (const system of left.acts > 0 ? setting.systems : []) {
    if (isSignedOut(world, system) || (system === TEAMS && !world.teams.open)) continue;
    for (const status of setting.choices[system] ?? []) {
      const manual = world.teams.preferred?.status ?? "Available";
      const value = system === TEAMS ? manual : world.values[system];
      if (value === status) continue;
      const next = act(spend(world, "acts"), system, status, setting, quiet);
      found.push({ name: `she chooses ${status} in ${system}`, next });
    }
  }
  found.push(...clientSteps(world), ...attendanceSteps(world, setting, core, policy));
  if (left.pauses > 0 || world.rep.paused) {
    const pause = world.rep.paused ? null : { by: "an administrator", sinceMs: 0 };
    const from = pause ? spend(world, "pauses") : world;
    const rep = core.setPaused(world.rep, pause, world.epoch * EPOCH_MS);
    found.push({ name: pause ? "syncing is paused" : "syncing goes on", next: { ...from, rep } });
  }
  return found;
}

/** What her Teams client does: calls and meetings begin and end in it, and she may close it. */
function clientSteps(world: World): Step[] {
  const { left, teams } = world;
  const change = (from: World, side: Partial<World["teams"]>): World =>
    bumpTeams({ ...from, teams: { ...teams, ...side } });
  if (!teams.open) return [{ name: "she opens Teams", next: change(world, { open: true }) }];
  const found: Step[] = [];
  if (teams.client !== "Available") {
    const name = teams.client === "InACall" ? "her Teams call ends" : "her meeting ends";
    found.push({ name, next: change(world, { client: "Available" }) });
  }
  if (teams.client !== "InACall" && left.calls > 0) {
    const next = change(spend(world, "calls"), { client: "InACall" });
    found.push({ name: "a Teams call begins", next });
  }
  if (teams.client === "Available" && left.meetings > 0) {
    const next = change(spend(world, "meetings"), { client: "InAMeeting" });
    found.push({ name: "a meeting begins", next });
  }
  if (left.closings > 0) {
    const next = change(spend(world, "closings"), { open: false, client: "Available" });
    found.push({ name: "she closes Teams", next });
  }
  return found;
}

function attendanceSteps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  const { left, interrupted } = world;
  if (interrupted !== null) {
    const next = reconnect(world, interrupted, setting);
    return [{ name: "she is connected to Dynamics again", next }];
  }
  if (!isSignedOut(world, DYNAMICS) && left.signOuts + left.flaps === 0) return [];
  const quiet = isQuiet(world, core, policy, setting);
  if (isSignedOut(world, DYNAMICS)) {
    const next = attend(world, "sign-in", setting, quiet);
    return [{ name: "she signs in to Dynamics", next }];
  }
  const found: Step[] = [];
  if (left.flaps > 0) {
    const next = interrupt(spend(world, "flaps"), setting);
    found.push({ name: "she loses her connection to Dynamics", next });
  }
  if (left.signOuts > 0) {
    const next = attend(spend(world, "signOuts"), "sign-out", setting, quiet);
    found.push({ name: "she signs out of Dynamics", next });
  }
  return found;
}

function bumpTeams(world: World): World {
  const sequence = (world.sequence[TEAMS] ?? 0) + 1;
  return { ...world, sequence: { ...world.sequence, [TEAMS]: sequence } };
}

function readSteps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  const found: Step[] = [];
  const wanted = new Set(core.plan(world.rep, policy, world.epoch * EPOCH_MS).reads);
  if (world.reads.length < setting.readsInFlight) {
    for (const system of setting.systems) {
      const hinted = !isKnown(world, system) || Boolean(world.rep.systems[system]?.pending);
      if (!wanted.has(system) && !hinted) continue;
      found.push({ name: `${system} is read`, next: startRead(world, system) });
    }
  }
  for (const [index, read] of world.reads.entries()) {
    const taken = { ...world, reads: dropAt(world.reads, index) };
    const name = `the read of ${read.system} (${read.status}) arrives`;
    found.push({ name, ...deliverRead(taken, read, core, policy) });
    if (world.left.duplicates > 0) {
      const kept = deliverRead(spend(world, "duplicates"), read, core, policy);
      found.push({ name: `${name}, and will arrive again`, ...kept });
    }
    if (world.left.unknowns > 0) {
      const nothing = { ...read, status: null, automatic: null };
      const kept = deliverRead(spend(taken, "unknowns"), nothing, core, policy);
      found.push({ name: `the read of ${read.system} says PresenceUnknown`, ...kept });
    }
  }
  return found;
}

function controllerSteps(world: World, core: Core, policy: Policy): Step[] {
  const found: Step[] = [];
  const planned = core.plan(world.rep, policy, world.epoch * EPOCH_MS);
  if (planned.writes.length > 0 || planned.rep.heldUntilMs !== world.rep.heldUntilMs) {
    const flights = planned.writes.map((write): Flight => ({ write, applied: false }));
    const name = planned.writes.map(({ system, shows }) => `${system} ← ${shows}`).join(", ");
    const next = {
      ...world,
      rep: planned.rep,
      flights: [...world.flights, ...flights],
      raced: world.raced || planned.writes.some(({ system }) => hasUnread(world, system)),
      writes: world.writes + planned.writes.filter((write) => !write.renewal).length,
    };
    found.push({ name: name || "held", next });
  } else if (planned.rep !== world.rep && settles(world, planned.rep)) {
    found.push({ name: "nothing to write", next: { ...world, rep: planned.rep } });
  }
  found.push(...abandoned(world, core, policy));
  if (world.left.crashes > 0) {
    const zombies = world.flights.filter(({ applied }) => !applied).map(({ write }) => write);
    const started = reloaded(world, core, policy);
    const rep = core.recover(started.rep, policy, world.epoch * EPOCH_MS);
    const next = { ...spend(started, "crashes"), rep, reads: [], flights: [] };
    found.push({ name: "crash; what was in flight is lost", next });
    if (zombies.length > 0) {
      const late = { ...next, zombies: [...world.zombies, ...zombies] };
      found.push({ name: "crash; what was in flight arrives later", next: late });
    }
  }
  return found;
}

/** A write that the other instance sent and died with: when its time is over, nobody knows what became of it. */
function abandoned(world: World, core: Core, policy: Policy): Step[] {
  const { peer, rep } = world;
  if (!peer) return [];
  const flying = new Set([...world.flights, ...peer.flights].map(({ write }) => write.system));
  const systems = policy.systems.filter(({ name }) => {
    const pending = rep.systems[name]?.pending;
    return pending && pending.ackTick === null && !pending.unknown && !flying.has(name);
  });
  if (systems.length === 0) return [];
  const next = core.recover(rep, { ...policy, systems }, world.epoch * EPOCH_MS);
  return [{ name: "what was sent is given up", next: { ...world, rep: next } }];
}

function settles(world: World, planned: World["rep"]): boolean {
  if (planned.intent !== world.rep.intent || planned.fight !== world.rep.fight) return true;
  return Object.entries(planned.systems).some(([name, endpoint]) => {
    const before = world.rep.systems[name as SystemName];
    return endpoint.tried !== before?.tried || endpoint.pending !== before.pending;
  });
}

function flightSteps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  const found: Step[] = [];
  const nowMs = world.epoch * EPOCH_MS;
  for (const [index, { write, applied }] of world.flights.entries()) {
    const { system, intent, shows } = write;
    const landed = { ...world, flights: dropAt(world.flights, index) };
    const answer = (sent: World, outcome: "accepted" | "refused" | "unknown"): World => {
      const from = reloaded(sent, core, policy);
      return { ...from, rep: core.deliver(from.rep, system, intent, outcome, policy, nowMs) };
    };
    const name = `${system} ← ${shows}`;
    if (applied) {
      found.push({ name: `${name} is acknowledged`, next: answer(landed, "accepted") });
      if (world.left.losses > 0) {
        const next = answer(spend(landed, "losses"), "unknown");
        found.push({ name: `the answer to ${name} is lost`, next });
      }
      continue;
    }
    if (setting.refuses && isSignedOut(world, system)) {
      const raced = world.raced || hasUnread(world, system);
      const next = answer({ ...landed, raced }, "refused");
      found.push({ name: `${name} is refused`, next });
      continue;
    }
    const flights = world.flights.with(index, { write, applied: true });
    found.push({
      name: `${name} takes effect`,
      next: applyWrite({ ...world, flights }, write, setting),
    });
    if (world.left.losses > 0) {
      found.push({ name: `${name} is lost`, next: answer(spend(landed, "losses"), "unknown") });
    }
    if (world.left.zombies > 0) {
      const late = spend({ ...landed, zombies: [...world.zombies, write] }, "zombies");
      found.push({ name: `${name} times out but will arrive`, next: answer(late, "unknown") });
    }
    if (world.left.absorptions > 0 && system === TEAMS) {
      const next = spend({ ...world, flights }, "absorptions");
      found.push({ name: `${name} is accepted without effect`, next });
    }
  }
  return found;
}

function lateSteps(world: World, setting: Setting): Step[] {
  return world.zombies.map((write, index) => ({
    name: `${write.system} ← ${write.shows} arrives late`,
    next: applyWrite({ ...world, zombies: dropAt(world.zombies, index) }, write, setting),
  }));
}

/** Time passes as often as the setting says, and whenever the controller is waiting for it. */
function timeSteps(world: World, setting: Setting, core: Core, policy: Policy): Step[] {
  if (world.values[DYNAMICS] !== world.shown[DYNAMICS]) {
    const shown = { ...world.shown, [DYNAMICS]: world.values[DYNAMICS] ?? "Available" };
    const sequence = { ...world.sequence, [DYNAMICS]: (world.sequence[DYNAMICS] ?? 0) + 1 };
    return [{ name: "dynamics shows its change", next: { ...world, shown, sequence } }];
  }
  const nowMs = world.epoch * EPOCH_MS;
  const awaited = [world.rep, ...(world.peer ? [world.peer.rep] : [])].some((rep) => {
    const { recheckAtMs } = core.plan(rep, policy, nowMs);
    return recheckAtMs !== null && recheckAtMs > nowMs && recheckAtMs < nowMs + 10 * EPOCH_MS;
  });
  if (!awaited && world.left.epochs === 0) return [];
  // A cover lasts for hours, requests and polls for seconds: no lease runs out while one of them is due.
  const due = setting.systems.some(
    (name) => hasUnread(world, name) || world.rep.systems[name]?.pending,
  );
  if (setting.leases && (due || world.flights.length + world.zombies.length > 0)) return [];
  // A poll takes seconds, a lost connection is waited for for minutes.
  if (setting.flaps > 0 && hasUnread(world, DYNAMICS)) return [];
  const epoch = world.epoch + 1;
  const { preferred } = world.teams;
  const expired = preferred?.untilEpoch != null && preferred.untilEpoch <= epoch;
  const teams = expired ? { ...world.teams, preferred: null } : world.teams;
  const current = world.behind ? world.stored : world.rep;
  // The partner was promised no more than that.
  const liveHolds = world.liveHolds.filter(
    (id) => (current.holds[holdId(id)]?.untilMs ?? 0) > epoch * EPOCH_MS,
  );
  const waited = awaited ? world : spend(world, "epochs");
  const passed = { ...signedOutByTime(waited), epoch, teams, liveHolds };
  return [{ name: "time passes", next: expired ? bumpTeams(passed) : passed }];
}
