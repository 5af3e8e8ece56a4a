/**
 * Every status a rep can have, weakest first. The order is the order of *strength*: of two statuses
 * that compete, the later one in this list protects the rep more and wins. `Offline` stands outside
 * the ladder: it is never competed for, it is decreed by a shift end, a command or a sign-out.
 */
export const STATUSES = [
  "Available",
  "BeRightBack",
  "Away",
  "Busy",
  "InAMeeting",
  "DoNotDisturb",
  "InACall",
  "Offline",
] as const;

export type Status = (typeof STATUSES)[number];

const STRENGTH: Readonly<Record<Status, number>> = {
  Available: 0,
  BeRightBack: 1,
  Away: 2,
  Busy: 3,
  InAMeeting: 4,
  DoNotDisturb: 5,
  InACall: 6,
  Offline: 7,
};

/** 0 (Available) to 7 (Offline); a larger number is less available. */
export function strength(status: Status): number {
  return STRENGTH[status];
}

/** True only for Available: the one status under which work may be sent to the rep. */
export function isRoutable(status: Status): boolean {
  return status === "Available";
}

/** The less available of two. Total, commutative, associative and idempotent (law L4). */
export function join(a: Status, b: Status): Status {
  return strength(a) >= strength(b) ? a : b;
}
