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

/** How a status looks on each side: Dynamics knows neither calls nor meetings nor Be right back. */
export function shownOn(side: Side, status: Class): Class {
  if (side === "teams") return status === "InAMeeting" ? "Busy" : status;
  if (status === "BeRightBack") return "Away";
  return status === "InACall" || status === "InAMeeting" ? "Busy" : status;
}
