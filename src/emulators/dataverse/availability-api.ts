import { z } from "zod";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Caller } from "./callers.ts";
import { type ContactCenter, queueFor, type Workstream } from "./contact-center.ts";
import type { Conversations } from "./conversations.ts";
import type { Eligibility } from "./eligibility.ts";
import { CODE, DataverseError, doesNotExist } from "./error.ts";
import { type Hours, hoursOf, openingAt } from "./hours.ts";
import { requireRole } from "./presence-api.ts";
import { bodyOf } from "./registration-body.ts";
import { ROLE } from "./roles.ts";
import type { Settings } from "./settings.ts";
import { dateText, type Tables } from "./tables.ts";

/** Operations by which representative availability is asked. */
export const AVAILABILITY = {
  before: "CCaaS_GetRepresentativeAvailabilityBeforeConversation",
  for: "CCaaS_GetRepresentativeAvailabilityForConversation",
} as const;

const NEVER = "9999-12-31T23:59:59Z";
const UNSET = "0001-01-01T00:00:00Z";

const guid = z.guid().transform((text) => text.toLowerCase());
const version = z.literal("1.0");
const beforeBody = z.strictObject({
  ApiVersion: version,
  LiveWorkStreamId: guid,
  CustomContextItems: z.string().nullish(),
  ChannelEngagementContext: z.string().nullish(),
});
const forBody = z.strictObject({
  ApiVersion: version,
  ConversationId: guid,
  CustomContextItems: z.string().nullish(),
});
const contextItems = z.record(
  z.string(),
  z.object({
    value: z.union([z.string(), z.number()]),
    isDisplayable: z.boolean().optional(),
    datatype: z.enum(["192350000", "192350001"]).optional(),
  }),
);

const engagement = z.record(z.string(), z.string());

type Aged<Value> = { readonly atMs: number; readonly value: Value };

/**
 * Microsoft: "CCaaS_GetRepresentativeAvailabilityForConversation" and "…BeforeConversation". Waiting
 * and position are of this moment; who is available is up to five minutes old, and how the queue is
 * set up, hours included, up to ten. We let what is known age from the first question on.
 */
export class AvailabilityApi {
  readonly #tables: Tables;
  readonly #contactCenter: ContactCenter;
  readonly #conversations: Conversations;
  readonly #eligibility: Eligibility;
  readonly #settings: Settings;
  readonly #nowMs: () => number;
  readonly #reps = new Map<string, Aged<number>>();
  readonly #hours = new Map<string, Aged<Hours>>();

  constructor(options: {
    readonly tables: Tables;
    readonly contactCenter: ContactCenter;
    readonly conversations: Conversations;
    readonly eligibility: Eligibility;
    readonly settings: Settings;
    readonly nowMs: () => number;
  }) {
    this.#tables = options.tables;
    this.#contactCenter = options.contactCenter;
    this.#conversations = options.conversations;
    this.#eligibility = options.eligibility;
    this.#settings = options.settings;
    this.#nowMs = options.nowMs;
  }

  beforeConversation(caller: Caller, request: EmulatorRequest, root: string): EmulatorResponse {
    requireRole(caller, AVAILABILITY.before, ROLE.administrator);
    const body = bodyOf(beforeBody, request);
    const workstream = this.#workstream(body.LiveWorkStreamId);
    const context = new Map([
      ...engagementOf(body.ChannelEngagementContext),
      ...contextOf(body.CustomContextItems),
    ]);
    const queueId = queueFor(workstream, context);
    const position = this.#conversations.waitingIn(queueId).length + 1;
    return this.#answer(AVAILABILITY.before, root, queueId, workstream, position);
  }

  forConversation(caller: Caller, request: EmulatorRequest, root: string): EmulatorResponse {
    requireRole(caller, AVAILABILITY.for, ROLE.administrator);
    const body = bodyOf(forBody, request);
    const conversation = this.#conversations.get(body.ConversationId);
    if (!conversation) throw doesNotExist("msdyn_ocliveworkitem", body.ConversationId);
    if (conversation.state === "closed") {
      throw new DataverseError(
        400,
        CODE.invalidArgument,
        `The conversation ${body.ConversationId} is not active.`,
      );
    }
    const workstream = this.#workstream(conversation.workstreamId);
    const context = new Map([...conversation.context, ...contextOf(body.CustomContextItems)]);
    const queueId = queueFor(workstream, context);
    const waiting = this.#conversations.waitingIn(queueId);
    const index = waiting.findIndex(({ id }) => id === conversation.id);
    const position = (index < 0 ? waiting.length : index) + 1;
    return this.#answer(AVAILABILITY.for, root, queueId, workstream, position);
  }

  #answer(
    operation: string,
    root: string,
    queueId: string,
    workstream: Workstream,
    position: number,
  ): EmulatorResponse {
    const nowMs = this.#nowMs();
    const { repsStaleMs, queuesStaleMs, waitInMinutes } = this.#settings;
    const experts = aged(this.#reps, `${queueId} ${workstream.id}`, nowMs, repsStaleMs, () =>
      this.#countReps(queueId, workstream),
    );
    const hours = aged(this.#hours, queueId, nowMs, queuesStaleMs, () => {
      const id = this.#contactCenter.queue(queueId)?.["_msdyn_operatinghourid_value"];
      return hoursOf(this.#tables, typeof id === "string" ? id : null);
    });
    const { open, changesAtMs, next } = openingAt(hours, nowMs);
    const waitSeconds = this.#conversations.averageWaitSeconds(queueId);
    return {
      status: 200,
      headers: { "odata-version": "4.0" },
      json: {
        "@odata.context": `${root}/$metadata#Microsoft.Dynamics.CRM.${operation}Response`,
        NextTransitionTime: changesAtMs === null ? NEVER : dateText(changesAtMs),
        NumberOfExpertsAvailableInQueue: experts,
        AverageWaitTimeInSeconds: waitSeconds,
        PositionInQueue: position,
        AverageWaitTime: waitInMinutes ? Math.round(waitSeconds / 60) : null,
        StartTimeOfNextOperatingHour: next ? dateText(next.startMs) : UNSET,
        EndTimeOfNextOperatingHour: next ? dateText(next.endMs) : UNSET,
        QueueId: queueId,
        IsAgentAvailable: experts > 0,
        IsQueueAvailable: open,
      },
    };
  }

  /** A sentence that Microsoft has taken back said that an AI agent always counts. */
  #countReps(queueId: string, workstream: Workstream): number {
    const people = this.#eligibility.repsFor(queueId, workstream).length;
    if (!this.#settings.aiAgentsCount) return people;
    const members = this.#contactCenter.membersOf(queueId);
    return people + members.filter((userId) => !this.#contactCenter.isPerson(userId)).length;
  }

  #workstream(id: string): Workstream {
    const workstream = this.#contactCenter.workstream(id);
    if (!workstream) throw doesNotExist("msdyn_liveworkstream", id);
    return workstream;
  }
}

/** What is known by that name, found out anew when it is older than `staleMs`. */
function aged<Value>(
  known: Map<string, Aged<Value>>,
  name: string,
  nowMs: number,
  staleMs: number,
  find: () => Value,
): Value {
  const before = known.get(name);
  if (before && nowMs - before.atMs < staleMs) return before.value;
  const value = find();
  known.set(name, { atMs: nowMs, value });
  return value;
}

/** The items come as text that holds JSON, not as an object. */
function contextOf(source: string | null | undefined): ReadonlyMap<string, string> {
  const items = textOf("CustomContextItems", contextItems, source);
  return new Map(Object.entries(items).map(([name, { value }]) => [name, String(value)]));
}

/** Columns by name. Every published sample is broken JSON; what they mean to show is this. */
function engagementOf(source: string | null | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries(textOf("ChannelEngagementContext", engagement, source)));
}

function textOf<Value>(
  name: string,
  shape: z.ZodType<Readonly<Record<string, Value>>>,
  source: string | null | undefined,
): Readonly<Record<string, Value>> {
  if (source === null || source === undefined || source === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch {
    throw new DataverseError(400, CODE.invalidArgument, `${name} is not valid JSON.`);
  }
  const read = shape.safeParse(parsed);
  if (read.success) return read.data;
  throw new DataverseError(400, CODE.invalidArgument, z.prettifyError(read.error));
}
