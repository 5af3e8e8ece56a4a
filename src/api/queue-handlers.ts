import type { CenterQuestion } from "../availability/answer.ts";
import type { Board } from "../availability/board.ts";
import { viewOf } from "../availability/view.ts";
import type { Answer } from "../http/route.ts";
import type { Handlers } from "./handlers.ts";
import { problem } from "./problem.ts";
import type { QueueReps } from "./queue-reps.ts";

export type QueueWorld = {
  readonly board: Board;
  readonly queueReps: QueueReps;
  readonly unreadable: Unreadable;
  readonly nowMs: () => number;
};

/** When the contact centre cannot be read: after how long to ask again, or `null` for a fault of ours. */
export type Unreadable = (error: unknown) => { readonly retryAfterSeconds: number } | null;

/** Figures are seconds old at best: nobody in between may make them older. */
const FRESH = { "cache-control": "no-store" };

/** What the operations on queues do. An integration that is bound to some reps knows the queues they work in. */
export function queueHandlers(world: QueueWorld): Handlers<"listQueues" | "readAvailability"> {
  const { board, queueReps, nowMs } = world;

  return {
    listQueues: (_input, { integration }) =>
      readable(world.unreadable, async () => {
        await queueReps.refresh();
        const all = await board.queues();
        const queues = all.filter(({ id }) => queueReps.isSeenBy(id, integration));
        const json = { queues: queues.map(({ id, name }) => ({ id, name })) };
        return { status: 200, headers: FRESH, json };
      }),

    readAvailability: ({ params, query }, { integration }) =>
      readable(world.unreadable, async () => {
        await queueReps.refresh();
        if (!queueReps.isSeenBy(params.queue, integration)) return unknownQueue();
        const found = await board.availability(params.queue, questionOf(query));
        if (!found) return unknownQueue();
        return { status: 200, headers: FRESH, json: viewOf(found, nowMs()) };
      }),
  };
}

/** What `ask` answers, or that the contact centre cannot be read now. */
export async function readable(
  unreadable: Unreadable,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const known = unreadable(error);
    if (known === null) throw error;
    const headers = { "retry-after": String(known.retryAfterSeconds) };
    const detail = "The contact centre cannot be read at this moment.";
    return problem("availability-unreadable", { detail, headers });
  }
}

export const unknownQueue = (): Answer =>
  problem("availability-queue-unknown", {
    detail: "No queue of which this integration may know has that id.",
  });

/** Absent: as a conversation comes in by default. */
function questionOf(query: {
  readonly workstream?: string | undefined;
  readonly conversation?: string | undefined;
}): CenterQuestion | undefined {
  const { workstream, conversation } = query;
  if (workstream !== undefined) return { workstreamId: workstream };
  return conversation === undefined ? undefined : { conversationId: conversation };
}
