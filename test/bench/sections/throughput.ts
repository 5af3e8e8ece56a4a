import { atLeast, type Result } from "../report/result.ts";
import { figure, median } from "../report/statistics.ts";
import { BARE, Field, LOCKSTEP, NODE_RED, ON_POSTGRES, SAME_CALLS } from "./field.ts";
import type { Way } from "../load.ts";
import { cutShort, inTurn, playRounds, type Scope, type Section } from "./section.ts";

/** Changes on their way at any time. In Teams they are found by a poll each second, many at once. */
const IN_FLIGHT = { dynamics: 256, teams: 2_000 };

type Rates = { readonly perSecond: number; readonly perCpuSecond: number };

/** What a profile of the saturated process showed. */
const STANDS_IN_THE_WAY: Readonly<Record<Way["from"], string>> = {
  dynamics:
    "The comparison is not call for call: the bare proxy makes a call for each change through the Graph client as it comes, which ends in fetch and is nearly all of its CPU; Lockstep ends the same client in a connection pool of its own, and its writes share calls under load, up to twenty in one. The cloud counts them one by one. What stands in the way: about a sixth of the CPU is the store, in a thread of its own; of the rest an eighth is garbage collection, a sixth taking the webhook in, a seventh the calls to both systems, and nearly a third deciding and driving.",
  teams:
    "What stands in the way: the bare proxy's whole change is one POST on a kept connection, 60 to 90 µs. Of that, 0.6 leaves as much again for finding the change in a poll of everybody, two shared reads, two stores of a document with its history, and the write.",
};

export const throughput: readonly Section[] = (["dynamics", "teams"] as const).map((from) => ({
  id: `throughput-from-${from}`,
  withinMs: 150_000,
  run: (scope) => measure(from, scope),
}));

async function measure(from: Way["from"], scope: Scope): Promise<Result> {
  const fromTeams = from === "teams";
  const inFlight = scope.quick ? 100 : IN_FLIGHT[from];
  await using field = new Field(scope, scope.quick ? 500 : 5_000, from);
  await field.lockstep();
  await field.postgres();
  await field.floor(BARE, "bare");
  if (!fromTeams) await field.floor(SAME_CALLS, "same-calls");
  await field.nodeRed();
  const durationMs = scope.quick ? 300 : 2_000;
  for (const { load } of field.places) await load.saturate(inFlight, durationMs / 2);

  const seen = new Map<string, Rates[]>();
  const played = await playRounds(scope, async (round) => {
    for (const { name, load } of inTurn(field.places, round)) {
      const { latenciesMs, elapsedMs, cpuMs } = await load.saturate(inFlight, durationMs);
      const written = latenciesMs.length * 1000;
      const rates = { perSecond: written / elapsedMs, perCpuSecond: written / cpuMs };
      seen.set(name, [...(seen.get(name) ?? []), rates]);
    }
    scope.say(`throughput from ${from}: round ${round + 1} of ${scope.rounds}`);
  });

  const middle = (name: string, of: keyof Rates): number =>
    median((seen.get(name) ?? []).map((one) => one[of]));
  const share = (name: string, floor: string): number =>
    median(
      (seen.get(name) ?? []).map(
        (one, round) => one.perCpuSecond / (seen.get(floor)?.[round]?.perCpuSecond ?? Number.NaN),
      ),
    );
  const names = field.places.map(({ name }) => name);
  const direction = fromTeams ? "Teams to Dynamics" : "Dynamics to Teams";
  const others = names.filter((name) => name === NODE_RED);
  return {
    id: `throughput-from-${from}`,
    title: `Throughput, changes per second and core, from ${direction}`,
    how: `${inFlight} changes on their way at any time, from ${direction}, ${fromTeams ? "found by a poll of everybody each second, whose cost is counted; the bare proxy does not poll, it is told of each; " : ""}${durationMs / 1000} s for each in ${scope.rounds} rounds. Per core: changes written for each second of CPU that the contestant's process used, all its threads together; the load, the cloud and a database server run in other processes.`,
    table: {
      columns: [
        "contestant",
        "durable",
        "changes/s",
        "changes/s per core",
        "× bare",
        "× same calls",
      ],
      rows: names.map((name) => [
        name,
        name === LOCKSTEP ? "SQLite" : name === ON_POSTGRES ? "PostgreSQL" : "no",
        figure(middle(name, "perSecond")),
        figure(middle(name, "perCpuSecond")),
        figure(share(name, BARE)),
        figure(share(name, SAME_CALLS)),
      ]),
    },
    charts: [
      {
        title: "Changes for each second of CPU",
        unit: "changes/s",
        groups: [
          {
            name: `from ${direction}`,
            bars: names.map((name) => ({ name, value: middle(name, "perCpuSecond") })),
          },
        ],
      },
    ],
    targets: [
      atLeast(`per core against the bare proxy, ${direction}, SQLite`, share(LOCKSTEP, BARE), 0.6),
      atLeast(
        `per core against the bare proxy, ${direction}, PostgreSQL`,
        share(ON_POSTGRES, BARE),
        0.4,
      ),
      ...others.map((rival) =>
        atLeast(`per core against ${rival}, ${direction}`, share(LOCKSTEP, rival), 1),
      ),
    ],
    notes: [...cutShort(played, scope), STANDS_IN_THE_WAY[from]],
    figures: Object.fromEntries(seen),
  };
}
