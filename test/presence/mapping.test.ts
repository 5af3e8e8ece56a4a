import { describe, expect, it } from "vitest";
import {
  DEFAULT_DYNAMICS_MAPPING,
  DEFAULT_TEAMS_MAPPING,
  DYNAMICS_STATES,
  dynamicsProjection,
  TEAMS_STATES,
  teamsProjection,
} from "../../src/presence/mapping.ts";
import type { AutomaticKind } from "../../src/presence/reading.ts";
import type { Status } from "../../src/presence/status.ts";

type Read = readonly [Status, AutomaticKind | null] | null;

/** As the published tables have them, said once more: what a rep sees is what is counted. */
const TEAMS: Readonly<Record<(typeof TEAMS_STATES)[number], Read>> = {
  Available: ["Available", null],
  AvailableIdle: ["Available", null],
  Away: ["Away", null],
  BeRightBack: ["BeRightBack", null],
  Busy: ["Busy", null],
  BusyIdle: ["Busy", null],
  InACall: ["InACall", "hold"],
  InAConferenceCall: ["InACall", "hold"],
  InAMeeting: ["InAMeeting", "soft"],
  DoNotDisturb: ["DoNotDisturb", null],
  Presenting: ["DoNotDisturb", "hold"],
  Focusing: ["DoNotDisturb", "soft"],
  UrgentInterruptionsOnly: ["DoNotDisturb", null],
  Offline: ["Offline", null],
  OffWork: ["Offline", null],
  OutOfOffice: null,
  PresenceUnknown: null,
};
const DYNAMICS: Readonly<Record<(typeof DYNAMICS_STATES)[number], Read>> = {
  Available: ["Available", null],
  Busy: ["Busy", null],
  "Busy - DND": ["DoNotDisturb", null],
  Away: ["Away", null],
  Offline: ["Offline", null],
  Inactive: ["Away", "soft"],
};
const meaning = (read: Read) => read && { status: read[0], automatic: read[1] };

describe("[R70] [R71] [R72] the default tables read", () => {
  it.each(TEAMS_STATES)("Teams' %s as what it protects her with, and by whom", (state) => {
    expect(DEFAULT_TEAMS_MAPPING.reads[state]).toEqual(meaning(TEAMS[state]));
  });

  it.each(DYNAMICS_STATES)("Dynamics' %s likewise", (state) => {
    expect(DEFAULT_DYNAMICS_MAPPING.reads[state]).toEqual(meaning(DYNAMICS[state]));
  });
});

describe("[L1] what a write of each status reads back as", () => {
  it("is in Teams the same, but for a meeting, which only a calendar begins", () => {
    expect(teamsProjection(DEFAULT_TEAMS_MAPPING)).toEqual({
      Available: "Available",
      BeRightBack: "BeRightBack",
      Away: "Away",
      Busy: "Busy",
      InAMeeting: "Busy",
      DoNotDisturb: "DoNotDisturb",
      InACall: "InACall",
      Offline: "Offline",
    });
  });

  it("is in Dynamics one of the five that it has", () => {
    expect(dynamicsProjection(DEFAULT_DYNAMICS_MAPPING)).toEqual({
      Available: "Available",
      BeRightBack: "Away",
      Away: "Away",
      Busy: "Busy",
      InAMeeting: "Busy",
      DoNotDisturb: "DoNotDisturb",
      InACall: "Busy",
      Offline: "Offline",
    });
  });
});
