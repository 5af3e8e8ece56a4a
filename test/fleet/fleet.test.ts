import { expect, onTestFinished, test } from "vitest";
import { type Engine, engineWith } from "../../src/engine/engine.ts";
import type { Jobs, Nudge } from "../../src/engine/jobs.ts";
import { Fleet, type Watch as FleetWatch } from "../../src/fleet/fleet.ts";
import { shardOf } from "../../src/fleet/shard.ts";
import { DYNAMICS, type RepId, type RepIdentity } from "../../src/presence/identity.ts";
import { Crew, end, person, POLL_MS, type Watch } from "../controller/crew.ts";

const COUNT = 4;
const TTL_MS = 6_000;
const PEOPLE = Array.from({ length: 12 }, (_, n) => person(`rep-${n}`));

/** Jobs of several instances in one process: a nudge waits until its shard is served. */
class Switchboard {
  readonly #waiting: { readonly shard: number; readonly nudge: Nudge }[] = [];
  readonly #served = new Map<number, (shard: number, nudge: Nudge) => void>();

  jobs(take: (shard: number, nudge: Nudge) => void): Pick<Jobs, "nudge" | "serve"> {
    return {
      nudge: async (shard, nudge) => {
        this.#waiting.push({ shard, nudge });
        this.#deliver();
      },
      serve: async (shards) => {
        for (const [shard, by] of this.#served) if (by === take) this.#served.delete(shard);
        for (const shard of shards) this.#served.set(shard, take);
        this.#deliver();
      },
    };
  }

  #deliver(): void {
    for (const { shard, nudge } of this.#waiting.splice(0)) {
      const take = this.#served.get(shard);
      if (take) take(shard, nudge);
      else this.#waiting.push({ shard, nudge });
    }
  }
}

/** An instance: a controller with its sweeps for each shard that it has. It can be cut off from the store. */
class Instance {
  readonly watches = new Map<number, Watch>();
  readonly fleet: Fleet<null, FleetWatch<null>>;
  isCut = false;
  directory: readonly RepIdentity[] = PEOPLE;

  constructor(crew: Crew, switchboard: Switchboard, name: string) {
    const engine = this.#reach(crew.engine);
    this.fleet = new Fleet(null, {
      engine,
      jobs: switchboard.jobs((shard, nudge) => this.fleet.take(shard, nudge)),
      clock: crew.clock,
      elapsedMs: () => crew.clock.nowMs(),
      instance: name,
      count: COUNT,
      ttlMs: TTL_MS,
      identities: () => this.directory,
      newWatch: (view) => {
        let watch: Watch | null = null;
        const started = (): Watch => {
          if (!watch) throw new Error("not started");
          return watch;
        };
        return {
          start: async () => {
            watch = await crew.begin(view, []);
            this.watches.set(this.watches.size, watch);
          },
          stop: async () => {
            for (const [key, known] of this.watches) if (known === watch) this.watches.delete(key);
            if (watch) await end(watch);
          },
          setPauses: () => undefined,
          adopt: (identity) => started().controller.adopt(identity),
          detach: (rep) => started().controller.detach(rep),
          staying: () => started().controller.staying(),
          hint: (rep, system, delayMs) => started().controller.hint(rep, system, delayMs),
          submit: (event) => started().controller.submit(event),
        };
      },
      onFault: () => undefined,
    });
  }

  has(rep: RepId): boolean {
    return [...this.watches.values()].some(({ controller }) => controller.document(rep) !== null);
  }

  #reach(engine: Engine): Engine {
    const through = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
      return (...args: Args): Promise<Result> =>
        this.isCut ? Promise.reject(new Error("cut off")) : call(...args);
    };
    return engineWith(engine, {
      load: through(() => engine.load()),
      get: through((rep) => engine.get(rep)),
      commit: through((commit) => engine.commit(commit)),
      remove: through((rep) => engine.remove(rep)),
      unsettled: through(() => engine.unsettled()),
      lease: through((name, holder, ttlMs) => engine.lease(name, holder, ttlMs)),
      release: through((name, holder) => engine.release(name, holder)),
      leases: through(() => engine.leases()),
    });
  }
}

/** What the store's clock does while nobody renews: here it stands still, as the virtual one moves. */
async function expire(engine: Engine, holder: string): Promise<void> {
  for (const lease of await engine.leases()) {
    if (lease.holder === holder) await engine.lease(lease.name, holder, 0);
  }
}

/** Two instances that share everybody, all of them Available. */
async function startTwo(): Promise<{ crew: Crew; one: Instance; two: Instance }> {
  const { crew, watch } = await Crew.onDuty({ people: PEOPLE });
  await end(watch);
  const switchboard = new Switchboard();
  const [one, two] = [
    new Instance(crew, switchboard, "one"),
    new Instance(crew, switchboard, "two"),
  ];
  onTestFinished(() => crew.engine.close());
  await one.fleet.start();
  await two.fleet.start();
  await crew.clock.advance(TTL_MS + 2 * POLL_MS);
  expect([one.watches.size, two.watches.size]).toEqual([2, 2]);
  expect([one.fleet.members, two.fleet.members]).toEqual([2, 2]);
  return { crew, one, two };
}

test("[R259] two instances keep everybody in step with one write for each change, also when one is cut off and comes back", async () => {
  const { crew, one, two } = await startTwo();
  const inStep = async (presence: string, writes: number): Promise<void> => {
    await crew.clock.advance(30_000);
    const shown = PEOPLE.map(({ rep }) => crew.dynamics.presence(rep));
    expect(new Set(shown)).toEqual(new Set([presence]));
    expect(crew.writes).toBe(writes);
  };
  const before = crew.writes;
  for (const { rep } of PEOPLE) crew.teams.choose(rep, "Busy");
  await inStep("Busy", before + PEOPLE.length);

  // It goes on reading, and believes for a while that it has what the other one takes over.
  two.isCut = true;
  await expire(crew.engine, "two");
  for (const { rep } of PEOPLE) crew.teams.choose(rep, "Away");
  await inStep("Away", before + 2 * PEOPLE.length);
  expect([one.watches.size, two.watches.size]).toEqual([COUNT, 0]);

  two.isCut = false;
  await crew.clock.advance(2 * TTL_MS);
  expect([one.watches.size, two.watches.size]).toEqual([2, 2]);
  for (const { rep } of PEOPLE) crew.teams.choose(rep, "DoNotDisturb");
  await inStep("Busy - DND", before + 3 * PEOPLE.length);
  await Promise.all([one.fleet.stop(), two.fleet.stop()]);
  expect([one.watches.size, two.watches.size]).toEqual([0, 0]);
  expect(await crew.engine.leases()).toEqual([]);
});

test("[R263] a hint may come to any instance: whoever has the rep reads at once, and not at the next poll", async () => {
  const { crew, one, two } = await startTwo();
  for (const instance of [one, two]) {
    const stranger = PEOPLE.find(({ rep }) => !instance.has(rep));
    if (!stranger) throw new Error("each has a half");
    crew.dynamics.choose(stranger.rep, "Busy");
    instance.fleet.hint(stranger.rep, DYNAMICS);
    await crew.clock.advance(POLL_MS / 10);
    expect(crew.teams.shows(stranger.rep)).toBe("Busy");
  }
  await Promise.all([one.fleet.stop(), two.fleet.stop()]);
});

test("[R63] [R263] an event may be accepted by any instance, and is not lost when nobody has the rep", async () => {
  const { crew, one, two } = await startTwo();
  const [first, second] = PEOPLE.filter(({ rep }) => two.has(rep));
  if (!first || !second) throw new Error("it has a half");
  one.fleet.submit(await crew.tell(null, crew.call("call-1"), first));
  await crew.clock.advance(POLL_MS / 10);
  expect(crew.shown(first)).toEqual(["InACall", "Busy"]);

  two.isCut = true;
  one.fleet.submit(await crew.tell(null, crew.call("call-2"), second));
  await expire(crew.engine, "two");
  await crew.clock.advance(2 * TTL_MS);
  expect(crew.shown(second)).toEqual(["InACall", "Busy"]);
  expect(await crew.engine.unsettled()).toEqual([]);
  await one.fleet.stop();
});

test("[R263] somebody who left the directory while her shard changed hands is let go by whoever gets it", async () => {
  const { crew, one, two } = await startTwo();
  const leaver = PEOPLE.find(({ rep }) => two.has(rep));
  if (!leaver) throw new Error("it has a half");
  two.isCut = true;
  one.directory = PEOPLE.filter((identity) => identity !== leaver);
  await expire(crew.engine, "two");
  await crew.clock.advance(120_000);
  expect(await crew.engine.get(leaver.rep)).toBeNull();
  expect(await crew.engine.load()).toHaveLength(PEOPLE.length - 1);
  expect(
    PEOPLE.filter(({ rep }) => shardOf(rep, COUNT) === shardOf(leaver.rep, COUNT)).length,
  ).toBeGreaterThan(1);
  await one.fleet.stop();
});
