import type { ClimateName } from "./climate.ts";
import { realDrive } from "./drive.ts";
import { type Simulated, simulate } from "./simulation.ts";

/** How many of the last lines of a journal a failure shows. */
const SHOWN = 60;

export type Run = {
  readonly seeds: number;
  readonly events: number;
  readonly writes: number;
  readonly covered: Map<string, number>;
  readonly failures: readonly string[];
};

/** Seeds from `from` on, in one climate. Those that `again` names are run twice, and must tell the same story. */
export async function runSeeds(
  climate: ClimateName,
  from: number,
  count: number,
  again: (seed: number) => boolean = () => false,
): Promise<Run> {
  const drive = await realDrive();
  const covered = new Map<string, number>();
  const failures: string[] = [];
  let events = 0;
  let writes = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await simulate(seed, climate, drive);
    events += result.events;
    writes += result.writes;
    for (const [what, times] of result.covered) covered.set(what, (covered.get(what) ?? 0) + times);
    if (result.violation) failures.push(describe(result));
    if (!again(seed)) continue;
    const repeated = await simulate(seed, climate, drive);
    const isSame = repeated.hash === result.hash;
    covered.set(
      "run twice, same hash",
      (covered.get("run twice, same hash") ?? 0) + Number(isSame),
    );
    if (!isSame) failures.push(`${climate} seed ${seed} tells another story the second time`);
  }
  return { seeds: count, events, writes, covered, failures };
}

function describe({ climate, seed, violation, lines }: Simulated): string {
  const last = lines.slice(-SHOWN).join("\n");
  return `${climate} seed ${seed}: ${violation?.message}\n${last}`;
}
