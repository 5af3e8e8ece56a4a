import { randomUUID } from "node:crypto";
import { isBlocked, type Rep } from "./engine.ts";

export type StepMode = "sync" | "async";
export type Message = "Create" | "Update";

/** What one row change is, before it is told to anybody. */
export type RowChange = {
  readonly message: Message;
  readonly rowId: string;
  readonly rep: Rep;
  readonly atMs: number;
  readonly rowVersion: number;
  readonly correlationId: string;
};

export type Organization = {
  readonly id: string;
  readonly name: string;
  readonly businessUnitId: string;
  /** The service user that writes every agent status: never the rep. */
  readonly engineUserId: string;
};

type Pair = { readonly key: string; readonly value: unknown };
type Json = Record<string, unknown>;

const CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts";
const EMPTY_ID = "00000000-0000-0000-0000-000000000000";
const ENGINE_AGENT =
  "Microsoft.CCaaS.AssignmentEngineVNext.AssignmentEngineVNext (DataverseSvcClient:1.1.0.11)";
/** The step of the platform itself, inside which a synchronous step of ours runs. */
const OBJECT_MODEL_STEP = "b7a297bf-d810-ef11-9f8a-6045bdd4c6be";

/**
 * Builds the body of a webhook call: the DataContract JSON of a RemoteExecutionContext, member for
 * member as in the two payloads of Microsoft's "Synchronize representative presence status". One of
 * them came from a synchronous step and one from an asynchronous step, and they differ in more than
 * `Mode`: row version, formatted values, images, the offset in dates, the name of the step.
 */
export function remoteExecutionContext(
  change: RowChange,
  step: { readonly id: string; readonly name: string; readonly mode: StepMode },
  organization: Organization,
): Json {
  const sync = step.mode === "sync";
  const requestId = randomUUID();
  const operationId = sync ? requestId : randomUUID();
  const frame = { change, organization, sync, requestId, operationId };
  return {
    ...shared(frame),
    InputParameters: [target(change, sync, storedAttributes(change, organization), true)],
    OperationCreatedOn: sync ? date(change.atMs) : `/Date(${seconds(change.atMs)}+0000)/`,
    OutputParameters: change.message === "Create" ? [{ key: "id", value: change.rowId }] : [],
    OwningExtension: owningExtension(step.id, sync ? step.name : null),
    ParentContext: {
      ...shared(frame),
      InputParameters: [target(change, sync, requestedAttributes(change, sync), false)],
      OperationCreatedOn: sync ? date(change.atMs - 47) : `/Date(${seconds(change.atMs)}+0000)/`,
      OutputParameters: [],
      OwningExtension: sync
        ? owningExtension(OBJECT_MODEL_STEP, "ObjectModel Implementation")
        : owningExtension(step.id, null),
      ParentContext: null,
      PostEntityImages: [],
      Stage: 30,
    },
    PostEntityImages: sync ? [] : [primaryNameImage(change.rowId)],
    Stage: 40,
  };
}

function shared(frame: {
  readonly change: RowChange;
  readonly organization: Organization;
  readonly sync: boolean;
  readonly requestId: string;
  readonly operationId: string;
}): Json {
  const { change, organization } = frame;
  const created = change.message === "Create";
  return {
    BusinessUnitId: organization.businessUnitId,
    CorrelationId: change.correlationId,
    Depth: 1,
    InitiatingUserAgent: created ? "" : ENGINE_AGENT,
    InitiatingUserAzureActiveDirectoryObjectId: EMPTY_ID,
    InitiatingUserId: organization.engineUserId,
    IsExecutingOffline: false,
    IsInTransaction: frame.sync,
    IsOfflinePlayback: false,
    IsolationMode: 1,
    MessageName: change.message,
    Mode: frame.sync ? 0 : 1,
    OperationId: frame.operationId,
    OrganizationId: organization.id,
    OrganizationName: organization.name,
    PreEntityImages: [],
    PrimaryEntityId: change.rowId,
    PrimaryEntityName: "msdyn_agentstatus",
    RequestId: frame.requestId,
    SecondaryEntityName: "none",
    SharedVariables: [
      { key: "IsAutoTransact", value: true },
      { key: "AcceptLang", value: "" },
      ...(created ? [{ key: "DefaultsAddedFlag", value: true }] : []),
    ],
    UserAzureActiveDirectoryObjectId: EMPTY_ID,
    UserId: organization.engineUserId,
  };
}

/** What the engine sends: always presence, capacity and login together, whichever of them changed. */
function requestedAttributes({ rep, rowId, message }: RowChange, sync: boolean): Pair[] {
  const exact = sync && message === "Create";
  const on = (atMs: number): string => date(exact ? atMs : seconds(atMs));
  return [
    { key: "msdyn_agentstatusid", value: rowId },
    { key: "msdyn_availableunitscapacity", value: rep.capacityUnits - rep.usedUnits },
    { key: "msdyn_currentpresenceid", value: reference("msdyn_presence", rep.presenceId) },
    { key: "msdyn_capacitymodifiedon", value: on(rep.capacityAtMs) },
    { key: "msdyn_presencemodifiedby", value: rep.modifiedBy },
    { key: "msdyn_presencemodifiedon", value: on(rep.presenceAtMs) },
    { key: "msdyn_isblockedbysomeprofile", value: isBlocked(rep) },
    { key: "msdyn_isagentloggedin", value: rep.loggedIn },
    { key: "msdyn_agentid", value: reference("systemuser", rep.userId) },
  ];
}

/** What the platform made of it: dates cut to seconds, and the columns that it fills in itself. */
function storedAttributes(change: RowChange, organization: Organization): Pair[] {
  const { message, rep, rowId, atMs } = change;
  const user = reference("systemuser", organization.engineUserId);
  const stored: Pair[] = [
    { key: "modifiedby", value: user },
    { key: "msdyn_isagentloggedin", value: rep.loggedIn },
    { key: "msdyn_currentpresenceid", value: reference("msdyn_presence", rep.presenceId) },
    { key: "modifiedon", value: date(seconds(atMs)) },
    { key: "modifiedonbehalfby", value: null },
    { key: "msdyn_availableunitscapacity", value: rep.capacityUnits - rep.usedUnits },
    { key: "msdyn_agentstatusid", value: rowId },
    { key: "msdyn_capacitymodifiedon", value: date(seconds(rep.capacityAtMs)) },
    { key: "msdyn_presencemodifiedon", value: date(seconds(rep.presenceAtMs)) },
    { key: "msdyn_isblockedbysomeprofile", value: isBlocked(rep) },
    { key: "msdyn_presencemodifiedby", value: rep.modifiedBy },
    { key: "msdyn_agentid", value: reference("systemuser", rep.userId) },
    { key: "timezoneruleversionnumber", value: 4 },
  ];
  if (message === "Update") return stored;
  return [
    ...stored,
    { key: "owningbusinessunit", value: reference("businessunit", organization.businessUnitId) },
    { key: "statecode", value: optionSet(0) },
    { key: "statuscode", value: optionSet(1) },
    { key: "createdby", value: user },
    { key: "ownerid", value: user },
    { key: "owninguser", value: user },
    { key: "createdon", value: date(seconds(atMs)) },
  ];
}

function target(
  change: RowChange,
  sync: boolean,
  attributes: readonly Pair[],
  stored: boolean,
): Pair {
  return {
    key: "Target",
    value: {
      __type: `Entity:${CONTRACTS}`,
      Attributes: attributes,
      EntityState: null,
      FormattedValues: sync && stored ? formattedValues(attributes) : [],
      Id: change.rowId,
      KeyAttributes: [],
      LogicalName: "msdyn_agentstatus",
      RelatedEntities: [],
      RowVersion: sync ? null : String(change.rowVersion),
    },
  };
}

/** Dates, option sets, yes/no and whole numbers have a display text; text and lookups have none. */
function formattedValues(attributes: readonly Pair[]): Pair[] {
  const formatted: Pair[] = [];
  for (const { key, value } of attributes) {
    if (typeof value === "boolean") formatted.push({ key, value: value ? "Yes" : "No" });
    else if (typeof value === "number") formatted.push({ key, value: String(value) });
    else if (key === "statecode" || key === "statuscode") formatted.push({ key, value: "Active" });
    else if (typeof value === "string" && value.startsWith("/Date(")) {
      const at = new Date(Number.parseInt(value.slice("/Date(".length), 10));
      formatted.push({ key, value: `${at.toISOString().slice(0, 19)}-00:00` });
    }
  }
  return formatted;
}

function owningExtension(id: string, name: string | null): Json {
  return {
    Id: id,
    KeyAttributes: [],
    LogicalName: "sdkmessageprocessingstep",
    Name: name,
    RowVersion: null,
  };
}

function primaryNameImage(rowId: string): Pair {
  return {
    key: "AsynchronousStepPrimaryName",
    value: {
      Attributes: [{ key: "msdyn_agentstatusid", value: rowId }],
      EntityState: null,
      FormattedValues: [],
      Id: rowId,
      KeyAttributes: [],
      LogicalName: "msdyn_agentstatus",
      RelatedEntities: [],
      RowVersion: null,
    },
  };
}

function reference(logicalName: string, id: string): Json {
  return {
    __type: `EntityReference:${CONTRACTS}`,
    Id: id,
    KeyAttributes: [],
    LogicalName: logicalName,
    Name: null,
    RowVersion: null,
  };
}

function optionSet(value: number): Json {
  return { __type: `OptionSetValue:${CONTRACTS}`, Value: value };
}

function date(atMs: number): string {
  return `/Date(${atMs})/`;
}

function seconds(atMs: number): number {
  return Math.floor(atMs / 1000) * 1000;
}
