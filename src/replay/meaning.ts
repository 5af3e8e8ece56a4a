import { DYNAMICS } from "../presence/identity.ts";
import {
  DYNAMICS_STATES,
  type DynamicsState,
  type Mappings,
  type Meaning,
  TEAMS_ACTIONS,
  TEAMS_STATES,
  type TeamsState,
} from "../presence/mapping.ts";
import type { Reading } from "../presence/reading.ts";
import type { Write } from "../reconcile/plan.ts";
import type { ReadFact } from "./record.ts";

/** What only the systems' own words say; who knows them gives it. `null`: not one of the known ones. */
export type Vocabulary = {
  /** The state behind a value such as `Busy/InACall`. */
  readonly teamsState: (native: string) => TeamsState | null;
  /** The base status of a presence of Microsoft's own; `null` for one of the organization's. */
  readonly dynamicsState: (native: string) => DynamicsState | null;
};

/**
 * What a system shows. `is` tells two of them apart, whatever a policy makes of them: a state, or the id of a presence
 * of the organization's own.
 */
export type Shown = Pick<Reading, "automatic" | "disconnected" | "native" | "status"> & {
  readonly is: string;
};

/** `sure` is false where the record does not say which state it was, so that the meaning is as it was recorded. */
export type Meant = { readonly shown: Shown; readonly sure: boolean };

/** What a recorded reading means under `mappings`; it was recorded while `inForce` was the policy. */
export function meaningOf(
  fact: ReadFact,
  mappings: Mappings,
  inForce: Mappings,
  vocabulary: Vocabulary,
): Meant {
  const { native, disconnected, system } = fact;
  const common = { native, ...(disconnected === undefined ? {} : { disconnected }) };
  const asRecorded = { status: fact.status, automatic: fact.automatic };
  if (system !== DYNAMICS) {
    const state = vocabulary.teamsState(native);
    if (state === null) return { shown: { ...common, ...asRecorded, is: native }, sure: false };
    return { shown: { ...common, ...meant(mappings.teams.reads[state]), is: state }, sure: true };
  }
  const state = stateOf(native, vocabulary);
  // Dynamics says of each change whether it made it itself: no table knows that.
  const by = (meaning: Meaning) => ({
    status: meaning?.status ?? null,
    automatic: meaning?.automatic ?? (meaning ? fact.automatic : null),
  });
  if (state !== null) {
    const shown = { ...common, ...by(mappings.dynamics.reads[state]), is: state };
    return { shown, sure: true };
  }
  const own = mappings.presences.reads[native];
  if (own !== undefined) {
    return { shown: { ...common, status: own, automatic: null, is: native }, sure: true };
  }
  const base = baseOf(fact, inForce);
  if (base === null) return { shown: { ...common, ...asRecorded, is: native }, sure: false };
  return { shown: { ...common, ...by(mappings.dynamics.reads[base]), is: native }, sure: true };
}

const meant = (meaning: Meaning): Pick<Shown, "automatic" | "status"> =>
  meaning ?? {
    status: null,
    automatic: null,
  };

/** A base status of a presence of the organization's own: the only one that was read as what was recorded. */
function baseOf({ native, status }: ReadFact, inForce: Mappings): DynamicsState | null {
  if (inForce.presences.reads[native] !== undefined) return null;
  const bases = DYNAMICS_STATES.filter((state) => {
    return state !== "Inactive" && inForce.dynamics.reads[state]?.status === status;
  });
  return bases.length === 1 ? (bases[0] ?? null) : null;
}

const stateOf = (native: string, vocabulary: Vocabulary): DynamicsState | null =>
  DYNAMICS_STATES.find((state) => state === native) ?? vocabulary.dynamicsState(native);

/** What a system shows when it has accepted a write. */
export function shownAfter(write: Write, mappings: Mappings, vocabulary: Vocabulary): Shown {
  const { system, status, shows, native, to } = write;
  if (system !== DYNAMICS) {
    const state = to === "none" ? bareState(write) : TEAMS_ACTIONS[mappings.teams.writes[status]];
    const automatic = mappings.teams.reads[state]?.automatic ?? null;
    return { is: state, native: state, status: shows, automatic };
  }
  const custom = native !== null && stateOf(native, vocabulary) === null ? native : null;
  const is = custom ?? mappings.presences.sets[status] ?? mappings.dynamics.writes[status];
  return { is, native: is, status: shows, automatic: null };
}

/** Without our entry Teams shows what lies there, which the write says. */
const bareState = ({ shows }: Write): TeamsState =>
  TEAMS_STATES.find((state) => state === shows) ?? "Available";
