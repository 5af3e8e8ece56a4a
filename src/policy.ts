import { z } from "zod";
import { DYNAMICS, TEAMS } from "./presence/identity.ts";
import { findCounterexamples } from "./presence/laws.ts";
import {
  DEFAULT_DYNAMICS_MAPPING,
  DEFAULT_TEAMS_MAPPING,
  DYNAMICS_STATES,
  dynamicsProjection,
  type Mappings,
  type Meaning,
  TEAMS_ACTIONS,
  TEAMS_STATES,
  teamsProjection,
} from "./presence/mapping.ts";
import { STATUSES, type Status } from "./presence/status.ts";
import type { Policy } from "./reconcile/policy.ts";
import type { Cover } from "./reconcile/rep.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** An application's Available fades to Away unless it is renewed. Microsoft: "Manage presence state", time-outs. */
const AVAILABLE_FADES_MS = 5 * MINUTE_MS;
/** Microsoft: "presence: setUserPreferredPresence", default expiration. */
const MANUAL_MS: Readonly<Partial<Record<Status, number>>> = {
  Available: 7 * 24 * HOUR_MS,
  BeRightBack: 7 * 24 * HOUR_MS,
  Away: 7 * 24 * HOUR_MS,
  Busy: 24 * HOUR_MS,
  DoNotDisturb: 24 * HOUR_MS,
  Offline: 7 * 24 * HOUR_MS,
};

/** Dynamics restores who is back within 150 s, and its row follows within seconds. */
const DEFAULT_RECONNECT_MS = 3 * MINUTE_MS;

/** A policy that breaks a law is refused, with what would go wrong. */
export class PolicyError extends Error {
  readonly code = "policy-refused";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    super(`The policy is refused:\n${list}`);
    this.name = "PolicyError";
    this.problems = problems;
  }
}

function table<Value>(of: (status: Status) => Value): Readonly<Record<Status, Value>> {
  return Object.fromEntries(STATUSES.map((status) => [status, of(status)])) as Record<
    Status,
    Value
  >;
}

/**
 * Builds the policy that everything decides by. Throws `PolicyError` with a counterexample for each law that
 * the mappings break. The times are those at which Teams and Dynamics were seen to behave: Graph shows a write
 * within 2 s, the Dataverse row follows the contact centre within 5 s.
 */
export function createPolicy(mappings: Mappings, reconnectMs = DEFAULT_RECONNECT_MS): Policy {
  const shows = {
    teams: teamsProjection(mappings.teams),
    dynamics: dynamicsProjection(mappings.dynamics),
  };
  const broken = findCounterexamples(shows);
  if (broken.length > 0) throw new PolicyError(broken.map(({ law, says }) => `${law}: ${says}`));

  const teamsCover = (status: Status): Cover => {
    const action = mappings.teams.writes[status];
    if (action === "withdraw") return "none";
    return action.startsWith("session ") ? "session" : "preferred";
  };
  const teamsLeaseMs = (status: Status): number | null => {
    if (status === "Offline") return 12 * HOUR_MS;
    if (mappings.teams.writes[status] === "session Available") return AVAILABLE_FADES_MS;
    const cover = teamsCover(status);
    if (cover === "none") return null;
    return cover === "session" ? HOUR_MS : 8 * HOUR_MS;
  };
  return {
    systems: [
      {
        name: TEAMS,
        shows: shows.teams as Readonly<Record<Status, Status>>,
        covers: table(teamsCover),
        absorbing: true,
        absence: "ignored",
        releasesLast: false,
        settleMs: 2 * SECOND_MS,
        leaseMs: table(teamsLeaseMs),
        sessionMs: HOUR_MS,
        manualMs: MANUAL_MS,
      },
      {
        name: DYNAMICS,
        shows: shows.dynamics as Readonly<Record<Status, Status>>,
        covers: table((): Cover => "none"),
        absorbing: false,
        absence: "withdraws",
        ...(mappings.capacityBusy === "hidden" ? { keepsToItself: ["Busy"] } : {}),
        releasesLast: true,
        settleMs: 5 * SECOND_MS,
        leaseMs: table(() => null),
      },
    ],
    concurrentMs: 10 * SECOND_MS,
    lateMs: 2 * MINUTE_MS,
    absenceGraceMs: 2 * MINUTE_MS,
    reconnectMs,
    releasePatienceMs: MINUTE_MS,
    // A rep who clicks eight times in a few seconds needs sixteen writes; a loop needs far more.
    writesPerMinute: 30,
    writesPerHour: 60,
    heldMs: 5 * MINUTE_MS,
    // A busy rep changes her presence forty times a day.
    fightChanges: 20,
    fightWindowMs: 10 * MINUTE_MS,
    fightQuietMs: 2 * MINUTE_MS,
    retryFirstMs: 500,
    retryMaxMs: 5 * MINUTE_MS,
  };
}

const status = z.enum(STATUSES);
const presenceId = z.guid().transform((text) => text.toLowerCase());
/** What makes a rep look free, or sends her home, is for routing to say: by the base status. */
const countsAs = z.enum(STATUSES).exclude(["Available", "Offline"]);
const policyFile = z.strictObject({
  teams: z
    .strictObject({
      reads: z.partialRecord(z.enum(TEAMS_STATES), status.nullable()).optional(),
      writes: z.partialRecord(status, z.enum(keysOf(TEAMS_ACTIONS))).optional(),
    })
    .optional(),
  dynamics: z
    .strictObject({
      reads: z.partialRecord(z.enum(DYNAMICS_STATES), status.nullable()).optional(),
      writes: z
        .partialRecord(status, z.enum(["Available", "Busy", "Busy - DND", "Away", "Offline"]))
        .optional(),
      presences: z.record(presenceId, countsAs.nullable()).optional(),
      sets: z.partialRecord(status, presenceId).optional(),
      capacityBusy: z.enum(["shown", "hidden"]).optional(),
    })
    .optional(),
});

function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): [Key, ...Key[]] {
  return Object.keys(record) as [Key, ...Key[]];
}

/**
 * Reads a policy file: JSON that names only the cells it changes, for example
 * `{"dynamics": {"writes": {"InACall": "Busy - DND"}}}`. Throws `PolicyError` with every problem.
 */
export function readPolicyFile(text: string): Mappings {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new PolicyError(["the policy file is not JSON"]);
  }
  const parsed = policyFile.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      [...(path.length > 0 ? [path.join(".")] : []), message].join(": "),
    );
    throw new PolicyError(problems);
  }
  const { teams = {}, dynamics = {} } = parsed.data;
  return {
    teams: {
      reads: overridden(DEFAULT_TEAMS_MAPPING.reads, teams.reads ?? {}),
      writes: { ...DEFAULT_TEAMS_MAPPING.writes, ...teams.writes },
    },
    dynamics: {
      reads: overridden(DEFAULT_DYNAMICS_MAPPING.reads, dynamics.reads ?? {}),
      writes: { ...DEFAULT_DYNAMICS_MAPPING.writes, ...dynamics.writes },
    },
    presences: { reads: dynamics.presences ?? {}, sets: dynamics.sets ?? {} },
    capacityBusy: dynamics.capacityBusy ?? "shown",
  };
}

/** A changed meaning stays automatic where the default is: a call does not become a choice by being renamed. */
function overridden<State extends string>(
  reads: Readonly<Record<State, Meaning>>,
  changes: Readonly<Partial<Record<State, Status | null>>>,
): Readonly<Record<State, Meaning>> {
  const changed: Record<State, Meaning> = { ...reads };
  for (const [state, to] of Object.entries(changes) as [State, Status | null][]) {
    changed[state] =
      to === null ? null : { status: to, automatic: reads[state]?.automatic ?? null };
  }
  return changed;
}
