import { z } from "zod";
import { HOLD_SECONDS, HOLD_STATUSES } from "../connectors/partner/event.ts";
import { STATUSES } from "../presence/status.ts";
import { HISTORY_KINDS } from "./feed/interest.ts";

const GUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const WHEN = { least: 0, most: 8_640_000_000_000_000 };

export const repParam = z
  .string()
  .regex(GUID, "expected a GUID: the rep's Dataverse system user id or Entra object id")
  .meta({ description: "The rep's Dataverse system user id or Entra object id." });

/** A queue of the contact centre, or a workstream or conversation that leads into one. */
export const centerId = z.string().regex(GUID, "expected a GUID").toLowerCase();
export const queueParam = centerId.meta({ description: "The queue's Dataverse id." });

/** An id of the caller's own, unique within the caller only. */
export const ownId = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 printable ASCII characters without spaces")
  .meta({ description: "Your own id; nobody else's ids can meet it." });

const atMs = z
  .int("expected whole milliseconds since 1970")
  .min(WHEN.least)
  .max(WHEN.most)
  .meta({ description: "Milliseconds since 1970-01-01T00:00:00Z." });

const ttlSeconds = z
  .int("expected whole seconds")
  .min(HOLD_SECONDS.least, `expected at least ${HOLD_SECONDS.least} seconds`)
  .max(HOLD_SECONDS.most, `expected at most ${HOLD_SECONDS.most} seconds`);

export const holdBody = z.strictObject({
  status: z.enum(HOLD_STATUSES),
  detail: z
    .string()
    .max(200)
    .optional()
    .meta({ description: "Shown to you alone; keep people's names out of it." }),
  ttlSeconds: ttlSeconds
    .default(HOLD_SECONDS.most)
    .meta({ description: "The hold ends by itself after this long, unless it is put again." }),
});

export const statusBody = z.strictObject({
  status: z.enum(STATUSES),
  ttlSeconds: z
    .int()
    .min(60)
    .max(30 * 86_400)
    .optional()
    .meta({ description: "After this long, what she had chosen before is wanted again." }),
  endsHolds: z
    .boolean()
    .default(false)
    .meta({ description: "Ends reported calls too, anybody's; needs the kind `override`." }),
});

export const shiftBody = z
  .strictObject({
    fromMs: atMs,
    untilMs: atMs,
    status: z.enum(STATUSES).optional().meta({
      description:
        "Absent: a shift; its end makes her Offline, its start takes that back. Given: a planned status, set from `fromMs` until `untilMs`.",
    }),
  })
  .refine(({ fromMs, untilMs }) => fromMs < untilMs, {
    message: "expected untilMs after fromMs",
    path: ["untilMs"],
  });

const target = { rep: repParam };
export const command = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("putHold"), ...target, hold: ownId, ...holdBody.shape }),
  z.strictObject({ op: z.literal("endHold"), ...target, hold: ownId }),
  z.strictObject({ op: z.literal("setStatus"), ...target, ...statusBody.shape }),
  z.strictObject({ op: z.literal("releaseStatus"), ...target }),
  z.strictObject({ op: z.literal("putShift"), ...target, shift: ownId, ...shiftBody.shape }),
  z.strictObject({ op: z.literal("endShift"), ...target, shift: ownId }),
]);
export type Command = z.output<typeof command>;

const BULK_LIMIT = 1_000;
export const bulkBody = z.strictObject({ items: z.array(command).min(1).max(BULK_LIMIT) });
/** The frame of a bulk call; its items are read one by one, so that one that is wrong spoils no other. */
export const bulkFrame = z.strictObject({ items: z.array(z.unknown()).min(1).max(BULK_LIMIT) });

export const subscriptionBody = z.strictObject({
  url: z.url({ protocol: /^https$/, message: "expected an https URL" }).max(2_000),
  reps: z.array(repParam).min(1).max(1_000).optional(),
  queues: z
    .array(queueParam)
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "Only reps who work in one of these, as membership is at the moment." }),
  kinds: z.array(z.enum(HISTORY_KINDS)).min(1).default(["status"]),
});

const accepted = z.object({
  result: z.enum(["accepted", "duplicate"]),
  untilMs: z.number().nullable().optional(),
});

export const replayBody = z.strictObject({
  after: z.int().min(0).optional().meta({
    description: "Everything after this position is sent again; without it, what was given up.",
  }),
});

const holdView = z.object({
  source: z.string(),
  id: z.string().nullable().meta({ description: "Null for a hold of somebody else." }),
  status: z.enum(STATUSES),
  detail: z.string().nullable(),
  sinceMs: z.number(),
  untilMs: z.number(),
});

const repView = z.object({
  rep: z.string(),
  teamsUserId: z.string(),
  status: z.enum(STATUSES).meta({ description: "What should show everywhere now." }),
  available: z.boolean(),
  base: z.object({
    status: z.enum(STATUSES),
    source: z.string().nullable(),
    sinceMs: z.number(),
    untilMs: z.number().nullable(),
  }),
  holds: z.array(holdView),
  systems: z.record(
    z.string(),
    z.object({
      shows: z.enum(STATUSES).nullable(),
      says: z.string(),
      hidden: z
        .object({ sinceMs: z.number(), by: z.enum(STATUSES) })
        .nullable()
        .meta({
          description: "What she shows there herself is unknown since then: our entry covers it.",
        }),
    }),
  ),
  override: z
    .object({
      system: z.string(),
      status: z.enum(STATUSES),
      hides: z.enum(STATUSES),
      endsMs: z.number().nullable(),
    })
    .nullable()
    .meta({ description: "A status set by hand that keeps the wanted one from showing there." }),
  why: z
    .string()
    .meta({ description: "One sentence: what she is, since whom, and what comes back." }),
  paused: z.boolean(),
  sinceMs: z.number(),
});
export type RepView = z.infer<typeof repView>;

const entryView = z.object({
  position: z.number(),
  rep: z.string(),
  kind: z.enum(HISTORY_KINDS),
  atMs: z.number(),
  says: z.string(),
  source: z.string().nullable(),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

const shiftView = z.object({ shift: z.string(), ...shiftBody.shape });

const subscriptionView = z.object({
  id: z.string(),
  url: z.string(),
  reps: z.array(z.string()).nullable(),
  queues: z.array(z.string()).nullable(),
  kinds: z.array(z.enum(HISTORY_KINDS)),
  state: z.enum(["live", "failing", "disabled"]),
  says: z.string(),
  position: z
    .number()
    .meta({ description: "Everything up to here was sent, or is in `waiting` or `dead`." }),
  waiting: z.array(z.object({ position: z.number(), attempt: z.number(), dueMs: z.number() })),
  dead: z.array(z.object({ position: z.number(), says: z.string(), atMs: z.number() })),
});

const itemResult = z.object({
  index: z.number(),
  status: z.number(),
  code: z.string().optional(),
  detail: z.string().optional(),
  result: z.enum(["accepted", "duplicate"]).optional(),
});

const figure = z.object({
  value: z.union([z.number(), z.boolean(), z.string(), z.null()]),
  ageSeconds: z.number().meta({ description: "The oldest that it may be." }),
  source: z.string(),
});

const availabilityView = z.object({
  queue: z.object({ id: z.string(), name: z.string() }),
  canTakeNow: z
    .boolean()
    .meta({ description: "Open, and somebody there who can take a conversation now." }),
  own: z.record(z.string(), figure).meta({ description: "What Lockstep reads by itself." }),
  unavailable: z
    .record(z.string(), z.number())
    .meta({ description: "The members who cannot take one, counted under one reason each." }),
  center: z
    .record(z.string(), figure)
    .nullable()
    .meta({ description: "What the contact centre answers." }),
  centerProblem: z.string().nullable(),
  differs: z.array(z.string()).meta({ description: "Figures that both have and that differ." }),
});

export const ANSWERS = {
  accepted,
  rep: repView,
  reps: z.object({ reps: z.array(repView), next: z.string().nullable() }),
  history: z.object({ entries: z.array(entryView), next: z.number().nullable() }),
  queues: z.object({ queues: z.array(z.object({ id: z.string(), name: z.string() })) }),
  availability: availabilityView,
  shifts: z.object({ shifts: z.array(shiftView) }),
  bulk: z.object({ results: z.array(itemResult) }),
  subscription: subscriptionView,
  created: z.object({ ...subscriptionView.shape, secret: z.string() }),
  subscriptions: z.object({ subscriptions: z.array(subscriptionView) }),
} as const;
