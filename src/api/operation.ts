import { z } from "zod";
import type { Answer, InboundRequest } from "../http/route.ts";
import type { Integration, Permission } from "./integrations/integration.ts";

/** What a refusal of the operation may be, besides those of every operation. */
type Refusals = readonly (404 | 409 | 422)[];

/**
 * One operation, as data: the route is mounted from it, its input is checked by it, and the OpenAPI document is
 * generated from it. So what is described is what runs.
 */
export type Operation = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `/api/v1`, with `:name` segments. */
  readonly path: string;
  readonly summary: string;
  readonly says: string;
  readonly needs: Permission;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType | null;
  /** What stands in the document in place of `body`, where the body is read in parts. */
  readonly documented?: z.ZodType;
  readonly maxBytes: number;
  readonly success: {
    readonly status: 200 | 201 | 202 | 204;
    readonly says: string;
    readonly schema: z.ZodType | null;
    readonly stream?: true;
  };
  readonly refusals: Refusals;
  /** The answer to an Idempotency-Key is kept, because a second run would do it twice. */
  readonly remembered?: true;
};

/** Who asks, and what makes the request one of a kind. */
export type Call = {
  readonly integration: Integration;
  /** The id under which what it says is accepted: the same id again does nothing again. */
  readonly eventId: string;
  readonly request: InboundRequest;
  /** False as soon as the caller may not ask this any more. */
  readonly stands: () => boolean;
};

type Inputs<O extends Operation> = {
  readonly params: z.output<O["params"]>;
  readonly query: z.output<O["query"]>;
  readonly body: O["body"] extends z.ZodType ? z.output<O["body"]> : null;
};

/** What an operation does with input that its schemas have passed. */
export type Handler<O extends Operation> = (input: Inputs<O>, call: Call) => Promise<Answer>;

export const NOTHING = z.object({});
