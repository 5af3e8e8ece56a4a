import { atMost, type Result } from "../report/result.ts";
import { figure, median, percentile } from "../report/statistics.ts";
import { BARE, Field, LOCKSTEP, SAME_CALLS } from "./field.ts";
import { cutShort, inTurn, playRounds, type Scope, type Section } from "./section.ts";

const SHARES = [0.5, 0.95, 0.99] as const;
type Quantiles = readonly number[];

/** Rates at which the target has to be met. */
const JUDGED_AT = 200;

export const latency: Section = {
  id: "latency",
  withinMs: 240_000,
  async run(scope) {
    const rates = scope.quick ? [50] : [50, 200, 1_000];
    await using field = new Field(scope, scope.quick ? 100 : 2_000);
    await field.lockstep();
    await field.postgres();
    await field.floor(BARE, "bare");
    await field.floor(SAME_CALLS, "same-calls");
    await field.nodeRed();
    // Compilers and connections warm up first.
    for (const { load } of field.places) await load.run(rates[0] ?? 50, scope.quick ? 200 : 1_500);

    const seen = new Map<string, { readonly quantiles: Quantiles; readonly missing: number }[]>();
    const played = await playRounds(scope, async (round) => {
      for (const rate of rates) {
        for (const { name, load } of inTurn(field.places, round)) {
          const run = await load.run(rate, durationOf(scope));
          const quantiles = SHARES.map((share) => percentile(run.latenciesMs, share));
          const missing = run.sent - run.latenciesMs.length;
          const key = `${rate} ${name}`;
          seen.set(key, [...(seen.get(key) ?? []), { quantiles, missing }]);
        }
      }
      scope.say(`latency: round ${round + 1} of ${scope.rounds}`);
    });

    const rounds = (rate: number, name: string) => seen.get(`${rate} ${name}`) ?? [];
    const middle = (rate: number, name: string, at: number): number =>
      median(rounds(rate, name).map(({ quantiles }) => quantiles[at] ?? Number.NaN));
    /** The median of the ratios, each of two runs of the same round. */
    const ratio = (rate: number, name: string, floor: string, at: number): number =>
      median(
        rounds(rate, name).map(({ quantiles }, round) => {
          const below = rounds(rate, floor)[round]?.quantiles[at] ?? Number.NaN;
          return (quantiles[at] ?? Number.NaN) / below;
        }),
      );
    const names = field.places.map(({ name }) => name);
    const rows = rates.flatMap((rate) =>
      names.map((name) => [
        String(rate),
        name,
        ...SHARES.map((_, at) => figure(middle(rate, name, at))),
        figure(ratio(rate, name, BARE, 0)),
        figure(ratio(rate, name, SAME_CALLS, 0)),
        figure(ratio(rate, name, SAME_CALLS, 2)),
        String(rounds(rate, name).reduce((sum, { missing }) => sum + missing, 0)),
      ]),
    );
    return {
      id: "latency",
      title: "Added latency, hint received → write leaves",
      how: `Hints of changes in Dynamics at an even rate, until the write arrives in Teams; ${scope.rounds} rounds of ${durationOf(scope) / 1000} s for each, contestants in turn. Includes two hops on loopback, which are the same for everybody. The pace of the cloud's limits is taken away; Lockstep stores the change durably before it writes, nobody else does.`,
      table: {
        columns: [
          "changes/s",
          "contestant",
          "p50 ms",
          "p95 ms",
          "p99 ms",
          "p50 × bare",
          "p50 × same calls",
          "p99 × same calls",
          "not written within 5 s",
        ],
        rows,
      },
      charts: [
        {
          title: "Hint to write, p50 and p99",
          unit: "ms",
          logarithmic: true,
          groups: rates.flatMap((rate) =>
            ([0, 2] as const).map((at) => ({
              name: `${rate}/s p${at === 0 ? 50 : 99}`,
              bars: names.map((name) => ({ name, value: middle(rate, name, at) })),
            })),
          ),
        },
      ],
      targets: rates
        .filter((rate) => rate === JUDGED_AT)
        .flatMap((rate) => [
          atMost(
            `p50 against the same calls at ${rate}/s`,
            ratio(rate, LOCKSTEP, SAME_CALLS, 0),
            1.5,
          ),
          atMost(
            `p99 against the same calls at ${rate}/s`,
            ratio(rate, LOCKSTEP, SAME_CALLS, 2),
            2,
          ),
        ]),
      notes: [
        ...cutShort(played, scope),
        "What Lockstep does and the floor does not: before the write leaves, its record is flushed to disk, and the event loop stands still meanwhile; who asks while a read is under way shares the next one, and waits for it, 4 ms at most; and each change is read twice more afterwards, to see that it arrived.",
        "The flush is on the event loop, so it is in the latency of whoever comes meanwhile, too. What would mend that is a store in a thread of its own.",
      ],
      figures: Object.fromEntries(seen),
    } satisfies Result;
  },
};

const durationOf = ({ quick }: Scope): number => (quick ? 300 : 1_500);
