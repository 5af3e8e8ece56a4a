import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DynamicsAccount, TeamsAccount } from "../../src/directory/account.ts";
import { type Decisions, EVERYBODY } from "../../src/directory/decision.ts";
import { matchAccounts } from "../../src/directory/match.ts";
import { addressesToLookUp, countsOf, rosterOf } from "../../src/directory/roster.ts";
import { systemUserId, teamsUserId } from "../../src/presence/identity.ts";
import "../fuzz/same-cases.ts";

const account = (id: string, change: Partial<DynamicsAccount> = {}): DynamicsAccount => ({
  user: systemUserId(id),
  standing: "person",
  teamsUser: null,
  principalName: `${id}@north.example`,
  mail: `${id}.mail@north.example`,
  ...change,
});
const teams = (id: string, change: Partial<TeamsAccount> = {}): TeamsAccount => ({
  user: teamsUserId(id),
  principalName: null,
  mail: null,
  ...change,
});
const NONE: Decisions = {
  pins: new Map(),
  choices: new Map(),
  scope: EVERYBODY,
};
const ANA = systemUserId("ana");
const BEN = systemUserId("ben");

describe("matching", () => {
  test("[R158] goes by import, object id, principal name, mail, in this order", () => {
    const known = [
      teams("t-name", { principalName: "Ana@North.example" }),
      teams("t-mail", { mail: "ana.mail@north.example" }),
    ];
    const whole = account("ana", { teamsUser: teamsUserId("t-object") });
    const pins = new Map([[ANA, teamsUserId("t-import")]]);
    const by = (one: DynamicsAccount, teamsAccounts: readonly TeamsAccount[], p: typeof pins) => {
      const verdict = matchAccounts([one], teamsAccounts, p).get(ANA);
      return verdict?.kind === "matched"
        ? [verdict.match.by, verdict.match.identity.teamsUserId]
        : verdict?.why;
    };
    const unpinned: typeof pins = new Map();
    expect(by(whole, known, pins)).toEqual(["import", "t-import"]);
    expect(by(whole, known, unpinned)).toEqual(["Entra object id", "t-object"]);
    expect(by(account("ana"), known, unpinned)).toEqual(["principal name", "t-name"]);
    expect(by(account("ana"), known.slice(1), unpinned)).toEqual(["mail", "t-mail"]);
    expect(by(account("ana"), [], unpinned)).toBe("no Teams account");
    expect(by(account("ana", { principalName: null, mail: null }), known, unpinned)).toBe(
      "no Teams account",
    );
  });

  test("[R158] of several candidates nobody is chosen, and all are named", () => {
    const both = ["t-1", "t-2"].map((id) => teams(id, { mail: "ana.mail@north.example" }));
    expect(matchAccounts([account("ana")], both, new Map()).get(ANA)).toEqual({
      kind: "left out",
      why: "several Teams accounts",
      candidates: ["t-1", "t-2"],
    });
  });

  test("[P14] of two users who come out as one Teams account neither is taken", () => {
    const object = teamsUserId("t-1");
    const verdicts = matchAccounts(
      [account("ana", { teamsUser: object }), account("ben"), account("cai")],
      [teams("t-1", { principalName: "ben@north.example" })],
      new Map(),
    );
    expect(
      [...verdicts.values()].map((one) => (one.kind === "matched" ? "matched" : one.why)),
    ).toEqual(["shared Entra object id", "shared Entra object id", "no Teams account"]);
  });

  test.each(["application", "disabled", "non-interactive", "no such user"] as const)(
    "[R159] an account of the kind %s is no rep, even if imported",
    (standing) => {
      const one = account("ana", { standing, teamsUser: teamsUserId("t-1") });
      const verdict = matchAccounts([one], [], new Map([[ANA, teamsUserId("t-2")]])).get(ANA);
      expect(verdict).toMatchObject({ kind: "left out", why: standing });
    },
  );

  test("[P14, R158] whatever the accounts, nobody shares and everybody is accounted for", () => {
    const id = fc.constantFrom("a", "b", "c", "d");
    const maybe = fc.option(id);
    const accounts = fc.uniqueArray(
      fc.record({ user: id, object: maybe, name: maybe, mail: maybe }),
      { selector: ({ user }) => user },
    );
    const known = fc.array(fc.record({ user: id, name: maybe, mail: maybe }));
    fc.assert(
      fc.property(accounts, known, fc.dictionary(id, id), (list, found, pinned) => {
        const input = list.map(({ user, object, name, mail }) =>
          account(user, {
            teamsUser: object === null ? null : teamsUserId(object),
            principalName: name,
            mail,
          }),
        );
        const pins = new Map(
          Object.entries(pinned).map(([user, to]) => [systemUserId(user), teamsUserId(to)]),
        );
        const verdicts = matchAccounts(
          input,
          found.map(({ user, name, mail }) => teams(user, { principalName: name, mail })),
          pins,
        );
        expect([...verdicts.keys()]).toEqual(input.map(({ user }) => user));
        const taken = [...verdicts.values()].flatMap((one) =>
          one.kind === "matched" ? one.match.identity.teamsUserId : [],
        );
        expect(new Set(taken).size).toBe(taken.length);
      }),
    );
  });
});

describe("who takes part", () => {
  const accounts = ["ana", "ben"].map((id) => account(id, { teamsUser: teamsUserId(`t-${id}`) }));
  const taking = (decisions: Partial<Decisions>, members: readonly string[] = []): string[] =>
    rosterOf({
      accounts,
      teams: [],
      decisions: { ...NONE, ...decisions },
      members: new Set(members.map(systemUserId)),
    }).matches.map(({ identity }) => identity.rep);
  const choice = (sync: "in" | "out") => new Map([[ANA, { sync, reason: "asked", atMs: 1 }]]);
  const queues = { ...EVERYBODY, queues: ["q"] };
  const listed = { ...EVERYBODY, listedOnly: true };

  test.each<[string, Partial<Decisions>, string[], string[]]>([
    ["nothing was decided", {}, [], ["ana", "ben"]],
    ["ana opted out", { choices: choice("out") }, [], ["ben"]],
    ["a queue is the scope", { scope: queues }, ["ben"], ["ben"]],
    [
      "a queue is the scope, and ana opted in",
      { scope: queues, choices: choice("in") },
      ["ben"],
      ["ana", "ben"],
    ],
    [
      "ana opted out of her queue",
      { scope: queues, choices: choice("out") },
      ["ana", "ben"],
      ["ben"],
    ],
    ["only the listed take part", { scope: listed }, [], []],
    [
      "only the listed take part, and ana is",
      { scope: listed, choices: choice("in") },
      [],
      ["ana"],
    ],
  ])("[R161] when %s", (_what, decisions, members, expected) => {
    expect(taking(decisions, members)).toEqual(expected);
  });

  test("[R161] says why, in her words, and counts without them", () => {
    const { excluded } = rosterOf({
      accounts,
      teams: [],
      decisions: { ...NONE, choices: choice("out") },
      members: new Set(),
    });
    expect(excluded).toEqual([{ user: ANA, why: "opted out", detail: "asked" }]);
    expect(countsOf(excluded)).toEqual({ "opted out": 1 });
  });

  test("only addresses that are needed are looked up", () => {
    const unknown = account("cai", {
      mail: "cai@north.example",
      principalName: "cai@north.example",
    });
    const bot = account("bot", { standing: "application" });
    const pins = new Map([[BEN, teamsUserId("t-1")]]);
    const list = [accounts[0] as DynamicsAccount, account("ben"), unknown, bot];
    expect(addressesToLookUp(list, { ...NONE, pins })).toEqual(["cai@north.example"]);
  });
});
