import { flushMs } from "../disk.ts";
import { atMost, type Result } from "../report/result.ts";
import { figure, median, percentile } from "../report/statistics.ts";
import { BARE, Field, LOCKSTEP, SAME_CALLS } from "./field.ts";
import { cutShort, inTurn, playRounds, type Scope, type Section } from "./section.ts";

const SHARES = [0.5, 0.95, 0.99] as const;
type Quantiles = readonly number[];

/** How often something changes, and how far away the two systems are. */
type Weather = { readonly name: string; readonly rate: number; readonly awayMs: number };
const weatherAt = (rate: number, awayMs = 0): Weather => ({
  name: awayMs === 0 ? `${rate}/s` : `${rate}/s, ${awayMs} ms away`,
  rate,
  awayMs,
});
/** Where the target has to be met. */
const JUDGED = weatherAt(200);
/** As a region's data centre is, or a little farther. */
const FAR = weatherAt(200, 40);

export const latency: Section = {
  id: "latency",
  withinMs: 240_000,
  async run(scope) {
    const weathers = scope.quick ? [weatherAt(50)] : [weatherAt(50), JUDGED, FAR, weatherAt(1_000)];
    await using field = new Field(scope, scope.quick ? 100 : 2_000);
    const { folder } = await field.lockstep();
    await field.postgres();
    await field.floor(BARE, "bare");
    await field.floor(SAME_CALLS, "same-calls");
    await field.nodeRed();
    // Compilers and connections warm up first.
    for (const { load } of field.places) await load.run(50, scope.quick ? 200 : 1_500);

    const seen = new Map<string, { readonly quantiles: Quantiles; readonly missing: number }[]>();
    const flushesMs: number[] = [];
    const played = await playRounds(scope, async (round) => {
      flushesMs.push(await flushMs(folder));
      for (const weather of weathers) {
        for (const { name, load, tenant } of inTurn(field.places, round)) {
          tenant.awayMs = weather.awayMs;
          const run = await load.run(weather.rate, durationOf(scope));
          tenant.awayMs = 0;
          const quantiles = SHARES.map((share) => percentile(run.latenciesMs, share));
          const missing = run.sent - run.latenciesMs.length;
          const key = `${weather.name} ${name}`;
          seen.set(key, [...(seen.get(key) ?? []), { quantiles, missing }]);
        }
      }
      scope.say(`latency: round ${round + 1} of ${scope.rounds}`);
    });

    const rounds = (weather: Weather, name: string) => seen.get(`${weather.name} ${name}`) ?? [];
    const middle = (weather: Weather, name: string, at: number): number =>
      median(rounds(weather, name).map(({ quantiles }) => quantiles[at] ?? Number.NaN));
    /** The median of the ratios, each of two runs of the same round. */
    const ratio = (weather: Weather, name: string, floor: string, at: number): number =>
      median(
        rounds(weather, name).map(({ quantiles }, round) => {
          const below = rounds(weather, floor)[round]?.quantiles[at] ?? Number.NaN;
          return (quantiles[at] ?? Number.NaN) / below;
        }),
      );
    const names = field.places.map(({ name }) => name);
    const rows = weathers.flatMap((weather) =>
      names.map((name) => [
        weather.name,
        name,
        ...SHARES.map((_, at) => figure(middle(weather, name, at))),
        figure(ratio(weather, name, BARE, 0)),
        figure(ratio(weather, name, SAME_CALLS, 0)),
        figure(ratio(weather, name, SAME_CALLS, 2)),
        String(rounds(weather, name).reduce((sum, { missing }) => sum + missing, 0)),
      ]),
    );
    return {
      id: "latency",
      title: "Added latency, hint received → write leaves",
      how: `Hints of changes in Dynamics at an even rate, until the write arrives in Teams; ${scope.rounds} rounds of ${durationOf(scope) / 1000} s for each, contestants in turn. Includes two hops on loopback, which are the same for everybody; "${FAR.awayMs} ms away", each call to the two systems takes so much longer, as it does outside this computer. The pace of the cloud's limits is taken away; Lockstep stores the change durably before it writes, nobody else does.`,
      table: {
        columns: [
          "changes",
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
          groups: weathers.flatMap((weather) =>
            ([0, 2] as const).map((at) => ({
              name: `${weather.name} p${at === 0 ? 50 : 99}`,
              bars: names.map((name) => ({ name, value: middle(weather, name, at) })),
            })),
          ),
        },
      ],
      targets: weathers.includes(JUDGED)
        ? [
            atMost(
              `p50 against the same calls at ${JUDGED.rate}/s`,
              ratio(JUDGED, LOCKSTEP, SAME_CALLS, 0),
              1.5,
            ),
            atMost(
              `p99 against the same calls at ${JUDGED.rate}/s`,
              ratio(JUDGED, LOCKSTEP, SAME_CALLS, 2),
              2,
            ),
          ]
        : [],
      notes: [
        ...cutShort(played, scope),
        `One flush of this disk took ${figure(median(flushesMs))} ms between the rounds; the median change has to wait for one, and for the start of the next if one is under way.`,
        "What Lockstep does and the floor does not: before the write leaves, its record is flushed to disk, in a thread of its own, one flush at a time; who asks while a read is under way shares the next one, and waits for it, 4 ms at most; and each change is read twice more afterwards, to see that it arrived.",
      ],
      figures: { ...Object.fromEntries(seen), flushesMs },
    } satisfies Result;
  },
};

const durationOf = ({ quick }: Scope): number => (quick ? 300 : 1_500);
