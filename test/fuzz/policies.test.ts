import fc from "fast-check";
import { expect, test } from "vitest";
import { createPolicy, PolicyError, readPolicyFile } from "../../src/policy.ts";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
import { DYNAMICS_STATES, TEAMS_ACTIONS, TEAMS_STATES } from "../../src/presence/mapping.ts";
import { join, type Status, STATUSES } from "../../src/presence/status.ts";
import { profileOf } from "../../src/reconcile/policy.ts";
import { fuzzSeed } from "./seed.ts";
import "./same-cases.ts";

const POLICIES = 12_000;

/** What each action leaves a system showing, from Graph's "Manage presence state" and msdyn_basepresencestatus. */
const SHOWS_AFTER: Readonly<Record<string, string>> = {
  withdraw: "Available",
  "session InACall": "InACall",
  "session Available": "Available",
  "preferred Busy": "Busy",
  "preferred DoNotDisturb": "DoNotDisturb",
  "preferred Away": "Away",
  "preferred BeRightBack": "BeRightBack",
  "preferred Offline": "OffWork",
};

/** The default tables as docs/configuration.md shows them: what a status is written as, what that is read as. */
const DEFAULT_WRITES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  teams: {
    Available: "withdraw",
    BeRightBack: "preferred BeRightBack",
    Away: "preferred Away",
    Busy: "preferred Busy",
    InAMeeting: "preferred Busy",
    DoNotDisturb: "preferred DoNotDisturb",
    InACall: "session InACall",
    Offline: "preferred Offline",
  },
  dynamics: {
    Available: "Available",
    BeRightBack: "Away",
    Away: "Away",
    Busy: "Busy",
    InAMeeting: "Busy",
    DoNotDisturb: "Busy - DND",
    InACall: "Busy",
    Offline: "Offline",
  },
};
const DEFAULT_READS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  teams: {
    Available: "Available",
    Away: "Away",
    BeRightBack: "BeRightBack",
    Busy: "Busy",
    InACall: "InACall",
    DoNotDisturb: "DoNotDisturb",
    OffWork: "Offline",
  },
  dynamics: {
    Available: "Available",
    Busy: "Busy",
    "Busy - DND": "DoNotDisturb",
    Away: "Away",
    Offline: "Offline",
  },
};

type Cells = {
  readonly reads: Readonly<Record<string, string | null>>;
  readonly writes: Readonly<Record<string, string>>;
};
type PolicyFile = { readonly teams: Cells; readonly dynamics: Cells };
type Seen = (system: string, status: string) => string | null;

/** What a status that is written to a system is then read as; `null` when as nothing. */
function seenIn(file: PolicyFile): Seen {
  const answers = new Map<string, string | null>();
  for (const [system, { reads, writes }] of Object.entries(file)) {
    for (const status of STATUSES) {
      const action = writes[status] ?? DEFAULT_WRITES[system]?.[status] ?? "";
      const state =
        SHOWS_AFTER[action] !== undefined && system === "teams" ? SHOWS_AFTER[action] : action;
      const changed = Object.hasOwn(reads, state) ? reads[state] : DEFAULT_READS[system]?.[state];
      answers.set(`${system} ${status}`, changed ?? null);
    }
  }
  return (system, status) => answers.get(`${system} ${status}`) ?? null;
}

/** The statuses that a rep goes through as each system is told what the other shows, for a long time. */
function copied(seen: Seen, from: string, to: string, status: string): readonly (string | null)[] {
  const rounds: (string | null)[] = [];
  let now: string | null = seen(from, status);
  for (let round = 0; round < 20; round += 1) {
    const there: string | null = now === null ? null : seen(to, now);
    now = there === null ? null : seen(from, there);
    rounds.push(now);
  }
  return rounds;
}

const PAIRS = [
  ["teams", "dynamics"],
  ["dynamics", "teams"],
] as const;

/** Every law that is broken, found by writing every status everywhere and looking what comes of it. */
function brokenLaws(seen: Seen): ReadonlySet<string> {
  const broken = new Set<string>();
  for (const [from, to] of PAIRS) {
    for (const status of STATUSES) {
      const shown = seen(from, status);
      if (shown === null) broken.add("L1");
      else if (seen(from, shown) !== shown) broken.add("L2");
      if (status !== "Available" && shown === "Available") broken.add("L3");
      const rounds = copied(seen, from, to, status);
      if (rounds.some((after) => after !== rounds[0])) broken.add("L5");
    }
  }
  return broken;
}

/** Holds a sentence of the refusal against the tables: what it says must be so. */
function isTrue(problem: string, seen: Seen): boolean {
  const says = (pattern: RegExp): readonly string[] | null =>
    pattern.exec(problem)?.slice(1) ?? null;
  const unreadable = says(/^L1: (\w+) is written to (\w+) as something that cannot be read back$/);
  if (unreadable) return seen(unreadable[1] ?? "", unreadable[0] ?? "") === null;
  const changing = says(/^L2: (\w+) shows as (\w+) in (\w+), but \w+ is written there as (.+)$/);
  if (changing) {
    const [status = "", shown = "", system = "", again = ""] = changing;
    const then = seen(system, shown) ?? "nothing readable";
    return seen(system, status) === shown && then === again && again !== shown;
  }
  const free = says(
    /^L3: (\w+) would look (\w+) in (\w+), so work would reach somebody who is (\w+)$/,
  );
  if (free) {
    const [status = "", shown = "", system = "", who = ""] = free;
    return (
      who === status &&
      status !== "Available" &&
      shown === "Available" &&
      seen(system, status) === shown
    );
  }
  const pingPong = says(
    /^L5: (\w+) copied (\w+) → (\w+) → \w+ becomes (\w+), and (\w+) the next time round$/,
  );
  if (!pingPong) return false;
  const [status = "", from = "", to = "", first = "", second = ""] = pingPong;
  const [one, two] = copied(seen, from, to, status);
  return one === first && two === second && first !== second;
}

const status = fc.constantFrom(...STATUSES);
const cells = <Value>(keys: readonly string[], value: fc.Arbitrary<Value>) =>
  fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 4, noNullPrototype: true });
const policyFile: fc.Arbitrary<PolicyFile> = fc.record({
  teams: fc.record({
    reads: cells(TEAMS_STATES, fc.option(status, { nil: null, freq: 12 })),
    writes: cells(STATUSES, fc.constantFrom(...Object.keys(TEAMS_ACTIONS))),
  }),
  dynamics: fc.record({
    reads: cells(DYNAMICS_STATES, fc.option(status, { nil: null, freq: 12 })),
    writes: cells(STATUSES, fc.constantFrom("Available", "Busy", "Busy - DND", "Away", "Offline")),
  }),
});

function refusalOf(file: PolicyFile): readonly string[] {
  try {
    const policy = createPolicy(readPolicyFile(JSON.stringify(file)));
    const seen = seenIn(file);
    for (const [name, system] of [
      [TEAMS, "teams"],
      [DYNAMICS, "dynamics"],
    ] as const) {
      const { shows } = profileOf(policy, name);
      for (const one of STATUSES) expect(shows[one]).toBe(seen(system, one));
    }
    return [];
  } catch (error) {
    if (error instanceof PolicyError) return error.problems;
    throw error;
  }
}

test(`[L1, L2, L3, L5, R104] of ${POLICIES} random policies each obeys the laws, or is refused with a true counterexample`, () => {
  const met = { taken: 0, L1: 0, L2: 0, L3: 0, L5: 0 };
  fc.assert(
    fc.property(policyFile, (file) => {
      const seen = seenIn(file);
      const problems = refusalOf(file);
      const broken = brokenLaws(seen);
      expect(problems.length === 0).toBe(broken.size === 0);
      for (const problem of problems) {
        expect(isTrue(problem, seen), problem).toBe(true);
        const law = problem.slice(0, 2) as "L1";
        expect([...broken]).toContain(law);
        met[law] += 1;
      }
      if (problems.length === 0) met.taken += 1;
    }),
    { numRuns: POLICIES, seed: fuzzSeed() },
  );
  expect(Math.min(...Object.values(met)), JSON.stringify(met)).toBeGreaterThan(20);
});

test("[L4, R104] the less available of two is the later one in the order of the ladder, whoever is asked first", () => {
  const ladder: readonly Status[] = [
    "Available",
    "BeRightBack",
    "Away",
    "Busy",
    "InAMeeting",
    "DoNotDisturb",
    "InACall",
    "Offline",
  ];
  expect([...STATUSES]).toEqual(ladder);
  for (const [at, one] of ladder.entries()) {
    for (const [over, other] of ladder.entries()) {
      expect(join(one, other)).toBe(ladder[Math.max(at, over)]);
      for (const third of ladder)
        expect(join(join(one, other), third)).toBe(join(one, join(other, third)));
    }
  }
});
