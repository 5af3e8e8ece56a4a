import { z } from "zod";
import { DAYS } from "./calendars.ts";
import { command, guid } from "./command.ts";
import type { ContactCenter } from "./contact-center.ts";
import { BASE_PRESENCE_LABELS } from "./presence.ts";

const basePresence = z.int().refine((value) => value in BASE_PRESENCE_LABELS, "no base presence");

/** The administrator of the contact center: queues, workstreams, hours and capacity. */
export function createContactCenterControl(contactCenter: ContactCenter) {
  return {
    putQueue: command(
      z.strictObject({
        id: guid,
        name: z.string(),
        members: z.array(guid),
        priority: z.int().optional(),
        operatingHourId: guid.nullable().optional(),
      }),
      (queue) => contactCenter.putQueue(queue),
    ),
    setQueueHours: command(
      z.strictObject({ queueId: guid, operatingHourId: guid.nullable() }),
      ({ queueId, operatingHourId }) => contactCenter.setQueueHours(queueId, operatingHourId),
    ),
    addQueueMember: command(
      z.strictObject({ queueId: guid, userId: guid }),
      ({ queueId, userId }) => contactCenter.addMember(queueId, userId),
    ),
    removeQueueMember: command(
      z.strictObject({ queueId: guid, userId: guid }),
      ({ queueId, userId }) => contactCenter.removeMember(queueId, userId),
    ),
    /** With `capacityProfileId` it is profile based, otherwise it takes `units`. */
    putWorkstream: command(
      z.strictObject({
        id: guid,
        name: z.string(),
        queueId: guid,
        allowedPresences: z.array(basePresence).min(1),
        units: z.int().nonnegative().default(30),
        capacityProfileId: guid.optional(),
        routes: z
          .array(z.strictObject({ item: z.string(), value: z.string(), queueId: guid }))
          .default([]),
      }),
      ({ units, capacityProfileId: profileId, ...workstream }) => {
        contactCenter.putWorkstream({ ...workstream, load: { units, profileId } });
      },
    ),
    /** The workstream whose default queue this is; every queue begins with one. */
    workstreamOf: command(z.strictObject({ queueId: guid }), ({ queueId }) => ({
      id: contactCenter.workstreamInto(queueId)?.id ?? null,
    })),
    putOperatingHours: command(
      z.strictObject({
        id: guid,
        name: z.string(),
        timeZoneCode: z.int(),
        weekly: z.array(
          z.strictObject({
            days: z.array(z.enum(DAYS)).min(1),
            startMinute: z.int().min(0).max(1439),
            minutes: z.int().min(1).max(1440),
          }),
        ),
        holidays: z
          .array(z.strictObject({ name: z.string(), date: z.iso.date(), days: z.int().positive() }))
          .default([]),
      }),
      (hours) => contactCenter.putOperatingHours(hours),
    ),
    putCapacityProfile: command(
      z.strictObject({
        id: guid,
        name: z.string(),
        maxUnits: z.int().positive(),
        blocking: z.boolean().default(false),
      }),
      (profile) => contactCenter.putCapacityProfile(profile),
    ),
    giveCapacityProfile: command(
      z.strictObject({ userId: guid, profileId: guid, maxUnits: z.int().positive().optional() }),
      ({ userId, profileId, maxUnits }) =>
        contactCenter.giveCapacityProfile(userId, profileId, maxUnits),
    ),
  };
}
