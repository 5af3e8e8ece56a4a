import { z } from "zod";
import type { Clock } from "./clock.ts";
import { command, guid, nothing } from "./command.ts";
import type { Conversation, Conversations } from "./conversations.ts";
import { type Routing, USUAL_HABITS } from "./routing.ts";

const minutes = z.number().nonnegative();
const arrivalShape = {
  queueId: guid.optional(),
  workstreamId: guid.optional(),
  /** How long it takes, once it is accepted. */
  minutes: minutes.default(5),
  wrapUpMinutes: minutes.default(0),
  patienceMinutes: minutes.nullable().default(null),
  context: z.record(z.string(), z.string()).default({}),
} as const;
const arrival = z.strictObject(arrivalShape).refine(namesItsWay, "name a queue or a workstream");
const arrivalLater = z
  .strictObject({ ...arrivalShape, inMinutes: minutes })
  .refine(namesItsWay, "name a queue or a workstream");

function namesItsWay(input: {
  readonly queueId?: string;
  readonly workstreamId?: string;
}): boolean {
  return input.queueId !== undefined || input.workstreamId !== undefined;
}

function shown({ context, ...conversation }: Conversation) {
  return { ...conversation, context: Object.fromEntries(context) };
}

/** The customers, and what the reps are really doing. */
export function createRoutingControl(steered: {
  readonly clock: Clock;
  readonly routing: Routing;
  readonly conversations: Conversations;
  /** What is true of a rep whatever her presence; it overrides what the tenant knows. */
  readonly reallyBusy: Map<string, boolean>;
}) {
  const { clock, routing, conversations, reallyBusy } = steered;
  const arrive = (input: z.output<typeof arrival>): Conversation =>
    routing.arrive({ ...input, context: new Map(Object.entries(input.context)) });
  return {
    /** A conversation comes in now; answers its id. */
    arrive: command(arrival, (input) => ({ id: arrive(input).id })),
    /** A day of conversations, each so many minutes from now. */
    arriveAll: command(z.strictObject({ arrivals: z.array(arrivalLater) }), ({ arrivals }) => {
      for (const input of arrivals) routing.workstreamOf(input);
      for (const { inMinutes, ...input } of arrivals) {
        clock.after(inMinutes * routing.habits.minuteMs, () => arrive(input));
      }
    }),
    habits: command(
      z.strictObject({
        minuteMs: z.number().positive().optional(),
        acceptMinutes: minutes.optional(),
        noticeMinutes: z.number().positive().optional(),
        againMinutes: minutes.optional(),
        backMinutes: minutes.nullable().optional(),
      }),
      (habits) => {
        routing.habits = { ...USUAL_HABITS, ...habits };
      },
    ),
    /** She is in a call that no system here knows of (true), or is not (false); null asks the tenant again. */
    setReallyBusy: command(
      z.strictObject({ userId: guid, busy: z.boolean().nullable() }),
      ({ userId, busy }) => {
        if (busy === null) reallyBusy.delete(userId);
        else reallyBusy.set(userId, busy);
      },
    ),
    conversations: command(z.strictObject({ queueId: guid.optional() }).optional(), (input) =>
      conversations
        .all()
        .filter(({ queueId }) => input?.queueId === undefined || queueId === input.queueId)
        .map(shown),
    ),
    routingCounts: command(nothing, () => {
      const all = conversations.all();
      const inState = (state: Conversation["state"]): number =>
        all.filter((conversation) => conversation.state === state).length;
      return {
        ...routing.counts.summary(),
        waiting: inState("waiting") + inState("offered"),
        active: inState("active") + inState("wrapUp"),
      };
    }),
    /** Each time that work was given to somebody who could not take it. */
    routedWhileBusy: command(nothing, () => [...routing.counts.whileBusy]),
    resetRouting: command(nothing, () => routing.reset()),
  };
}
