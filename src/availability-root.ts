import { createBoard, type Board } from "./availability/board.ts";
import { availabilityRoutes } from "./availability/routes.ts";
import { createBearerGate } from "./connectors/bearer.ts";
import { SystemError } from "./connectors/connector.ts";
import type { DynamicsConnector } from "./connectors/dynamics/dynamics.ts";
import type { EntraTokenVerifier } from "./connectors/entra-token.ts";
import type { Route } from "./http/route.ts";

const RETRY_MS = 5_000;

export type AvailabilityParts = {
  readonly tokens: EntraTokenVerifier;
  readonly dynamics: DynamicsConnector;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  readonly onSystemError: (error: SystemError) => void;
};

/** Gives the availability of queues what the service has. */
export function createServiceAvailability(parts: AvailabilityParts): {
  readonly board: Board;
  readonly routes: readonly Route[];
} {
  const { dynamics, nowMs, signal, onSystemError } = parts;
  const board = createBoard({
    source: dynamics.availability,
    nowMs,
    signal,
    codeOf: (error) => (error instanceof SystemError ? error.code : null),
  });
  const routes = availabilityRoutes({
    board,
    authenticate: createBearerGate({ verifier: parts.tokens, role: "Presence.Read" }),
    unavailable: (error) => {
      if (!(error instanceof SystemError)) return null;
      onSystemError(error);
      return { retryAfterSeconds: Math.ceil((error.retryAfterMs ?? RETRY_MS) / 1_000) };
    },
    nowMs,
  });
  return { board, routes };
}
