import type { Answer, InboundRequest, RequestHead, Route } from "../http/route.ts";
import type { CenterQuestion } from "./answer.ts";
import type { Board } from "./board.ts";
import { viewOf } from "./view.ts";

export type AvailabilityRoutesOptions = {
  readonly board: Board;
  /** Whether the sender may ask; an answer refuses it. */
  readonly authenticate: (head: RequestHead) => Promise<Answer | null>;
  /** When the contact centre cannot be read: what to say, or `null` for a fault of ours. */
  readonly unavailable: (error: unknown) => { readonly retryAfterSeconds: number } | null;
  readonly nowMs: () => number;
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `GET /api/v1/queues` and `GET /api/v1/queues/{id}/availability`. docs/availability.md shows them in use. */
export function availabilityRoutes(options: AvailabilityRoutesOptions): readonly Route[] {
  const { board, authenticate, unavailable, nowMs } = options;
  const route = (path: string, handle: Route["handle"]): Route => ({
    method: "GET",
    path,
    maxBytes: 0,
    contentTypes: [],
    authenticate,
    handle: async (request) => {
      try {
        return await handle(request);
      } catch (error) {
        const known = unavailable(error);
        if (known === null) throw error;
        return {
          status: 503,
          headers: { "retry-after": String(known.retryAfterSeconds) },
          json: { code: "availability-unreadable" },
          reason: "availability-unreadable",
        };
      }
    },
  });
  return [
    route("/api/v1/queues", async () => {
      const queues = await board.queues();
      return ok({ queues: queues.map(({ id, name }) => ({ id, name })) });
    }),
    route("/api/v1/queues/:id/availability", async (request) => {
      const id = (request.params["id"] ?? "").toLowerCase();
      const question = questionIn(request);
      if (!GUID.test(id) || question === "malformed") return refused(400, "availability-malformed");
      const found = await board.availability(id, question ?? undefined);
      return found ? ok(viewOf(found, nowMs())) : refused(404, "availability-queue-unknown");
    }),
  ];
}

/** Figures are seconds old at best: nobody in between may make them older. */
const ok = (json: unknown): Answer => ({
  status: 200,
  headers: { "cache-control": "no-store" },
  json,
});

const refused = (status: number, code: string): Answer => ({
  status,
  json: { code },
  reason: code,
});

/** `null`: as a conversation comes in by default. */
function questionIn({ query }: InboundRequest): CenterQuestion | null | "malformed" {
  const workstreamId = query.get("workstream")?.toLowerCase();
  const conversationId = query.get("conversation")?.toLowerCase();
  if (workstreamId !== undefined && conversationId !== undefined) return "malformed";
  const id = workstreamId ?? conversationId;
  if (id === undefined) return null;
  if (!GUID.test(id)) return "malformed";
  return workstreamId === undefined ? { conversationId: id } : { workstreamId: id };
}
