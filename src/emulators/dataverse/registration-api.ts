import { randomUUID } from "node:crypto";
import type { EmulatorRequest } from "../listener.ts";
import { DataverseError, doesNotExist } from "./error.ts";
import type { Message, StepMode } from "./execution-context.ts";
import {
  addressOf,
  AUTH,
  bodyOf,
  boundId,
  ENDPOINT,
  type EndpointBody,
  invalid,
  STEP,
  type StepBody,
} from "./registration-body.ts";
import { derivedGuid } from "./roster.ts";
import { knownTable } from "./schema.ts";
import type { Settings } from "./settings.ts";
import type { Row, Tables } from "./tables.ts";
import type { Webhooks } from "./webhooks.ts";

/** The messages that the engine's writes are, and two more that a step may be registered for in vain. */
const MESSAGES = ["Create", "Update", "Delete", "Retrieve"] as const;
const TOLD = ["Create", "Update"] as const satisfies readonly Message[];
const STEP_TABLES = ["msdyn_agentstatus", "msdyn_presence", "systemuser"] as const;

const HAS_DEPENDENTS = "0x8004f01f";
const DUPLICATE_KEY = "0x80040237";

export type QuickRegistration = {
  readonly url: string;
  readonly headerName?: string;
  readonly headerValue?: string;
  readonly mode: StepMode;
  readonly filteringAttributes?: readonly string[];
  readonly messages: readonly Message[];
};

/**
 * Registers webhooks the way an administrator's tool does, by rows of `serviceendpoints` and
 * `sdkmessageprocessingsteps` (Microsoft: "Register a webhook"); an enabled step on the agent status
 * is really called. The secret can be written and never read. Dataverse calls ports 80 and 443
 * alone; here any port will do unless a setting says otherwise. Steps on other tables are kept and never called, because nobody
 * writes those tables here.
 */
export class RegistrationApi {
  readonly #tables: Tables;
  readonly #webhooks: Webhooks;
  readonly #settings: Settings;
  readonly #secrets = new Map<string, string>();

  constructor(tables: Tables, webhooks: Webhooks, settings: Settings) {
    this.#tables = tables;
    this.#webhooks = webhooks;
    this.#settings = settings;
    for (const name of MESSAGES) {
      const sdkmessageid = derivedGuid(`message ${name}`);
      tables.seed(knownTable("sdkmessages"), {
        sdkmessageid,
        name,
        categoryname: "CRUD",
        isprivate: false,
      });
      for (const table of STEP_TABLES) {
        tables.seed(knownTable("sdkmessagefilters"), {
          sdkmessagefilterid: filterIdOf(name, table),
          primaryobjecttypecode: table,
          iscustomprocessingstepallowed: name !== "Retrieve",
          _sdkmessageid_value: sdkmessageid,
        });
      }
    }
  }

  /** Creates a row, under the id that the body names or under a new one; answers the id. */
  create(set: string, request: EmulatorRequest, wanted?: string): string {
    if (set === "serviceendpoints") {
      const body = bodyOf(ENDPOINT.create, request);
      const id = this.#freeId(set, wanted ?? body.serviceendpointid);
      this.#writeEndpoint(id, body);
      return id;
    }
    const body = bodyOf(STEP.create, request);
    const id = this.#freeId(set, wanted ?? body.sdkmessageprocessingstepid);
    this.#writeStep(id, body);
    return id;
  }

  /** Changes the columns given, and with them what is called. */
  update(set: string, id: string, request: EmulatorRequest): void {
    if (set === "serviceendpoints") this.#writeEndpoint(id, bodyOf(ENDPOINT.update, request));
    else this.#writeStep(id, bodyOf(STEP.update, request));
  }

  /** An endpoint that still has steps cannot be deleted: they depend on it. */
  remove(set: string, id: string): void {
    if (!this.#tables.get(set, id)) throw doesNotExist(knownTable(set).logicalName, id);
    const dependents = set === "serviceendpoints" ? this.#stepsOf(id).length : 0;
    if (dependents > 0) {
      throw new DataverseError(
        400,
        HAS_DEPENDENTS,
        `The ServiceEndpoint(${id}) component cannot be deleted because it is referenced by ` +
          `${dependents} other components.`,
      );
    }
    this.#tables.remove(set, id);
    this.#webhooks.unregister(id);
    this.#secrets.delete(id);
  }

  /** One endpoint with a step for each message, as a tool would have left them. */
  registerQuickly(registration: QuickRegistration): {
    readonly id: string;
    readonly endpointId: string;
    readonly stepIds: readonly string[];
  } {
    const { headerName, headerValue = "", mode, filteringAttributes } = registration;
    const endpointId = randomUUID();
    const escaped = headerValue.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    this.#writeEndpoint(endpointId, {
      name: "Lockstep",
      url: registration.url,
      contract: 8,
      authtype: headerName === undefined ? AUTH.webhookKey : AUTH.httpHeader,
      authvalue:
        headerName === undefined
          ? ""
          : `<settings><setting name="${headerName}" value="${escaped.replaceAll('"', "&quot;")}" /></settings>`,
    });
    const stepIds = registration.messages.map((message) => {
      const stepId = randomUUID();
      this.#writeStep(stepId, {
        name: `Lockstep: ${message} of msdyn_agentstatus`,
        mode: mode === "sync" ? 0 : 1,
        stage: 40,
        asyncautodelete: true,
        filteringattributes: filteringAttributes?.join(","),
        "eventhandler_serviceendpoint@odata.bind": `/serviceendpoints(${endpointId})`,
        "sdkmessageid@odata.bind": `/sdkmessages(${derivedGuid(`message ${message}`)})`,
        "sdkmessagefilterid@odata.bind": `/sdkmessagefilters(${filterIdOf(message, "msdyn_agentstatus")})`,
      });
      return stepId;
    });
    return { id: stepIds.at(-1) ?? endpointId, endpointId, stepIds };
  }

  /** Takes away the endpoint that this is the id of, or of a step of, with all its steps. */
  unregister(id: string): void {
    const step = this.#tables.get("sdkmessageprocessingsteps", id);
    const endpointId = step ? String(step["_eventhandler_value"]) : id;
    for (const dependent of this.#stepsOf(endpointId)) {
      this.remove("sdkmessageprocessingsteps", String(dependent["sdkmessageprocessingstepid"]));
    }
    if (this.#tables.get("serviceendpoints", endpointId)) {
      this.remove("serviceendpoints", endpointId);
    }
  }

  #writeEndpoint(id: string, body: EndpointBody): void {
    const { authvalue, serviceendpointid: _, ...columns } = body;
    const before = this.#tables.get("serviceendpoints", id);
    const secret = authvalue ?? this.#secrets.get(id) ?? "";
    const url = String(columns.url ?? before?.["url"]);
    if (this.#settings.strictPorts && new URL(url).port !== "") {
      throw invalid(`A webhook is called on port 80 or 443, which '${url}' is not.`);
    }
    addressOf({
      url,
      authtype: Number(columns.authtype ?? before?.["authtype"]),
      authvalue: secret,
    });
    this.#secrets.set(id, secret);
    this.#tables.put(knownTable("serviceendpoints"), {
      ...(before ? {} : { connectionmode: 1, messageformat: 2 }),
      ...withoutUndefined(columns),
      serviceendpointid: id,
      isauthvalueset: secret !== "",
    });
    for (const step of this.#stepsOf(id)) this.#arm(step);
  }

  #writeStep(id: string, body: StepBody): void {
    const {
      "eventhandler_serviceendpoint@odata.bind": endpoint,
      "sdkmessageid@odata.bind": message,
      "sdkmessagefilterid@odata.bind": filter,
      sdkmessageprocessingstepid: _,
      invocationsource: __,
      ...columns
    } = body;
    const before = this.#tables.get("sdkmessageprocessingsteps", id);
    const bound = {
      ...this.#bound("_eventhandler_value", "serviceendpoints", endpoint),
      ...this.#bound("_sdkmessageid_value", "sdkmessages", message),
      ...this.#bound("_sdkmessagefilterid_value", "sdkmessagefilters", filter),
    };
    const row: Row = {
      ...(before ?? FRESH_STEP),
      ...withoutUndefined(columns),
      ...bound,
      sdkmessageprocessingstepid: id,
    };
    const filterRow = this.#tables.get(
      "sdkmessagefilters",
      String(row["_sdkmessagefilterid_value"]),
    );
    if (filterRow?.["_sdkmessageid_value"] !== row["_sdkmessageid_value"]) {
      throw invalid("The message filter belongs to another message than the step.");
    }
    const enabled = row["statecode"] === 0;
    const stored = { ...row, statuscode: enabled ? 1 : 2 };
    this.#arm(this.#tables.put(knownTable("sdkmessageprocessingsteps"), stored));
  }

  /** Tells the delivery what the rows say now. */
  #arm(step: Row): void {
    const id = String(step["sdkmessageprocessingstepid"]);
    this.#webhooks.unregister(id);
    const endpointId = String(step["_eventhandler_value"]);
    const endpoint = this.#tables.get("serviceendpoints", endpointId);
    const filter = this.#tables.get("sdkmessagefilters", String(step["_sdkmessagefilterid_value"]));
    const message = this.#tables.get("sdkmessages", String(step["_sdkmessageid_value"]))?.["name"];
    const messages = TOLD.filter((name) => name === message);
    const told = filter?.["primaryobjecttypecode"] === "msdyn_agentstatus" && messages.length > 0;
    if (!endpoint || !told || step["statecode"] !== 0) return;
    const columns = String(step["filteringattributes"] ?? "");
    this.#webhooks.register({
      id,
      name: String(step["name"]),
      ...addressOf({
        url: String(endpoint["url"]),
        authtype: Number(endpoint["authtype"]),
        authvalue: this.#secrets.get(endpointId) ?? "",
      }),
      mode: step["mode"] === 0 ? "sync" : "async",
      rank: Number(step["rank"]),
      messages,
      filteringAttributes: columns === "" ? [] : columns.split(",").map((name) => name.trim()),
      keepsJobs: step["asyncautodelete"] !== true,
    });
  }

  #stepsOf(endpointId: string): Row[] {
    const steps = this.#tables.all("sdkmessageprocessingsteps");
    return steps.filter((step) => step["_eventhandler_value"] === endpointId);
  }

  #freeId(set: string, wanted: string | undefined): string {
    if (wanted !== undefined && this.#tables.get(set, wanted)) {
      throw new DataverseError(412, DUPLICATE_KEY, "Cannot insert duplicate key.");
    }
    return wanted ?? randomUUID();
  }

  #bound(column: string, set: string, reference: string | undefined): Row {
    if (reference === undefined) return {};
    const id = boundId(reference);
    if (!this.#tables.get(set, id)) throw doesNotExist(knownTable(set).logicalName, id);
    return { [column]: id };
  }
}

const FRESH_STEP: Row = {
  description: null,
  rank: 1,
  supporteddeployment: 0,
  asyncautodelete: false,
  filteringattributes: null,
  statecode: 0,
};

function filterIdOf(message: string, table: string): string {
  return derivedGuid(`message filter ${message} ${table}`);
}

function withoutUndefined(columns: Readonly<Record<string, Row[string] | undefined>>): Row {
  const given = Object.entries(columns).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(given);
}
