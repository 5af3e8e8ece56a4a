import { type Board, createBoard } from "./availability/board.ts";
import { SystemError } from "./connectors/connector.ts";
import type { DynamicsConnector } from "./connectors/dynamics/dynamics.ts";

/** Gives the availability of queues what the service has. */
export function createServiceBoard(parts: {
  readonly dynamics: DynamicsConnector;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}): Board {
  const { dynamics, nowMs, signal } = parts;
  return createBoard({
    source: dynamics.availability,
    nowMs,
    signal,
    codeOf: (error) => (error instanceof SystemError ? error.code : null),
  });
}
