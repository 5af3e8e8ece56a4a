import { setTimeout as sleep } from "node:timers/promises";
import type { Company } from "./company.ts";
import { type Class, PRESENCES, type Side } from "./meaning.ts";
import type { Person, Sight } from "./witness.ts";

/** What a human did, and what she then wants to be seen as, if it was a choice at all. */
export type Act = {
  readonly person: Person;
  readonly atMs: number;
  readonly side: Side;
  readonly does: "call" | "hang up" | "choose";
  readonly status: Class | null;
  /** The Dynamics presence that she picked. */
  readonly presenceId: string | null;
  readonly before: Sight;
};

type Doing = "calls" | "teams choices" | "dynamics choices";

export type DayPlan = {
  readonly seed: number;
  /** What people do; each act is one of these with equal chance. */
  readonly doings: readonly Doing[];
  readonly actsPerRep: number;
  readonly meanGapMs: number;
  /** Nobody gets from one thing to the next in less. */
  readonly leastGapMs: number;
};

const MANUAL = ["Busy", "DoNotDisturb", "Away", "BeRightBack"] as const;

/** Where a day is lived: whatever keeps the two systems equal there is of no concern. */
export type Workplace = Pick<Company, "tenant" | "people" | "witness">;

/** mulberry32. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffled<Item>(items: readonly Item[], random: () => number): readonly Item[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

/**
 * Lets everybody have a random day at once: `actsPerRep` acts each, exponential gaps. Who does what when comes
 * from the seed; only what would change nothing (choosing what is shown already) gives way to the next item
 * of the same shuffled list. Resolves with what everybody did, calls still on.
 */
export async function liveThrough(company: Workplace, plan: DayPlan): Promise<readonly Act[]> {
  const acts: Act[] = [];
  await Promise.all(
    company.people.map(async (person, index) => {
      const random = dice(plan.seed * 10_007 + index);
      for (let count = 0; count < plan.actsPerRep; count += 1) {
        const { leastGapMs, meanGapMs } = plan;
        await sleep(leastGapMs - Math.log(1 - random()) * (meanGapMs - leastGapMs));
        const doing = plan.doings[Math.floor(random() * plan.doings.length)] ?? "calls";
        acts.push(perform(company, person, doing, random));
      }
    }),
  );
  return acts;
}

/** Whoever is still talking hangs up. */
export function hangUpAll({ tenant, people, witness }: Workplace): readonly Act[] {
  return people.flatMap((person) => {
    const before = witness.look(person);
    if (!before.inCall) return [];
    tenant.graph.control.endCall({ userId: person.teams });
    witness.look(person);
    const { atMs } = before;
    return { person, atMs, side: "teams", does: "hang up", status: null, presenceId: null, before };
  });
}

function perform(company: Workplace, person: Person, doing: Doing, random: () => number): Act {
  const { tenant, witness } = company;
  const before = witness.look(person);
  const about = { person, atMs: before.atMs, before, status: null, presenceId: null };
  const { graph } = tenant;
  const userId = person.teams;
  let act: Act;
  if (doing === "calls") {
    if (before.inCall) graph.control.endCall({ userId });
    else graph.control.startCall({ userId });
    act = { ...about, side: "teams", does: before.inCall ? "hang up" : "call" };
  } else if (doing === "teams choices") {
    act = {
      ...about,
      side: "teams",
      does: "choose",
      status: chooseInTeams(company, person, before, random),
    };
  } else {
    const [presenceId, status] = differing(PRESENCES, ([, to]) => to !== before.dynamics, random);
    tenant.dataverse.control.choose({ userId: person.dynamics, presenceId });
    act = { ...about, side: "dynamics", does: "choose", status, presenceId };
  }
  witness.look(person);
  return act;
}

/** From the status menu; "Reset status" is on it while there is one and no call, and makes her Available. */
function chooseInTeams(
  { tenant }: Workplace,
  { teams: userId }: Person,
  before: Sight,
  random: () => number,
): Class {
  const { control } = tenant.graph;
  const canReset = before.hasManual && !before.inCall && before.teams !== "Available";
  const menu: readonly Class[] = canReset ? [...MANUAL, "Available"] : MANUAL;
  const status = differing(menu, (to) => to !== before.teams, random);
  if (status === "Available") control.resetManual({ userId });
  else control.setManual({ userId, availability: status });
  return status;
}

function differing<Item>(
  items: readonly Item[],
  isChange: (item: Item) => boolean,
  random: () => number,
): Item {
  const found = shuffled(items, random).find(isChange);
  if (found === undefined) throw new Error("there is always something else to choose");
  return found;
}
