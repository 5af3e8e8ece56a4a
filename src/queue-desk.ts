import type { Board, OwnAvailability, QueueAvailability } from "./availability/board.ts";
import type { QueueDesk } from "./bot/port.ts";
import { ReadAhead, type ReadAheadOptions } from "./bot/read-ahead.ts";

type QueueView = Awaited<ReturnType<QueueDesk["queues"]>>[number];

/** All of them take a dozen calls to Dataverse, whoever asks and however many queues there are. */
const EVERY_MS = 30_000;
const RETRY_MS = 10_000;
/** What is older says so; what is older than this is not said at all. */
const BELIEVED_MS = 5 * 60_000;

/**
 * The queues as the bot asks for them: our own figures, read before anybody asks, and for one queue the contact
 * centre's beside them, which takes one call. Each figure has its age.
 */
export function createQueueDesk(
  board: Board,
  clock: Pick<ReadAheadOptions<unknown>, "after" | "nowMs">,
): QueueDesk & Pick<ReadAhead<unknown>, "start" | "stop"> {
  const ahead = new ReadAhead({
    ...clock,
    read: () => board.own(),
    believedMs: BELIEVED_MS,
    everyMs: EVERY_MS,
    retryMs: RETRY_MS,
  });
  return {
    start: () => ahead.start(),
    stop: () => ahead.stop(),
    queues: async () => (await ahead.get()).map((own) => viewOf(own, null)),
    queue: async (id) => {
      const found = (await ahead.get()).find(({ queue }) => queue.id === id);
      if (!found) return null;
      const { center } = await board.center(id, found.question);
      return viewOf(found, center);
    },
    members: async (id) => {
      const found = (await ahead.get()).find(({ queue }) => queue.id === id);
      return new Set<string>(found?.members ?? []);
    },
  };
}

function viewOf(
  { queue, own, ownAsOfMs }: OwnAvailability,
  center: QueueAvailability["center"],
): QueueView {
  const { averageWaitSeconds } = own;
  const asOfMs = Math.min(...Object.values(ownAsOfMs));
  return {
    id: queue.id,
    name: queue.name,
    open: own.isOpen,
    ableNow: own.repsAvailable,
    members: own.members,
    waiting: own.waiting,
    averageWaitMs: averageWaitSeconds === null ? null : averageWaitSeconds * 1_000,
    nextChangeMs: own.changesAtMs,
    asOfMs,
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
