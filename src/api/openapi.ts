import { z } from "zod";
import { DEFAULT_QUOTA } from "./integrations/integration.ts";
import type { Operation } from "./operation.ts";
import { PREFIX } from "./mount.ts";

type Json = Readonly<Record<string, unknown>>;

const schemaOf = (schema: z.ZodType, io: "input" | "output"): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12", io });
  return rest;
};

const PROBLEM = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  code: z.string().meta({ description: "Ours, and stable; docs/operations.md lists each." }),
  detail: z.string().meta({ description: "For people." }),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});

const REFUSALS: Readonly<Record<number, string>> = {
  400: "The request is not as described here; `errors` names each place.",
  401: "Not signed in.",
  403: "Not permitted.",
  404: "No such thing among those that this integration may see.",
  409: "It does not fit what is there.",
  422: "The Idempotency-Key came with another request before.",
  429: "Too many requests: wait as long as Retry-After says.",
  503: "Not stored. Send it again.",
};
const ALWAYS = [400, 401, 403, 429, 503];

const header = (name: string, description: string): Json => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" },
});

const IDEMPOTENCY_KEY = header(
  "Idempotency-Key",
  "The same request with the same key within a day is answered as it was, and does nothing again.",
);
const IF_NONE_MATCH = header("If-None-Match", "An ETag that you have: 304 if it is still right.");

function parametersOf({ params, query, method, success }: Operation): Json[] {
  const of = (schema: z.ZodObject, place: "path" | "query"): Json[] =>
    Object.entries(schema.shape).map(([name, field]) => {
      const { description, ...described } = schemaOf(field as z.ZodType, "input");
      const required = place === "path" || !(field as z.ZodType).safeParse(undefined).success;
      const says = typeof description === "string" ? { description } : {};
      return { name, in: place, required, ...says, schema: described };
    });
  const conditional = method === "GET" && !success.stream ? [IF_NONE_MATCH] : [];
  const keyed = method === "GET" ? [] : [IDEMPOTENCY_KEY];
  return [...of(params, "path"), ...of(query, "query"), ...conditional, ...keyed];
}

function answersOf({ success, refusals, method }: Operation): Json {
  const type = success.stream ? "text/event-stream" : "application/json";
  const content = success.schema
    ? { content: { [type]: { schema: schemaOf(success.schema, "output") } } }
    : {};
  const refused = [...new Set([...ALWAYS, ...refusals])].toSorted((a, b) => a - b);
  const unchanged =
    method === "GET" && !success.stream ? [["304", { description: "Nothing has changed." }]] : [];
  return Object.fromEntries([
    [String(success.status), { description: success.says, ...content }],
    ...unchanged,
    ...refused.map((status) => [
      String(status),
      { $ref: `#/components/responses/Refused${status}` },
    ]),
  ]) as Json;
}

function describe(id: string, operation: Operation): Json {
  const { summary, says, needs, body, documented } = operation;
  const role = needs === "read" ? "Presence.Read" : "Presence.Write";
  const schema = documented ?? body;
  return {
    operationId: id,
    summary,
    description: says,
    parameters: parametersOf(operation),
    ...(schema
      ? {
          requestBody: {
            required: true,
            content: { "application/json": { schema: schemaOf(schema, "input") } },
          },
        }
      : {}),
    responses: answersOf(operation),
    security: [{ entra: [role] }, { webhookId: [], webhookTimestamp: [], webhookSignature: [] }],
  };
}

/**
 * The OpenAPI 3.1 document of the operations, from the schemas that check the input, so that it cannot say anything
 * else than they do. `url` is where the service is reached; null: wherever the document came from.
 */
export function openApiOf(
  operations: Readonly<Record<string, Operation>>,
  url: string | null,
): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, operation] of Object.entries(operations)) {
    const path = operation.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(id, operation) };
  }
  const responses = Object.entries(REFUSALS).map(([status, description]) => [
    `Refused${status}`,
    {
      description,
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  ]);
  return {
    openapi: "3.1.0",
    info: {
      title: "Lockstep",
      version: "1",
      description: `Tell what a rep is doing, and follow what she is. Unless agreed otherwise ${DEFAULT_QUOTA.requestsPerMinute} requests a minute; each item of a bulk call is one.`,
    },
    servers: [{ url: `${url ?? ""}${PREFIX}` }],
    paths,
    components: {
      securitySchemes: SECURITY,
      responses: Object.fromEntries(responses) as Json,
      schemas: { Problem: schemaOf(PROBLEM, "output") },
    },
  };
}

const signed = (name: string, description: string): Json => ({
  type: "apiKey",
  in: "header",
  name,
  description,
});

const SECURITY: Json = {
  entra: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "A token for an application of our tenant, with the app role Presence.Read or Presence.Write.",
  },
  webhookId: signed(
    "webhook-id",
    "An id of yours for this request. A read needs a new one each time.",
  ),
  webhookTimestamp: signed("webhook-timestamp", "Unix seconds, within five minutes of now."),
  webhookSignature: signed(
    "webhook-signature",
    "Standard Webhooks: `v1,` and the Base64 of the HMAC-SHA256 over `id.timestamp.body`; the body of a read is empty.",
  ),
};
