import { z } from "zod";
import type { Config } from "../config.ts";
import { SystemError } from "../connectors/connector.ts";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../connectors/dynamics/dynamics.ts";
import { type AccountFinder, createAccountFinder } from "../connectors/teams/accounts.ts";
import { createGraph } from "../connectors/teams/graph.ts";
import { createSealing } from "../connectors/teams/sealing.ts";
import { SHARD_KIND, storedShard } from "../connectors/teams/shard.ts";
import { SUBSCRIBER_KIND } from "../connectors/teams/subscriber.ts";
import { createVault } from "../connectors/teams/vault.ts";
import { createCensus, type Census } from "../directory/census.ts";
import { type Decisions, decisionsOf } from "../directory/decision.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineError } from "../engine/engine-error.ts";
import { DEFAULT_MAPPINGS } from "../presence/mapping.ts";
import { credentialOf } from "../sign-in.ts";
import { openStore } from "../store.ts";
import { openDecisionBook } from "../directory/decisions.ts";
import type { Host } from "./command.ts";

/** Both systems, to find out who is whom. */
export type Tenant = {
  readonly dynamics: DynamicsConnector;
  readonly accounts: AccountFinder;
  /** `tolerant`: without the right to look people up, only those whom Dynamics names by object id are matched. */
  censusWith(decisions: () => Promise<Decisions>, options?: { readonly tolerant: boolean }): Census;
  close(): Promise<void>;
};

export function openTenant(config: Config, { nowMs }: Host): Tenant {
  const credential = credentialOf(config, nowMs);
  const { dataverseUrl, graphUrl } = config;
  const mapping = DEFAULT_MAPPINGS.dynamics;
  const dynamics = createDynamicsConnector({ dataverseUrl, credential, mapping, nowMs });
  const accounts = createAccountFinder(createGraph({ graphUrl, credential, nowMs }), nowMs);
  return {
    dynamics,
    accounts,
    censusWith: (decisions, options) =>
      createCensus({
        accounts: (signal) => dynamics.discover(signal),
        members: (scope, signal) => dynamics.members(scope, signal),
        teamsAccounts: (addresses, signal) =>
          accounts.find(addresses, signal).catch((error: unknown) => {
            if (options?.tolerant && error instanceof SystemError) return [];
            throw error;
          }),
        decisions,
        nowMs,
      }),
    close: () => dynamics.close(),
  };
}

/** What of the store a command may know without touching it: nothing, if the service has not made one yet. */
async function readStore<Value>(
  { database }: Config,
  read: (engine: Engine) => Promise<Value>,
  nothing: Value,
): Promise<Value> {
  try {
    const engine = await openStore(database, { readOnly: true });
    try {
      return await read(engine);
    } finally {
      await engine.close();
    }
  } catch (error) {
    const isMissing = error instanceof EngineError && error.code === "engine-missing";
    if (isMissing) return nothing;
    throw error;
  }
}

/** A pause in a store of its own would stop nothing. Rejects with `engine-missing` where no service has made one. */
export async function requireStore({ database }: Config): Promise<void> {
  const engine = await openStore(database, { readOnly: true });
  await engine.close();
}

/** What was decided so far. */
export function readDecisions(config: Config, { nowMs }: Host): Promise<Decisions> {
  const read = (engine: Engine): Promise<Decisions> => openDecisionBook(engine, nowMs).read();
  return readStore(config, read, decisionsOf([], nowMs()));
}

/** The accounts through which Teams announces changes, as far as the service has stored it. */
export type SubscriberAccounts = {
  readonly connected: number;
  /** Of those, whose sign-in the keys at hand open. */
  readonly readable: number;
  /** Of those, who hold a subscription that has not run out: Entra and Graph took their sign-in within the hour. */
  readonly live: number;
};

/** Reads them, and asks nobody: a sign-in that is used is stored anew, and that is for the service alone. */
export function readSubscribers(config: Config, { nowMs }: Host): Promise<SubscriberAccounts> {
  const [key, ...others] = config.cacheKeys;
  const read = async (engine: Engine): Promise<SubscriberAccounts> => {
    const connected = (await engine.kept(SUBSCRIBER_KIND)).length;
    if (key === undefined) return { connected, readable: 0, live: 0 };
    const vault = createVault(engine, createSealing([key, ...others]));
    const { unreadable } = await vault.all(SUBSCRIBER_KIND, z.unknown());
    const { entries } = await vault.all(SHARD_KIND, storedShard);
    const live = entries.filter(({ value }) => (value.held?.expiresAtMs ?? 0) > nowMs());
    return { connected, readable: connected - unreadable.length, live: live.length };
  };
  return readStore(config, read, { connected: 0, readable: 0, live: 0 });
}
