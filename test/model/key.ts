import type { SystemName } from "../../src/presence/identity.ts";
import { STATUSES, type Status } from "../../src/presence/status.ts";
import type { Rep } from "../../src/reconcile/rep.ts";
import { otherSide } from "./instances.ts";
import { DYNAMICS, EPOCH_MS, PHONE, TEAMS } from "./setting.ts";
import type { Snapshot, World } from "./world.ts";

/** Longer than any state: three documents of a rep, with what is under way. */
const bytes = new Uint8Array(8_192);
let at = 0;

const put = (value: number): void => {
  bytes[at] = value;
  at += 1;
};
const flag = (value: boolean): void => put(value ? 1 : 0);
const NOTHING = 255;

const codesOf = (words: readonly string[]): ReadonlyMap<string, number> =>
  new Map(words.map((word, code) => [word, code]));
const STATUS_CODES = codesOf(STATUSES);
const NAME_CODES = codesOf([TEAMS, DYNAMICS, PHONE, "desk", "planner"]);
const COVER_CODES = codesOf(["none", "session", "preferred"]);
const KIND_CODES = codesOf(["hold", "soft"]);
const HEALTH_CODES = codesOf(["ok", "absorbed", "rejected"]);
const CHOSEN_CODES = codesOf(["choice", "sign-out", "sign-in", "told"]);

function code(codes: ReadonlyMap<string, number>, word: string | null | undefined): void {
  if (word === null || word === undefined) return put(NOTHING);
  const found = codes.get(word);
  if (found === undefined) throw new Error(`the key has no code for ${word}`);
  return put(found);
}
const status = (word: Status | null | undefined): void => code(STATUS_CODES, word);
const name = (word: string | null | undefined): void => code(NAME_CODES, word);
const cover = (word: string | null | undefined): void => code(COVER_CODES, word);

/** Puts numbers in their order: a rank stands for each. */
class Ranks {
  #numbers: number[] = [];

  reset(): void {
    this.#numbers.length = 0;
  }

  add(number: number): void {
    if (!this.#numbers.includes(number)) this.#numbers.push(number);
  }

  sort(): void {
    this.#numbers.sort((a, b) => a - b);
  }

  put(number: number): void {
    put(this.#numbers.indexOf(number));
  }
}
const ticks = new Ranks();
const intents = new Ranks();

let nowEpoch = 0;
/** A time, counted from now; what is further away than any rule looks is all the same. */
function ago(atMs: number | null): void {
  put(atMs === null ? NOTHING : 100 + Math.max(-20, Math.min(20, atMs / EPOCH_MS - nowEpoch)));
}

/**
 * Bytes that two worlds share only if they behave alike from here on. Ticks and intents are compared with each other
 * only, so they count by rank; times count from now; sequences count from the newest. The bytes are good until the
 * next call.
 */
export function binaryKeyOf(world: World): Uint8Array {
  at = 0;
  nowEpoch = world.epoch;
  rankAll(world);
  putSide(world, world);
  if (world.peer) {
    putSide(world, otherSide(world));
    putRep(world, world.stored);
  }
  putWorld(world);
  return bytes.subarray(0, at);
}

function rankAll(world: World): void {
  ticks.reset();
  intents.reset();
  rank(world.rep);
  rankFlights(world);
  if (world.peer) {
    rank(world.peer.rep);
    rank(world.stored);
    rankFlights(world.peer);
  }
  ticks.sort();
  intents.sort();
}

function rankFlights({ reads, flights }: Pick<World, "reads" | "flights">): void {
  for (const { startedTick } of reads) ticks.add(startedTick);
  for (const { write } of flights) intents.add(write.intent);
}

function rank(rep: Rep): void {
  ticks.add(rep.tick);
  ticks.add(rep.intentTick);
  intents.add(rep.intent);
  for (const base of [rep.base, rep.base.before]) {
    if (!base) continue;
    ticks.add(base.tick);
    intents.add(base.intent);
  }
  for (const system of Object.keys(rep.systems) as SystemName[]) {
    const { readTick, pending, tried, shown, refused } = rep.systems[
      system
    ] as Rep["systems"][SystemName];
    ticks.add(readTick);
    intents.add(tried);
    intents.add(shown);
    if (refused) intents.add(refused.intent);
    if (refused) ticks.add(refused.tick);
    if (pending) intents.add(pending.intent);
    if (pending?.ackTick != null) ticks.add(pending.ackTick);
  }
  for (const { tick, intent } of Object.values(rep.overlays)) {
    ticks.add(tick);
    intents.add(intent);
  }
  for (const { tick } of Object.values(rep.holds)) ticks.add(tick);
}

/** One instance: what it believes, and what it has under way. */
function putSide(world: World, side: Pick<World, "rep" | "reads" | "flights" | "behind">): void {
  flag(side.behind);
  putRep(world, side.rep);
  put(side.flights.length);
  for (const { write, applied } of side.flights) {
    name(write.system);
    intents.put(write.intent);
    putWrite(write);
    flag(applied);
  }
  put(side.reads.length);
  for (const read of side.reads) putRead(world, read);
}

function putWrite(write: World["zombies"][number]): void {
  status(write.shows);
  cover(write.from);
  cover(write.to);
  flag(write.lifts);
  flag(write.session);
}

function putRead(world: World, read: Snapshot): void {
  name(read.system);
  status(read.status);
  code(KIND_CODES, read.automatic);
  ticks.put(read.startedTick);
  ago(read.startedAtMs);
  put((world.sequence[read.system] ?? 0) - read.sequence);
}

function putRep(world: World, rep: Rep): void {
  ticks.put(rep.tick);
  ticks.put(rep.intentTick);
  intents.put(rep.intent);
  flag(rep.cause?.source === TEAMS);
  for (const base of [rep.base, rep.base.before]) {
    status(base?.status);
    if (!base) continue;
    name(base.origin);
    ticks.put(base.tick);
    intents.put(base.intent);
  }
  ago(rep.base.untilMs);
  flag(rep.base.atMs > 0);
  const overlays = Object.entries(rep.overlays);
  put(overlays.length);
  for (const [system, overlay] of overlays) {
    name(system);
    status(overlay.status);
    ticks.put(overlay.tick);
    intents.put(overlay.intent);
    status(overlay.over);
    ago(overlay.untilMs);
  }
  const holds = Object.entries(rep.holds);
  put(holds.length);
  for (const [id, hold] of holds) {
    put(numberOf(id));
    ticks.put(hold.tick);
    ago(hold.untilMs);
  }
  for (const system of Object.keys(rep.systems) as SystemName[]) putEndpoint(world, rep, system);
  flag(rep.paused !== null);
  put(rep.writesMs.filter((atMs) => atMs > (world.epoch - 1) * EPOCH_MS).length);
  ago(rep.heldUntilMs > world.epoch * EPOCH_MS ? rep.heldUntilMs : null);
  name(rep.fight?.system);
  ago(rep.fight?.lastMs ?? null);
}

function putEndpoint(world: World, rep: Rep, system: SystemName): void {
  const e = rep.systems[system] as Rep["systems"][SystemName];
  status(e.seen);
  put(e.sequence === null ? NOTHING : (world.sequence[system] ?? 0) - Number(e.sequence));
  ticks.put(e.readTick);
  intents.put(e.tried);
  intents.put(e.shown);
  const p = e.pending;
  flag(p !== null);
  if (p) {
    intents.put(p.intent);
    status(p.status);
    cover(p.cover);
    status(p.over);
    put((p.withdraws ? 1 : 0) + (p.clears ? 2 : 0) + (p.unknown ? 4 : 0) + (p.confirmed ? 8 : 0));
    flag(p.overtaken);
    if (p.ackTick === null) put(NOTHING);
    else ticks.put(p.ackTick);
    ago(p.ackAtMs);
  }
  put(e.late.length);
  const late = e.late.map((write) => {
    const shown = write.status === null ? 15 : (STATUS_CODES.get(write.status) ?? 14);
    const flags = (write.clears ? 16 : 0) + (write.assumed ? 32 : 0);
    return shown + flags + 64 * (COVER_CODES.get(write.cover) ?? 3);
  });
  for (const write of late.sort((a, b) => a - b)) put(write);
  cover(e.cover);
  status(e.covering);
  ago(e.coveredSinceMs);
  flag(rep.base.atMs > e.coveredSinceMs);
  ago(e.cover === "none" ? null : e.leaseUntilMs);
  flag(e.sessionUntilMs > 0);
  code(HEALTH_CODES, e.health);
  flag(e.refused !== null);
  if (e.refused) {
    intents.put(e.refused.intent);
    ticks.put(e.refused.tick);
    ago(e.refused.atMs);
  }
  flag(e.absent);
  status(e.disconnected?.status);
  ago(e.disconnected?.untilMs ?? null);
  put(e.changesMs.length);
  for (const changeMs of e.changesMs) ago(changeMs);
  status(e.own?.status);
}

/** What is true whoever believes what, and what has been counted. */
function putWorld(world: World): void {
  for (const system of Object.keys(world.sequence) as SystemName[]) {
    status(world.values[system]);
    status(world.shown[system]);
  }
  const { teams } = world;
  status(teams.client);
  status(teams.preferred?.status);
  put(teams.preferred?.untilEpoch == null ? NOTHING : teams.preferred.untilEpoch - world.epoch);
  put((teams.session ? 1 : 0) + (teams.open ? 2 : 0));
  put(world.liveHolds.length);
  for (const id of world.liveHolds) put(numberOf(id));
  put(world.zombies.length);
  for (const write of world.zombies) {
    name(write.system);
    putWrite(write);
  }
  for (const count of Object.values(world.left)) if (typeof count === "number") put(count);
  put(world.writes);
  put(world.choiceIntents);
  put((world.raced ? 1 : 0) + (world.mistaken ? 2 : 0) + (world.unread ? 4 : 0));
  put((world.crossed ? 1 : 0) + (world.sequential ? 2 : 0));
  status(world.decreed);
  status(world.interrupted);
  flag(world.blurred);
  put(world.swallowed);
  put(world.chosen.length);
  for (const { kind, system, status: chosen } of world.chosen) {
    code(CHOSEN_CODES, kind);
    name(system);
    status(chosen);
  }
}

/** `call-3` is 3. */
const numberOf = (id: string): number => Number(id.slice(id.indexOf("-") + 1));
