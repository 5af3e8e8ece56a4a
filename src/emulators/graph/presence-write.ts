import { z } from "zod";
import type { EmulatorResponse } from "../listener.ts";
import { parseDurationMs } from "./duration.ts";
import type { Write } from "./operation.ts";
import { putSession, type Person } from "./person.ts";
import { refuse } from "./refusal.ts";

/** An accepted write: what it will do to the user, at once or later. */
type Apply = (person: Person, atMs: number) => void;

type Decision = { readonly apply: Apply } | { readonly refused: EmulatorResponse };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

// "presence: setPresence": PT5M to PT4H, and PT5M when nothing is said.
const SESSION_MIN_MS = 5 * MINUTE_MS;
const SESSION_MAX_MS = 4 * HOUR_MS;

const SESSION_PAIRS = new Set([
  "Available/Available",
  "Busy/InACall",
  "Busy/InAConferenceCall",
  "Away/Away",
  "DoNotDisturb/Presenting",
]);

// "Manage presence state": these two cannot be set, and trying has no effect.
const WITHOUT_EFFECT = new Set(["InAMeeting", "OutOfOffice"]);

// "presence: setUserPreferredPresence": the pairs and the expiry of each when none is given.
const PREFERRED_DEFAULT_MS: ReadonlyMap<string, number> = new Map([
  ["Available/Available", 7 * DAY_MS],
  ["Busy/Busy", DAY_MS],
  ["DoNotDisturb/DoNotDisturb", DAY_MS],
  ["BeRightBack/BeRightBack", 7 * DAY_MS],
  ["Away/Away", 7 * DAY_MS],
  ["Offline/OffWork", 7 * DAY_MS],
]);

const pair = { availability: z.string(), activity: z.string() };
const bodies = {
  setPresence: z.strictObject({
    sessionId: z.string().min(1),
    ...pair,
    expirationDuration: z.string().nullish(),
  }),
  clearPresence: z.strictObject({ sessionId: z.string().min(1) }),
  setUserPreferredPresence: z.strictObject({ ...pair, expirationDuration: z.string().nullish() }),
  clearUserPreferredPresence: z.strictObject({}),
  setStatusMessage: z.strictObject({
    statusMessage: z.object({
      message: z.object({ content: z.string(), contentType: z.literal("text") }),
      expiryDateTime: z.object({ dateTime: z.string(), timeZone: z.string() }).nullish(),
    }),
  }),
} satisfies Record<Write, z.ZodType>;

/** Where an application's session is kept among a user's sessions. */
function appSessionKey(appId: string): string {
  return `app:${appId.toLowerCase()}`;
}

/** The expiry that a preferred presence gets when nobody gives one; undefined for a pair that cannot be preferred. */
export function preferredDefaultMs(availability: string, activity: string): number | undefined {
  return PREFERRED_DEFAULT_MS.get(`${availability}/${activity}`);
}

/** Decides one write of application `appId`. Nothing changes until `apply` is called. */
export function decideWrite(write: Write, body: unknown, appId: string, person: Person): Decision {
  switch (write) {
    case "setPresence": {
      const input = bodies.setPresence.safeParse(body);
      return input.success ? setPresence(input.data, appId) : malformed(input.error);
    }
    case "clearPresence": {
      const input = bodies.clearPresence.safeParse(body);
      return input.success ? clearPresence(input.data, appId, person) : malformed(input.error);
    }
    case "setUserPreferredPresence": {
      const input = bodies.setUserPreferredPresence.safeParse(body);
      return input.success ? setPreferred(input.data, appId) : malformed(input.error);
    }
    case "clearUserPreferredPresence": {
      const input = bodies.clearUserPreferredPresence.safeParse(body);
      return input.success ? { apply: clearPreferred } : malformed(input.error);
    }
    case "setStatusMessage": {
      const input = bodies.setStatusMessage.safeParse(body);
      return input.success ? setStatusMessage(input.data) : malformed(input.error);
    }
  }
}

function setPresence(input: z.output<typeof bodies.setPresence>, appId: string): Decision {
  const { sessionId, availability, activity, expirationDuration } = input;
  const foreign = refuseForeignSession(sessionId, appId);
  if (foreign) return foreign;
  const durationMs = expirationDuration ? parseDurationMs(expirationDuration) : SESSION_MIN_MS;
  if (durationMs === null || durationMs < SESSION_MIN_MS || durationMs > SESSION_MAX_MS) {
    return badRequest(
      `The expirationDuration '${expirationDuration}' must lie between PT5M and PT4H.`,
    );
  }
  if (WITHOUT_EFFECT.has(activity)) return { apply: () => {} };
  if (!SESSION_PAIRS.has(`${availability}/${activity}`)) return illegalPair(availability, activity);
  return {
    apply: (person, atMs) => {
      const expiresAtMs = atMs + durationMs;
      const session = { kind: "app", availability, activity, setAtMs: atMs, expiresAtMs } as const;
      putSession(person, appSessionKey(appId), session);
    },
  };
}

function clearPresence(
  { sessionId }: z.output<typeof bodies.clearPresence>,
  appId: string,
  person: Person,
): Decision {
  const foreign = refuseForeignSession(sessionId, appId);
  if (foreign) return foreign;
  const key = appSessionKey(appId);
  if (!person.sessions.has(key)) {
    return { refused: refuse(404, "NotFound", "The presence session does not exist.") };
  }
  return { apply: ({ sessions }) => void sessions.delete(key) };
}

function setPreferred(
  input: z.output<typeof bodies.setUserPreferredPresence>,
  setBy: string,
): Decision {
  const { availability, activity, expirationDuration } = input;
  const defaultMs = preferredDefaultMs(availability, activity);
  if (defaultMs === undefined) return illegalPair(availability, activity);
  const durationMs = expirationDuration ? parseDurationMs(expirationDuration) : defaultMs;
  if (durationMs === null || durationMs <= 0) {
    return badRequest(`The expirationDuration '${expirationDuration}' is not valid.`);
  }
  return {
    apply: (person, atMs) => {
      person.preferred = { availability, activity, expiresAtMs: atMs + durationMs, setBy };
    },
  };
}

function clearPreferred(person: Person): void {
  person.preferred = null;
}

function setStatusMessage({ statusMessage }: z.output<typeof bodies.setStatusMessage>): Decision {
  const { message, expiryDateTime } = statusMessage;
  // Times come without a zone suffix. Windows zone names other than UTC are taken as "never".
  const isUtc = expiryDateTime?.timeZone.toUpperCase() === "UTC";
  const expiresAtMs = isUtc ? Date.parse(`${expiryDateTime.dateTime.replace(/Z$/, "")}Z`) : null;
  if (Number.isNaN(expiresAtMs)) return badRequest("The expiryDateTime is not valid.");
  return {
    apply: (person) => {
      person.statusMessage = message.content ? { content: message.content, expiresAtMs } : null;
    },
  };
}

// "presence: setPresence": the session id is the id of the application that calls.
function refuseForeignSession(sessionId: string, appId: string): Decision | null {
  if (sessionId.toLowerCase() === appId.toLowerCase()) return null;
  return badRequest(`The sessionId '${sessionId}' is not the calling application's id.`);
}

function illegalPair(availability: string, activity: string): Decision {
  return badRequest(
    `The combination of availability '${availability}' and activity '${activity}' is invalid.`,
  );
}

function badRequest(message: string): Decision {
  return { refused: refuse(400, "BadRequest", message) };
}

function malformed(error: z.ZodError): Decision {
  const [issue] = error.issues;
  const place = issue?.path.join(".") || "the body";
  return badRequest(`The parameter ${place} is not valid: ${issue?.message ?? "unreadable"}.`);
}
