import { z } from "zod";
import {
  DYNAMICS_STATES,
  type DynamicsAction,
  type DynamicsState,
} from "../../presence/mapping.ts";
import type { Dataverse, Row } from "./dataverse.ts";
import { isRejected } from "./dataverse-error.ts";

/** One presence of the organization: its own, or one of Microsoft's. */
export type Presence = {
  /** msdyn_presenceid, lower-case. */
  readonly id: string;
  /** What reps see. May be translated, may repeat, means nothing. */
  readonly name: string;
  /** What counts for routing; `null` when the row has a base status that we do not know. */
  readonly base: DynamicsState | null;
  readonly active: boolean;
  readonly supervisorsMaySet: boolean;
};

/** The same in every organization; the records cannot be changed. Microsoft: "Sync presence status". */
export const OUT_OF_THE_BOX: Readonly<Record<DynamicsAction, string>> = {
  Available: "f523f628-c07a-e811-8162-000d3aa11f50",
  Busy: "efdeb843-c07a-e811-8162-000d3aa11f50",
  "Busy - DND": "08971864-c07a-e811-8162-000d3aa11f50",
  Away: "3dacae76-c07a-e811-8162-000d3aa11f50",
  Offline: "70139190-c07a-e811-8162-000d3aa11f50",
};

/** Set by the engine alone, after a missed notification. Its base status says Away like any other. */
const INACTIVE = "a89ee9cf-453a-4b52-8d7a-ad647feecd5d";

const BUILT_IN: ReadonlyMap<string, Presence> = new Map(
  DYNAMICS_STATES.map((base) => {
    const id = base === "Inactive" ? INACTIVE : OUT_OF_THE_BOX[base];
    const supervisorsMaySet = base !== "Inactive";
    return [id, { id, name: base, base, active: true, supervisorsMaySet }];
  }),
);

/** Microsoft's own: what it means is said for all organizations, by its state. */
export const isBuiltIn = (id: string): boolean => BUILT_IN.has(id);

/** Global choice msdyn_basepresencestatus. */
const BASES: Readonly<Record<number, DynamicsAction>> = {
  192360000: "Available",
  192360001: "Busy",
  192360002: "Busy - DND",
  192360003: "Away",
  192360004: "Offline",
};

/** `null` for a base status that we do not know. */
export const baseOf = (value: number): DynamicsAction | null => BASES[value] ?? null;

export type PresenceTable = {
  /** Makes sure that the table is at most a minute old: an administrator may change what a presence means. */
  refreshFor(ids: Iterable<string>, signal: AbortSignal): Promise<void>;
  /** How often it was read: what a presence means may be another thing each time. */
  readonly loads: number;
  find(id: string): Presence | undefined;
  all(): readonly Presence[];
};

const MAX_AGE_MS = 60_000;
/** Between two attempts, whatever the reason: an id of a deleted presence stays unknown for ever. */
const PAUSE_MS = 60_000;

const row = z.object({
  msdyn_presenceid: z.string(),
  msdyn_name: z.string().nullish(),
  msdyn_presencestatustext: z.string().nullish(),
  msdyn_basepresencestatus: z.coerce.number().nullish(),
  statecode: z.coerce.number().nullish(),
  msdyn_cansupervisorset: z.boolean().nullish(),
});

const COLUMNS = ["msdyn_presenceid", "msdyn_name", "msdyn_basepresencestatus", "statecode"];
const OPTIONAL_COLUMNS = ["msdyn_presencestatustext", "msdyn_cansupervisorset"];

/**
 * The organization's presences by id. Microsoft's own are known without asking, so an organization that does
 * not let us read the table still works, without its custom presences.
 */
export function createPresenceTable(dataverse: Dataverse, nowMs: () => number): PresenceTable {
  let rows: ReadonlyMap<string, Presence> = BUILT_IN;
  let loadedAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let columns: readonly string[] = [...COLUMNS, ...OPTIONAL_COLUMNS];
  let flight: Promise<void> | null = null;
  let loads = 0;

  const read = (wanted: readonly string[], signal: AbortSignal): Promise<readonly Row[]> =>
    dataverse.rows(`msdyn_presences?$select=${wanted.join(",")}`, "msdyn_presence", signal);

  async function readNarrowing(signal: AbortSignal): Promise<readonly Row[]> {
    try {
      return await read(columns, signal);
    } catch (error) {
      if (!isRejected(error) || columns === COLUMNS) throw error;
      const narrower = await read(COLUMNS, signal);
      columns = COLUMNS;
      return narrower;
    }
  }

  async function load(signal: AbortSignal): Promise<void> {
    const found = (await readNarrowing(signal)).flatMap((one) => presenceOf(one) ?? []);
    rows = new Map([...BUILT_IN, ...found.map((one): [string, Presence] => [one.id, one])]);
    loadedAtMs = nowMs();
    loads += 1;
  }

  return {
    async refreshFor(ids, signal) {
      if (flight) return flight;
      const now = nowMs();
      // The clock may have been set back since.
      const isOld =
        Math.abs(now - loadedAtMs) >= MAX_AGE_MS || [...ids].some((id) => !rows.has(id));
      if (!isOld || Math.abs(now - triedAtMs) < PAUSE_MS) return undefined;
      triedAtMs = now;
      flight = load(signal).finally(() => {
        flight = null;
      });
      return flight;
    },
    get loads() {
      return loads;
    },
    find: (id) => rows.get(id),
    all: () => [...rows.values()],
  };
}

/** A row of Microsoft's own keeps its translated name and nothing else: the rest is the same everywhere. */
function presenceOf(raw: unknown): Presence | null {
  const parsed = row.safeParse(raw);
  if (!parsed.success) return null;
  const { msdyn_presenceid, msdyn_name, msdyn_presencestatustext, ...rest } = parsed.data;
  const id = msdyn_presenceid.toLowerCase();
  const name = msdyn_presencestatustext ?? msdyn_name ?? "";
  const builtIn = BUILT_IN.get(id);
  if (builtIn) return { ...builtIn, name: name || builtIn.name };
  return {
    id,
    name,
    base: baseOf(rest.msdyn_basepresencestatus ?? -1),
    active: (rest.statecode ?? 0) === 0,
    supervisorsMaySet: rest.msdyn_cansupervisorset ?? true,
  };
}
