import { TEAMS_STATES, type TeamsMapping, type TeamsState } from "../../presence/mapping.ts";
import { strength } from "../../presence/status.ts";

/**
 * What a Teams client shows for each availability, before the activity says more. Microsoft: "Manage
 * presence state using the Microsoft Graph API". The states of one family differ in their cause only.
 */
const FAMILIES: Readonly<Record<TeamsState, TeamsState>> = {
  Available: "Available",
  AvailableIdle: "Available",
  Away: "Away",
  BeRightBack: "Away",
  Busy: "Busy",
  BusyIdle: "Busy",
  InACall: "Busy",
  InAConferenceCall: "Busy",
  InAMeeting: "Busy",
  DoNotDisturb: "DoNotDisturb",
  Presenting: "DoNotDisturb",
  Focusing: "DoNotDisturb",
  UrgentInterruptionsOnly: "DoNotDisturb",
  Offline: "Offline",
  OffWork: "Offline",
  OutOfOffice: "OutOfOffice",
  PresenceUnknown: "PresenceUnknown",
};

const BY_NAME: ReadonlyMap<string, TeamsState> = new Map(
  TEAMS_STATES.map((state) => [state.toLowerCase(), state]),
);

/**
 * The one Teams state behind a pair of availability and activity, in any casing; `null` when neither is
 * known. By the first row that fits:
 *
 * | availability, activity                                  | state                             |
 * |---------------------------------------------------------|-----------------------------------|
 * | one of them unknown to us                               | the other                         |
 * | PresenceUnknown, anything                               | PresenceUnknown                   |
 * | Offline, anything but OutOfOffice                       | Offline; OffWork if the activity says so |
 * | Away or Offline, OutOfOffice                            | OutOfOffice                       |
 * | anything else, OutOfOffice: she works, and is marked out | the availability                 |
 * | both of one family                                      | the one that says more            |
 * | a contradiction                                         | the less available under the mapping |
 */
export function teamsState(
  availability: string,
  activity: string,
  mapping: TeamsMapping,
): TeamsState | null {
  const shown = BY_NAME.get(availability.toLowerCase());
  const doing = BY_NAME.get(activity.toLowerCase());
  if (!shown || !doing) return shown ?? doing ?? null;
  if (shown === "PresenceUnknown") return shown;
  const family = FAMILIES[shown];
  if (doing === "OutOfOffice") return family === "Away" || family === "Offline" ? doing : shown;
  if (family === "Offline") return doing === "OffWork" ? doing : shown;
  if (FAMILIES[doing] === family) return doing === family ? shown : doing;
  if (doing === "PresenceUnknown" || FAMILIES[doing] === "Offline") return shown;
  return strengthOf(doing, mapping) > strengthOf(shown, mapping) ? doing : shown;
}

function strengthOf(state: TeamsState, mapping: TeamsMapping): number {
  const meaning = mapping.reads[state];
  return meaning ? strength(meaning.status) : -1;
}
