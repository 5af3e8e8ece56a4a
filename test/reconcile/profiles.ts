import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import type { Projection } from "../../src/presence/laws.ts";
import {
  DEFAULT_DYNAMICS_MAPPING,
  DEFAULT_TEAMS_MAPPING,
  dynamicsProjection,
  teamsProjection,
} from "../../src/presence/mapping.ts";
import { STATUSES, type Status } from "../../src/presence/status.ts";
import type { Policy, SystemProfile } from "../../src/reconcile/policy.ts";
import type { Cover } from "../../src/reconcile/rep.ts";

const MINUTE_MS = 60_000;

function table<Value>(of: (status: Status) => Value): Readonly<Record<Status, Value>> {
  return Object.fromEntries(STATUSES.map((status) => [status, of(status)])) as Record<
    Status,
    Value
  >;
}

function total(projection: Projection): Readonly<Record<Status, Status>> {
  return table((status) => {
    const shown = projection[status];
    if (shown === null) throw new Error(`${status} cannot be read back`);
    return shown;
  });
}

const COVERS = table((status): Cover => {
  if (status === "Available") return "none";
  return status === "InACall" ? "session" : "preferred";
});

const TEAMS_PROFILE: SystemProfile = {
  name: TEAMS,
  shows: total(teamsProjection(DEFAULT_TEAMS_MAPPING)),
  covers: COVERS,
  absorbing: true,
  absence: "ignored",
  releasesLast: false,
  settleMs: 2_000,
  leaseMs: table((status) => (status === "Available" ? null : 60 * MINUTE_MS)),
  sessionMs: 60 * MINUTE_MS,
};

const DYNAMICS_PROFILE: SystemProfile = {
  name: DYNAMICS,
  shows: total(dynamicsProjection(DEFAULT_DYNAMICS_MAPPING)),
  covers: table((): Cover => "none"),
  absorbing: false,
  absence: "withdraws",
  releasesLast: true,
  settleMs: 5_000,
  leaseMs: table(() => null),
};

/** Both systems as the default tables describe them, with times that are easy to count in. */
export const POLICY: Policy = {
  systems: [TEAMS_PROFILE, DYNAMICS_PROFILE],
  concurrentMs: 10_000,
  lateMs: 2 * MINUTE_MS,
  absenceGraceMs: 5 * MINUTE_MS,
  reconnectMs: 3 * MINUTE_MS,
  releasePatienceMs: 30_000,
  writesPerMinute: 10,
  writesPerHour: 60,
  heldMs: 5 * MINUTE_MS,
  fightChanges: 20,
  fightWindowMs: 10 * MINUTE_MS,
  fightQuietMs: 2 * MINUTE_MS,
  retryFirstMs: 500,
  retryMaxMs: 5 * MINUTE_MS,
};
