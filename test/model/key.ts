import { hash } from "node:crypto";
import type { SystemName } from "../../src/presence/identity.ts";
import { EPOCH_MS, TEAMS } from "./setting.ts";
import type { World } from "./world.ts";

/**
 * A text that two worlds share only if they behave alike from here on. Ticks and intents are compared with
 * each other only, so they count by rank; times count from now; sequences count from the newest.
 */
function keyOf(world: World): string {
  const { rep } = world;
  const names = Object.keys(rep.systems) as SystemName[];
  const endpoints = names.flatMap((name) => rep.systems[name] ?? []);
  const overlays = Object.entries(rep.overlays);
  const holds = Object.entries(rep.holds);

  const tick = ranked([
    rep.tick,
    rep.intentTick,
    rep.base.tick,
    ...endpoints.map(({ readTick }) => readTick),
    ...endpoints.flatMap(({ pending }) => pending?.ackTick ?? []),
    ...overlays.map(([, overlay]) => overlay.tick),
    ...holds.map(([, hold]) => hold.tick),
    ...world.reads.map(({ startedTick }) => startedTick),
  ]);
  const intent = ranked([
    rep.intent,
    rep.base.intent,
    ...endpoints.flatMap(({ tried, shown }) => [tried, shown]),
    ...endpoints.flatMap(({ pending }) => pending?.intent ?? []),
    ...overlays.map(([, overlay]) => overlay.intent),
    ...world.flights.map(({ write }) => write.intent),
  ]);
  const ago = (atMs: number | null): number | string =>
    atMs === null ? "" : Math.max(-20, Math.min(20, atMs / EPOCH_MS - world.epoch));

  const systems = names.map((name, at) => {
    const e = endpoints[at];
    if (!e) return "";
    const p = e.pending;
    const pending = p
      ? [
          intent(p.intent),
          p.status,
          p.cover,
          p.over,
          p.withdraws,
          p.clears,
          p.ackTick === null ? "" : tick(p.ackTick),
          ago(p.ackAtMs),
          p.unknown,
          p.confirmed,
          p.overtaken,
        ].join()
      : "";
    const behind = (world.sequence[name] ?? 0) - Number(e.sequence);
    const late = e.late
      .map(({ status, cover, clears, assumed }) => `${status}/${cover}/${clears}/${assumed}`)
      .toSorted();
    const lease = e.cover === "none" ? "" : ago(e.leaseUntilMs);
    return [
      e.seen,
      behind,
      tick(e.readTick),
      intent(e.tried),
      intent(e.shown),
      pending,
      late,
      e.cover,
      e.covering,
      lease,
      e.health,
      e.absent,
      e.disconnected && [e.disconnected.status, ago(e.disconnected.untilMs)].join("/"),
      e.changesMs.map(ago),
      e.own?.status,
      world.values[name],
      world.shown[name],
    ].join();
  });

  const { teams } = world;
  return [
    tick(rep.tick),
    tick(rep.intentTick),
    intent(rep.intent),
    rep.cause?.source === TEAMS,
    rep.base.status,
    rep.base.origin,
    tick(rep.base.tick),
    intent(rep.base.intent),
    overlays.map(([name, o]) =>
      [name, o.status, tick(o.tick), intent(o.intent), o.over, ago(o.untilMs)].join(),
    ),
    holds.map(([id, hold]) => [id, tick(hold.tick)].join()),
    ...systems,
    teams.client,
    teams.preferred?.status,
    teams.preferred?.untilEpoch == null ? "" : teams.preferred.untilEpoch - world.epoch,
    teams.session,
    teams.open,
    world.liveHolds,
    world.interrupted,
    world.blurred,
    world.swallowed,
    rep.paused !== null,
    world.flights.map(({ write: w, applied }) =>
      [w.system, intent(w.intent), w.shows, w.from, w.to, w.lifts, applied].join(),
    ),
    world.zombies.map((w) => [w.system, w.shows, w.from, w.to, w.lifts].join()),
    world.reads.map((r) =>
      [
        r.system,
        r.status,
        r.automatic,
        tick(r.startedTick),
        ago(r.startedAtMs),
        (world.sequence[r.system] ?? 0) - r.sequence,
      ].join(),
    ),
    Object.values(world.left),
    rep.writesMs.filter((atMs) => atMs > (world.epoch - 1) * EPOCH_MS).length,
    rep.heldUntilMs > world.epoch * EPOCH_MS ? ago(rep.heldUntilMs) : "",
    rep.fight && [rep.fight.system, ago(rep.fight.lastMs)].join(),
    world.writes,
    world.choiceIntents,
    world.raced,
    world.mistaken,
    world.unread,
    world.crossed,
    world.sequential,
    world.chosen.map(({ kind, system, status }) => `${kind}${system}${status}`),
  ].join("|");
}

/** The same in sixteen bytes, one to a character: ten million of them fit into memory. */
export function binaryKeyOf(world: World): string {
  return hash("md5", keyOf(world), "buffer").toString("latin1");
}

/** Replaces each number by its place in the order of all numbers given. */
function ranked(numbers: readonly number[]): (number: number) => number {
  const order = new Map([...new Set(numbers)].toSorted((a, b) => a - b).map((n, at) => [n, at]));
  return (number) => order.get(number) ?? -1;
}
