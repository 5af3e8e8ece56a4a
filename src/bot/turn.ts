import { z } from "zod";

/** Where somebody talks to us: alone, or where others see the card too. */
type Place = "personal" | "groupChat" | "channel";

/** Who asks, where and when. Read from the activity whose token was verified, and from nothing else. */
export type Turn = {
  /** The activity's id, so that the same one delivered twice is done once. */
  readonly id: string;
  readonly place: Place;
  readonly conversationId: string;
  /** Entra object id, lower-case. */
  readonly objectId: string;
  /** The id that cards and mentions know the user by: `29:…`. */
  readonly userId: string;
  readonly name: string;
  readonly locale: string | null;
  /** How far her clock is ahead of UTC now. */
  readonly offsetMinutes: number;
  /** Where it is, as Teams names it: by IANA's name. */
  readonly timeZone: string | null;
};

/** Ids travel in paths and headers of the answers. */
const id = z.string().regex(/^[\x21-\x7e]*$/);

/** What is not named here is dropped: the SDK would copy it into the answer, and choke on it there. */
const conversation = z.object({
  id: id.min(1),
  conversationType: z.string().optional(),
  tenantId: z.string().optional(),
});

const account = z.object({
  id: z.string().min(1),
  name: z.string().nullish(),
  aadObjectId: z.string().nullish(),
});

const entity = z
  .looseObject({
    type: z.string(),
    text: z.string().optional(),
    mentioned: z.looseObject({ id: z.string() }).optional(),
  })
  .refine(({ type, mentioned }) => type.toLowerCase() !== "mention" || mentioned !== undefined);

const parameter = z.looseObject({ name: z.string().nullish() });
const hasParameters = z.looseObject({ parameters: z.array(parameter).nullish() });

/**
 * What every activity must have before anything of it is looked at, and the shape of whatever the SDK or we take for
 * granted in it. Other keys are kept: the SDK reads them.
 */
export const activitySchema = z.looseObject({
  type: z.string().min(1),
  id: id.optional(),
  name: z.string().nullish(),
  text: z.string().nullish(),
  channelId: z.string().min(1),
  serviceUrl: z.string().min(1),
  from: account,
  recipient: account,
  conversation,
  locale: z.string().optional(),
  localTimestamp: z.union([z.string(), z.date()]).optional(),
  localTimezone: z.string().nullish().catch(null),
  channelData: z
    .looseObject({ tenant: z.looseObject({ id: z.string() }).optional() })
    .nullish()
    .catch(null),
  entities: z.array(entity).optional(),
  membersRemoved: z.array(z.looseObject({ id: z.string() })).nullish(),
  /** Of a search; other values are looked at by whoever takes them. */
  value: z
    .unknown()
    .refine((value) => !isRecord(value) || hasParameters.safeParse(value).success)
    .optional(),
});
export type WireActivity = z.output<typeof activitySchema>;

/** The tenant that the activity comes from, lower-case; `null` when it says none, or two different ones. */
export function tenantOf({ conversation, channelData }: WireActivity): string | null {
  const told = [conversation.tenantId, channelData?.tenant?.id]
    .filter((id) => id !== undefined)
    .map((id) => id.toLowerCase());
  return new Set(told).size === 1 ? (told[0] ?? null) : null;
}

/** Who asks; `null` for somebody who is nobody in Entra. */
export function turnOf(activity: WireActivity): Turn | null {
  const { from, conversation, locale = null, localTimestamp, localTimezone = null, id } = activity;
  const objectId = from.aadObjectId?.toLowerCase();
  if (!objectId) return null;
  const { conversationType } = conversation;
  const place =
    conversationType === "channel" || conversationType === "groupChat"
      ? conversationType
      : "personal";
  return {
    id: id ?? "",
    place,
    // A reply in a channel has the message's id behind the conversation's.
    conversationId: conversation.id.split(";")[0] ?? conversation.id,
    objectId,
    userId: from.id,
    name: from.name ?? "",
    locale,
    offsetMinutes: offsetOf(localTimestamp),
    timeZone: localTimezone,
  };
}

/** `2026-03-04T11:42:30.000+01:00` → 60. */
function offsetOf(localTimestamp: string | Date | undefined): number {
  if (typeof localTimestamp !== "string") return 0;
  const match = /([+-])(\d{2}):(\d{2})$/.exec(localTimestamp);
  if (!match) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === "-" ? -minutes : minutes;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
