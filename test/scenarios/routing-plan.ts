import { dice } from "./day.ts";

export type RoutingDayPlan = {
  readonly seed: number;
  readonly reps: number;
  readonly conversations: number;
  /** Of the simulated day. */
  readonly minutes: number;
  /** How long one of its minutes really lasts: a slow service is late by the same share. */
  readonly minuteMs: number;
  /** What one conversation takes of a rep, of 100: how many she has at once. */
  readonly units: number;
};

/** Something that happens to a rep, of which Dynamics learns nothing by itself. */
export type Happening = {
  readonly rep: number;
  readonly atMinute: number;
  readonly minutes: number;
  readonly kind: "Teams call" | "Teams meeting" | "desk phone call" | "end of shift";
};

/** Dynamics' base presences that every workstream allows. */
export const ALLOWED = [192_360_000, 192_360_001];

/**
 * Everybody's day, the same for the same seed: about one call or meeting an hour, a few of them on an old desk phone, and a
 * third of the reps whose shift ends before the day does, and who go home without signing out of Dynamics.
 */
export function happeningsOf({ seed, reps, minutes }: RoutingDayPlan): readonly Happening[] {
  const happenings: Happening[] = [];
  for (let rep = 0; rep < reps; rep += 1) {
    const random = dice(seed * 20_011 + rep);
    const between = (least: number, most: number): number => least + random() * (most - least);
    const endsAt = random() < 1 / 3 ? between(0.6, 0.9) * minutes : minutes;
    let atMinute = between(2, 60);
    while (atMinute < endsAt - 10) {
      const dice20 = Math.floor(random() * 20);
      const kind = dice20 < 11 ? "Teams call" : dice20 < 15 ? "Teams meeting" : "desk phone call";
      const length = kind === "Teams meeting" ? between(15, 30) : between(3, 12);
      const left = Math.min(length, endsAt - atMinute - 2);
      happenings.push({ rep, atMinute, minutes: left, kind });
      atMinute += left + between(20, 70);
    }
    if (endsAt < minutes) {
      happenings.push({ rep, atMinute: endsAt, minutes: 0, kind: "end of shift" });
    }
  }
  return happenings.toSorted((a, b) => a.atMinute - b.atMinute);
}

export function* arrivalsOf(
  queues: readonly { readonly id: string }[],
  { seed, conversations, minutes }: RoutingDayPlan,
) {
  const random = dice(seed * 30_011);
  for (let count = 0; count < conversations; count += 1) {
    const queue = queues[Math.floor(random() * queues.length)];
    // Nobody comes in the last minutes, so that whoever came can be served.
    const inMinutes = random() * (minutes - 15);
    yield { queueId: queue?.id ?? "", inMinutes, minutes: 3 + random() * 6 };
  }
}
