import type { SystemUserId } from "../presence/identity.ts";
import type { DynamicsAccount, TeamsAccount } from "./account.ts";
import type { Decisions } from "./decision.ts";
import { type Match, matchAccounts, type MatchExclusion } from "./match.ts";

export type Exclusion = MatchExclusion | "out of scope" | "opted out";

export type Excluded = {
  readonly user: SystemUserId;
  readonly why: Exclusion;
  /** The Teams accounts that she might be; or the reason that was given. */
  readonly detail: string;
};

/** Everybody with an agent's row in Dynamics: who takes part, and who does not and why. */
export type Roster = { readonly matches: readonly Match[]; readonly excluded: readonly Excluded[] };

export type RosterInput = {
  readonly accounts: readonly DynamicsAccount[];
  /** As far as they were looked up: those of users whose Entra object id Dynamics does not have. */
  readonly teams: readonly TeamsAccount[];
  readonly decisions: Decisions;
  /** Members of the teams and queues of the scope; not looked at while the scope is everybody. */
  readonly members: ReadonlySet<SystemUserId>;
};

/**
 * Who takes part. Pure. A rep must be matched; then an opt-out keeps her away, an opt-in lets her take part
 * whatever the scope, and without either the scope decides.
 */
export function rosterOf({ accounts, teams, decisions, members }: RosterInput): Roster {
  const matches: Match[] = [];
  const excluded: Excluded[] = [];
  for (const [user, verdict] of matchAccounts(accounts, teams, decisions.pins)) {
    if (verdict.kind === "left out") {
      excluded.push({ user, why: verdict.why, detail: verdict.candidates.join(" ") });
      continue;
    }
    const refusal = refusalOf(user, decisions, members);
    if (refusal === null) matches.push(verdict.match);
    else excluded.push({ user, ...refusal });
  }
  return { matches, excluded };
}

function refusalOf(
  user: SystemUserId,
  { choices, scope }: Decisions,
  members: ReadonlySet<SystemUserId>,
): Pick<Excluded, "why" | "detail"> | null {
  const choice = choices.get(user);
  if (choice?.sync === "out") return { why: "opted out", detail: choice.reason };
  const isEverybody = scope.teams.length + scope.queues.length === 0 && !scope.listedOnly;
  if (choice?.sync === "in" || isEverybody || members.has(user)) return null;
  return { why: "out of scope", detail: "" };
}

/** How many for each reason, for a log: no ids and no words. */
export function countsOf(
  excluded: readonly Excluded[],
): Readonly<Partial<{ [E in Exclusion]: number }>> {
  const counts: Partial<{ [E in Exclusion]: number }> = {};
  for (const { why } of excluded) counts[why] = (counts[why] ?? 0) + 1;
  return counts;
}

/** Whose Teams account nobody knows yet, so that it has to be looked up by address. */
export function addressesToLookUp(
  accounts: readonly DynamicsAccount[],
  { pins }: Decisions,
): readonly string[] {
  const unknown = accounts.filter(
    ({ user, standing, teamsUser }) =>
      standing === "person" && teamsUser === null && !pins.has(user),
  );
  const addresses = unknown.flatMap(({ principalName, mail }) => [principalName, mail]);
  return [
    ...new Set(addresses.filter((address) => address !== null && address !== "")),
  ] as string[];
}
