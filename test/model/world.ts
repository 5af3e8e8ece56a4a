import type { SystemName } from "../../src/presence/identity.ts";
import type { AutomaticKind } from "../../src/presence/reading.ts";
import { join, type Status } from "../../src/presence/status.ts";
import type { Classification } from "../../src/reconcile/classify.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { endpointOf, type Rep } from "../../src/reconcile/rep.ts";
import type { Core } from "./core.ts";
import type { Instance } from "./instances.ts";
import { DYNAMICS, EPOCH_MS, type Setting, TEAMS } from "./setting.ts";

/** Teams as Graph documents it: one preferred slot over the strongest session. */
type TeamsSide = {
  readonly client: "Available" | "InACall" | "InAMeeting";
  readonly preferred: { readonly status: Status; readonly untilEpoch: number | null } | null;
  readonly session: boolean;
  /** She has it open; without any session at all Graph shows Offline, whatever she prefers. */
  readonly open: boolean;
};

/** A write on its way. `applied` writes only wait for their answer to be delivered. */
export type Flight = { readonly write: Write; readonly applied: boolean };

export type Snapshot = {
  readonly system: SystemName;
  readonly status: Status | null;
  readonly automatic: AutomaticKind | null;
  readonly startedTick: number;
  readonly startedAtMs: number;
  readonly sequence: number;
};

/** What is left of each kind of event; counts down to 0. */
export type Left = {
  readonly acts: number;
  readonly calls: number;
  readonly holds: number;
  readonly renewals: number;
  readonly commands: number;
  readonly shifts: number;
  readonly pauses: number;
  readonly losses: number;
  readonly zombies: number;
  readonly crashes: number;
  readonly duplicates: number;
  readonly absorptions: number;
  readonly meetings: number;
  readonly closings: number;
  readonly signOuts: number;
  readonly flaps: number;
  readonly unknowns: number;
  readonly epochs: number;
};

/** Something she did that may decide her status: a choice, or coming to and leaving Dynamics. */
type Chosen = {
  readonly kind: "choice" | "sign-out" | "sign-in";
  readonly system: SystemName;
  readonly status: Status;
};

export type World = {
  readonly rep: Rep;
  /** The other instance, what the store holds, and whether the acting one has missed that: with two instances. */
  readonly peer: Instance | null;
  readonly stored: Rep;
  readonly behind: boolean;
  readonly teams: TeamsSide;
  /** What each replacing system holds, and what it shows so far (they differ while it lags). */
  readonly values: Readonly<Record<SystemName, Status>>;
  readonly shown: Readonly<Record<SystemName, Status>>;
  readonly sequence: Readonly<Record<SystemName, number>>;
  readonly liveHolds: readonly string[];
  readonly flights: readonly Flight[];
  readonly zombies: readonly Write[];
  readonly reads: readonly Snapshot[];
  readonly left: Left;
  readonly epoch: number;
  readonly writes: number;
  readonly choiceIntents: number;
  readonly chosen: readonly Chosen[];
  /**
   * A write of ours landed on something that we had not read, or she chose just what it was about to say: within
   * that one round trip nobody can tell the two apart, and no system lets a write say "only if". The known
   * limit; her choice may be lost.
   */
  readonly raced: boolean;
  /** She chose just what a write of unknown outcome would have shown: it is taken for that write. */
  readonly mistaken: boolean;
  /** True until the first read leaves; `crossed`: every choice was made before that. */
  readonly unread: boolean;
  readonly crossed: boolean;
  /** What she will find in Dynamics if she is back before time passes; `null` while she is there, or signed out. */
  readonly interrupted: Status | null;
  /** She chose something there that was not read before she was gone, or since: it is taken for a sign-in. */
  readonly blurred: boolean;
  /** Writes that were accepted for somebody who was not there: gone without effect, as if she had taken them back. */
  readonly swallowed: number;
  /** Every choice was made in a quiet world. */
  readonly sequential: boolean;
  /** What a supervisor set, if she has chosen nothing since. */
  readonly decreed: Status | null;
};

export type Step = {
  readonly name: string;
  readonly next: World;
  /** What the controller made of the reading that arrived in this step. */
  readonly heard?: Classification;
};

type Shown = { readonly status: Status; readonly automatic: AutomaticKind | null };

/** What a read of the system would say now. */
export function showing(world: World, system: SystemName): Shown {
  const { open, session } = world.teams;
  return system === TEAMS && !open && !session
    ? { status: "Offline", automatic: null }
    : beneath(world, system);
}

/** What the system shows, or would show if its client were open. */
function beneath(world: World, system: SystemName): Shown {
  if (system !== TEAMS) {
    return { status: world.shown[system] ?? "Available", automatic: null };
  }
  const { client, preferred, session } = world.teams;
  if (preferred) return { status: preferred.status, automatic: null };
  const status = session ? join(client, "InACall") : client;
  if (status === "InAMeeting") return { status, automatic: "soft" };
  return { status, automatic: status === "InACall" ? "hold" : null };
}

/** True when the controller has read what the system shows now. */
export function isKnown(world: World, system: SystemName): boolean {
  const { status } = showing(world, system);
  const { seen, absent } = endpointOf(world.rep, system);
  if (absent !== (status === "Offline")) return false;
  return seen === status || (system === TEAMS && absent);
}

const sequenceOf = (world: World, system: SystemName): number => world.sequence[system] ?? 0;

function bump(world: World, system: SystemName): World {
  return { ...world, sequence: { ...world.sequence, [system]: sequenceOf(world, system) + 1 } };
}

function put(world: World, system: SystemName, status: Status, lagging: boolean): World {
  const values = { ...world.values, [system]: status };
  const lags = lagging && system === DYNAMICS;
  const next = {
    ...world,
    values,
    shown: lags ? world.shown : { ...world.shown, [system]: status },
  };
  return lags ? next : bump(next, system);
}

/** The effect of one of our writes on the world. */
export function applyWrite(world: World, write: Write, setting: Setting): World {
  const raced = world.raced || hasUnread(world, write.system);
  if (isSignedOut(world, write.system)) {
    const swallowed = world.swallowed + (world.interrupted === null ? 0 : 1);
    return { ...world, raced, swallowed };
  }
  if (write.system !== TEAMS) {
    return put({ ...world, raced }, write.system, write.shows, setting.lagging);
  }
  const { teams } = world;
  const untilEpoch = setting.leases ? world.epoch + 2 : null;
  const covered = write.to === "preferred";
  const clears = write.lifts || write.from === "preferred";
  const preferred = covered ? { status: write.shows, untilEpoch } : clears ? null : teams.preferred;
  const goes = write.from === "session" || (write.to === "none" && clears && write.session);
  const session = write.to === "session" || (teams.session && !goes);
  return bump({ ...world, raced, teams: { ...teams, preferred, session } }, TEAMS);
}

/** Takes a reading into the rep, and counts the intents that claim to be a human's choice. */
export function deliverRead(
  world: World,
  read: Snapshot,
  core: Core,
  policy: Policy,
): { readonly next: World; readonly heard: Classification } {
  const reading = {
    status: read.status,
    automatic: read.automatic,
    native: read.status ?? "PresenceUnknown",
    sequence: String(read.sequence).padStart(6, "0"),
    startedTick: read.startedTick,
    startedAtMs: read.startedAtMs,
  };
  const { rep, classification } = core.observe(world.rep, read.system, reading, policy);
  const claims = classification === "choice" && rep.intent > world.rep.intent;
  const next = { ...world, rep, choiceIntents: world.choiceIntents + (claims ? 1 : 0) };
  return { next, heard: classification };
}

export function startRead(world: World, system: SystemName): World {
  const { status, automatic } = showing(world, system);
  const read: Snapshot = {
    system,
    status,
    automatic,
    startedTick: world.rep.tick,
    startedAtMs: world.epoch * EPOCH_MS,
    sequence: sequenceOf(world, system),
  };
  return { ...world, unread: false, reads: [...world.reads, read] };
}

export function hasUnread(world: World, system: SystemName): boolean {
  const holds = world.values[system] ?? beneath(world, system).status;
  const { seen, sequence } = endpointOf(world.rep, system);
  // She may have gone there and back again since: the same value, but a newer choice.
  return holds !== seen || sequenceOf(world, system) !== Number(sequence);
}

export function isSignedOut(world: World, system: SystemName): boolean {
  return system === DYNAMICS && world.values[system] === "Offline";
}

/** She signs out of Dynamics, or in again, to its default presence. */
export function attend(
  world: World,
  kind: "sign-out" | "sign-in",
  setting: Setting,
  quiet: boolean,
): World {
  const status = kind === "sign-out" ? "Offline" : "Available";
  const chosen = [...world.chosen, { kind, system: DYNAMICS, status } as const];
  const sequential = world.sequential && quiet;
  return put({ ...world, chosen, sequential, decreed: null }, DYNAMICS, status, setting.lagging);
}

/** Her connection to Dynamics is gone: it shows Offline at once, and remembers what it showed. */
export function interrupt(world: World, setting: Setting): World {
  const value = world.values[DYNAMICS] ?? "Available";
  const { pending, late } = endpointOf(world.rep, DYNAMICS);
  const isOurs = [pending, ...late].some((write) => write?.status === value);
  // Or hers, and equal to a write of ours that went to somebody who was not there.
  const blurred = world.blurred || (hasUnread(world, DYNAMICS) && (!isOurs || world.raced));
  return put({ ...world, blurred, interrupted: value }, DYNAMICS, "Offline", setting.lagging);
}

/** She is back before anybody took her for signed out. */
export function reconnect(world: World, interrupted: Status, setting: Setting): World {
  return put({ ...world, interrupted: null }, DYNAMICS, interrupted, setting.lagging);
}

/** She stayed away: it was a sign-out after all. */
export function signedOutByTime(world: World): World {
  if (world.interrupted === null) return world;
  const gone = { kind: "sign-out", system: DYNAMICS, status: "Offline" } as const;
  return { ...world, interrupted: null, chosen: [...world.chosen, gone] };
}

/** A human's choice. In Teams, Available means that the manual status is taken back. */
export function act(
  world: World,
  system: SystemName,
  status: Status,
  setting: Setting,
  quiet: boolean,
): World {
  const flights = [...world.flights, ...(world.peer?.flights ?? [])];
  const flying = [...flights.map(({ write }) => write), ...world.zombies];
  const ours = flying.filter((write) => write.system === system);
  const believed = [world.rep, ...(world.peer ? [world.peer.rep, world.stored] : [])];
  const twins = believed.map((rep) => {
    const { pending, late, seen } = endpointOf(rep, system);
    // There and back again between two reads, to what we put there for a call: the next read is the same.
    const back = status === seen && status !== rep.base.status;
    return back || [pending, ...late].some((write) => write?.status === status);
  });
  const twin = twins.includes(true) || ours.some((write) => write.shows === status);
  const late = believed.flatMap((rep) => endpointOf(rep, system).late);
  const base = {
    ...world,
    raced: world.raced || twin,
    mistaken: world.mistaken || late.some((write) => write.status === status),
    chosen: [...world.chosen, { kind: "choice" as const, system, status }],
    crossed: world.crossed && world.unread,
    sequential: world.sequential && quiet,
    decreed: null,
  };
  if (system !== TEAMS) {
    const gone = world.reads.some((read) => read.system === system && read.status === "Offline");
    const unseen = setting.flaps > 0 && (gone || endpointOf(world.rep, system).absent);
    const blurred = world.blurred || unseen;
    return put({ ...base, blurred }, system, status, setting.lagging);
  }
  const preferred = status === "Available" ? null : { status, untilEpoch: null };
  return bump({ ...base, teams: { ...world.teams, preferred } }, TEAMS);
}
