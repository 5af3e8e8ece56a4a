import { describe, expect, test } from "vitest";
import type { DynamicsAccount } from "../../src/directory/account.ts";
import { type Decisions, EVERYBODY } from "../../src/directory/decision.ts";
import {
  addressesIn,
  type ImportInput,
  type ImportRow,
  planImport,
} from "../../src/directory/import-plan.ts";
import { systemUserId, teamsUserId } from "../../src/presence/identity.ts";

const T1 = teamsUserId("11111111-1111-4111-8111-111111111111");
const T2 = teamsUserId("22222222-2222-4222-8222-222222222222");
const account = (id: string, change: Partial<DynamicsAccount> = {}): DynamicsAccount => ({
  user: systemUserId(id),
  standing: "person",
  teamsUser: null,
  principalName: `${id}@north.example`,
  mail: "desk@north.example",
  ...change,
});
const row = (line: number, dynamics: string, change: Partial<ImportRow> = {}): ImportRow => ({
  line,
  dynamics,
  teams: "",
  sync: "",
  reason: "",
  ...change,
});
const NONE: Decisions = {
  pins: new Map(),
  choices: new Map(),
  scope: EVERYBODY,
};
const ANA = systemUserId("ana");
const GONE = systemUserId("33333333-3333-4333-8333-333333333333");

const plan = (rows: readonly ImportRow[], change: Partial<ImportInput> = {}) =>
  planImport({
    rows,
    accounts: [account("ana"), account("ben"), account("bot", { standing: "application" })],
    teams: [
      { user: T1, principalName: "one@north.example", mail: "shared@north.example" },
      { user: T2, principalName: "two@north.example", mail: "shared@north.example" },
    ],
    decisions: NONE,
    replace: false,
    ...change,
  });

describe("the plan of an import", () => {
  test("[R160] a rep is found by id or address, her Teams account too, and what is so already is no change", () => {
    const rows = [
      row(2, "ANA", { teams: T1.toUpperCase() }),
      row(3, "Ben@North.example", { teams: "TWO@north.example" }),
    ];
    const { changes, problems } = plan(rows);
    expect(problems).toEqual([]);
    expect(changes).toEqual([
      { kind: "pin", user: "ana", from: null, to: T1 },
      { kind: "pin", user: "ben", from: null, to: T2 },
    ]);
    const pins = new Map([[ANA, T1]]);
    const again = plan(rows.slice(0, 1), { decisions: { ...NONE, pins } });
    expect(again).toMatchObject({ changes: [], unchanged: 1 });
    const known = [account("ana", { teamsUser: T1 })];
    expect(plan(rows.slice(0, 1), { accounts: known })).toMatchObject({
      changes: [],
      unchanged: 1,
    });
  });

  test.each<[string, ImportRow, RegExp]>([
    ["nobody in Dynamics", row(7, "nobody"), /no agent/],
    ["two in Dynamics", row(7, "desk@north.example"), /3 agents/],
    ["an application", row(7, "bot"), /no rep: application/],
    ["nobody in Teams", row(7, "ana", { teams: "nobody@north.example" }), /no Teams account/],
    ["two in Teams", row(7, "ana", { teams: "shared@north.example" }), /2 Teams accounts/],
  ])("[R158] a line that names %s is listed", (_what, one, says) => {
    const { changes, problems } = plan([one]);
    expect(changes).toEqual([]);
    expect(problems).toEqual([{ line: 7, says: expect.stringMatching(says) }]);
  });

  test("[P14] a user or an account that comes twice is refused, and both lines are named", () => {
    const twice = plan([row(2, "ana"), row(3, "ana@north.example")]);
    expect(twice.problems).toEqual([{ line: 3, says: "names the same Dynamics user as line 2" }]);
    const shared = plan([
      row(2, "ana", { teams: T1 }),
      row(3, "ben", { teams: "one@north.example" }),
    ]);
    expect(shared.problems).toEqual([{ line: 3, says: "names the same Teams account as line 2" }]);
  });

  test("[R161] opting in and out keeps the reason, and an empty cell gives the decision back", () => {
    const out = row(2, "ana", { sync: "out", reason: "works council" });
    expect(plan([out]).changes).toEqual([
      { kind: "choose", user: "ana", from: null, to: "out", reason: "works council" },
    ]);
    const choices = new Map([[ANA, { sync: "out" as const, reason: "works council", atMs: 1 }]]);
    const decisions = { ...NONE, choices };
    expect(plan([out], { decisions })).toMatchObject({ changes: [], unchanged: 1 });
    expect(plan([row(2, "ana")], { decisions }).changes).toEqual([
      { kind: "unchoose", user: "ana", from: "out" },
    ]);
    expect(plan([], { decisions }).changes).toEqual([]);
    expect(plan([], { decisions, replace: true }).changes).toEqual([
      { kind: "unchoose", user: "ana", from: "out" },
    ]);
  });

  test.each<readonly [string, ImportRow, readonly string[]]>([
    ["with a wrong Teams account", row(2, "ana", { teams: "typo@north.example" }), ["ill", GONE]],
    ["that shares its Teams account", row(4, "ana", { teams: "one@north.example" }), ["ill", GONE]],
    ["that names several people", row(2, "desk@north.example"), [GONE]],
    ["of who is no rep for the moment", row(2, "ill"), ["ana", GONE]],
    ["of who has no agent's row any more", row(2, GONE), ["ana", "ill"]],
  ])("[R160] a line %s takes back nothing that was said of her", (_what, line, others) => {
    const users = [ANA, systemUserId("ill"), GONE];
    const choices = new Map(
      users.map((user) => [user, { sync: "out" as const, reason: "works council", atMs: 1 }]),
    );
    const accounts = [account("ana"), account("ben"), account("ill", { standing: "disabled" })];
    const { changes, problems } = plan([row(1, "ben", { teams: "one@north.example" }), line], {
      accounts,
      decisions: { ...NONE, choices },
      replace: true,
    });
    expect(problems.map((problem) => problem.line)).toEqual([line.line]);
    const takenBack = changes.flatMap(({ kind, user }) => (kind === "unchoose" ? user : []));
    expect(takenBack).toEqual(others);
  });

  test("only addresses are looked up, each once", () => {
    const rows = [
      row(2, "ana", { teams: T1 }),
      row(3, "b", { teams: "X@y" }),
      row(4, "c", { teams: "x@Y" }),
      row(5, "d"),
    ];
    expect(addressesIn(rows)).toEqual(["x@y"]);
  });
});
