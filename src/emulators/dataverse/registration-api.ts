import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import { CODE, DataverseError, doesNotExist } from "./error.ts";
import type { Message } from "./execution-context.ts";
import { derivedGuid } from "./roster.ts";
import { knownTable } from "./schema.ts";
import type { Row, Tables } from "./tables.ts";
import type { WebhookRegistration, Webhooks } from "./webhooks.ts";

const MESSAGES = ["Create", "Update"] as const satisfies readonly Message[];
const AUTH = { webhookKey: 4, httpHeader: 5, httpQueryString: 6 } as const;
const WEBHOOK_CONTRACT = 8;

const endpointBody = z.object({
  name: z.string(),
  url: z.url().max(2000),
  contract: z.literal(WEBHOOK_CONTRACT),
  authtype: z.union([
    z.literal(AUTH.webhookKey),
    z.literal(AUTH.httpHeader),
    z.literal(AUTH.httpQueryString),
  ]),
  authvalue: z.string().max(2048),
});

const stepBody = z.object({
  name: z.string(),
  mode: z.union([z.literal(0), z.literal(1)]),
  stage: z.literal(40),
  rank: z.int(),
  filteringattributes: z.string().optional(),
  "eventhandler_serviceendpoint@odata.bind": z.string(),
  "sdkmessageid@odata.bind": z.string(),
  "sdkmessagefilterid@odata.bind": z.string(),
});

/**
 * Registers webhooks the way an administrator's tool does, by rows of `serviceendpoints` and
 * `sdkmessageprocessingsteps` (Microsoft: "Register a webhook"). The secret can be written and never
 * read. Unlike Dataverse, which knows only ports 80 and 443, any port will do.
 */
export class RegistrationApi {
  readonly #tables: Tables;
  readonly #webhooks: Webhooks;
  readonly #secrets = new Map<string, z.output<typeof endpointBody>>();

  constructor(tables: Tables, webhooks: Webhooks) {
    this.#tables = tables;
    this.#webhooks = webhooks;
    for (const name of MESSAGES) {
      const sdkmessageid = derivedGuid(`message ${name}`);
      tables.seed(knownTable("sdkmessages"), { sdkmessageid, name });
      tables.seed(knownTable("sdkmessagefilters"), {
        sdkmessagefilterid: derivedGuid(`message filter ${name}`),
        primaryobjecttypecode: "msdyn_agentstatus",
        _sdkmessageid_value: sdkmessageid,
      });
    }
  }

  create(set: string, request: EmulatorRequest, root: string): EmulatorResponse {
    const id = randomUUID();
    const body = parseJson(request);
    if (set === "serviceendpoints") this.#createEndpoint(id, checked(endpointBody, body));
    else this.#createStep(id, checked(stepBody, body));
    const headers = { "odata-version": "4.0", "odata-entityid": `${root}/${set}(${id})` };
    return { status: 204, headers };
  }

  remove(set: string, id: string): EmulatorResponse {
    const table = knownTable(set);
    if (!this.#tables.get(set, id)) throw doesNotExist(table.logicalName, id);
    this.#tables.remove(set, id);
    this.#webhooks.unregister(id);
    this.#secrets.delete(id);
    return { status: 204, headers: { "odata-version": "4.0" } };
  }

  #createEndpoint(id: string, endpoint: z.output<typeof endpointBody>): void {
    const { authvalue: _, ...readable } = endpoint;
    this.#secrets.set(id, endpoint);
    this.#tables.put(knownTable("serviceendpoints"), { serviceendpointid: id, ...readable });
  }

  #createStep(id: string, step: z.output<typeof stepBody>): void {
    const endpointId = boundId(step["eventhandler_serviceendpoint@odata.bind"]);
    const endpoint = this.#secrets.get(endpointId);
    if (!endpoint) throw doesNotExist("serviceendpoint", endpointId);
    const message = this.#bound("sdkmessages", step["sdkmessageid@odata.bind"]);
    const filter = this.#bound("sdkmessagefilters", step["sdkmessagefilterid@odata.bind"]);
    const columns = step.filteringattributes?.split(",").map((name) => name.trim());
    this.#webhooks.register(
      {
        ...addressOf(endpoint),
        mode: step.mode === 0 ? "sync" : "async",
        messages: MESSAGES.filter((name) => name === message["name"]),
        filteringAttributes: columns,
      },
      id,
      step.name,
    );
    this.#tables.put(knownTable("sdkmessageprocessingsteps"), {
      sdkmessageprocessingstepid: id,
      name: step.name,
      mode: step.mode,
      stage: step.stage,
      rank: step.rank,
      filteringattributes: step.filteringattributes ?? null,
      _eventhandler_value: endpointId,
      _sdkmessageid_value: String(message["sdkmessageid"]),
      _sdkmessagefilterid_value: String(filter["sdkmessagefilterid"]),
    });
  }

  #bound(set: string, reference: string): Row {
    const id = boundId(reference);
    const row = this.#tables.get(set, id);
    if (!row) throw doesNotExist(knownTable(set).logicalName, id);
    return row;
  }
}

/** Where the secret goes: a `code` in the query, or the pairs of a settings document in header or query. */
function addressOf(
  endpoint: z.output<typeof endpointBody>,
): Pick<WebhookRegistration, "url" | "headerName" | "headerValue"> {
  const { authtype, authvalue } = endpoint;
  const url = new URL(endpoint.url);
  if (authtype === AUTH.webhookKey) {
    url.searchParams.set("code", authvalue);
    return { url: url.href };
  }
  const setting = /<setting name="([^"]*)" value="([^"]*)"\s*\/>/;
  const [, name, value] = setting.exec(authvalue) ?? [];
  if (name === undefined || value === undefined) {
    throw invalid("The authvalue is not a document of settings.");
  }
  if (authtype === AUTH.httpHeader) return { url: url.href, headerName: name, headerValue: value };
  url.searchParams.set(name, value);
  return { url: url.href };
}

function boundId(reference: string): string {
  const id = /\(([0-9a-f-]{36})\)$/i.exec(reference)?.[1];
  if (id === undefined) throw invalid(`'${reference}' does not refer to a row.`);
  return id.toLowerCase();
}

function parseJson(request: EmulatorRequest): unknown {
  try {
    return JSON.parse(request.body.toString("utf8"));
  } catch {
    throw new DataverseError(400, CODE.malformedBody, "The request body is not valid JSON.");
  }
}

function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalid(z.prettifyError(parsed.error));
}

function invalid(message: string): DataverseError {
  return new DataverseError(400, CODE.invalidArgument, message);
}
