import { DYNAMICS, type SystemName, systemName, TEAMS } from "../../src/presence/identity.ts";
import { STATUSES, type Status } from "../../src/presence/status.ts";
import type { Policy, SystemProfile } from "../../src/reconcile/policy.ts";
import type { Cover } from "../../src/reconcile/rep.ts";

export const PHONE = systemName("phone");
export { DYNAMICS, systemName, TEAMS };

/** What may happen in one exploration, and how often: small numbers, every interleaving. */
export type Setting = {
  readonly name: string;
  readonly systems: readonly SystemName[];
  /** Explicit choices a human may make, by system. */
  readonly choices: Readonly<Partial<Record<string, readonly Status[]>>>;
  readonly acts: number;
  /** Teams calls that may begin (each may end). */
  readonly calls: number;
  /** Holds that a desk phone may put (each may be released); more than one may overlap. */
  readonly holds: number;
  /** Every other hold is a weaker one than a call. */
  readonly strengths: boolean;
  /** How often a hold may be heard of again. With `ttl` it ends by itself an epoch after it was heard of last. */
  readonly renewals: number;
  readonly ttl: boolean;
  /** A supervisor's commands, each of which may end with the holds, or by itself, or be taken back. */
  readonly commands: number;
  /** How often her shift may end (and begin again). */
  readonly shifts: number;
  /** Two: both look after her, on one store with compare-and-set. */
  readonly instances: 1 | 2;
  /** How often syncing may be paused (and resumed). */
  readonly pauses: number;
  readonly losses: number;
  readonly zombies: number;
  readonly crashes: number;
  readonly duplicates: number;
  readonly absorptions: number;
  /** Meetings that her calendar may begin in Teams (each may end). */
  readonly meetings: number;
  /** How often she may close Teams (and open it again). */
  readonly closings: number;
  /** How often she may sign out of Dynamics (and in again, to a default presence). */
  readonly signOuts: number;
  /** How often she may lose her connection to Dynamics; back within the epoch, she finds there what she left. */
  readonly flaps: number;
  /** Dynamics refuses what is written for somebody who is not there; otherwise it accepts and swallows that. */
  readonly refuses: boolean;
  /** Reads that may be answered with PresenceUnknown. */
  readonly unknowns: number;
  /** Nothing is known of her at first: no system has ever been read. */
  readonly cold: boolean;
  readonly readsInFlight: number;
  /** Dynamics shows a change only some time after it happened. */
  readonly lagging: boolean;
  /** How many times the clock may move by one epoch. */
  readonly epochs: number;
  readonly leases: boolean;
  readonly writesPerMinute: number;
  /** So many changes of one system are a fight; `null`: never. */
  readonly fightChanges: number | null;
  readonly concurrent: boolean;
};

export const BASE_SETTING: Setting = {
  name: "base",
  systems: [TEAMS, DYNAMICS],
  choices: {
    [TEAMS]: ["Available", "Busy", "BeRightBack"],
    [DYNAMICS]: ["Available", "Busy", "Away"],
  },
  acts: 1,
  calls: 0,
  holds: 0,
  strengths: false,
  renewals: 0,
  ttl: false,
  commands: 0,
  shifts: 0,
  instances: 1,
  pauses: 0,
  losses: 0,
  zombies: 0,
  crashes: 0,
  duplicates: 0,
  absorptions: 0,
  meetings: 0,
  closings: 0,
  signOuts: 0,
  flaps: 0,
  refuses: false,
  unknowns: 0,
  cold: false,
  readsInFlight: 1,
  lagging: false,
  epochs: 0,
  leases: false,
  writesPerMinute: 1000,
  fightChanges: null,
  concurrent: true,
};

/** One epoch of the model's clock; a whole minute, so that the write budget can be seen to refill. */
export const EPOCH_MS = 60_000;

const table = <Value>(of: (status: Status) => Value): Readonly<Record<Status, Value>> =>
  Object.fromEntries(STATUSES.map((status) => [status, of(status)])) as Record<Status, Value>;

const TEAMS_SHOWS = table((status) => (status === "InAMeeting" ? "Busy" : status));
const DYNAMICS_SHOWS = table((status): Status => {
  if (status === "InACall" || status === "InAMeeting") return "Busy";
  return status === "BeRightBack" ? "Away" : status;
});
const TEAMS_COVERS = table((status): Cover => {
  if (status === "Available") return "none";
  return status === "InACall" ? "session" : "preferred";
});

/** The policy under which a setting is explored. The projections are the default policy's. */
export function policyOf(setting: Setting): Policy {
  const replaced = {
    absorbing: false,
    absence: "withdraws",
    covers: table((): Cover => "none"),
    leaseMs: table(() => null),
    settleMs: setting.lagging ? EPOCH_MS : 0,
  } as const;
  const profiles: readonly SystemProfile[] = [
    {
      name: TEAMS,
      shows: TEAMS_SHOWS,
      covers: TEAMS_COVERS,
      absorbing: true,
      absence: "ignored",
      releasesLast: false,
      settleMs: 0,
      leaseMs: table(() => (setting.leases ? 2 * EPOCH_MS : null)),
      // Here one never ends by itself.
      sessionMs: Number.MAX_SAFE_INTEGER,
    },
    { ...replaced, name: DYNAMICS, shows: DYNAMICS_SHOWS, releasesLast: true },
    { ...replaced, name: PHONE, shows: DYNAMICS_SHOWS, releasesLast: false },
  ];
  return {
    systems: profiles.filter((profile) => setting.systems.includes(profile.name)),
    concurrentMs: setting.concurrent ? Number.MAX_SAFE_INTEGER : -1,
    lateMs: 1_000_000_000,
    reconnectMs: setting.flaps > 0 ? EPOCH_MS : 0,
    absenceGraceMs: setting.closings > 0 ? EPOCH_MS : 1_000_000_000,
    releasePatienceMs: Number.MAX_SAFE_INTEGER,
    writesPerMinute: setting.writesPerMinute,
    writesPerHour: 1000,
    heldMs: EPOCH_MS,
    fightChanges: setting.fightChanges,
    fightWindowMs: 10 * EPOCH_MS,
    fightQuietMs: EPOCH_MS,
    retryFirstMs: 0,
    retryMaxMs: 0,
  };
}
