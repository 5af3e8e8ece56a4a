import type { AutomaticKind } from "./reading.ts";
import type { Status } from "./status.ts";

/** The Teams states that Graph is known to report, once availability and activity are read together. */
export const TEAMS_STATES = [
  "Available",
  "AvailableIdle",
  "Away",
  "BeRightBack",
  "Busy",
  "BusyIdle",
  "InACall",
  "InAConferenceCall",
  "InAMeeting",
  "DoNotDisturb",
  "Presenting",
  "Focusing",
  "UrgentInterruptionsOnly",
  "Offline",
  "OffWork",
  "OutOfOffice",
  "PresenceUnknown",
] as const;
export type TeamsState = (typeof TEAMS_STATES)[number];

/** What we may do to a rep in Teams, each with the state that Graph then shows if nothing covers it. */
export const TEAMS_ACTIONS = {
  withdraw: "Available",
  "session InACall": "InACall",
  /** Off by default: keeps her Available although her computer idles. */
  "session Available": "Available",
  "preferred Busy": "Busy",
  "preferred DoNotDisturb": "DoNotDisturb",
  "preferred Away": "Away",
  "preferred BeRightBack": "BeRightBack",
  "preferred Offline": "OffWork",
} as const satisfies Readonly<Record<string, TeamsState>>;
export type TeamsAction = keyof typeof TEAMS_ACTIONS;

/** The base statuses of a Dynamics presence, plus the one that only the system sets. */
export const DYNAMICS_STATES = [
  "Available",
  "Busy",
  "Busy - DND",
  "Away",
  "Offline",
  "Inactive",
] as const;
export type DynamicsState = (typeof DYNAMICS_STATES)[number];
export type DynamicsAction = Exclude<DynamicsState, "Inactive">;

/** `null` means that the state is no observation: nothing follows from it. */
export type Meaning = { readonly status: Status; readonly automatic: AutomaticKind | null } | null;

/** How one system's states are read, and which of its actions carries each status. Both tables are total. */
type Mapping<State extends string, Action extends string> = {
  readonly reads: Readonly<Record<State, Meaning>>;
  readonly writes: Readonly<Record<Status, Action>>;
};
export type TeamsMapping = Mapping<TeamsState, TeamsAction>;
export type DynamicsMapping = Mapping<DynamicsState, DynamicsAction>;

/** What is agreed of single presences of an organization, by msdyn_presenceid in lower case. */
export type PresencePolicy = {
  /** What a custom presence counts as, whatever its base status; `null`: nothing follows from it. */
  readonly reads: Readonly<Record<string, Status | null>>;
  /** The presence to set for a status in place of Microsoft's own. */
  readonly sets: Partial<Readonly<Record<Status, string>>>;
};

export const BY_BASE_STATUS: PresencePolicy = { reads: {}, sets: {} };

/** The tables of an installation: the default ones, or those of its policy file. */
export type Mappings = {
  readonly teams: TeamsMapping;
  readonly dynamics: DynamicsMapping;
  readonly presences: PresencePolicy;
  /** Whether Teams shows a Busy that Dynamics sets because a rep has work, with room for more. */
  readonly capacityBusy: "shown" | "hidden";
};

const chosen = (status: Status): Meaning => ({ status, automatic: null });
const held = (status: Status): Meaning => ({ status, automatic: "hold" });
const soft = (status: Status): Meaning => ({ status, automatic: "soft" });

/** States: Graph, "Manage presence state"; the idle variants are undocumented and read as their parents. */
export const DEFAULT_TEAMS_MAPPING: TeamsMapping = {
  reads: {
    Available: chosen("Available"),
    AvailableIdle: chosen("Available"),
    Away: chosen("Away"),
    BeRightBack: chosen("BeRightBack"),
    Busy: chosen("Busy"),
    BusyIdle: chosen("Busy"),
    InACall: held("InACall"),
    InAConferenceCall: held("InACall"),
    InAMeeting: soft("InAMeeting"),
    DoNotDisturb: chosen("DoNotDisturb"),
    Presenting: held("DoNotDisturb"),
    Focusing: soft("DoNotDisturb"),
    UrgentInterruptionsOnly: chosen("DoNotDisturb"),
    Offline: chosen("Offline"),
    OffWork: chosen("Offline"),
    OutOfOffice: null,
    PresenceUnknown: null,
  },
  writes: {
    Available: "withdraw",
    BeRightBack: "preferred BeRightBack",
    Away: "preferred Away",
    Busy: "preferred Busy",
    InAMeeting: "preferred Busy",
    DoNotDisturb: "preferred DoNotDisturb",
    InACall: "session InACall",
    Offline: "preferred Offline",
  },
};

/** Base statuses: Dataverse, table msdyn_presence, column msdyn_basepresencestatus. */
export const DEFAULT_DYNAMICS_MAPPING: DynamicsMapping = {
  reads: {
    Available: chosen("Available"),
    Busy: chosen("Busy"),
    "Busy - DND": chosen("DoNotDisturb"),
    Away: chosen("Away"),
    Offline: chosen("Offline"),
    Inactive: soft("Away"),
  },
  writes: {
    Available: "Available",
    BeRightBack: "Away",
    Away: "Away",
    Busy: "Busy",
    InAMeeting: "Busy",
    DoNotDisturb: "Busy - DND",
    InACall: "Busy",
    Offline: "Offline",
  },
};

/** With nothing configured. */
export const DEFAULT_MAPPINGS: Mappings = {
  teams: DEFAULT_TEAMS_MAPPING,
  dynamics: DEFAULT_DYNAMICS_MAPPING,
  presences: BY_BASE_STATUS,
  capacityBusy: "shown",
};

/**
 * What a write of each status reads back as: the projection q = reads ∘ writes. Every comparison with a
 * system is made through its projection, so that many-to-one tables (BeRightBack → Away) cannot flap.
 */
function projection<State extends string, Action extends string>(
  mapping: Mapping<State, Action>,
  stateShownAfter: (action: Action) => State,
): Readonly<Record<Status, Status | null>> {
  const shown = (status: Status): Status | null =>
    mapping.reads[stateShownAfter(mapping.writes[status])]?.status ?? null;
  return {
    Available: shown("Available"),
    BeRightBack: shown("BeRightBack"),
    Away: shown("Away"),
    Busy: shown("Busy"),
    InAMeeting: shown("InAMeeting"),
    DoNotDisturb: shown("DoNotDisturb"),
    InACall: shown("InACall"),
    Offline: shown("Offline"),
  };
}

export const teamsProjection = (mapping: TeamsMapping): Readonly<Record<Status, Status | null>> =>
  projection(mapping, (action) => TEAMS_ACTIONS[action]);

export const dynamicsProjection = (
  mapping: DynamicsMapping,
): Readonly<Record<Status, Status | null>> => projection(mapping, (action) => action);
