import { atMost, type Result } from "../report/result.ts";
import { figure, median, percentile } from "../report/statistics.ts";
import { Field } from "./field.ts";
import { cutShort, inTurn, playRounds, type Section } from "./section.ts";

const FLOOR = "bare handler";
const CALM = "Lockstep";
const SLOW = "Lockstep, store slow";
const DOWN = "Lockstep, upstreams hang";
const PER_SECOND = 200;

export const acknowledgement: Section = {
  id: "acknowledgement",
  withinMs: 120_000,
  async run(scope) {
    await using field = new Field(scope, scope.quick ? 100 : 2_000);
    const slow = new URL("../inside/slow-store.ts", import.meta.url).href;
    await field.floor(FLOOR, "answering");
    await field.lockstep(CALM);
    await field.lockstep(SLOW, { nodeArguments: ["--import", slow] });
    const down = await field.lockstep(DOWN);
    const durationMs = scope.quick ? 300 : 2_500;
    for (const { load } of field.places) await load.run(PER_SECOND, durationMs / 2, 0);
    // The calls that hang now never end: who is connected stays connected.
    down.tenant.hangs = true;

    const seen = new Map<string, (readonly number[])[]>();
    let refused = 0;
    const played = await playRounds(scope, async (round) => {
      for (const { name, load } of inTurn(field.places, round)) {
        const run = await load.run(PER_SECOND, durationMs, 500);
        refused += run.refused;
        seen.set(name, [...(seen.get(name) ?? []), run.answersMs]);
      }
      scope.say(`acknowledgement: round ${round + 1} of ${scope.rounds}`);
    });
    const names = field.places.map(({ name }) => name);
    const rounds = (name: string) => seen.get(name) ?? [];
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
      how: `${PER_SECOND} webhooks of 8 KB a second, ${durationMs / 1000} s for each in ${scope.rounds} rounds, until 200 is read. Store slow: each flush takes 20 ms longer. Upstreams hang: Graph and Dataverse take calls and never answer. The bare handler reads the body, parses it and answers.`,
      table: {
        columns: ["contestant", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "p99 × bare handler"],
        rows: names.map((name) => {
          const all = rounds(name).flat();
          return [
            name,
            figure(percentile(all, 0.5)),
            figure(p99(name)),
            figure(percentile(all, 0.999)),
            figure(percentile(all, 1)),
            figure(ratio(name)),
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
        "No acknowledgement waits for the store or for a system. But the flush to disk is on the event loop: a webhook that arrives meanwhile is answered after it, and the bare handler flushes nothing.",
      ],
      figures: Object.fromEntries(
        names.map((name) => [name, { p99Ms: p99(name), ratio: ratio(name) }]),
      ),
    } satisfies Result;
  },
};
