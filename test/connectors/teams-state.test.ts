import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { teamsState } from "../../src/connectors/teams/state.ts";
import {
  DEFAULT_TEAMS_MAPPING,
  TEAMS_STATES,
  type TeamsState,
} from "../../src/presence/mapping.ts";
import { strength } from "../../src/presence/status.ts";
import "../fuzz/same-cases.ts";

/** The pair that Graph shows for each state. Microsoft: "Manage presence state". */
const PAIRS: Readonly<Record<TeamsState, readonly [availability: string, activity: string]>> = {
  Available: ["Available", "Available"],
  AvailableIdle: ["AvailableIdle", "Available"],
  Away: ["Away", "Away"],
  BeRightBack: ["BeRightBack", "BeRightBack"],
  Busy: ["Busy", "Busy"],
  BusyIdle: ["BusyIdle", "Busy"],
  InACall: ["Busy", "InACall"],
  InAConferenceCall: ["Busy", "InAConferenceCall"],
  InAMeeting: ["Busy", "InAMeeting"],
  DoNotDisturb: ["DoNotDisturb", "DoNotDisturb"],
  Presenting: ["DoNotDisturb", "Presenting"],
  Focusing: ["DoNotDisturb", "Focusing"],
  UrgentInterruptionsOnly: ["DoNotDisturb", "UrgentInterruptionsOnly"],
  Offline: ["Offline", "Offline"],
  OffWork: ["Offline", "OffWork"],
  OutOfOffice: ["Offline", "OutOfOffice"],
  PresenceUnknown: ["PresenceUnknown", "PresenceUnknown"],
};

const CASINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toLowerCase(),
  (text) => text.toUpperCase(),
  (text) => text.charAt(0).toLowerCase() + text.slice(1),
];

const read = (availability: string, activity: string): TeamsState | null =>
  teamsState(availability, activity, DEFAULT_TEAMS_MAPPING);

describe("what Teams shows", () => {
  test.each(TEAMS_STATES)("%s is known by its pair, in every casing", (state) => {
    const [availability, activity] = PAIRS[state];
    for (const first of CASINGS) {
      for (const second of CASINGS) expect(read(first(availability), second(activity))).toBe(state);
    }
  });

  test.each<[string, string, TeamsState | null, string]>([
    ["Available", "AvailableInactive", "Available", "a faded app session"],
    ["Away", "Inactive", "Away", "an activity of the older lists"],
    ["Away", "BeRightBack", "BeRightBack", "an older example of the same state"],
    ["Available", "OutOfOffice", "Available", "works although marked out"],
    ["Busy", "OutOfOffice", "Busy", "works although marked out"],
    ["Away", "OutOfOffice", "OutOfOffice", "is out"],
    ["Offline", "Away", "Offline", "a contradiction: she is not there"],
    ["PresenceUnknown", "Available", "PresenceUnknown", "nobody knows"],
    ["Busy", "Offline", "Busy", "a contradiction: she is there"],
    ["Busy", "PresenceUnknown", "Busy", "only the activity is unknown"],
    ["Available", "InACall", "InACall", "a contradiction: she is talking"],
    ["DoNotDisturb", "InACall", "InACall", "both are true"],
    ["InACall", "Busy", "InACall", "the columns swapped, as one page has them"],
    ["Pondering", "Busy", "Busy", "only the availability is new to us"],
    ["Pondering", "Deeply", null, "all of it is new to us"],
    ["", "", null, "nothing"],
    ["constructor", "__proto__", null, "names of every object"],
  ])("%s/%s is %s: %s", (availability, activity, state) => {
    expect(read(availability, activity)).toBe(state);
  });

  test("a contradiction never reads as more available than either half", () => {
    const words = fc.constantFrom(...TEAMS_STATES);
    const statusOf = (state: TeamsState | null) =>
      state === null ? null : (DEFAULT_TEAMS_MAPPING.reads[state]?.status ?? null);
    fc.assert(
      fc.property(words, words, (availability, activity) => {
        const shown = statusOf(read(availability, activity));
        if (shown !== "Available") return;
        for (const half of [availability, activity]) {
          const status = statusOf(half);
          expect(status === null || status === "Offline" || strength(status) === 0).toBe(true);
        }
      }),
    );
  });
});
