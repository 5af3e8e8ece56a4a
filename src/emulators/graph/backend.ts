import type { Push } from "../subscription/push.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./fault.ts";
import type { Journal } from "./journal.ts";
import type { People, Person } from "./person.ts";
import type { Throttle } from "./throttle.ts";

/** What no page says about the bulk read, so that a client can be tried with each possibility. */
type BulkReads = {
  sequenceNumbers: boolean;
  unknownUsers: "omit" | "PresenceUnknown";
};

type LateWrite = {
  readonly dueAtMs: number;
  readonly userId: string;
  readonly apply: (person: Person, atMs: number) => void;
};

/** Everything behind the endpoints; the controls and the requests share it. */
export type Backend = {
  readonly clock: Clock;
  readonly people: People;
  readonly journal: Journal;
  readonly throttle: Throttle;
  readonly faults: Faults;
  readonly bulkReads: BulkReads;
  readonly push: Push;
  /** Who is in which group, directly or not; ids in lower case. */
  readonly groups: Map<string, ReadonlySet<string>>;
  late: readonly LateWrite[];
};

/** Brings the world up to the present: applies the late writes that are due, in order, and every expiry, and sends what is to be told of it. */
export function catchUp(backend: Backend): number {
  const { people } = backend;
  const nowMs = backend.clock.now();
  const due = backend.late
    .filter(({ dueAtMs }) => dueAtMs <= nowMs)
    .toSorted((a, b) => a.dueAtMs - b.dueAtMs);
  if (due.length > 0) backend.late = backend.late.filter(({ dueAtMs }) => dueAtMs > nowMs);
  for (const { dueAtMs, userId, apply } of due) {
    const person = people.find(userId, dueAtMs);
    if (person) people.change(person, dueAtMs, () => apply(person, dueAtMs));
  }
  people.settleAll(nowMs);
  backend.push.catchUp(nowMs);
  return nowMs;
}
