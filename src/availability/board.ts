import type { CenterAnswer, CenterQuestion } from "./answer.ts";
import { type Aged, keepFresh } from "./fresh.ts";
import { type OwnAnswer, ownAnswer } from "./own-answer.ts";
import type { AvailabilitySource, QueueSetup, Setup } from "./source.ts";

/** One queue as a manager or an application sees it: our own figures, and the contact centre's beside them. */
export type QueueAvailability = {
  readonly queue: Pick<QueueSetup, "id" | "name">;
  readonly own: OwnAnswer;
  /** When each kind of fact behind `own` was read. */
  readonly ownAsOfMs: {
    readonly setup: number;
    readonly reps: number;
    readonly conversations: number;
  };
  /** `null`: it could not be asked, or leads to another queue. */
  readonly center: Aged<CenterAnswer> | null;
  /** Why there is no `center`, as a code. */
  readonly centerProblem: string | null;
};

/** Our own figures of one queue, without a call about this queue alone. */
export type OwnAvailability = Pick<QueueAvailability, "queue" | "own" | "ownAsOfMs"> & {
  readonly members: QueueSetup["members"];
  /** What to ask the contact centre about it; `null`: no workstream leads there. */
  readonly question: CenterQuestion | null;
};

export type Board = {
  /** Every queue of the contact centre, by name. */
  queues(): Promise<readonly QueueSetup[]>;
  /** Our own figures of every queue, by name. */
  own(): Promise<readonly OwnAvailability[]>;
  /** What the contact centre itself says of a queue: one call at most. */
  center(
    queueId: string,
    question: CenterQuestion | null,
  ): Promise<Pick<QueueAvailability, "center" | "centerProblem">>;
  /** `null`: there is no such queue. `question` says how a conversation would come in. */
  availability(queueId: string, question?: CenterQuestion): Promise<QueueAvailability | null>;
};

export type BoardOptions = {
  readonly source: AvailabilitySource;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** The code of an error that the contact centre's answer met, or `null` for one that is thrown on. */
  readonly codeOf: (error: unknown) => string | null;
};

/** What is set up changes by hand; what reps do changes by itself. */
const SETUP_KEPT_MS = 60_000;
const NOW_KEPT_MS = 2_000;
/** The contact centre counts its reps anew every five minutes. */
const CENTER_KEPT_MS = 15_000;
const QUESTIONS_KEPT = 1_000;

export function createBoard({ source, nowMs, signal, codeOf }: BoardOptions): Board {
  const cached = <Value>(keptMs: number, ask: () => Promise<Value>) => {
    const fresh = keepFresh({ keptMs, nowMs, limit: 1, ask });
    return () => fresh(undefined);
  };
  const setup = cached(SETUP_KEPT_MS, () => source.setup(signal));
  const reps = cached(NOW_KEPT_MS, () => source.reps(signal));
  const conversations = cached(NOW_KEPT_MS, () => source.conversations(signal));
  const center = keepFresh<string, CenterAnswer>({
    keptMs: CENTER_KEPT_MS,
    nowMs,
    limit: QUESTIONS_KEPT,
    ask: (question) => source.center(JSON.parse(question) as CenterQuestion, signal),
  });

  async function askCenter(
    queueId: string,
    question: CenterQuestion | null,
  ): Promise<Pick<QueueAvailability, "center" | "centerProblem">> {
    if (question === null) return { center: null, centerProblem: "availability-no-workstream" };
    try {
      const answer = await center(JSON.stringify(question));
      const isOther = answer.value.queueId !== null && answer.value.queueId !== queueId;
      return isOther
        ? { center: null, centerProblem: "availability-other-queue" }
        : { center: answer, centerProblem: null };
    } catch (error) {
      const code = codeOf(error);
      if (code === null) throw error;
      return { center: null, centerProblem: code };
    }
  }

  const questionOf = ({ workstreams }: Setup, queueId: string): CenterQuestion | null => {
    const way = workstreams.find((one) => one.queueId === queueId);
    return way ? { workstreamId: way.id } : null;
  };
  const byName = ({ queues }: Setup): readonly QueueSetup[] =>
    queues.toSorted((a, b) => a.name.localeCompare(b.name));

  return {
    center: askCenter,

    async queues() {
      return byName((await setup()).value);
    },

    async own() {
      const [facts, repsNow, conversationsNow] = await Promise.all([
        setup(),
        reps(),
        conversations(),
      ]);
      const known = {
        setup: facts.value,
        reps: repsNow.value,
        conversations: conversationsNow.value,
      };
      const ownAsOfMs = {
        setup: facts.asOfMs,
        reps: repsNow.asOfMs,
        conversations: conversationsNow.asOfMs,
      };
      return byName(facts.value).map((queue) => ({
        queue: { id: queue.id, name: queue.name },
        members: queue.members,
        question: questionOf(facts.value, queue.id),
        own: ownAnswer(queue, known, nowMs(), null),
        ownAsOfMs,
      }));
    },

    async availability(queueId, asked) {
      const facts = await setup();
      const queue = facts.value.queues.find(({ id }) => id === queueId);
      if (!queue) return null;
      const question = asked ?? questionOf(facts.value, queueId);
      const [repsNow, conversationsNow, theirs] = await Promise.all([
        reps(),
        conversations(),
        askCenter(queueId, question),
      ]);
      const workstreamId = asked && "workstreamId" in asked ? asked.workstreamId : null;
      const own = ownAnswer(
        queue,
        { setup: facts.value, reps: repsNow.value, conversations: conversationsNow.value },
        nowMs(),
        workstreamId,
      );
      return {
        queue: { id: queue.id, name: queue.name },
        own,
        ownAsOfMs: {
          setup: facts.asOfMs,
          reps: repsNow.asOfMs,
          conversations: conversationsNow.asOfMs,
        },
        ...theirs,
      };
    },
  };
}
