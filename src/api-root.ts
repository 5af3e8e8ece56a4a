import type { Logger } from "pino";
import { type Api, createApi } from "./api/api.ts";
import { Registry } from "./api/integrations/registry.ts";
import type { Board } from "./availability/board.ts";
import type { Config } from "./config.ts";
import { SystemError } from "./connectors/connector.ts";
import type { EntraTokenVerifier } from "./connectors/entra-token.ts";
import type { Clock } from "./controller/clock.ts";
import type { Directory } from "./directory/directory.ts";
import type { Engine } from "./engine/engine.ts";
import type { Policy } from "./reconcile/policy.ts";
import { parseJson } from "./http/json.ts";
import type { Reps } from "./sync-root.ts";

/** After a failure that names no time of its own. */
const RETRY_MS = 5_000;

export type ApiParts = {
  readonly config: Config;
  readonly tokens: EntraTokenVerifier;
  readonly engine: Engine;
  readonly policy: Policy;
  readonly reps: Pick<Reps, "document" | "staying" | "submit">;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly board: Board;
  readonly onSystemError: (error: SystemError) => void;
  /** What may be logged of a fault. */
  readonly faultOf: (error: unknown) => string;
};

/** Gives the API for other applications what the service has. */
export function createServiceApi(parts: ApiParts): Api & { readonly registry: Registry } {
  const { config, tokens, engine, reps, policy, directory, clock, log, board } = parts;
  const { onSystemError, faultOf } = parts;
  const registry = new Registry(config.partners);
  const api = createApi({
    engine,
    clock,
    registry,
    policy,
    tokens,
    publicUrl: config.publicUrl,
    privateHosts: config.subscriberHosts,
    parse: (body) => parseJson(body, { strict: true }),
    identities: () => reps.staying(),
    find: (id) => directory.find(id),
    document: (rep) => reps.document(rep),
    submit: (event) => reps.submit(event),
    board,
    unreadable: (error) => {
      if (!(error instanceof SystemError)) return null;
      onSystemError(error);
      return { retryAfterSeconds: Math.ceil((error.retryAfterMs ?? RETRY_MS) / 1_000) };
    },
    onFault: (what, error) => log.error({ fault: faultOf(error) }, what),
    onDisabled: ({ id, integration }) =>
      log.warn({ subscription: id, integration }, "subscription disabled"),
  });
  return { ...api, registry };
}
