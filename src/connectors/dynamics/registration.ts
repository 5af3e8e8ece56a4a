import { z } from "zod";
import { DYNAMICS } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import type { Dataverse, Row } from "./dataverse.ts";
import { type Doing, isRejected } from "./dataverse-error.ts";
import {
  type Change,
  columnsOf,
  endpointNameOf,
  endpointsAt,
  POST_OPERATION,
  type RegisteredEndpoint,
  type RegisteredStep,
  STEP_MESSAGES,
  type StepMessage,
  stepNameOf,
  type Wanted,
} from "./registration-plan.ts";
import { WEBHOOK_KEY_HEADER } from "./webhook.ts";

/** Ids that a step is made of: the message, and the message as it happens to msdyn_agentstatus. */
type MessageIds = { readonly message: string; readonly filter: string };

export type Registrar = {
  /** Every webhook of the organization, whoever registered it. */
  read(signal: AbortSignal): Promise<readonly RegisteredEndpoint[]>;
  /** Carries a plan out, in its order. What is done when one fails stays done: plan again. */
  apply(changes: readonly Change[], wanted: Wanted, signal: AbortSignal): Promise<void>;
};

const TABLE = "msdyn_agentstatus";
const REGISTER: Doing = { kind: "register" };
/** Table serviceendpoint: contract Webhook, authentication HttpHeader, connection Normal, format JSON. */
const WEBHOOK = 8;
const HTTP_HEADER = 5;
const NORMAL = 1;
const JSON_FORMAT = 2;
/** Table sdkmessageprocessingstep, column mode. */
const MODES = { sync: 0, async: 1 } as const;

const endpointRow = z.object({
  serviceendpointid: z.string(),
  name: z.string().nullish(),
  url: z.string().nullish(),
  contract: z.coerce.number(),
  authtype: z.coerce.number().nullish(),
});
const stepRow = z.object({
  sdkmessageprocessingstepid: z.string(),
  name: z.string().nullish(),
  mode: z.coerce.number(),
  stage: z.coerce.number(),
  statecode: z.coerce.number().nullish(),
  filteringattributes: z.string().nullish(),
  _eventhandler_value: z.string().nullish(),
  _sdkmessageid_value: z.string().nullish(),
  _sdkmessagefilterid_value: z.string().nullish(),
});
const messageRow = z.object({ sdkmessageid: z.string(), name: z.string() });
const filterRow = z.object({ sdkmessagefilterid: z.string(), _sdkmessageid_value: z.string() });

/**
 * Registers the webhook as Dataverse's own tools do, by rows of serviceendpoints and sdkmessageprocessingsteps.
 * Microsoft: "Register a webhook", "ServiceEndpoint" and "SdkMessageProcessingStep" table reference.
 */
export function createRegistrar(dataverse: Dataverse): Registrar {
  const rows = async <Schema extends z.ZodType>(
    schema: Schema,
    query: string,
    table: string,
    signal: AbortSignal,
  ): Promise<z.output<Schema>[]> =>
    (await dataverse.rows(query, table, signal)).flatMap((row) => schema.safeParse(row).data ?? []);

  async function messageIds(
    signal: AbortSignal,
  ): Promise<Readonly<Record<StepMessage, MessageIds>>> {
    const names = STEP_MESSAGES.map((name) => `name%20eq%20%27${name}%27`).join("%20or%20");
    const [messages, filters] = await Promise.all([
      rows(
        messageRow,
        `sdkmessages?$select=sdkmessageid,name&$filter=${names}`,
        "sdkmessage",
        signal,
      ),
      rows(
        filterRow,
        `sdkmessagefilters?$select=sdkmessagefilterid,_sdkmessageid_value&$filter=primaryobjecttypecode%20eq%20%27${TABLE}%27`,
        "sdkmessagefilter",
        signal,
      ),
    ]);
    const idsOf = (name: StepMessage): MessageIds => {
      const message = messages.find((one) => one.name === name)?.sdkmessageid.toLowerCase();
      const filter = filters.find((one) => one._sdkmessageid_value.toLowerCase() === message);
      if (message === undefined || filter === undefined) throw noSuchTable();
      return { message, filter: filter.sdkmessagefilterid.toLowerCase() };
    };
    return { Create: idsOf("Create"), Update: idsOf("Update") };
  }

  async function read(signal: AbortSignal): Promise<readonly RegisteredEndpoint[]> {
    const [ids, endpoints, steps] = await Promise.all([
      messageIds(signal),
      rows(
        endpointRow,
        "serviceendpoints?$select=serviceendpointid,name,url,contract,authtype",
        "serviceendpoint",
        signal,
      ),
      readSteps(signal),
    ]);
    return endpoints
      .filter(({ contract }) => contract === WEBHOOK)
      .map((endpoint) => ({
        id: endpoint.serviceendpointid.toLowerCase(),
        name: endpoint.name ?? "",
        url: endpoint.url ?? "",
        sendsHeader: endpoint.authtype === HTTP_HEADER,
        steps: steps
          .filter((step) => sameId(step._eventhandler_value, endpoint.serviceendpointid))
          .map((step) => stepOf(step, ids)),
      }));
  }

  async function readSteps(signal: AbortSignal): Promise<readonly z.output<typeof stepRow>[]> {
    const columns =
      "sdkmessageprocessingstepid,name,mode,stage,filteringattributes,_eventhandler_value,_sdkmessageid_value,_sdkmessagefilterid_value";
    const from = `sdkmessageprocessingsteps?$select=${columns}`;
    try {
      return await rows(stepRow, `${from},statecode`, "sdkmessageprocessingstep", signal);
    } catch (error) {
      if (!isRejected(error)) throw error;
      return rows(stepRow, from, "sdkmessageprocessingstep", signal);
    }
  }

  async function apply(
    changes: readonly Change[],
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<void> {
    let endpoint = endpointsAt(wanted.url, await read(signal))[0]?.id ?? null;
    const ids = await messageIds(signal);
    for (const change of changes) {
      switch (change.kind) {
        case "create endpoint":
          endpoint = await dataverse.create(
            "serviceendpoints",
            endpointBody(wanted),
            REGISTER,
            signal,
          );
          break;
        case "update endpoint":
          await dataverse.update(
            `serviceendpoints(${change.id})`,
            endpointBody(wanted),
            REGISTER,
            signal,
          );
          break;
        case "delete endpoint":
          await dataverse.remove(`serviceendpoints(${change.id})`, REGISTER, signal);
          break;
        case "create step": {
          const body = newStepBody(change.message, wanted, endpoint ?? "", ids[change.message]);
          await dataverse.create("sdkmessageprocessingsteps", body, REGISTER, signal);
          break;
        }
        case "update step": {
          const body = changedStepBody(change.message, wanted);
          await dataverse.update(`sdkmessageprocessingsteps(${change.id})`, body, REGISTER, signal);
          break;
        }
        case "delete step":
          await dataverse.remove(`sdkmessageprocessingsteps(${change.id})`, REGISTER, signal);
          break;
      }
    }
  }

  return { read, apply };
}

function stepOf(
  step: z.output<typeof stepRow>,
  ids: Readonly<Record<StepMessage, MessageIds>>,
): RegisteredStep {
  const message = STEP_MESSAGES.find(
    (name) =>
      sameId(step._sdkmessageid_value, ids[name].message) &&
      sameId(step._sdkmessagefilterid_value, ids[name].filter),
  );
  const columns = (step.filteringattributes ?? "").split(",").map((column) => column.trim());
  return {
    id: step.sdkmessageprocessingstepid.toLowerCase(),
    name: step.name ?? "",
    message: message ?? null,
    mode: step.mode === MODES.sync ? "sync" : "async",
    stage: step.stage,
    enabled: (step.statecode ?? 0) === 0,
    columns: columns.filter((column) => column !== "").toSorted(),
  };
}

function endpointBody({ url, key }: Wanted): Row {
  const setting = `<setting name="${WEBHOOK_KEY_HEADER}" value="${escapeXml(key)}" />`;
  return {
    name: endpointNameOf(key),
    url,
    contract: WEBHOOK,
    authtype: HTTP_HEADER,
    authvalue: `<settings>${setting}</settings>`,
    connectionmode: NORMAL,
    messageformat: JSON_FORMAT,
  };
}

function stepBody(message: StepMessage, { mode }: Wanted): Row {
  const columns = columnsOf(message);
  return {
    name: stepNameOf(message),
    mode: MODES[mode],
    stage: POST_OPERATION,
    rank: 1,
    // Jobs that went well would otherwise pile up, one for each change of each rep.
    asyncautodelete: mode === "async",
    ...(columns.length > 0 ? { filteringattributes: columns.join(",") } : {}),
  };
}

/** Enables it as well. */
function changedStepBody(message: StepMessage, wanted: Wanted): Row {
  return { filteringattributes: null, ...stepBody(message, wanted), statecode: 0, statuscode: 1 };
}

function newStepBody(message: StepMessage, wanted: Wanted, endpoint: string, ids: MessageIds): Row {
  return {
    ...stepBody(message, wanted),
    supporteddeployment: 0,
    "eventhandler_serviceendpoint@odata.bind": `/serviceendpoints(${endpoint})`,
    "sdkmessageid@odata.bind": `/sdkmessages(${ids.message})`,
    "sdkmessagefilterid@odata.bind": `/sdkmessagefilters(${ids.filter})`,
  };
}

const XML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};
const escapeXml = (text: string): string => text.replaceAll(/[&<>"']/g, (c) => XML[c] ?? c);

const sameId = (a: string | null | undefined, b: string): boolean =>
  a?.toLowerCase() === b.toLowerCase();

function noSuchTable(): SystemError {
  return new SystemError({
    system: DYNAMICS,
    code: "dataverse-table-missing",
    retry: "rejected",
    nextStep: `Check DATAVERSE_URL: the organization there has no table ${TABLE}, so Contact Center is not installed.`,
    surelyNotApplied: true,
  });
}
