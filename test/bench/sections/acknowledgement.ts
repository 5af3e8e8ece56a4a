import { atMost, type Result } from "../report/result.ts";
import { figure, median, percentile } from "../report/statistics.ts";
import type { Run } from "../load.ts";
import { firstThreadOf, type Running } from "../process-cpu.ts";
import { Field, type Place } from "./field.ts";
import { cutShort, inTurn, playRounds, type Section } from "./section.ts";

const FLOOR = "bare handler";
const WORKING = "bare handler that makes the same calls afterwards";
const BESIDE = "bare handler, Lockstep beside it under the same load";
const CALM = "Lockstep";
const SLOW = "Lockstep, store slow";
const DOWN = "Lockstep, upstreams hang";
const PER_SECOND = 200;

/** Who is asked, and how. */
type Turn = { readonly name: string; readonly place: Place; readonly ask: () => Promise<Run> };
type Seen = { readonly run: Run; readonly thread: Running };

export const acknowledgement: Section = {
  id: "acknowledgement",
  withinMs: 160_000,
  async run(scope) {
    await using field = new Field(scope, scope.quick ? 100 : 2_000);
    const slow = new URL("../inside/slow-store.ts", import.meta.url).href;
    const floor = await field.floor(FLOOR, "answering");
    const working = await field.floor(WORKING, "same-calls");
    const calm = await field.lockstep(CALM);
    const held = await field.lockstep(SLOW, { nodeArguments: ["--import", slow] });
    const down = await field.lockstep(DOWN);
    const durationMs = scope.quick ? 300 : 2_500;
    for (const { load } of field.places) await load.run(PER_SECOND, durationMs / 2, 0);
    // The calls that hang now never end: who is connected stays connected.
    down.tenant.hangs = true;

    const ask = ({ load }: Place): Promise<Run> => load.run(PER_SECOND, durationMs, 500);
    const alone = (place: Place): Turn => ({ name: place.name, place, ask: () => ask(place) });
    const beside = async (): Promise<Run> => (await Promise.all([ask(floor), ask(calm)]))[0];
    const turns: readonly Turn[] = [
      alone(floor),
      { name: BESIDE, place: floor, ask: beside },
      ...[working, calm, held, down].map(alone),
    ];
    const seen = new Map<string, readonly Seen[]>();
    const played = await playRounds(scope, async (round) => {
      for (const { name, place, ask: play } of inTurn(turns, round)) {
        const before = await firstThreadOf(place.contestant.pid);
        const run = await play();
        const after = await firstThreadOf(place.contestant.pid);
        const thread = {
          ranMs: after.ranMs - before.ranMs,
          waitedMs: after.waitedMs - before.waitedMs,
        };
        seen.set(name, [...(seen.get(name) ?? []), { run, thread }]);
      }
      scope.say(`acknowledgement: round ${round + 1} of ${scope.rounds}`);
    });
    const names = turns.map(({ name }) => name);
    const rounds = (name: string): readonly (readonly number[])[] =>
      (seen.get(name) ?? []).map(({ run }) => run.answersMs);
    const each = (name: string, of: keyof Running): number =>
      median((seen.get(name) ?? []).map(({ run, thread }) => thread[of] / run.sent));
    const refused = [...seen.values()].flat().reduce((sum, { run }) => sum + run.refused, 0);
    const p99 = (name: string): number =>
      median(rounds(name).map((samples) => percentile(samples, 0.99)));
    const ratio = (name: string): number =>
      median(
        rounds(name).map(
          (samples, round) =>
            percentile(samples, 0.99) / percentile(rounds(FLOOR)[round] ?? [], 0.99),
        ),
      );
    return {
      id: "acknowledgement",
      title: "Acknowledgement of a webhook",
      how: `${PER_SECOND} webhooks of 6 KB a second, ${durationMs / 1000} s for each in ${scope.rounds} rounds, until 200 is read. Store slow: each flush takes 20 ms longer. Upstreams hang: Graph and Dataverse take calls and never answer. The bare handler reads the body, parses it and answers. Ran and waited: of the thread that answers, in all, for each webhook; it waits when it could go on and no core is free.`,
      table: {
        columns: [
          "contestant",
          "p50 ms",
          "p99 ms",
          "p99.9 ms",
          "max ms",
          "p99 × bare handler",
          "ran, ms",
          "waited for a core, ms",
        ],
        rows: names.map((name) => {
          const all = rounds(name).flat();
          return [
            name,
            figure(percentile(all, 0.5)),
            figure(p99(name)),
            figure(percentile(all, 0.999)),
            figure(percentile(all, 1)),
            figure(ratio(name)),
            figure(each(name, "ranMs")),
            figure(each(name, "waitedMs")),
          ];
        }),
      },
      charts: [
        {
          title: "Time to 200, p99 and p99.9",
          unit: "ms",
          logarithmic: true,
          groups: [0.99, 0.999].map((share) => ({
            name: `p${share * 100}`,
            bars: names.map((name) => ({ name, value: percentile(rounds(name).flat(), share) })),
          })),
        },
      ],
      targets: [
        atMost("p99 against the bare handler, all well", ratio(CALM), 2),
        atMost("p99 against the bare handler, upstreams hang", ratio(DOWN), 2),
        atMost("p99 against the bare handler, store slow", ratio(SLOW), 2),
        atMost("webhooks that were not answered 2xx", refused, 0, ""),
      ],
      notes: [
        ...cutShort(played, scope),
        "No acknowledgement waits for the store, for a system, or for the work of any webhook that came with it: the store flushes in a thread of its own, and the work begins when the answers have left. What is left is what earlier webhooks cause: it is done by the thread that answers, and its garbage is collected there. Of the time of the slowest fiftieth of the answers, traced one by one on two quiet cores, 26 % was garbage collection, 14 % other work, 31 % waiting for a core, and 29 % the handling itself and the way back to the load.",
        `What that is worth can be seen from a handler that does nothing but answer first and then make the three calls of a change: its p99 is ${figure(ratio(WORKING))} × the bare handler's. The bare handler itself has ${figure(ratio(BESIDE))} × while Lockstep works beside it: what the cores, the load and the emulated cloud take.`,
        `The load, the cloud, the service, its store and the garbage collector's helpers share the cores. For each millisecond in which it runs, the thread that answers waits ${figure(each(CALM, "waitedMs") / each(CALM, "ranMs"))} ms for one of them.`,
      ],
      figures: Object.fromEntries(
        names.map((name) => [name, { p99Ms: p99(name), ratio: ratio(name) }]),
      ),
    } satisfies Result;
  },
};
