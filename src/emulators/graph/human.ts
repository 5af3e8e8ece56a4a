import { z } from "zod";
import { command } from "../entra/command.ts";
import { isOver, type SessionKind } from "./aggregate.ts";
import { catchUp, type Backend } from "./backend.ts";
import { putSession, shownNow, type Person } from "./person.ts";
import { preferredDefaultMs } from "./presence-write.ts";

const CLIENT_AVAILABILITIES = [
  "Available",
  "AvailableIdle",
  "Busy",
  "BusyIdle",
  "DoNotDisturb",
  "Away",
  "BeRightBack",
  "Offline",
] as const;

const CALL_AVAILABILITY = {
  InACall: "Busy",
  InAConferenceCall: "Busy",
  Presenting: "DoNotDisturb",
} as const;

const user = { userId: z.string() };

/** What the person does herself: her Teams client, the status menu, calls, the calendar, the absence note. */
export function createHumanControl(backend: Backend) {
  function change(userId: string, apply: (person: Person, nowMs: number) => void): void {
    const nowMs = catchUp(backend);
    const person = backend.people.find(userId, nowMs);
    if (!person) throw new Error(`there is no user ${userId}`);
    backend.people.change(person, nowMs, () => apply(person, nowMs));
  }

  function setSession(
    userId: string,
    kind: SessionKind,
    shown: { availability: string; activity: string },
  ): void {
    change(userId, (person, setAtMs) => {
      putSession(person, kind, { kind, ...shown, setAtMs, expiresAtMs: null });
    });
  }

  function endSession(userId: string, kind: SessionKind): void {
    change(userId, ({ sessions }) => void sessions.delete(kind));
  }

  return {
    /** The Teams client shows this by itself; with `availability: null` she closes it. */
    setClient: command(
      z.strictObject({
        ...user,
        availability: z.enum(CLIENT_AVAILABILITIES).nullable(),
        activity: z.string().nullish(),
      }),
      ({ userId, availability, activity }) => {
        if (availability === null) return endSession(userId, "client");
        setSession(userId, "client", { availability, activity: activity ?? availability });
      },
    ),
    /** She picks a status from the menu: exactly the preferred presence that an application can set too. */
    setManual: command(
      z.strictObject({
        ...user,
        availability: z.string(),
        activity: z.string().optional(),
        expiresInSeconds: z.number().positive().optional(),
      }),
      ({ userId, availability, activity: asked, expiresInSeconds }) => {
        const activity = asked ?? (availability === "Offline" ? "OffWork" : availability);
        const defaultMs = preferredDefaultMs(availability, activity);
        if (defaultMs === undefined) throw new Error(`nobody can pick ${availability}/${activity}`);
        const forMs = expiresInSeconds === undefined ? defaultMs : expiresInSeconds * 1000;
        change(userId, (person, nowMs) => {
          person.preferred = { availability, activity, expiresAtMs: nowMs + forMs, setBy: "human" };
        });
      },
    ),
    /** "Reset status" in the menu. */
    resetManual: command(z.strictObject(user), ({ userId }) => {
      change(userId, (person) => {
        person.preferred = null;
      });
    }),
    startCall: command(
      z.strictObject({
        ...user,
        activity: z.enum(["InACall", "InAConferenceCall", "Presenting"]).default("InACall"),
      }),
      ({ userId, activity }) =>
        setSession(userId, "call", { availability: CALL_AVAILABILITY[activity], activity }),
    ),
    endCall: command(z.strictObject(user), ({ userId }) => endSession(userId, "call")),
    startMeeting: command(z.strictObject(user), ({ userId }) =>
      setSession(userId, "meeting", { availability: "Busy", activity: "InAMeeting" }),
    ),
    endMeeting: command(z.strictObject(user), ({ userId }) => endSession(userId, "meeting")),
    setOutOfOffice: command(
      z.strictObject({ ...user, isOutOfOffice: z.boolean(), message: z.string().nullish() }),
      ({ userId, isOutOfOffice, message }) => {
        change(userId, (person) => {
          person.outOfOffice = { isOutOfOffice, message: message ?? null };
        });
      },
    ),
  };
}

/** The whole truth about a user, including what no Graph call tells. */
export function describePerson(person: Person, nowMs: number) {
  const { availability, activity, sequenceNumber } = shownNow(person);
  const sessions = [...person.sessions]
    .filter(([, session]) => !isOver(session, nowMs))
    .map(([id, session]) => ({ id, ...session }));
  const { id: userId, preferred, writes } = person;
  return { userId, availability, activity, sessions, preferred, sequenceNumber, writes };
}
