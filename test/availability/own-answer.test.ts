import { describe, expect, test } from "vitest";
import { type Facts, ownAnswer } from "../../src/availability/own-answer.ts";
import type { ConversationNow, RepNow, WorkstreamSetup } from "../../src/availability/source.ts";
import { systemUserId } from "../../src/presence/identity.ts";

const NOW = Date.parse("2026-11-20T10:00:00Z");
const ANA = systemUserId("ana");
const rep = (change: Partial<RepNow> = {}): RepNow => ({
  user: ANA,
  isPerson: true,
  isSignedIn: true,
  base: "Available",
  availableUnits: 100,
  isBlocked: false,
  ...change,
});
const chat: WorkstreamSetup = {
  id: "chat",
  queueId: "q",
  allowed: ["Available", "Busy"],
  takes: { kind: "units", units: 30 },
};
const queue = { id: "q", name: "Billing", hours: null, members: [ANA] };
const answer = (change: Partial<Facts>, workstream: string | null = null) =>
  ownAnswer(
    queue,
    {
      setup: { queues: [queue], workstreams: [chat], profiles: new Map() },
      reps: [rep()],
      conversations: [],
      ...change,
    },
    NOW,
    workstream,
  );

describe("[R167] who can take work", () => {
  test.each<[string, RepNow[], object]>([
    ["a rep who is there and free", [rep()], {}],
    ["one who is Busy, where Busy is allowed", [rep({ base: "Busy" })], {}],
    ["nobody who is away", [rep({ base: "Away" })], { presence: 1 }],
    ["nobody whose presence means nothing", [rep({ base: null })], { presence: 1 }],
    [
      "nobody who is signed out",
      [rep({ isSignedIn: false, base: "Available" })],
      { "signed out": 1 },
    ],
    ["nobody whose capacity is used up", [rep({ availableUnits: 29 })], { capacity: 1 }],
    ["nobody whose capacity is not told", [rep({ availableUnits: null })], { capacity: 1 }],
    ["nobody who is blocked", [rep({ isBlocked: true })], { blocked: 1 }],
    ["no AI agent, whatever it shows", [rep({ isPerson: false })], { "not a person": 1 }],
    ["nobody whom routing does not know", [], { unknown: 1 }],
  ])("%s", (_who, reps, unavailable) => {
    const found = answer({ reps });
    expect(found.unavailable).toEqual(unavailable);
    expect(found.repsAvailable).toBe(Object.keys(unavailable).length === 0 ? 1 : 0);
    expect(found.members).toBe(1);
  });

  test("one workstream that would route to her is enough; asked about another, it is not", () => {
    const voice: WorkstreamSetup = { ...chat, id: "voice", allowed: ["Available"] };
    const setup = { queues: [queue], workstreams: [chat, voice], profiles: new Map() };
    const reps = [rep({ base: "Busy" })];
    expect(answer({ setup, reps }).repsAvailable).toBe(1);
    expect(answer({ setup, reps }, "voice").unavailable).toEqual({ presence: 1 });
  });

  test("without a workstream only Available counts", () => {
    const setup = { queues: [queue], workstreams: [], profiles: new Map() };
    expect(answer({ setup }).repsAvailable).toBe(1);
    expect(answer({ setup, reps: [rep({ base: "Busy" })] }).repsAvailable).toBe(0);
  });

  test("a capacity profile is full when as many conversations of it are hers as it allows", () => {
    const byProfile: WorkstreamSetup = { ...chat, takes: { kind: "profile", profileIds: ["p"] } };
    const limit = (count: number) => new Map([[ANA, new Map([["p", count]])]]);
    const setup = (count: number) => ({
      queues: [queue],
      workstreams: [byProfile],
      profiles: limit(count),
    });
    const taken: ConversationNow = {
      queueId: "q",
      workstreamId: "chat",
      agent: ANA,
      state: "taken",
      startedAtMs: NOW,
      takenAtMs: NOW,
    };
    const with2 = { conversations: [taken, taken, { ...taken, state: "over" as const }] };
    expect(answer({ setup: setup(3), ...with2 }).repsAvailable).toBe(1);
    expect(answer({ setup: setup(2), ...with2 }).unavailable).toEqual({ capacity: 1 });
    expect(answer({ setup: { ...setup(1), profiles: new Map() } }).unavailable).toEqual({
      capacity: 1,
    });
  });

  test("who waits, how long it took, and how long the first has waited; of this queue and this hour", () => {
    const one = (change: Partial<ConversationNow>): ConversationNow => ({
      queueId: "q",
      workstreamId: "chat",
      agent: null,
      state: "waiting",
      startedAtMs: NOW - 90_000,
      takenAtMs: null,
      ...change,
    });
    const taken = (waitMs: number, agoMs: number) =>
      one({
        state: "taken",
        agent: ANA,
        startedAtMs: NOW - agoMs - waitMs,
        takenAtMs: NOW - agoMs,
      });
    const found = answer({
      conversations: [
        one({}),
        one({ startedAtMs: NOW - 30_000 }),
        one({ queueId: "other" }),
        taken(10_000, 60_000),
        taken(20_000, 3_600_000),
        taken(999_000, 3_600_001),
      ],
    });
    expect(found).toMatchObject({ waiting: 2, longestWaitSeconds: 90, averageWaitSeconds: 15 });
    expect(answer({})).toMatchObject({
      waiting: 0,
      longestWaitSeconds: null,
      averageWaitSeconds: null,
    });
  });
});
