import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant } from "../contestant.ts";
import { Load } from "../load.ts";
import { atMost, type Result } from "../report/result.ts";
import { figure, median, percentile } from "../report/statistics.ts";
import { Stage } from "../stage.ts";
import { FastTenant } from "../tenant.ts";
import type { Scope, Section } from "./section.ts";

const PER_SECOND = 100;
const MIB = 2 ** 20;

type Size = {
  readonly reps: number;
  readonly readySeconds: number;
  readonly restartSeconds: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** When the service has been stopped and started again, and nothing happens. */
  readonly restartedRssBytes: number;
  /** Of one core, with both systems polled every 5 s. */
  readonly restShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

export const scale: Section = {
  id: "scale",
  withinMs: 420_000,
  async run(scope) {
    const counts = scope.quick ? [20, 60] : [100, 1_000, 10_000, 100_000];
    const sizes: Size[] = [];
    for (const reps of counts) {
      if (sizes.length > 1 && scope.isLate()) break;
      sizes.push(await measure(reps, scope));
      scope.say(`scale: ${JSON.stringify(sizes.at(-1))}`);
    }
    const [smallest, largest] = [sizes[0], sizes.at(-1)];
    if (!smallest || !largest) throw new Error("nothing was measured");
    const perRep = (size: Size): number =>
      (size.heapBytes - smallest.heapBytes) / (size.reps - smallest.reps);
    const named = `${figure(largest.reps)} reps`;
    return {
      id: "scale",
      title: "Scale: what more reps cost",
      how: `The real service, both systems polled every 5 s, at each size: from nothing to ready; CPU over ${restMs(scope) / 1000} s in which nobody changes; then memory, resident as it is and the heap after garbage collection; then ${PER_SECOND} changes a second in ${scope.rounds} rounds; then stopped and started again on the same store, and what is resident when it rests again. Each size once, but for the latency.`,
      table: {
        columns: [
          "reps",
          "first start s",
          "restart to ready s",
          "heap MB",
          "heap for each rep, bytes",
          "resident MB",
          "restarted MB",
          "CPU at rest, % of a core",
          "p50 ms",
          "p99 ms",
        ],
        rows: sizes.map((size) => [
          figure(size.reps),
          figure(size.readySeconds),
          figure(size.restartSeconds),
          figure(size.heapBytes / MIB),
          size === smallest ? "–" : figure(perRep(size)),
          figure(size.rssBytes / MIB),
          figure(size.restartedRssBytes / MIB),
          figure(size.restShare * 100),
          figure(size.p50Ms),
          figure(size.p99Ms),
        ]),
      },
      charts: [
        {
          title: "Heap and resident memory",
          unit: "MB",
          logarithmic: true,
          groups: sizes.map((size) => ({
            name: `${figure(size.reps)} reps`,
            bars: [
              { name: "heap", value: size.heapBytes / MIB },
              { name: "resident", value: size.rssBytes / MIB },
              { name: "restarted", value: size.restartedRssBytes / MIB },
            ],
          })),
        },
        {
          title: "Latency at the same load",
          unit: "ms",
          groups: sizes.map((size) => ({
            name: `${figure(size.reps)} reps`,
            bars: [
              { name: "p50", value: size.p50Ms },
              { name: "p99", value: size.p99Ms },
            ],
          })),
        },
      ],
      targets: [
        atMost(`heap for each idle rep, ${named}`, perRep(largest), 1_024, "bytes"),
        atMost(`p50 at ${named} against ${smallest.reps}`, largest.p50Ms / smallest.p50Ms, 1.2),
        atMost(`p99 at ${named} against ${smallest.reps}`, largest.p99Ms / smallest.p99Ms, 1.2),
        atMost(`resident memory, ${named}, restarted`, largest.restartedRssBytes / MIB, 512, "MB"),
        atMost(`ready after a restart, ${named}`, largest.restartSeconds, 3, "s"),
      ],
      notes: [
        "Of a rep at rest a quarter of a kilobyte is her document: sixteen numbers that are hers, and the rep of whoever showed the same before, whom she shares with all who do. The rest is her row of Dynamics, her ids, her slot, and her place in four tables.",
        "Of the resident memory about 190 MB are outside the heap: the program, the store's cache, the threads' allocators. A first start also stores what was first seen of everybody, and what that leaves goes back within minutes; so the target is for a service that was started again, as any is that has been there for a day.",
        "Ready means that everybody was read in both systems. A restart hardly ever waits: of five seconds half a second, with the cloud on this computer. It is one thread's work: modules, the store, the whole roster, one poll of each system, and a sixth of it garbage collection. To read the roster while the store is loaded was tried, and the load took as much longer.",
        "Everybody is read in parts, so that a poll holds up nobody for longer than it takes to look at five hundred reps; only the first poll after a start is looked at as a whole. Of Dynamics, which says who has changed, a poll looks at them only, and at whoever is not at rest. What is left of the slowest changes waits for major garbage collections, some tens of milliseconds about every ten seconds.",
      ],
      figures: sizes,
    } satisfies Result;
  },
};

const restMs = ({ quick }: Scope): number => (quick ? 500 : 10_000);

async function measure(reps: number, scope: Scope): Promise<Size> {
  await using stage = await Stage.over(await FastTenant.start(reps, scope.tls));
  let beganMs = performance.now();
  const first = await stage.lockstep("Lockstep");
  const readySeconds = (performance.now() - beganMs) / 1_000;
  await calm(first, scope);
  const restShare = await restOf(first, restMs(scope));
  const memory = await first.memory();
  const load = new Load(stage.tenant, [first]);
  const runs: (readonly number[])[] = [];
  for (let round = -1; round < scope.rounds; round += 1) {
    const { latenciesMs } = await load.run(PER_SECOND, scope.quick ? 200 : 1_500);
    // The first warms it up.
    if (round >= 0) runs.push(latenciesMs);
  }
  await load.close();
  await first.stop();
  beganMs = performance.now();
  const again = await stage.lockstep("Lockstep");
  const restartSeconds = (performance.now() - beganMs) / 1_000;
  await calm(again, scope);
  await sleep(restMs(scope));
  const { rssBytes: restartedRssBytes } = await again.memory();
  return {
    reps,
    readySeconds,
    restartSeconds,
    ...memory,
    restartedRssBytes,
    restShare,
    p50Ms: median(runs.map((run) => percentile(run, 0.5))),
    p99Ms: median(runs.map((run) => percentile(run, 0.99))),
  };
}

/** Whatever the first look at everybody leaves to be done is done. */
async function calm(contestant: Contestant, scope: Scope): Promise<void> {
  for (let tries = 0; tries < 16; tries += 1) {
    if ((await restOf(contestant, restMs(scope) / 4)) < 0.5) break;
  }
}

/** CPU used over a while, as a share of one core. */
async function restOf(contestant: Contestant, forMs: number): Promise<number> {
  const before = await contestant.cpuMs();
  await sleep(forMs);
  return ((await contestant.cpuMs()) - before) / forMs;
}
