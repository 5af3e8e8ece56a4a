import { z } from "zod";
import { STATUSES } from "../../presence/status.ts";
import type { RepEvent } from "../../reconcile/event.ts";

/** The kind of the records in which planned shifts are kept. */
export const SHIFT_RECORD = "shift";

const kept = z.object({
  integration: z.string(),
  rep: z.string(),
  shift: z.string(),
  fromMs: z.number(),
  untilMs: z.number(),
  status: z.enum(STATUSES).nullable(),
  /** Differs each time it is planned, so that a shift planned anew has events of its own. */
  plan: z.string(),
  begun: z.boolean(),
});
/** A shift of one integration, or a status that it planned for a time. */
export type Shift = z.infer<typeof kept>;

export const readShift = (body: unknown): Shift | null => kept.safeParse(body).data ?? null;

export const shiftKey = ({
  integration,
  rep,
  shift,
}: Pick<Shift, "integration" | "rep" | "shift">): string => `${integration} ${rep} ${shift}`;

/** Something that a plan makes happen: an event with an id that stays the same however often it is tried. */
export type Edge = { readonly eventId: string; readonly event: RepEvent; readonly last: boolean };

/** When a rep next begins or ends a shift, by whoever plans it. */
export type ShiftEdge = { readonly begins: boolean; readonly atMs: number };

/** When the next edge of a shift is due. */
export const dueMs = ({ begun, fromMs, untilMs }: Shift): number => (begun ? untilMs : fromMs);

/**
 * What is due now, in order. A start that was missed altogether (the service was down from before the start until
 * after the end) is left out: nobody is put on a shift that is over.
 */
export function edgesOf(shift: Shift, nowMs: number): readonly Edge[] {
  const { plan, status, fromMs, untilMs, begun } = shift;
  const over = nowMs >= untilMs;
  const edges: Edge[] = [];
  if (!begun && nowMs >= fromMs && !over) {
    const event: RepEvent =
      status === null ? { type: "shift.started" } : { type: "status.set", status, untilMs };
    edges.push({ eventId: `shift:${plan}:start`, event, last: false });
  }
  // A planned status ends by itself.
  if (over && status === null) {
    edges.push({ eventId: `shift:${plan}:end`, event: { type: "shift.ended" }, last: true });
  }
  return edges;
}
