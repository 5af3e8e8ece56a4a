import { type Climate, type ClimateName, CLIMATES } from "./climate.ts";
import type { Recorder } from "../../src/controller/recorder.ts";
import type { Drive } from "./drive.ts";
import { Finale } from "./finale.ts";
import { Violation } from "./journal.ts";
import { SimulatedPerson } from "./people.ts";
import { World } from "./world.ts";

export type Simulated = {
  readonly seed: number;
  readonly climate: string;
  /** Of everything that happened, in order. */
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly writes: number;
  readonly covered: ReadonlyMap<string, number>;
  readonly violation: Violation | null;
  readonly lines: readonly string[];
};

/** How long things go wrong, in events: messages, timers, flushes and deeds. */
const CHAOS_EVENTS = 2_000;
/** A partner's signature is good for five minutes. */
const SKEW_MS = 4 * 60_000;
/** A clock that is set while a write settles must not be set by more than what is left of that time. */
const STEP_MS = 700;

/** Runs one seed in one climate to its end, or to the first promise that is broken. */
export async function simulate(
  seed: number,
  name: ClimateName,
  drive: Drive,
  chaosEvents = CHAOS_EVENTS,
): Promise<Simulated> {
  const climate: Climate = CLIMATES[name];
  const world = new World(seed, climate, drive);
  const listening = listen(world, drive);
  const people = world.people.map((identity) => new SimulatedPerson(world, identity));
  try {
    await live(world, people, chaosEvents);
    const run = (forMs: number): Promise<void> => runFor(world, forMs);
    await new Finale(world, people, run).play();
    checkWrites(world);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
  } finally {
    listening();
  }
  const { checker, journal, timeline } = world;
  return {
    seed,
    climate: name,
    hash: journal.hash(),
    events: timeline.events,
    virtualMs: timeline.nowMs,
    writes: [...checker.writes.values()].reduce((sum, writes) => sum + writes, 0),
    covered: journal.covered,
    violation: checker.violation,
    lines: journal.lines,
  };
}

/** The faulty half: people live their day while everything goes wrong that the climate allows. */
async function live(
  world: World,
  people: readonly SimulatedPerson[],
  chaosEvents: number,
): Promise<void> {
  const { chance, climate, journal, timeline } = world;
  if (world.strikes("clock skewed")) {
    world.skewMs = chance.between(-SKEW_MS, SKEW_MS);
    journal.fault("clock skewed");
  }
  for (let at = 0; at < climate.instances; at += 1) world.startProcess();
  if (climate.instances > 1) journal.fault("two instances");
  const deed = (person: SimulatedPerson): void => {
    timeline.after(-Math.log(1 - chance.next()) * climate.deedMs * people.length, () => {
      if (world.isCalm) return;
      person.act();
      deed(person);
    });
  };
  for (const person of people) deed(person);
  if (climate.swizzles) swizzle(world);
  if (climate.rosterMoves) moveRoster(world);

  while (timeline.events < chaosEvents) {
    await timeline.step(timeline.nowMs + 60_000);
    if (world.checker.violation) throw world.checker.violation;
    const [process] = world.processes;
    if (process && world.strikes("crash at rest")) process.crash("crash at rest");
    else if (process && world.strikes("stopped in order")) world.stopInOrder(process);
  }
}

/** Stops a random few of the components one by one, and lets them go in another order. */
function swizzle(world: World): void {
  const { chance, timeline, journal } = world;
  const components = [
    { stop: () => world.graph.line.clog(), go: () => world.graph.line.unclog() },
    { stop: () => world.dataverse.line.clog(), go: () => world.dataverse.line.unclog() },
    {
      stop: () => {
        world.isDiskFull = !world.isCalm;
        journal.fault("disk full");
      },
      go: () => {
        world.isDiskFull = false;
      },
    },
    {
      stop: () => {
        const byMs = chance.between(-STEP_MS, STEP_MS);
        for (const process of world.processes) process.clock.skewMs = world.skewMs + byMs;
        journal.fault("clock set");
      },
      go: () => {
        for (const process of world.processes) process.clock.skewMs = world.skewMs;
      },
    },
  ];
  const round = (): void => {
    if (world.isCalm) return;
    const few = chance.shuffled(components).slice(0, chance.between(1, components.length));
    let atMs = 0;
    for (const { stop } of few) {
      atMs += chance.between(1, 8_000);
      timeline.after(atMs, () => {
        if (!world.isCalm) stop();
      });
    }
    for (const { go } of chance.shuffled(few)) {
      atMs += chance.between(1, 12_000);
      timeline.after(atMs, go);
    }
    timeline.after(atMs + chance.between(20_000, 60_000), round);
  };
  timeline.after(chance.between(5_000, 20_000), round);
}

/** Somebody leaves the contact centre, and is back before the end. */
function moveRoster(world: World): void {
  const { chance, timeline, journal, dataverse } = world;
  const { systemUserId } = chance.pick(world.people);
  timeline.after(chance.between(60_000, 240_000), () => {
    dataverse.roster.delete(systemUserId);
    journal.fault("rep left");
    journal.tell(`${systemUserId} left`);
    timeline.after(chance.between(30_000, 200_000), () => {
      dataverse.roster.add(systemUserId);
      journal.fault("rep came back");
      journal.tell(`${systemUserId} is back`);
    });
  });
}

async function runFor(world: World, forMs: number): Promise<void> {
  const untilMs = world.timeline.nowMs + forMs;
  for (;;) {
    const more = await world.timeline.step(untilMs);
    if (world.checker.violation) throw world.checker.violation;
    if (!more) return;
  }
}

/** P2 over the whole life: each thing that was done costs one write per system, and each fault one or two more. */
function checkWrites(world: World): void {
  const { checker, journal, climate } = world;
  const faults = [...journal.covered]
    .filter(([what]) => what.startsWith("fault: ") && !/hint|clock|instances|rep /.test(what))
    .reduce((sum, [, count]) => sum + count, 0);
  const most = (2 * (checker.causes.inputs + 20) + 2 * faults) * climate.instances;
  const writes = [...checker.writes.values()].reduce((sum, count) => sum + count, 0);
  journal.checked("P2");
  if (writes > most) {
    checker.broken("P2 bounded writes", `${writes} writes, where at most ${most} are explained`);
  }
}

/** The words in which the service says what it takes each reading for, counted. Returns what ends it. */
function listen({ journal }: World, { Recorder: Heard }: Drive): () => void {
  const reading = Reflect.get<Recorder, "reading">(Heard.prototype, "reading");
  Heard.prototype.reading = function counted(before, after, system, read, classification) {
    journal.classified(classification);
    journal.tell(
      `${system} ${read.status} of ${this.rep} at ${read.startedAtMs}: ${classification}`,
    );
    reading.call(this, before, after, system, read, classification);
  };
  return () => {
    Heard.prototype.reading = reading;
  };
}
