import {
  repIdOf,
  type RepIdentity,
  type SystemUserId,
  type TeamsUserId,
} from "../presence/identity.ts";
import type { DynamicsAccount, TeamsAccount } from "./account.ts";

/** How a Dynamics user was found to be a Teams user, most trusted first. */
type Means = "import" | "Entra object id" | "principal name" | "mail";

export type Match = { readonly identity: RepIdentity; readonly by: Means };

/** What became of one account: matched, or why not. */
export type Verdict =
  | { readonly kind: "matched"; readonly match: Match }
  | {
      readonly kind: "left out";
      readonly why: MatchExclusion;
      readonly candidates: readonly TeamsUserId[];
    };

export type MatchExclusion =
  | Exclude<DynamicsAccount["standing"], "person">
  | "no Teams account"
  | "several Teams accounts"
  | "shared Entra object id";

/** Pairs that an administrator has imported: they go before whatever the systems say. */
export type Pins = ReadonlyMap<SystemUserId, TeamsUserId>;

/**
 * Says for each Dynamics user which Teams user she is. Pure.
 *
 * 1. An application, a disabled user and one that people cannot sign in as is no rep, even if imported.
 * 2. An imported pair, else the Entra object id that Dynamics has, else the one Teams account with her principal
 *    name, else the one with her mail address. Several with the same address: ambiguous, and nobody guesses.
 * 3. Two users who come out as one Teams account: neither is taken, because nobody knows whose it is (P14).
 */
export function matchAccounts(
  accounts: readonly DynamicsAccount[],
  teams: readonly TeamsAccount[],
  pins: Pins,
): ReadonlyMap<SystemUserId, Verdict> {
  const byName = groupedBy(teams, ({ principalName }) => principalName);
  const byMail = groupedBy(teams, ({ mail }) => mail);
  const verdicts = new Map<SystemUserId, Verdict>();
  for (const account of accounts) {
    verdicts.set(account.user, verdictOn(account, byName, byMail, pins));
  }
  return withoutShared(verdicts);
}

type ByAddress = ReadonlyMap<string, readonly TeamsUserId[]>;

function verdictOn(
  account: DynamicsAccount,
  byName: ByAddress,
  byMail: ByAddress,
  pins: Pins,
): Verdict {
  const { user, standing, teamsUser, principalName, mail } = account;
  if (standing !== "person") return leftOut(standing, []);
  const matched = (teamsUserId: TeamsUserId, by: Means): Verdict => ({
    kind: "matched",
    match: { identity: { rep: repIdOf(user), teamsUserId, systemUserId: user }, by },
  });
  const pinned = pins.get(user);
  if (pinned !== undefined) return matched(pinned, "import");
  if (teamsUser !== null) return matched(teamsUser, "Entra object id");
  const ways = [
    ["principal name", byName.get(principalName ?? "")],
    ["mail", byMail.get(mail ?? "")],
  ] as const;
  for (const [by, candidates = []] of ways) {
    const [only, ...others] = candidates;
    if (others.length > 0) return leftOut("several Teams accounts", candidates);
    if (only !== undefined) return matched(only, by);
  }
  return leftOut("no Teams account", []);
}

function withoutShared(verdicts: Map<SystemUserId, Verdict>): Map<SystemUserId, Verdict> {
  const known = new Set<TeamsUserId>();
  const shared = new Set<TeamsUserId>();
  for (const verdict of verdicts.values()) {
    if (verdict.kind !== "matched") continue;
    const { teamsUserId } = verdict.match.identity;
    if (known.has(teamsUserId)) shared.add(teamsUserId);
    known.add(teamsUserId);
  }
  if (shared.size === 0) return verdicts;
  for (const [user, verdict] of verdicts) {
    if (verdict.kind !== "matched") continue;
    const { teamsUserId } = verdict.match.identity;
    if (shared.has(teamsUserId))
      verdicts.set(user, leftOut("shared Entra object id", [teamsUserId]));
  }
  return verdicts;
}

const leftOut = (why: MatchExclusion, candidates: readonly TeamsUserId[]): Verdict => ({
  kind: "left out",
  why,
  candidates,
});

function groupedBy(
  teams: readonly TeamsAccount[],
  addressOf: (account: TeamsAccount) => string | null,
): ByAddress {
  const groups = new Map<string, TeamsUserId[]>();
  for (const account of teams) {
    const address = addressOf(account)?.toLowerCase();
    if (!address) continue;
    const group = groups.get(address) ?? [];
    if (!group.includes(account.user)) group.push(account.user);
    groups.set(address, group);
  }
  return groups;
}
