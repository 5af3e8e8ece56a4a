import {
  type SystemUserId,
  systemUserId,
  type TeamsUserId,
  teamsUserId,
} from "../presence/identity.ts";
import type { DynamicsAccount, TeamsAccount } from "./account.ts";
import type { Choice, Decisions } from "./decision.ts";

/** One line of an imported file. */
export type ImportRow = {
  /** Of the file, from 1, the heading included. */
  readonly line: number;
  /** A Dynamics user: id, principal name or mail address. */
  readonly dynamics: string;
  /** A Teams user: object id, principal name or mail address; empty: matched as always. */
  readonly teams: string;
  /** Empty: the scope decides. */
  readonly sync: "in" | "out" | "";
  readonly reason: string;
};

/** What a file would change, and what cannot be imported as it is. */
export type ImportPlan = {
  readonly changes: readonly ImportChange[];
  /** Lines that are already as the file says. */
  readonly unchanged: number;
  readonly problems: readonly ImportProblem[];
};

export type ImportChange =
  | {
      readonly kind: "pin";
      readonly user: SystemUserId;
      readonly from: TeamsUserId | null;
      readonly to: TeamsUserId;
    }
  | { readonly kind: "unpin"; readonly user: SystemUserId; readonly from: TeamsUserId }
  | {
      readonly kind: "choose";
      readonly user: SystemUserId;
      readonly from: Choice["sync"] | null;
      readonly to: Choice["sync"];
      readonly reason: string;
    }
  | { readonly kind: "unchoose"; readonly user: SystemUserId; readonly from: Choice["sync"] };

/** `says` completes the sentence "line 7 …". */
type ImportProblem = { readonly line: number; readonly says: string };

export type ImportInput = {
  readonly rows: readonly ImportRow[];
  readonly accounts: readonly DynamicsAccount[];
  /** Those whose addresses the file names. */
  readonly teams: readonly TeamsAccount[];
  readonly decisions: Decisions;
  /** Take back what an earlier file said of people whom this one does not name, not even in a line that is wrong. */
  readonly replace: boolean;
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Compares a file with what is. Pure: the file is never half imported, since nothing is done here. */
export function planImport({ rows, accounts, teams, decisions, replace }: ImportInput): ImportPlan {
  const dynamicsIndex = indexOf(accounts, (one) => [one.user, one.principalName, one.mail]);
  const teamsIndex = indexOf(teams, (one) => [one.principalName, one.mail]);
  const changes: ImportChange[] = [];
  const problems: ImportProblem[] = [];
  const lineOfUser = new Map<SystemUserId, number>();
  const lineOfTeams = new Map<TeamsUserId, number>();
  const named = new Set<SystemUserId>();
  let unchanged = 0;
  for (const row of rows) {
    for (const user of meantBy(row, dynamicsIndex)) named.add(user);
    const found = resolve(row, dynamicsIndex, teamsIndex);
    if ("says" in found) {
      problems.push({ line: row.line, says: found.says });
      continue;
    }
    const { account, teamsUser } = found;
    const twice = lineOfUser.get(account.user) ?? (teamsUser && lineOfTeams.get(teamsUser));
    if (twice) {
      const what = lineOfUser.has(account.user)
        ? "the same Dynamics user"
        : "the same Teams account";
      problems.push({ line: row.line, says: `names ${what} as line ${twice}` });
      continue;
    }
    lineOfUser.set(account.user, row.line);
    if (teamsUser) lineOfTeams.set(teamsUser, row.line);
    const change = [
      ...pinChange(account, teamsUser, decisions),
      ...choiceChange(account, row, decisions),
    ];
    changes.push(...change);
    if (change.length === 0) unchanged += 1;
  }
  if (replace) changes.push(...takenBack(named, decisions));
  return { changes, unchanged, problems };
}

/** Teams addresses that a file names, to be looked up before it can be planned. */
export function addressesIn(rows: readonly ImportRow[]): readonly string[] {
  const addresses = rows.map(({ teams }) => teams.toLowerCase());
  return [...new Set(addresses.filter((address) => address !== "" && !GUID.test(address)))];
}

type Index<Value> = ReadonlyMap<string, readonly Value[]>;

function indexOf<Value>(
  values: readonly Value[],
  keysOf: (value: Value) => readonly (string | null)[],
): Index<Value> {
  const index = new Map<string, Value[]>();
  for (const value of values) {
    for (const key of new Set(keysOf(value))) {
      if (key) index.set(key, [...(index.get(key) ?? []), value]);
    }
  }
  return index;
}

/** Everybody whom a line may mean, also one that cannot be imported. */
function meantBy({ dynamics }: ImportRow, index: Index<DynamicsAccount>): readonly SystemUserId[] {
  const key = dynamics.toLowerCase();
  const accounts = index.get(key);
  if (accounts) return accounts.map(({ user }) => user);
  return GUID.test(key) ? [systemUserId(key)] : [];
}

type Resolved = { readonly account: DynamicsAccount; readonly teamsUser: TeamsUserId | null };

function resolve(
  { dynamics, teams }: ImportRow,
  dynamicsIndex: Index<DynamicsAccount>,
  teamsIndex: Index<TeamsAccount>,
): Resolved | { readonly says: string } {
  const [account, ...others] = dynamicsIndex.get(dynamics.toLowerCase()) ?? [];
  if (!account) return { says: "names no agent of Dynamics" };
  if (others.length > 0)
    return { says: `names ${others.length + 1} agents of Dynamics; give the id` };
  if (account.standing !== "person")
    return { says: `names somebody who is no rep: ${account.standing}` };
  const address = teams.toLowerCase();
  if (address === "") return { account, teamsUser: null };
  if (GUID.test(address)) return { account, teamsUser: teamsUserId(address) };
  const candidates = new Set((teamsIndex.get(address) ?? []).map(({ user }) => user));
  const [teamsUser] = candidates;
  if (teamsUser === undefined) return { says: "names no Teams account" };
  if (candidates.size > 1)
    return { says: `names ${candidates.size} Teams accounts; give the object id` };
  return { account, teamsUser };
}

/** What Dynamics knows by itself is not pinned: it would only grow old. */
function pinChange(
  { user, teamsUser: known }: DynamicsAccount,
  wanted: TeamsUserId | null,
  { pins }: Decisions,
): readonly ImportChange[] {
  const from = pins.get(user) ?? null;
  const isNeeded = wanted !== null && wanted !== known;
  if (isNeeded) return from === wanted ? [] : [{ kind: "pin", user, from, to: wanted }];
  return from === null ? [] : [{ kind: "unpin", user, from }];
}

function choiceChange(
  { user }: DynamicsAccount,
  { sync, reason }: ImportRow,
  { choices }: Decisions,
): readonly ImportChange[] {
  const known = choices.get(user);
  const from = known?.sync ?? null;
  if (sync === "") return from === null ? [] : [{ kind: "unchoose", user, from }];
  if (from === sync && known?.reason === reason) return [];
  return [{ kind: "choose", user, from, to: sync, reason }];
}

function takenBack(
  named: ReadonlySet<SystemUserId>,
  { pins, choices }: Decisions,
): readonly ImportChange[] {
  const changes: ImportChange[] = [];
  for (const [user, from] of pins) {
    if (!named.has(user)) changes.push({ kind: "unpin", user, from });
  }
  for (const [user, { sync }] of choices) {
    if (!named.has(user)) changes.push({ kind: "unchoose", user, from: sync });
  }
  return changes;
}
