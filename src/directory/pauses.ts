import { z } from "zod";
import { type RepId, repId } from "../presence/identity.ts";

/** The kind of the records in which pauses are kept; a record's id is the rep's, or `EVERYBODY`. */
export const PAUSE_RECORD = "pause";
/** The kill switch: nobody is synced. */
export const EVERYBODY = "*";

const pause = z.object({ by: z.string().max(80), sinceMs: z.number() });
/** On whose word (a role, never a name), and since when in epoch milliseconds. */
export type KeptPause = z.infer<typeof pause>;

type Kept = { readonly id: string; readonly body: unknown; readonly expiresAtMs: number | null };

/**
 * Who is to be left alone, from the records of the kind `PAUSE_RECORD`. One whose end has come counts no more;
 * one that cannot be read counts all the same, because whoever wrote it wanted us to stop.
 */
export function pausesOf(
  records: readonly Kept[],
  nowMs: number,
): { readonly all: KeptPause | null; readonly reps: ReadonlyMap<RepId, KeptPause> } {
  const live = records
    .filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs)
    .map(({ id, body }): [string, KeptPause] => {
      const read = pause.safeParse(body);
      return [id, read.success ? read.data : { by: "an unreadable record", sinceMs: nowMs }];
    });
  const reps = live
    .filter(([id]) => id !== EVERYBODY)
    .map(([id, kept]): [RepId, KeptPause] => [repId(id), kept]);
  return { all: new Map(live).get(EVERYBODY) ?? null, reps: new Map(reps) };
}
