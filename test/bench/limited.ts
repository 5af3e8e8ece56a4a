import { type Connector, SystemError } from "../../src/connectors/connector.ts";
import { DEFAULT_TEAMS_LEASES, operationsOf } from "../../src/connectors/teams/operations.ts";
import type { Clock } from "../../src/controller/clock.ts";
import { TEAMS } from "../../src/presence/identity.ts";
import type { Write } from "../../src/reconcile/plan.ts";
import { DEFAULT_MAPPINGS } from "../../src/presence/mapping.ts";

/** Requests that a system takes within a sliding window; one more is answered 429. */
export type Limit = { readonly requests: number; readonly windowMs: number };

/** Graph: "Get presence for multiple users". */
export const GRAPH_LIMIT: Limit = { requests: 1_500, windowMs: 30_000 };
/** Dataverse: "Service protection API limits", for each user. */
export const DATAVERSE_LIMIT: Limit = { requests: 6_000, windowMs: 300_000 };

const IDS_PER_CALL = 650;
const ROWS_PER_PAGE = 5_000;

/** What was asked of a system, request by request. */
export type Traffic = { requests: number; written: number; throttled: number };

/**
 * A system behind its real limit. It counts what the real connector sends: a read of many reps is a request for each
 * 650 of them in Graph and for each page of 5 000 in Dataverse, and a write to Teams is as many operations as it has.
 */
export function limited(
  system: Connector,
  limit: Limit,
  clock: Clock,
): { readonly connector: Connector; readonly traffic: Traffic } {
  const traffic: Traffic = { requests: 0, written: 0, throttled: 0 };
  const leftAtMs: number[] = [];
  let oldest = 0;
  const isTeams = system.system === TEAMS;

  const admit = (requests: number): void => {
    for (let count = 0; count < requests; count += 1) {
      const nowMs = clock.nowMs();
      while ((leftAtMs[oldest] ?? nowMs) <= nowMs - limit.windowMs) oldest += 1;
      if (leftAtMs.length - oldest >= limit.requests) {
        traffic.throttled += 1;
        throw new SystemError({
          system: system.system,
          code: "throttled",
          retry: "throttled",
          nextStep: "wait",
          surelyNotApplied: count === 0,
          retryAfterMs: Math.max(1, (leftAtMs[oldest] ?? nowMs) + limit.windowMs - nowMs),
        });
      }
      leftAtMs.push(nowMs);
      traffic.requests += 1;
    }
  };

  const callsFor = (write: Write): number => {
    const options = { clientId: "storm", leases: DEFAULT_TEAMS_LEASES };
    return isTeams ? operationsOf(write, DEFAULT_MAPPINGS.teams, options).length : 1;
  };
  const repsPerCall = isTeams ? IDS_PER_CALL : ROWS_PER_PAGE;
  const connector: Connector = {
    system: system.system,
    repsPerCall,
    callsFor,
    async read(reps, signal) {
      admit(Math.ceil(reps.length / repsPerCall));
      return system.read(reps, signal);
    },
    async write(rep, write, signal) {
      admit(callsFor(write));
      traffic.written += callsFor(write);
      return system.write(rep, write, signal);
    },
  };
  return { connector, traffic };
}
