import { createHash } from "node:crypto";
import type { Lockstep } from "../client.ts";
import type { PlannedShift } from "./plan.ts";

const PER_CALL = 1_000;

export type Pushed = {
  readonly planned: number;
  readonly withdrawn: number;
  /** Codes of what was refused, each with how often. */
  readonly refused: Readonly<Record<string, number>>;
};

/**
 * Brings Lockstep's plan to what the plan says now: shifts that are there or have changed are put, those of the last
 * time that are gone are taken back. What is over already is left alone. `before` and the result are ids by rep.
 */
export async function push(
  lockstep: Lockstep,
  shifts: readonly PlannedShift[],
  given: {
    /** A rep's id by what the plan calls her. */
    readonly reps: (person: string) => string | null;
    readonly before: readonly Known[];
    readonly nowMs: number;
  },
): Promise<Pushed & { readonly known: readonly Known[] }> {
  const { reps, before, nowMs } = given;
  const current = shifts.filter(({ untilMs }) => untilMs > nowMs);
  const mine = current.flatMap((one) => {
    const rep = reps(one.person);
    return rep === null ? [] : [{ ...one, rep }];
  });
  const keyOf = ({ rep, id }: Pick<Known, "rep" | "id">): string => `${rep} ${id}`;
  const keys = new Set(mine.map(keyOf));
  const gone = before.filter((known) => known.untilMs > nowMs && !keys.has(keyOf(known)));
  const items = [
    ...gone.map(({ rep, id }) => ({ op: "endShift", rep, shift: shortened(id) })),
    ...mine.map(({ rep, id, fromMs, untilMs }) => {
      return { op: "putShift", rep, shift: shortened(id), fromMs, untilMs };
    }),
  ];
  const refused: Record<string, number> = {};
  let planned = 0;
  const blame = (code: string): void => void (refused[code] = (refused[code] ?? 0) + 1);
  for (let at = 0; at < items.length; at += PER_CALL) {
    const part = items.slice(at, at + PER_CALL);
    const { status, json } = await lockstep.ask("POST", "/bulk", { items: part });
    if (status !== 200)
      throw new Error(`Lockstep answered ${status}; nothing is known to be planned`);
    const { results } = json as { readonly results: readonly { readonly code?: string }[] };
    for (const [place, { code }] of results.entries()) {
      if (code !== undefined) blame(code);
      else if (part[place]?.op === "putShift") planned += 1;
    }
  }
  for (const { person } of current) if (reps(person) === null) blame("person-unknown");
  const known = mine.map(({ rep, id, untilMs }) => ({ rep, id, untilMs }));
  return { planned, withdrawn: gone.length, refused, known };
}

export type Known = { readonly rep: string; readonly id: string; readonly untilMs: number };

const LONGEST_ID = 128;

/**
 * The API takes ids of up to 128 printable characters without spaces; planners are freer. Long ones often differ at
 * their end only, so what is cut off counts by its digest.
 */
function shortened(id: string): string {
  const whole = encodeURIComponent(id);
  if (whole.length <= LONGEST_ID) return whole;
  const digest = createHash("sha256").update(id).digest("hex").slice(0, 32);
  return `${whole.slice(0, LONGEST_ID - digest.length)}${digest}`;
}
