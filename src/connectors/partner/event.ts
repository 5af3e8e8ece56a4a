import { z } from "zod";
import { holdId, type SystemName } from "../../presence/identity.ts";
import { STATUSES } from "../../presence/status.ts";
import type { RepEvent } from "../../reconcile/event.ts";

/** How long a hold may last without being renewed. */
export const HOLD_SECONDS = { least: 60, most: 14_400 };

/** Available is nothing to hold, and Offline is decreed, not held. */
export const HOLD_STATUSES = STATUSES.filter(
  (status) => status !== "Available" && status !== "Offline",
);

const TYPES = [
  "hold.started",
  "hold.renewed",
  "hold.ended",
  "shift.started",
  "shift.ended",
  "status.set",
] as const;

const rep = z
  .string("expected the rep's Dataverse system user id or Entra object id")
  .regex(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    "expected a GUID: the rep's Dataverse system user id or Entra object id",
  )
  .toLowerCase();

const hold = z
  .string("expected the partner's own id of the hold")
  .regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 printable ASCII characters without spaces");

const ttlSeconds = z
  .int("expected whole seconds")
  .min(HOLD_SECONDS.least, `expected at least ${HOLD_SECONDS.least} seconds`)
  .max(HOLD_SECONDS.most, `expected at most ${HOLD_SECONDS.most} seconds`)
  .default(HOLD_SECONDS.most);

const oneOf = (values: readonly string[]): string => `expected one of ${values.join(", ")}`;

/**
 * What a partner can say. Keys that are not named here are dropped. `hold` is the partner's own id, unique
 * within the partner only; `ttlSeconds` is how long the hold lasts unless it is renewed or ended, so that a
 * phone system that dies cannot leave a rep busy.
 */
const partnerEventSchema = z.discriminatedUnion(
  "type",
  [
    z.object({
      type: z.literal("hold.started"),
      rep,
      hold,
      status: z.enum(HOLD_STATUSES, oneOf(HOLD_STATUSES)),
      ttlSeconds,
    }),
    z.object({ type: z.literal("hold.renewed"), rep, hold, ttlSeconds }),
    z.object({ type: z.literal("hold.ended"), rep, hold }),
    z.object({ type: z.literal("shift.started"), rep }),
    z.object({ type: z.literal("shift.ended"), rep }),
    z.object({
      type: z.literal("status.set"),
      rep,
      status: z.enum(STATUSES, oneOf(STATUSES)),
      untilMs: z
        .undefined("expected nothing: to end by itself, it must be a hold with ttlSeconds")
        .optional(),
    }),
  ],
  {
    error: ({ code }: { readonly code: string }) =>
      code === "invalid_union" ? oneOf(TYPES) : "expected a JSON object",
  },
);

type WireEvent = z.output<typeof partnerEventSchema>;

/** Where the body is wrong, as a JSON pointer, and what was expected there. It never quotes what was sent. */
export type FieldProblem = { readonly pointer: string; readonly detail: string };

export type DecodedEvent =
  | { readonly ok: true; readonly rep: string; readonly event: RepEvent }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** Who sent the event, and when it came: a hold's time runs from there. */
export type Sender = { readonly partner: SystemName; readonly receivedAtMs: number };

/**
 * Turns parsed JSON into an event and the id of the rep it is about (lower-case), or says for every wrong field
 * what it should have been. Never throws.
 */
export function decodeEvent(json: unknown, sender: Sender): DecodedEvent {
  const parsed = partnerEventSchema.safeParse(json);
  if (parsed.success) {
    return { ok: true, rep: parsed.data.rep, event: eventOf(parsed.data, sender) };
  }
  const problems = parsed.error.issues.map(({ path, message }) => ({
    pointer: `#${path.map((step) => `/${String(step)}`).join("")}`,
    detail: message,
  }));
  return { ok: false, problems };
}

/** A hold's id is prefixed by its partner, so that no partner can touch a hold of another. */
function eventOf(wire: WireEvent, { partner, receivedAtMs }: Sender): RepEvent {
  const { type } = wire;
  switch (type) {
    case "hold.started": {
      const untilMs = receivedAtMs + wire.ttlSeconds * 1000;
      return { type, hold: holdId(`${partner}:${wire.hold}`), status: wire.status, untilMs };
    }
    case "hold.renewed": {
      const untilMs = receivedAtMs + wire.ttlSeconds * 1000;
      return { type, hold: holdId(`${partner}:${wire.hold}`), untilMs };
    }
    case "hold.ended":
      return { type, hold: holdId(`${partner}:${wire.hold}`) };
    case "status.set":
      return { type, status: wire.status };
    case "shift.started":
    case "shift.ended":
      return { type };
    default:
      return wire satisfies never;
  }
}
