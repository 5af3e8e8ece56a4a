import type { Board, QueueAvailability } from "./availability/board.ts";
import type { QueueDesk } from "./bot/port.ts";

type QueueView = Awaited<ReturnType<QueueDesk["queues"]>>[number];

/** The queues as the bot asks for them: our own figures first, the contact centre's beside them, each with its age. */
export function createQueueDesk(board: Board): QueueDesk {
  return {
    queues: async () => {
      const queues = await board.queues();
      const answers = await Promise.all(queues.map(({ id }) => board.availability(id)));
      return answers.filter((answer) => answer !== null).map(viewOf);
    },
    members: async (queue) => {
      const found = (await board.queues()).find(({ name }) => name === queue);
      return new Set<string>(found?.members ?? []);
    },
  };
}

function viewOf({ queue, own, ownAsOfMs, center }: QueueAvailability): QueueView {
  const { averageWaitSeconds } = own;
  const asOfMs = Math.min(...Object.values(ownAsOfMs));
  return {
    name: queue.name,
    open: own.isOpen,
    ableNow: own.repsAvailable,
    members: own.members,
    waiting: own.waiting,
    averageWaitMs: averageWaitSeconds === null ? null : averageWaitSeconds * 1_000,
    nextChangeMs: own.changesAtMs,
    sources: [
      { name: "Lockstep", ableNow: own.repsAvailable, asOfMs },
      ...(center
        ? [
            {
              name: "Dynamics 365",
              ableNow: center.value.repsAvailable,
              asOfMs: center.asOfMs,
            },
          ]
        : []),
    ],
  };
}
