import { z } from "zod";
import { NOTHING, type Operation } from "./operation.ts";
import {
  ANSWERS,
  bulkBody,
  bulkFrame,
  centerId,
  holdBody,
  ownId,
  queueParam,
  repParam,
  replayBody,
  shiftBody,
  statusBody,
  subscriptionBody,
} from "./schemas.ts";
import { HISTORY_KINDS } from "./feed/interest.ts";

const SMALL = 8 * 1024;
const rep = z.object({ rep: repParam });
const hold = z.object({ rep: repParam, hold: ownId });
const shift = z.object({ rep: repParam, shift: ownId });
const one = z.object({ subscription: z.string().regex(/^[0-9a-f-]{36}$/, "expected its id") });
const ACCEPTED = {
  status: 202,
  says: "It is durable and will be acted on, whatever happens now.",
  schema: ANSWERS.accepted,
} as const;

const wholeNumber = (least: number, most: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,15}$/, "expected a whole number")
    .transform(Number)
    .pipe(z.int().min(least).max(most)) as z.ZodType<number, string>;

const listOf = <Item extends string>(item: z.ZodType<Item, string>): z.ZodType<Item[], string> =>
  z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(item).min(1).max(100)) as z.ZodType<Item[], string>;

const limit = wholeNumber(1, 1_000).optional();
const reading = { method: "GET", needs: "read", body: null, maxBytes: 0 } as const;
const writing = { needs: "write", query: NOTHING, maxBytes: SMALL } as const;

/** Everything that an integration can ask for. */
export const OPERATIONS = {
  listReps: {
    ...reading,
    path: "/reps",
    summary: "Read many or all reps",
    says: "In the order of their ids, a page at a time: give `next` back as `after`. With `ids`, those of them that you may see; with `queue`, those who work there.",
    params: NOTHING,
    query: z.object({
      limit,
      after: z.string().max(64).optional(),
      ids: listOf(repParam).optional(),
      queue: queueParam.optional(),
    }),
    success: { status: 200, says: "A page of reps.", schema: ANSWERS.reps },
    refusals: [404],
  },
  readRep: {
    ...reading,
    path: "/reps/:rep",
    summary: "Read one rep, and why she is what she is",
    says: "Send the ETag back in If-None-Match: 304 says that nothing has changed.",
    params: rep,
    query: NOTHING,
    success: { status: 200, says: "The rep.", schema: ANSWERS.rep },
    refusals: [404],
  },
  readHistory: {
    ...reading,
    path: "/history",
    summary: "Read what happened, and who set what",
    says: "Oldest first, a page at a time: give `next` back as `after`. With kind `event` it is the audit of every report and command, with its source.",
    params: NOTHING,
    query: z.object({
      after: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      sinceMs: wholeNumber(0, 8_640_000_000_000_000).optional(),
      limit,
      rep: repParam.optional(),
      kinds: listOf(z.enum(HISTORY_KINDS)).optional(),
    }),
    success: { status: 200, says: "A page of entries.", schema: ANSWERS.history },
    refusals: [404],
  },
  listQueues: {
    ...reading,
    path: "/queues",
    summary: "Read the queues",
    says: "By name. If you are bound to some reps: the queues in which one of them works.",
    params: NOTHING,
    query: NOTHING,
    success: { status: 200, says: "The queues.", schema: ANSWERS.queues },
    refusals: [],
  },
  readAvailability: {
    ...reading,
    path: "/queues/:queue/availability",
    summary: "Read whether a queue can take a customer now",
    says: "Our own figures, seconds old, and the contact centre's beside them. With `workstream` or `conversation` (not both): as it would come in that way.",
    params: z.object({ queue: queueParam }),
    query: z
      .object({ workstream: centerId.optional(), conversation: centerId.optional() })
      .refine(({ workstream, conversation }) => !workstream || !conversation, {
        message: "expected workstream or conversation, not both",
      }),
    success: { status: 200, says: "The figures.", schema: ANSWERS.availability },
    refusals: [404],
  },
  putHold: {
    ...writing,
    method: "PUT",
    path: "/reps/:rep/holds/:hold",
    summary: "Report a call, or that it goes on",
    says: "The call lies over what she chose and never changes it. Put it again before `ttlSeconds` are over: that is the heartbeat.",
    params: hold,
    body: holdBody,
    success: ACCEPTED,
    refusals: [404, 409],
  },
  endHold: {
    ...writing,
    method: "DELETE",
    path: "/reps/:rep/holds/:hold",
    summary: "Report the end of a call",
    says: "What was there before comes back when the last call ends. One that is over already changes nothing.",
    params: hold,
    body: null,
    success: ACCEPTED,
    refusals: [404],
  },
  setStatus: {
    ...writing,
    method: "PUT",
    path: "/reps/:rep/status",
    summary: "Set a rep's status",
    says: "It stands until she chooses something else, or `ttlSeconds` are over. A call still lies over it.",
    params: rep,
    body: statusBody,
    success: ACCEPTED,
    refusals: [404],
  },
  releaseStatus: {
    ...writing,
    method: "DELETE",
    path: "/reps/:rep/status",
    summary: "Take your status back",
    says: "What she had chosen before is wanted again. Only the one who set a status can take it back.",
    params: rep,
    body: null,
    success: ACCEPTED,
    refusals: [404, 409],
  },
  listShifts: {
    ...reading,
    path: "/reps/:rep/shifts",
    summary: "Read the shifts that you planned for a rep",
    says: "Those that are not over yet.",
    params: rep,
    query: NOTHING,
    success: { status: 200, says: "The shifts.", schema: ANSWERS.shifts },
    refusals: [404],
  },
  putShift: {
    ...writing,
    method: "PUT",
    path: "/reps/:rep/shifts/:shift",
    summary: "Plan a shift, or a status for a time",
    says: "Its start and its end come at their times, also if the service was down then. Put again, it replaces the plan.",
    params: shift,
    body: shiftBody,
    success: ACCEPTED,
    refusals: [404, 409],
  },
  endShift: {
    ...writing,
    method: "DELETE",
    path: "/reps/:rep/shifts/:shift",
    summary: "Take a planned shift back",
    says: "What of it has not come yet will not come.",
    params: shift,
    body: null,
    success: ACCEPTED,
    refusals: [404],
  },
  bulk: {
    ...writing,
    method: "POST",
    path: "/bulk",
    summary: "Up to 1 000 reports, commands and plans in one call",
    says: "Each item has a result of its own; one that is wrong spoils no other.",
    params: NOTHING,
    body: bulkFrame,
    documented: bulkBody,
    maxBytes: 512 * 1024,
    success: { status: 200, says: "A result for each item, in order.", schema: ANSWERS.bulk },
    refusals: [409, 422],
    remembered: true,
  },
  stream: {
    ...reading,
    path: "/stream",
    summary: "Follow changes live",
    says: "Server-sent events, each a CloudEvent; its id is its position. Come back with Last-Event-ID (a browser does by itself) and nothing is missed. A reader that takes nothing for ten seconds is cut. Filters narrow each other: of `reps`, those who work in one of `queues`, as membership is at the moment.",
    params: NOTHING,
    query: z.object({
      reps: listOf(repParam).optional(),
      queues: listOf(queueParam).optional(),
      kinds: listOf(z.enum(HISTORY_KINDS)).optional(),
      after: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
    }),
    success: { status: 200, says: "Events, until you leave.", schema: z.string(), stream: true },
    refusals: [404, 409],
  },
  subscribe: {
    method: "POST",
    path: "/subscriptions",
    summary: "Be told of changes by webhook",
    says: "Signed as Standard Webhooks, each a CloudEvent in structured mode. Answer 2xx within 15 s; the same webhook-id may come again, and of two about one rep the higher `sequence` is later. The secret is shown once.",
    needs: "read",
    params: NOTHING,
    query: NOTHING,
    body: subscriptionBody,
    maxBytes: 64 * 1024,
    success: { status: 201, says: "It is durable, and begins now.", schema: ANSWERS.created },
    refusals: [404, 409, 422],
    remembered: true,
  },
  listSubscriptions: {
    ...reading,
    path: "/subscriptions",
    summary: "Read your subscriptions",
    says: "With how far each has been told, and whether what is sent is accepted.",
    params: NOTHING,
    query: NOTHING,
    success: { status: 200, says: "The subscriptions.", schema: ANSWERS.subscriptions },
    refusals: [],
  },
  readSubscription: {
    ...reading,
    path: "/subscriptions/:subscription",
    summary: "Read a subscription, and what of it was given up",
    says: "`dead` lists each message that was not accepted after the last attempt.",
    params: one,
    query: NOTHING,
    success: { status: 200, says: "The subscription.", schema: ANSWERS.subscription },
    refusals: [404],
  },
  unsubscribe: {
    method: "DELETE",
    path: "/subscriptions/:subscription",
    summary: "Be told no more",
    says: "Nothing more is sent.",
    needs: "read",
    params: one,
    query: NOTHING,
    body: null,
    maxBytes: 0,
    success: { status: 204, says: "It is gone.", schema: null },
    refusals: [404],
  },
  replaySubscription: {
    method: "POST",
    path: "/subscriptions/:subscription/replay",
    summary: "Be told again",
    says: "Everything after a position; without one, what was given up. A disabled subscription is enabled.",
    needs: "read",
    params: one,
    query: NOTHING,
    body: replayBody,
    maxBytes: SMALL,
    success: { status: 200, says: "It goes on from there.", schema: ANSWERS.subscription },
    refusals: [404],
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationId = keyof typeof OPERATIONS;
