import { z } from "zod";
import type { EmulatorResponse } from "../listener.ts";
import { isOver } from "./aggregate.ts";
import type { Backend } from "./backend.ts";
import { shownAt, type Person } from "./person.ts";
import { refuse } from "./refusal.ts";

// "presence: getPresencesByUserId": no more than 650 user ids in one request.
const MAX_IDS = 650;
const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const BulkRead = z.strictObject({ ids: z.array(z.string()) });

export function isGuid(id: string): boolean {
  return GUID.test(id);
}

export function getPresence(
  backend: Backend,
  person: Person,
  nowMs: number,
  context: string,
): EmulatorResponse {
  const { statusMessage } = person;
  const isShown = statusMessage && !isOver(statusMessage, nowMs);
  return {
    status: 200,
    json: {
      "@odata.context": `${context}#users('${person.id}')/presence/$entity`,
      ...present(backend, person, nowMs),
      // Other people's status messages come without their expiry and publication times.
      statusMessage: isShown
        ? { message: { content: statusMessage.content, contentType: "text" } }
        : null,
    },
  };
}

/**
 * The bulk read. Its answer comes in another order than the ids: no page promises one, so nobody may
 * rely on it. Unknown users and versions follow `backend.bulkReads`, as the pages are silent.
 */
export function getPresencesByUserId(
  backend: Backend,
  body: unknown,
  nowMs: number,
  context: string,
): EmulatorResponse {
  const asked = BulkRead.safeParse(body);
  if (!asked.success)
    return refuse(400, "BadRequest", "The parameter 'ids' must be a list of user ids.");
  const { ids } = asked.data;
  backend.journal.recordBulkRead(ids.length);
  if (ids.length > MAX_IDS) {
    return refuse(
      400,
      "BadRequest",
      `The number of ids must not exceed ${MAX_IDS}, but was ${ids.length}.`,
    );
  }
  const wrong = ids.find((id) => !isGuid(id));
  if (wrong !== undefined) return refuse(400, "BadRequest", `'${wrong}' is not a valid user id.`);
  const value = [...new Set(ids.map((id) => id.toLowerCase()))]
    .toReversed()
    .flatMap((id) => bulkItem(backend, id, nowMs));
  return { status: 200, json: { "@odata.context": `${context}#Collection(presence)`, value } };
}

function bulkItem(backend: Backend, id: string, nowMs: number): object[] {
  const person = backend.people.find(id, nowMs);
  if (person) {
    const { sequenceNumber, ...shown } = present(backend, person, nowMs);
    return [backend.bulkReads.sequenceNumbers ? { ...shown, sequenceNumber } : shown];
  }
  if (backend.bulkReads.unknownUsers === "omit") return [];
  return [{ id, availability: "PresenceUnknown", activity: "PresenceUnknown" }];
}

function present(backend: Backend, person: Person, nowMs: number) {
  const { availability, activity, sequenceNumber } = shownAt(
    person,
    nowMs - backend.faults.staleByMs,
  );
  const { isOutOfOffice, message } = person.outOfOffice;
  const outOfOfficeSettings = { message, isOutOfOffice };
  return { id: person.id, availability, activity, outOfOfficeSettings, sequenceNumber };
}
