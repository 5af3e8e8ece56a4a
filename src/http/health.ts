import type { Answer, Route } from "./route.ts";

/** `waitingFor` holds names of systems or parts, such as `teams`; never an address or an error. */
export type Readiness = { readonly ready: boolean; readonly waitingFor: readonly string[] };

const NEVER_STORED = { "cache-control": "no-store" };

/**
 * `GET /livez` answers 200 for as long as the event loop turns: restarting would mend nothing that it could
 * report. `GET /readyz` answers 200 once both systems have been read, and 503 with what is awaited until then.
 */
export function healthRoutes(readiness: () => Readiness): readonly Route[] {
  const bodiless = { method: "GET", maxBytes: 0, contentTypes: [] } as const;
  return [
    {
      ...bodiless,
      path: "/livez",
      handle: async (): Promise<Answer> => ({
        status: 200,
        headers: NEVER_STORED,
        json: { live: true },
      }),
    },
    {
      ...bodiless,
      path: "/readyz",
      handle: async (): Promise<Answer> => {
        const { ready, waitingFor } = readiness();
        return {
          status: ready ? 200 : 503,
          headers: NEVER_STORED,
          json: ready ? { ready } : { ready, waitingFor },
        };
      },
    },
  ];
}
