import { z } from "zod";
import { command } from "../entra/command.ts";
import { createSubscriptionControl } from "../subscription/control.ts";
import { catchUp, type Backend } from "./backend.ts";
import { LATE_ANSWERS } from "./fault.ts";
import { createHumanControl, describePerson } from "./human.ts";
import { OPERATIONS, WRITES } from "./operation.ts";
import { BUCKETS } from "./throttle.ts";

export type GraphControl = ReturnType<typeof createGraphControl>;

const operation = z.enum(OPERATIONS).optional();
const writeOperation = z.enum(WRITES).optional();
const times = z.int().positive().default(1);
const nothing = z.strictObject({});
const milliseconds = z.number().nonnegative();

/**
 * The switches of the Graph emulator, in this process and as `POST /control/{name}`: the person, the
 * observer, the clock, the directory, the faults, and the subscriptions.
 */
export function createGraphControl(backend: Backend) {
  return {
    ...createHumanControl(backend),
    ...createObserver(backend),
    ...createDirectoryControl(backend),
    ...createFaultControl(backend),
    ...createSubscriptionControl(backend.push, () => catchUp(backend)),
    /** Moves the clock; what expires on the way happens in its order. */
    advance: command(z.strictObject({ ms: milliseconds }), ({ ms }) => {
      backend.clock.advance(ms);
      return { nowMs: catchUp(backend) };
    }),
  };
}

function createObserver(backend: Backend) {
  const { people, journal } = backend;
  return {
    state: command(z.strictObject({ userId: z.string() }), ({ userId }) => {
      const nowMs = catchUp(backend);
      const person = people.find(userId, nowMs);
      if (!person) throw new Error(`there is no user ${userId}`);
      return describePerson(person, nowMs);
    }),
    states: command(nothing, () => {
      const nowMs = catchUp(backend);
      return [...people.all()].map((person) => describePerson(person, nowMs));
    }),
    /** Accepted writes, from `sinceIndex` on. */
    writes: command(
      z.strictObject({ sinceIndex: z.int().nonnegative().default(0) }),
      ({ sinceIndex }) => journal.writesSince(sinceIndex),
    ),
    requests: command(nothing, () => journal.requests()),
  };
}

function createDirectoryControl(backend: Backend) {
  return {
    addUser: command(
      z.strictObject({
        id: z.guid(),
        userPrincipalName: z.string(),
        displayName: z.string(),
        accountEnabled: z.boolean().optional(),
      }),
      (user) => backend.people.add(user, catchUp(backend)),
    ),
    /** Makes these users, and nobody else, members of a group. */
    setGroup: command(
      z.strictObject({ groupId: z.guid(), members: z.array(z.guid()) }),
      ({ groupId, members }) => {
        const ids = members.map((id) => id.toLowerCase());
        backend.groups.set(groupId.toLowerCase(), new Set(ids));
        return { members: ids.length };
      },
    ),
    removeUser: command(z.strictObject({ userId: z.string() }), ({ userId }) => ({
      removed: backend.people.remove(userId),
    })),
  };
}

function createFaultControl({ faults, throttle, bulkReads }: Backend) {
  return {
    failNext: command(
      z.strictObject({
        operation,
        status: z.int().min(400).max(599),
        times,
        retryAfter: z.number().nonnegative().optional(),
        body: z.unknown().optional(),
      }),
      ({ operation: at, times: count, ...failure }) => faults.failures.arm(at, count, failure),
    ),
    /** The request succeeds, and the answer is lost. */
    dropAckNext: command(z.strictObject({ operation, times }), ({ operation: at, times: count }) =>
      faults.droppedAcks.arm(at, count, true),
    ),
    /** Every matching request waits a real, random time; `maxMs: 0` ends it. */
    delay: command(
      z
        .strictObject({ operation, minMs: milliseconds, maxMs: milliseconds })
        .refine(({ minMs, maxMs }) => minMs <= maxMs, "minMs must not exceed maxMs"),
      (delay) => faults.delay(delay),
    ),
    /** The write seems to fail now and comes true later: `delayMs` on the emulator's clock. */
    applyLate: command(
      z.strictObject({
        operation: writeOperation,
        times,
        delayMs: milliseconds,
        answer: z.enum(LATE_ANSWERS).default("504"),
      }),
      ({ operation: at, times: count, ...late }) => faults.lateApplies.arm(at, count, late),
    ),
    /** The write is answered 200 and changes nothing. */
    absorbNext: command(
      z.strictObject({ operation: writeOperation, times }),
      ({ operation: at, times: count }) => faults.absorptions.arm(at, count, true),
    ),
    /** Reads show what was true `lagMs` ago; 0 ends it. */
    staleReads: command(z.strictObject({ lagMs: milliseconds }), ({ lagMs }) => {
      faults.staleByMs = lagMs;
    }),
    limit: command(
      z.strictObject({
        requests: z.int().positive(),
        windowSeconds: z.number().positive(),
        bucket: z.enum(BUCKETS).default("presence"),
      }),
      ({ bucket, ...limit }) => throttle.setLimit(bucket, limit),
    ),
    /** How bulk reads treat what no page describes. */
    setBulkReads: command(
      z.strictObject({
        sequenceNumbers: z.boolean().optional(),
        unknownUsers: z.enum(["omit", "PresenceUnknown"]).optional(),
      }),
      ({ sequenceNumbers, unknownUsers }) => {
        bulkReads.sequenceNumbers = sequenceNumbers ?? bulkReads.sequenceNumbers;
        bulkReads.unknownUsers = unknownUsers ?? bulkReads.unknownUsers;
      },
    ),
    /** Disarms every fault; limits and bulk reads stay, and late writes already accepted still come. */
    clearFaults: command(nothing, () => faults.clear()),
  };
}
