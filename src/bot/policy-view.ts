import { nameOf, TEAMS } from "../presence/identity.ts";
import { changedCells } from "../presence/cells.ts";
import { findCounterexamples } from "../presence/laws.ts";
import {
  DEFAULT_DYNAMICS_MAPPING,
  DEFAULT_MAPPINGS,
  DEFAULT_TEAMS_MAPPING,
  type DynamicsAction,
  dynamicsProjection,
  type Mappings,
  type Meaning,
  type TeamsAction,
  teamsProjection,
} from "../presence/mapping.ts";
import { type Status, STATUSES } from "../presence/status.ts";
import type { Policy } from "../reconcile/policy.ts";
import type { PolicyView, ReadView, WriteView } from "./cards/view.ts";

/** One system's tables beside the default ones, and how an action of its is told. */
type Tables = {
  readonly name: string;
  readonly reads: Readonly<Record<string, Meaning>>;
  readonly defaultReads: Readonly<Record<string, Meaning>>;
  readonly write: (status: Status) => WriteView;
  readonly defaultWrite: (status: Status) => WriteView;
  readonly absence: "ignored" | "withdraws";
};

/**
 * The policy in force as it is shown: for each status what is read as it and what is written for it, beside the
 * default. The laws are looked at again, so that what is said of them is true of just these tables.
 */
export function policyView(mappings: Mappings, { systems }: Policy, asOfMs: number): PolicyView {
  const tables = tablesOf(mappings, systems);
  const statuses = STATUSES.map((status) => ({
    status,
    systems: tables.map((one) => ({
      name: one.name,
      reads: readsOf(one, status),
      writes: one.write(status),
      defaultWrites: ifOther(one.defaultWrite(status), one.write(status)),
      absence: status === "Offline" ? one.absence : null,
    })),
  }));
  const unread = tables.map((one) => ({ name: one.name, states: readsOf(one, null) }));
  const { reads, sets } = mappings.presences;
  const presences = [
    ...Object.entries(reads).map(([id, status]) => ({ id, use: "counts" as const, status })),
    ...(Object.entries(sets) as [Status, string][]).map(([status, id]) => ({
      id,
      use: "set" as const,
      status,
    })),
  ];
  const { capacityBusy, teams, dynamics } = mappings;
  const shows = { teams: teamsProjection(teams), dynamics: dynamicsProjection(dynamics) };
  return {
    statuses,
    unread: unread.filter(({ states }) => states.length > 0),
    presences,
    capacityBusy,
    changes: changedCells(DEFAULT_MAPPINGS, mappings).length,
    broken: findCounterexamples(shows).map(({ law, says }) => `${law}: ${says}`),
    asOfMs,
  };
}

function tablesOf({ teams, dynamics }: Mappings, systems: Policy["systems"]): readonly Tables[] {
  return systems.map(({ name, absence }) => {
    const common = { name: nameOf(name), absence };
    return name === TEAMS
      ? {
          ...common,
          reads: teams.reads,
          defaultReads: DEFAULT_TEAMS_MAPPING.reads,
          write: (status) => inTeams(teams.writes[status]),
          defaultWrite: (status) => inTeams(DEFAULT_TEAMS_MAPPING.writes[status]),
        }
      : {
          ...common,
          reads: dynamics.reads,
          defaultReads: DEFAULT_DYNAMICS_MAPPING.reads,
          write: (status) => inDynamics(dynamics.writes[status]),
          defaultWrite: (status) => inDynamics(DEFAULT_DYNAMICS_MAPPING.writes[status]),
        };
  });
}

function inTeams(action: TeamsAction): WriteView {
  if (action === "withdraw") return { kind: "withdraw" };
  const [kind, status] = action.split(" ") as ["preferred" | "session", Status];
  return { kind, status };
}

const inDynamics = (state: DynamicsAction): WriteView => ({ kind: "presence", state });

/** The default where it is another one; `null` where it is the same. */
function ifOther(byDefault: WriteView, now: WriteView): WriteView | null {
  return JSON.stringify(byDefault) === JSON.stringify(now) ? null : byDefault;
}

const statusIn = (reads: Tables["reads"], state: string): Status | null =>
  reads[state]?.status ?? null;

const isMoved = ({ reads, defaultReads }: Tables, state: string): boolean =>
  statusIn(reads, state) !== statusIn(defaultReads, state);

/** The states that are read as `status`; of `null`, those that are no observation. */
function readsOf(one: Tables, status: Status | null): readonly ReadView[] {
  const states = Object.keys(one.reads).filter((state) => statusIn(one.reads, state) === status);
  return states.map((state) => ({
    state,
    moved: isMoved(one, state),
    byDefault: statusIn(one.defaultReads, state),
  }));
}
