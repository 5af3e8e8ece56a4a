import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";

/**
 * What the two systems' words mean, written down a second time and on purpose: an oracle that shared a table
 * with the service would agree with its mistakes. After "Manage presence state" (Graph) and the global choice
 * `msdyn_basepresencestatus` (Dataverse).
 */
const LADDER = [
  "Available",
  "BeRightBack",
  "Away",
  "Busy",
  "InAMeeting",
  "DoNotDisturb",
  "InACall",
  "Offline",
] as const;
export type Class = (typeof LADDER)[number];

export type Side = "teams" | "dynamics";

/** The less available of two. */
export function lessAvailable(a: Class, b: Class): Class {
  return LADDER.indexOf(a) >= LADDER.indexOf(b) ? a : b;
}

export function teamsClass(availability: string, activity: string): Class {
  if (activity === "InACall" || activity === "InAConferenceCall") return "InACall";
  if (activity === "InAMeeting") return "InAMeeting";
  const plain = availability.replace(/Idle$/, "");
  const found = LADDER.find((name) => name === plain);
  if (!found) throw new Error(`the oracle does not know ${availability}/${activity}`);
  return found;
}

const BASES: readonly Class[] = ["Available", "Busy", "DoNotDisturb", "Away", "Offline"];

/** Base presences are numbered from 192360000. */
export function dynamicsClass(basePresence: number | null): Class {
  const found = BASES[(basePresence ?? 0) - 192_360_000];
  if (!found) throw new Error(`the oracle does not know the base presence ${basePresence}`);
  return found;
}

/** What somebody may choose in Dynamics. */
export const PRESENCES: readonly (readonly [id: string, status: Class])[] = [
  ["f523f628-c07a-e811-8162-000d3aa11f50", "Available"],
  ["efdeb843-c07a-e811-8162-000d3aa11f50", "Busy"],
  ["08971864-c07a-e811-8162-000d3aa11f50", "DoNotDisturb"],
  ["3dacae76-c07a-e811-8162-000d3aa11f50", "Away"],
  [derivedGuid("presence lunch"), "Away"],
  [derivedGuid("presence training"), "DoNotDisturb"],
  [derivedGuid("presence paperwork"), "Busy"],
];

/** How a status looks on each side: Dynamics knows neither calls nor meetings nor Be right back. */
export function shownOn(side: Side, status: Class): Class {
  if (side === "teams") return status === "InAMeeting" ? "Busy" : status;
  if (status === "BeRightBack") return "Away";
  return status === "InACall" || status === "InAMeeting" ? "Busy" : status;
}

/** What an application's write to Dynamics makes it show; `null` for what nobody here chooses. */
export function saidToDynamics(presenceId: string): Class | null {
  return PRESENCES.find(([id]) => id === presenceId)?.[1] ?? null;
}

/**
 * What an application's write to Teams makes it show, where nothing stronger hides it. That a session is taken
 * away says nothing that anybody could choose.
 */
export function saidToTeams(operation: string, body: unknown): Class | null {
  if (operation === "clearUserPreferredPresence") return "Available";
  const { availability, activity } = body as Readonly<Record<string, string | undefined>>;
  return availability && activity ? teamsClass(availability, activity) : null;
}
