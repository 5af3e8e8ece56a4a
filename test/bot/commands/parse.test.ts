import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Command } from "../../../src/bot/commands/command.ts";
import { LANGUAGES, languagesFor } from "../../../src/bot/commands/languages.ts";
import { distance, helpGroups, parse } from "../../../src/bot/commands/parse.ts";
import { PHRASES } from "../../../src/bot/commands/words.ts";
import "../../fuzz/same-cases.ts";

const ENGLISH = languagesFor("en-US");

const MEANT: readonly (readonly [text: string, command: Command])[] = [
  ["status Priya", { name: "status", rep: "Priya" }],
  ["Status of Priya Raghunathan?", { name: "status", rep: "Priya Raghunathan" }],
  ["hey, please is priya free", { name: "status", rep: "priya" }],
  ["<at>Lockstep</at>&nbsp;where is Mei-Ling Zhou?", { name: "status", rep: "Mei-Ling Zhou" }],
  ["status priya@north.example", { name: "status", rep: "priya@north.example" }],
  ["status", { name: "me" }],
  ["  ME ", { name: "me" }],
  ["what is my status?", { name: "me" }],
  ["who is available", { name: "available", queue: null }],
  ["Who is free right now?", { name: "available", queue: null }],
  ["who is available in Billing?", { name: "available", queue: "Billing" }],
  ["free in Order Desk", { name: "available", queue: "Order Desk" }],
  ["queue Billing", { name: "queue", queue: "Billing" }],
  ["Billing queue", { name: "queue", queue: "Billing" }],
  ["queues", { name: "queues" }],
  ["show me the queues", { name: "queues" }],
  ["team", { name: "team" }],
  ["how is my team?", { name: "team" }],
  ["show my team", { name: "team" }],
  ["board", { name: "board" }],
  ["alerts here", { name: "alerts" }],
  ["why is Priya busy?", { name: "why", rep: "Priya" }],
  ["why priya", { name: "why", rep: "priya" }],
  ["history Priya", { name: "history", rep: "Priya", day: "today", at: null }],
  ["history of Priya yesterday", { name: "history", rep: "Priya", day: "yesterday", at: null }],
  [
    "history Priya at 10:42",
    { name: "history", rep: "Priya", day: "today", at: { hour: 10, minute: 42 } },
  ],
  [
    "what was Priya doing yesterday at 4pm",
    { name: "history", rep: "Priya", day: "yesterday", at: { hour: 16, minute: 0 } },
  ],
  ["set Priya busy", { name: "set", rep: "Priya", status: "Busy", until: null, reason: null }],
  [
    "set Priya to do not disturb until 5:30 pm because of the audit",
    {
      name: "set",
      rep: "Priya",
      status: "DoNotDisturb",
      until: { kind: "at", hour: 17, minute: 30 },
      reason: "of the audit",
    },
  ],
  [
    "set me away for 45 min",
    { name: "set", rep: "me", status: "Away", until: { kind: "for", minutes: 45 }, reason: null },
  ],
  [
    "put Mei-Ling in a meeting for 2 hours",
    {
      name: "set",
      rep: "Mei-Ling",
      status: "InAMeeting",
      until: { kind: "for", minutes: 120 },
      reason: null,
    },
  ],
  [
    "set Lars available because he is back",
    { name: "set", rep: "Lars", status: "Available", until: null, reason: "he is back" },
  ],
  ["release Priya", { name: "release", rep: "Priya" }],
  ["notify me when Billing is available", { name: "notify", target: "Billing" }],
  ["tell me once priya becomes free, thanks", { name: "notify", target: "priya" }],
  ["digest at 8", { name: "digest", at: { hour: 8, minute: 0 } }],
  ["digest off", { name: "digest", at: null }],
  ["pause my syncing", { name: "pause" }],
  ["resume", { name: "resume" }],
  ["who looked me up?", { name: "lookups" }],
  ["export my data", { name: "export" }],
  ["delete my data", { name: "erase" }],
  ["health", { name: "health" }],
  ["show me the policy", { name: "policy" }],
  ["help", { name: "help" }],
  ["Hello!", { name: "help" }],
  ["?", { name: "help" }],
  ["", { name: "help" }],
];

describe("what people type", () => {
  test.each(MEANT)("[R210] %s", (text, command) => {
    expect(parse(text, ENGLISH)).toEqual({ ok: true, command });
  });

  test.each([
    ["de-AT", "Wer ist frei in Rechnung?", { name: "available", queue: "Rechnung" }],
    ["de", "warum ist Priya beschäftigt", { name: "why", rep: "Priya" }],
    ["de", "status Priya", { name: "status", rep: "Priya" }],
    ["de", "why is Priya busy", { name: "why", rep: "Priya" }],
    ["ja-JP", "Priyaの状態は？", { name: "status", rep: "Priya" }],
    ["ja", "team", { name: "team" }],
    [
      "ja",
      "Priyaを取り込み中にして 17:30まで",
      {
        name: "set",
        rep: "Priya",
        status: "Busy",
        until: { kind: "at", hour: 17, minute: 30 },
        reason: null,
      },
    ],
    ["fr-FR", "team", { name: "team" }],
  ])("[R210] in %s: %s", (locale, text, command) => {
    expect(parse(text, languagesFor(locale))).toEqual({ ok: true, command });
  });

  test.each([
    ["statsu Priya", "status Priya"],
    ["hisotry Priya yesterday", "history Priya yesterday"],
    ["teem", "team"],
    ["relase Priya", "release Priya"],
  ])("[R211] nearly a command: %s is answered with a suggestion", (text, suggestion) => {
    expect(parse(text, ENGLISH)).toMatchObject({
      ok: false,
      suggestions: expect.arrayContaining([suggestion]),
    });
  });

  test("[R211] a time that is none is named, not guessed", () => {
    expect(parse("set Priya busy until the cows come home", ENGLISH)).toEqual({
      ok: false,
      wrong: "until",
      given: "the cows come home",
    });
  });

  test.each([
    ["digest at 25:00", "25:00"],
    ["daily digest every day at 9:75", "9:75"],
    ["history Priya at 25:00", "25:00"],
  ])("[R211] %s switches nothing off and shows no other time", (text, given) => {
    expect(parse(text, ENGLISH)).toEqual({ ok: false, wrong: "at", given });
  });

  test("[R210] an umlaut is the same when it comes as a letter and its dots", () => {
    const german = languagesFor("de-DE");
    for (const text of ["wer ist verfügbar", "setze mich auf beschäftigt"]) {
      const meant = parse(text, german);
      expect(meant).toMatchObject({ ok: true });
      expect(parse(text.normalize("NFD"), german)).toEqual(meant);
    }
  });

  test("[R211] nonsense is nothing, whatever stands inside it", () => {
    for (const text of ["not HELPful at all", "the team lead said status quo is fine", "🤷"]) {
      expect(parse(text, ENGLISH)).toMatchObject({ ok: false });
    }
  });

  test("[R211] any text is answered, at once, and no text crashes", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2_000 }), (text) => {
        expect(parse(text, LANGUAGES)).toHaveProperty("ok");
      }),
    );
    expect(parse(`set ${"a until ".repeat(5_000)}`, LANGUAGES)).toMatchObject({ ok: false });
  });
});

describe("the languages", () => {
  test.each(LANGUAGES.map((words) => [words.language, words] as const))(
    "[R212] %s says everything, and understands its own examples",
    (_language, words) => {
      expect(PHRASES.filter((phrase) => words.says[phrase].trim() === "")).toEqual([]);
      const commands = helpGroups(words).flatMap((group) => group.commands);
      expect(new Set(commands.map(({ name }) => name)).size).toBe(21);
      for (const { name, example } of commands) {
        const status = words.statusNames.Busy[0] ?? "";
        const typed = example.replace(`‹${words.slots.status}›`, status).replaceAll(/[‹›]/g, "");
        expect(parse(typed, [words]), typed).toMatchObject({ ok: true, command: { name } });
      }
    },
  );

  test.each(LANGUAGES.slice(1).map((words) => [words.language, words] as const))(
    "[R212] %s fills the same blanks as English",
    (_language, words) => {
      const blanks = (text: string): string[] =>
        [...text.matchAll(/\{\w+\}/g)].map(([blank]) => blank).toSorted();
      const [english] = languagesFor("en");
      for (const phrase of PHRASES) {
        expect([phrase, blanks(words.says[phrase])]).toEqual([
          phrase,
          blanks(english.says[phrase]),
        ]);
      }
    },
  );
});

test("[R211] two neighbours swapped are one mistake", () => {
  expect(distance("statsu", "status")).toBe(1);
  expect(distance("", "abc")).toBe(3);
});
