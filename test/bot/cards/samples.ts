import { alertCard, digestCard, healthCard } from "../../../src/bot/cards/alert-card.ts";
import type { Button, Card } from "../../../src/bot/cards/element.ts";
import {
  helpCard,
  noteCard,
  placeholderCard,
  refusalCard,
} from "../../../src/bot/cards/note-card.ts";
import { policyCard } from "../../../src/bot/cards/policy-card.ts";
import { availableCard, boardCard, teamCard } from "../../../src/bot/cards/people-card.ts";
import { queueCard, queuesCard } from "../../../src/bot/cards/queue-card.ts";
import { repCard, type Showing } from "../../../src/bot/cards/rep-card.ts";
import { setForm, setResult } from "../../../src/bot/cards/set-card.ts";
import { historyCard, lookupsCard, whyCard } from "../../../src/bot/cards/story-card.ts";
import type { PersonView, QueueView, RepView, TeamView } from "../../../src/bot/cards/view.ts";
import { policyView } from "../../../src/bot/policy-view.ts";
import { DEFAULT_MAPPINGS } from "../../../src/presence/mapping.ts";
import { createPolicy, readPolicyFile } from "../../../src/policy.ts";
import { helpGroups } from "../../../src/bot/commands/parse.ts";
import { say, type Words } from "../../../src/bot/commands/words.ts";

const NOW_MS = Date.parse("2026-03-04T10:42:30Z");
const minutesAgo = (minutes: number): number => NOW_MS - minutes * 60_000;

const REP: RepView = {
  name: "Priya Raghunathan",
  status: "InACall",
  origin: { kind: "reported", where: "desk-phone" },
  beneath: { status: "Away", origin: { kind: "chosen", where: "Dynamics" } },
  sinceMs: minutesAgo(12),
  systems: [
    {
      name: "Teams",
      status: "InACall",
      note: "covered",
      readAtMs: NOW_MS - 3_000,
      mask: { sinceMs: minutesAgo(12), covering: "InACall" },
    },
    { name: "Dynamics", status: "Busy", note: "in step", readAtMs: NOW_MS - 8_000, mask: null },
  ],
  layers: [{ status: "InACall", source: "desk-phone", untilMs: NOW_MS + 1_800_000 }],
  overridden: null,
  manual: null,
  nextShift: { begins: false, atMs: NOW_MS + 5_400_000 },
  detail: {
    presence: "Busy",
    signedInAtMs: minutesAgo(150),
    browserSessions: 2,
    asOfMs: NOW_MS - 5_000,
  },
  paused: false,
  asOfMs: NOW_MS,
};

const OVERRIDDEN: RepView = {
  ...REP,
  name: "Mei-Ling Zhou",
  status: "DoNotDisturb",
  origin: { kind: "reported", where: "a manager" },
  beneath: { status: "Available", origin: { kind: "chosen", where: "Teams" } },
  systems: [
    {
      name: "Teams",
      status: "DoNotDisturb",
      note: "in step",
      readAtMs: NOW_MS - 3_000,
      mask: null,
    },
    {
      name: "Dynamics",
      status: "Available",
      note: "underway",
      readAtMs: NOW_MS - 8_000,
      mask: null,
    },
  ],
  layers: [{ status: "DoNotDisturb", source: "a manager", untilMs: NOW_MS + 3_600_000 }],
  overridden: { status: "DoNotDisturb", source: "a manager", untilMs: NOW_MS + 3_600_000 },
  paused: true,
};

const BY_HAND: RepView = {
  ...REP,
  name: "Jakub Wiśniewski",
  sinceMs: minutesAgo(4),
  beneath: { status: "DoNotDisturb", origin: { kind: "chosen", where: "Teams" } },
  systems: [
    {
      name: "Teams",
      status: "DoNotDisturb",
      note: "absorbed",
      readAtMs: NOW_MS - 3_000,
      mask: null,
    },
    {
      name: "Dynamics",
      status: "DoNotDisturb",
      note: "in step",
      readAtMs: NOW_MS - 8_000,
      mask: null,
    },
  ],
  manual: {
    where: "Teams",
    status: "DoNotDisturb",
    hides: "InACall",
    sinceMs: minutesAgo(190),
    endsMs: minutesAgo(190) + 86_400_000,
    choice: 7,
  },
};

const UNKNOWN_END: RepView = {
  ...BY_HAND,
  beneath: { status: "Available", origin: { kind: "nothing chosen" } },
  systems: [
    { name: "Teams", status: "Available", note: "absorbed", readAtMs: NOW_MS - 3_000, mask: null },
    { name: "Dynamics", status: "Busy", note: "in step", readAtMs: NOW_MS - 8_000, mask: null },
  ],
  manual: {
    where: "Teams",
    status: "Available",
    hides: "InACall",
    sinceMs: null,
    endsMs: null,
    choice: 7,
  },
};

/** A status set without a time stands until somebody changes it; so does what it covers. */
const COVERED: RepView = {
  ...REP,
  name: "Leilani Kahale",
  status: "Busy",
  origin: { kind: "set", where: "a manager" },
  beneath: null,
  sinceMs: minutesAgo(1_500),
  systems: [
    {
      name: "Teams",
      status: "Busy",
      note: "covered",
      readAtMs: NOW_MS - 3_000,
      mask: { sinceMs: minutesAgo(1_499), covering: "Busy" },
    },
    { name: "Dynamics", status: "Busy", note: "in step", readAtMs: NOW_MS - 8_000, mask: null },
  ],
  layers: [],
};

const PEOPLE: readonly PersonView[] = [
  { name: "Nadia Okonkwo", status: "Available", sinceMs: minutesAgo(94), inStep: true },
  { name: "Lars Holmqvist", status: "Available", sinceMs: minutesAgo(41), inStep: true },
  { name: "Amara Diallo", status: "Available", sinceMs: minutesAgo(3), inStep: false },
  { name: "Priya Raghunathan", status: "InACall", sinceMs: minutesAgo(12), inStep: true },
  { name: "Jakub Wiśniewski", status: "Away", sinceMs: minutesAgo(75), inStep: true },
  { name: "Leilani Kahale", status: "DoNotDisturb", sinceMs: minutesAgo(20), inStep: true },
  { name: "Yusuf Demir", status: "Busy", sinceMs: minutesAgo(33), inStep: true },
  { name: "Hana Kobayashi", status: "Offline", sinceMs: null, inStep: true },
];

const TEAM: TeamView = {
  people: PEOPLE,
  counts: {
    Available: 3,
    BeRightBack: 0,
    Away: 1,
    Busy: 1,
    InAMeeting: 0,
    DoNotDisturb: 1,
    InACall: 1,
    Offline: 1,
  },
  outOfStep: 1,
  asOfMs: NOW_MS,
};

const QUEUE: QueueView = {
  id: "billing",
  name: "Billing",
  open: true,
  ableNow: 3,
  members: 8,
  waiting: 2,
  averageWaitMs: 75_000,
  nextChangeMs: NOW_MS + 5_400_000,
  asOfMs: NOW_MS - 2_000,
  sources: [
    { name: "Lockstep", ableNow: 3, asOfMs: NOW_MS - 2_000 },
    { name: "Dynamics", ableNow: 4, asOfMs: NOW_MS - 64_000 },
  ],
};

const CHANGED = readPolicyFile(
  JSON.stringify({
    teams: { reads: { Presenting: "InACall", OutOfOffice: "Away", Focusing: null } },
    dynamics: {
      writes: { InACall: "Busy - DND" },
      presences: {
        "5f3c1c2e-0d1a-4c57-9a2a-7f5d4b9a0001": "BeRightBack",
        "5f3c1c2e-0d1a-4c57-9a2a-7f5d4b9a0002": null,
      },
      sets: { Away: "5f3c1c2e-0d1a-4c57-9a2a-7f5d4b9a0003" },
      capacityBusy: "hidden",
    },
  }),
);
const DEFAULT_POLICY = policyView(DEFAULT_MAPPINGS, createPolicy(DEFAULT_MAPPINGS), NOW_MS);
const CHANGED_POLICY = policyView(CHANGED, createPolicy(CHANGED), NOW_MS);
const BROKEN_LAWS = [
  "L3: Busy would look Available in dynamics, so work would reach somebody who is Busy",
];

const CHAIN = [
  { atMs: minutesAgo(55), says: "the rep chose Away in Dynamics → Away" },
  { atMs: minutesAgo(55), says: "Teams ← Away, because the rep chose Away in Dynamics" },
  { atMs: minutesAgo(12), says: "desk-phone reports In a call → In a call, over Away" },
  { atMs: minutesAgo(12), says: "Teams ← In a call, because desk-phone reports In a call" },
  { atMs: minutesAgo(12), says: "Dynamics ← Busy, because desk-phone reports In a call" },
];

/** One card of each kind, with all that may stand on it. */
export function samples(words: Words): Readonly<Record<string, Card>> {
  type Titled =
    | "available"
    | "history"
    | "notify"
    | "refresh"
    | "set"
    | "setCancel"
    | "team"
    | "why";
  const button = (phrase: Titled): Button => ({
    title: say(words, phrase),
    verb: phrase,
    ref: "ref",
  });
  const buttons = [button("refresh"), button("why"), button("history"), button("set")];
  const showing: Showing = {
    words,
    nowMs: NOW_MS,
    buttons,
    refresh: { ...button("refresh"), userIds: ["29:ingrid"] },
    onlyForYou: true,
  };
  const showingWith = (...phrases: readonly Titled[]): Showing => ({
    ...showing,
    buttons: [button("refresh"), ...phrases.map(button)],
  });
  const submit = {
    title: say(words, "setSubmit"),
    verb: "set.do",
    ref: "ref",
    primary: true,
    submits: true,
  };
  const lift = { title: say(words, "manualLift"), verb: "manual.lift", ref: "ref", primary: true };
  const show = { title: say(words, "showToMe"), verb: "show", ref: "ref", primary: true };
  return {
    rep: repCard(REP, showing),
    "rep-overridden": repCard(OVERRIDDEN, showing),
    "rep-by-hand": repCard(BY_HAND, { ...showing, lift }),
    "rep-by-hand-unknown": repCard(UNKNOWN_END, { ...showing, lift }),
    "rep-covered": repCard(COVERED, showing),
    why: whyCard(REP, CHAIN, showingWith("history", "set")),
    "why-by-hand": whyCard(BY_HAND, CHAIN, { ...showingWith("history", "set"), lift }),
    history: historyCard(
      {
        name: REP.name,
        day: words.today[0] ?? "",
        entries: CHAIN,
        moment: { atMs: minutesAgo(20), status: "Away" },
        asOfMs: NOW_MS,
      },
      showing,
    ),
    available: availableCard(PEOPLE.slice(0, 3), 8, "Billing", NOW_MS, showingWith("team")),
    nobody: availableCard([], 8, null, NOW_MS, showingWith("team")),
    queue: queueCard(QUEUE, showingWith("available", "notify")),
    queues: queuesCard(
      [QUEUE, { ...QUEUE, name: "Orders", ableNow: 0, open: false }],
      showingWith(),
    ),
    team: teamCard(TEAM, say(words, "teamTitle"), showingWith("available")),
    board: boardCard(TEAM, 8, { ...showing, buttons: [button("team"), button("available")] }),
    "set-form": setForm("Priya Raghunathan", false, words, [submit, button("setCancel")]),
    "set-form-wrong": setForm("Priya", false, words, [submit], say(words, "setNeedsReason")),
    "set-result": setResult(
      {
        name: "Priya Raghunathan",
        status: "DoNotDisturb",
        untilMs: NOW_MS + 3_600_000,
        reason: "quarterly audit",
      },
      NOW_MS,
      words,
      [button("refresh")],
    ),
    "alert-drift": alertCard(
      { kind: "drift", reps: 4, forMs: 300_000 },
      "check that the application may still write to Teams",
      NOW_MS,
      words,
      [],
    ),
    "alert-fight": alertCard(
      {
        kind: "fight",
        name: "Priya Raghunathan",
        fight: {
          system: "Dynamics",
          between: ["Available", "Busy"],
          changes: 23,
          by: "user 5f3c1c2e-0d1a-4c57-9a2a-7f5d4b9a0001",
        },
      },
      "look for a second program that sets presence",
      NOW_MS,
      words,
      [],
    ),
    "alert-silence": alertCard(
      { kind: "silence", system: "Dynamics", forMs: 120_000 },
      "see the log for its last error code",
      NOW_MS,
      words,
      [],
    ),
    "alert-signed-out": alertCard(
      { kind: "signed out", account: "6f0b7a1e-1c2d-4e5f-8a9b-0c1d2e3f4a5b", reps: 650 },
      say(words, "alertStepSignedOut"),
      NOW_MS,
      words,
      [],
    ),
    health: healthCard(
      {
        reps: 12,
        waitingFor: [],
        systems: [
          { name: "Teams", outOfStep: 0, readAtMs: NOW_MS - 4_000 },
          { name: "Dynamics", outOfStep: 1, readAtMs: NOW_MS - 9_000 },
        ],
        asOfMs: NOW_MS,
      },
      words,
      NOW_MS,
      [button("refresh")],
    ),
    policy: policyCard(DEFAULT_POLICY, words, [button("refresh")]),
    "policy-changed": policyCard(CHANGED_POLICY, words, [button("refresh")]),
    "policy-broken": policyCard({ ...DEFAULT_POLICY, broken: BROKEN_LAWS }, words, []),
    digest: digestCard(
      [
        { label: say(words, "availableTitle"), value: "3 / 8" },
        { label: say(words, "digestChanges"), value: "214" },
        { label: say(words, "digestWrites"), value: "389" },
        { label: say(words, "digestHeld"), value: "1" },
        { label: say(words, "digestOutOfStep"), value: "0" },
      ],
      NOW_MS,
      words,
      [],
    ),
    help: helpCard(words, helpGroups(words), false, []),
    lookups: lookupsCard(
      [
        {
          atMs: minutesAgo(600),
          says: say(words, "lookupRow", { who: "Ingrid Solberg", what: "status" }),
        },
      ],
      NOW_MS,
      showingWith(),
    ),
    note: noteCard(words, say(words, "notifyDone", { target: "Billing" })),
    refusal: refusalCard(words, say(words, "notAllowed")),
    placeholder: placeholderCard(words, "Ingrid Solberg", show, {
      ...show,
      userIds: ["29:ingrid"],
    }),
  };
}
