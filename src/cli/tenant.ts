import type { Config } from "../config.ts";
import { SystemError } from "../connectors/connector.ts";
import {
  createDynamicsConnector,
  type DynamicsConnector,
} from "../connectors/dynamics/dynamics.ts";
import { type AccountFinder, createAccountFinder } from "../connectors/teams/accounts.ts";
import { createGraph } from "../connectors/teams/graph.ts";
import { createCensus, type Census } from "../directory/census.ts";
import { type Decisions, decisionsOf } from "../directory/decision.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineError } from "../engine/engine-error.ts";
import { DEFAULT_MAPPINGS } from "../policy.ts";
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

/** The kind of the records in which subscriber accounts are kept, sealed: they can be counted, not read. */
const SUBSCRIBER_RECORD = "subscriber";

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

/** What was decided so far. */
export function readDecisions(config: Config, { nowMs }: Host): Promise<Decisions> {
  const read = (engine: Engine): Promise<Decisions> => openDecisionBook(engine, nowMs).read();
  return readStore(config, read, decisionsOf([], nowMs()));
}

/** How many subscriber accounts are connected. */
export function countSubscribers(config: Config): Promise<number> {
  const read = async (engine: Engine) => (await engine.kept(SUBSCRIBER_RECORD)).length;
  return readStore(config, read, 0);
}
