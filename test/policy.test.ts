import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPolicy, PolicyError, readPolicyFile } from "../src/policy.ts";
import { DYNAMICS, TEAMS } from "../src/presence/identity.ts";
import {
  DEFAULT_MAPPINGS,
  DYNAMICS_STATES,
  type Mappings,
  TEAMS_ACTIONS,
  TEAMS_STATES,
} from "../src/presence/mapping.ts";
import { STATUSES } from "../src/presence/status.ts";
import { profileOf } from "../src/reconcile/policy.ts";
import "./fuzz/same-cases.ts";

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof PolicyError) return error.problems;
    throw error;
  }
  return [];
}

const refusal = (file: unknown): readonly string[] =>
  problemsOf(() => createPolicy(readPolicyFile(JSON.stringify(file))));

describe("the default policy", () => {
  const policy = createPolicy(DEFAULT_MAPPINGS);

  test("Teams absorbs and is released first; Dynamics is released last and signing out withdraws", () => {
    expect(profileOf(policy, TEAMS)).toMatchObject({
      absorbing: true,
      absence: "ignored",
      releasesLast: false,
    });
    expect(profileOf(policy, DYNAMICS)).toMatchObject({
      absorbing: false,
      absence: "withdraws",
      releasesLast: true,
    });
  });

  test("a call is a session, a choice is preferred, Available is a withdrawal; Dynamics has no covers", () => {
    const { covers, leaseMs } = profileOf(policy, TEAMS);
    expect(covers).toMatchObject({ InACall: "session", Busy: "preferred", Available: "none" });
    expect(leaseMs).toMatchObject({ InACall: 3_600_000, Busy: 28_800_000, Available: null });
    for (const status of STATUSES) expect(profileOf(policy, DYNAMICS).covers[status]).toBe("none");
  });

  test("every cover ends by itself, so that nobody stays Busy because we have died", () => {
    const { covers, leaseMs } = profileOf(policy, TEAMS);
    for (const status of STATUSES) {
      expect([status, leaseMs[status] !== null]).toEqual([status, covers[status] !== "none"]);
    }
  });
});

describe("a policy file", () => {
  test.each([["{}"], ['{"teams": {}}'], ['{"teams": {"reads": {}}, "dynamics": {"writes": {}}}']])(
    "that changes nothing is the default: %s",
    (text) => {
      expect(readPolicyFile(text)).toEqual(DEFAULT_MAPPINGS);
    },
  );

  test("names only the cells that it changes", () => {
    const mappings = readPolicyFile('{"dynamics": {"writes": {"InACall": "Busy - DND"}}}');
    expect(mappings.teams).toEqual(DEFAULT_MAPPINGS.teams);
    expect(mappings.dynamics.reads).toEqual(DEFAULT_MAPPINGS.dynamics.reads);
    expect(mappings.dynamics.writes).toEqual({
      ...DEFAULT_MAPPINGS.dynamics.writes,
      InACall: "Busy - DND",
    });
    expect(profileOf(createPolicy(mappings), DYNAMICS).shows.InACall).toBe("DoNotDisturb");
  });

  test("may say that a state means nothing, and does not turn what is automatic into a choice", () => {
    const { teams } = readPolicyFile(
      '{"teams": {"reads": {"OffWork": null, "InAMeeting": "DoNotDisturb", "OutOfOffice": "Away"}}}',
    );
    expect(teams.reads.OffWork).toBeNull();
    expect(teams.reads.InAMeeting).toEqual({ status: "DoNotDisturb", automatic: "soft" });
    expect(teams.reads.OutOfOffice).toEqual({ status: "Away", automatic: null });
  });

  test.each([
    ["nothing", ""],
    ["half of it", '{"teams": '],
    ["a comment", "// mine\n{}"],
  ])("that is not JSON is refused: %s", (_what, text) => {
    expect(problemsOf(() => readPolicyFile(text))).toEqual(["the policy file is not JSON"]);
  });

  test.each<[string, unknown, readonly string[]]>([
    ["no object", [], [""]],
    ["an unknown key", { temas: {} }, ["temas"]],
    ["an unknown key inside", { teams: { read: {} } }, ["teams", "read"]],
    ["an unknown state", { teams: { reads: { Bsuy: "Busy" } } }, ["teams.reads", "Bsuy"]],
    ["an unknown status", { dynamics: { reads: { Busy: "Bsuy" } } }, ["dynamics.reads.Busy"]],
    ["an unknown action", { teams: { writes: { Busy: "Busy" } } }, ["teams.writes.Busy"]],
    [
      "what only the engine sets",
      { dynamics: { writes: { Away: "Inactive" } } },
      ["dynamics.writes.Away"],
    ],
    ["nothing to write", { dynamics: { writes: { Away: null } } }, ["dynamics.writes.Away"]],
  ])("with %s is refused, and the place is named", (_what, file, named) => {
    const problems = refusal(file);
    expect(problems).toHaveLength(1);
    for (const part of named) expect(problems[0]).toContain(part);
  });

  test("is refused with all of its problems at once, in sentences that a person can act on", () => {
    const problems = refusal({
      teams: { writes: { Busy: "x" } },
      dynamics: { writes: { Busy: "y" } },
    });
    expect(problems).toHaveLength(2);
    expect(new PolicyError(problems).message).toBe(
      `The policy is refused:\n  - ${problems[0]}\n  - ${problems[1]}`,
    );
  });
});

describe("a policy that breaks a law is refused with what would go wrong", () => {
  test.each<[string, unknown, string]>([
    [
      "L1",
      { teams: { reads: { BeRightBack: null } } },
      "L1: BeRightBack is written to teams as something that cannot be read back",
    ],
    [
      "L2",
      { teams: { reads: { Busy: "Away", Away: "Busy" } } },
      "L2: Busy shows as Away in teams, but Away is written there as Busy",
    ],
    [
      "L3",
      { dynamics: { writes: { Busy: "Available" } } },
      "L3: Busy would look Available in dynamics, so work would reach somebody who is Busy",
    ],
    [
      "L5",
      {
        teams: {
          writes: { Busy: "preferred BeRightBack", InAMeeting: "preferred BeRightBack" },
        },
        dynamics: { writes: { Away: "Busy", BeRightBack: "Busy - DND" } },
      },
      "L5: Away copied teams → dynamics → teams becomes BeRightBack, and DoNotDisturb the next time round",
    ],
  ])("%s", (_law, file, sentence) => {
    expect(refusal(file).join("\n")).toContain(sentence);
  });

  test("whatever the tables: it is refused, or nobody who is busy ever looks free", () => {
    const status = fc.constantFrom(...STATUSES);
    const cells = <Key extends string, Value>(keys: readonly Key[], value: fc.Arbitrary<Value>) =>
      fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 3 });
    const file = fc.record({
      teams: fc.record({
        reads: cells(TEAMS_STATES, fc.option(status, { nil: null, freq: 20 })),
        writes: cells(STATUSES, fc.constantFrom(...Object.keys(TEAMS_ACTIONS))),
      }),
      dynamics: fc.record({
        reads: cells(DYNAMICS_STATES, status),
        writes: cells(
          STATUSES,
          fc.constantFrom("Available", "Busy", "Busy - DND", "Away", "Offline"),
        ),
      }),
    });
    const seen = { refused: 0, taken: 0 };
    fc.assert(
      fc.property(file, (of) => {
        const mappings: Mappings = readPolicyFile(JSON.stringify(of));
        const problems = problemsOf(() => createPolicy(mappings));
        seen[problems.length > 0 ? "refused" : "taken"] += 1;
        for (const problem of problems) expect(problem).toMatch(/^L[1-5]: .{20,}/);
        if (problems.length > 0) return;
        for (const { shows } of createPolicy(mappings).systems) {
          for (const one of STATUSES) {
            expect(STATUSES).toContain(shows[one]);
            expect(shows[shows[one]]).toBe(shows[one]);
            if (one !== "Available") expect(shows[one]).not.toBe("Available");
          }
        }
      }),
      { numRuns: 2_000 },
    );
    expect(seen.refused).toBeGreaterThan(50);
    expect(seen.taken).toBeGreaterThan(50);
  });
});
