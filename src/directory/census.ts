import type { SystemUserId } from "../presence/identity.ts";
import type { DynamicsAccount, TeamsAccount } from "./account.ts";
import type { Decisions, Scope } from "./decision.ts";
import { addressesToLookUp, type Roster, rosterOf } from "./roster.ts";

/** Where a census asks. Each may throw; then there is no census. */
export type CensusSources = {
  readonly accounts: (signal: AbortSignal) => Promise<readonly DynamicsAccount[]>;
  readonly members: (scope: Scope, signal: AbortSignal) => Promise<ReadonlySet<SystemUserId>>;
  /** Accounts with these principal names or mail addresses. */
  readonly teamsAccounts: (
    addresses: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly TeamsAccount[]>;
  readonly decisions: () => Promise<Decisions>;
  readonly nowMs: () => number;
};

export type Census = { take(signal: AbortSignal): Promise<Roster> };

/** So long an address is not looked up again, found or not: the same few are asked for every minute. */
const LOOKED_UP_FOR_MS = 10 * 60_000;

type LookedUp = { readonly atMs: number; readonly accounts: readonly TeamsAccount[] };

/** Finds out who takes part, from Dynamics, Teams and what people have decided. */
export function createCensus(sources: CensusSources): Census {
  const lookedUp = new Map<string, LookedUp>();

  async function teamsAccounts(
    addresses: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly TeamsAccount[]> {
    const nowMs = sources.nowMs();
    const isKnown = (address: string): boolean =>
      nowMs - (lookedUp.get(address)?.atMs ?? Number.NEGATIVE_INFINITY) < LOOKED_UP_FOR_MS;
    const unknown = addresses.filter((address) => !isKnown(address));
    if (unknown.length > 0) {
      const found = await sources.teamsAccounts(unknown, signal);
      for (const address of unknown) {
        const accounts = found.filter(
          ({ principalName, mail }) => principalName === address || mail === address,
        );
        lookedUp.set(address, { atMs: nowMs, accounts });
      }
    }
    return addresses.flatMap((address) => lookedUp.get(address)?.accounts ?? []);
  }

  return {
    async take(signal) {
      const [accounts, decisions] = await Promise.all([
        sources.accounts(signal),
        sources.decisions(),
      ]);
      const { scope } = decisions;
      const isNarrow = scope.teams.length + scope.queues.length > 0;
      const [teams, members] = await Promise.all([
        teamsAccounts(addressesToLookUp(accounts, decisions), signal),
        isNarrow ? sources.members(scope, signal) : new Set<SystemUserId>(),
      ]);
      return rosterOf({ accounts, teams, decisions, members });
    },
  };
}
