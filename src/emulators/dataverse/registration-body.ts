import { z } from "zod";
import type { EmulatorRequest } from "../listener.ts";
import { CODE, DataverseError } from "./error.ts";

export const AUTH = { webhookKey: 4, httpHeader: 5, httpQueryString: 6 } as const;
const WEBHOOK_CONTRACT = 8;
const POST_OPERATION = 40;

const id = z.guid().transform((text) => text.toLowerCase());
const bit = z.union([z.literal(0), z.literal(1)]);

const endpointShape = {
  serviceendpointid: id.optional(),
  name: z.string().min(1).max(100),
  description: z.string().max(2000).nullish(),
  url: z.url({ protocol: /^https?$/ }).max(2000),
  contract: z.literal(WEBHOOK_CONTRACT),
  authtype: z.union([
    z.literal(AUTH.webhookKey),
    z.literal(AUTH.httpHeader),
    z.literal(AUTH.httpQueryString),
  ]),
  authvalue: z.string().max(2048),
  connectionmode: z.union([z.literal(1), z.literal(2)]).optional(),
  messageformat: z.union([z.literal(1), z.literal(2), z.literal(3)]).optional(),
} as const;

const stepShape = {
  sdkmessageprocessingstepid: id.optional(),
  name: z.string().min(1).max(256),
  description: z.string().max(256).nullish(),
  mode: bit,
  stage: z.literal(POST_OPERATION),
  rank: z.int().min(1).optional(),
  supporteddeployment: z.union([z.literal(0), z.literal(1), z.literal(2)]).optional(),
  asyncautodelete: z.boolean().optional(),
  filteringattributes: z.string().nullish(),
  invocationsource: z.int().optional(),
  statecode: bit.optional(),
  statuscode: z.union([z.literal(1), z.literal(2)]).optional(),
  "eventhandler_serviceendpoint@odata.bind": z.string(),
  "sdkmessageid@odata.bind": z.string(),
  "sdkmessagefilterid@odata.bind": z.string(),
} as const;

export const ENDPOINT = {
  create: z.strictObject(endpointShape),
  update: z.strictObject(endpointShape).partial(),
} as const;
export const STEP = {
  create: z.strictObject(stepShape),
  update: z.strictObject(stepShape).partial(),
} as const;

export type EndpointBody = Partial<z.output<typeof ENDPOINT.create>>;
export type StepBody = Partial<z.output<typeof STEP.create>>;

/**
 * The body of a request, checked. A property that the table does not have is an error in the payload,
 * as for Dataverse; one with a wrong value an invalid argument.
 */
export function bodyOf<Schema extends z.ZodType>(
  schema: Schema,
  request: EmulatorRequest,
): z.output<Schema> {
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString("utf8"));
  } catch {
    throw new DataverseError(400, CODE.malformedBody, "The request body is not valid JSON.");
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const undeclared = parsed.error.issues.find(({ code }) => code === "unrecognized_keys");
  const code = undeclared ? CODE.malformedBody : CODE.invalidArgument;
  throw new DataverseError(400, code, z.prettifyError(parsed.error));
}

/** The id in a reference like "/serviceendpoints(…)". */
export function boundId(reference: string): string {
  const found = /\(([0-9a-f-]{36})\)$/i.exec(reference)?.[1];
  if (found === undefined) throw invalid(`'${reference}' does not refer to a row.`);
  return found.toLowerCase();
}

/**
 * Where the secret goes: a `code` in the query, or the pairs of a settings document in headers or
 * query. There may be several pairs, which is how two keys are good at the same time.
 */
export function addressOf(endpoint: {
  readonly url: string;
  readonly authtype: number;
  readonly authvalue: string;
}): { readonly url: string; readonly headers: Readonly<Record<string, string>> } {
  const { authtype, authvalue } = endpoint;
  const url = new URL(endpoint.url);
  if (authtype === AUTH.webhookKey) {
    if (authvalue !== "") url.searchParams.set("code", authvalue);
    return { url: url.href, headers: {} };
  }
  const pairs = [...authvalue.matchAll(/<setting name="([^"]*)" value="([^"]*)"\s*\/>/g)].map(
    ([, name = "", value = ""]) => [unescapeXml(name), unescapeXml(value)] as const,
  );
  if (pairs.length === 0) throw invalid("The authvalue is not a document of settings.");
  if (authtype === AUTH.httpHeader) return { url: url.href, headers: Object.fromEntries(pairs) };
  for (const [name, value] of pairs) url.searchParams.set(name, value);
  return { url: url.href, headers: {} };
}

export function invalid(message: string): DataverseError {
  return new DataverseError(400, CODE.invalidArgument, message);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function unescapeXml(source: string): string {
  return source.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}
