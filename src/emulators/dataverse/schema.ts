import { BASE_PRESENCE_LABELS } from "./presence.ts";

export type ColumnKind =
  | "guid"
  | "string"
  | "int"
  | "bigint"
  | "bool"
  | "datetime"
  | "choice"
  | "lookup";

export type Column = {
  readonly kind: ColumnKind;
  readonly labels?: Readonly<Record<number, string>>;
  /** Entity set that a lookup points to, and the name its navigation property has on the wire. */
  readonly target?: string;
  readonly navigation?: string;
};

/** `columns` are keyed by the name a reader selects: a lookup is `_name_value`. */
export type Table = {
  readonly set: string;
  readonly logicalName: string;
  readonly key: string;
  readonly nameColumn: string;
  readonly columns: Readonly<Record<string, Column>>;
};

const guid: Column = { kind: "guid" };
const text: Column = { kind: "string" };
const int: Column = { kind: "int" };
const bool: Column = { kind: "bool" };
const date: Column = { kind: "datetime" };
const choice = (labels: Readonly<Record<number, string>>): Column => ({ kind: "choice", labels });

function lookup(name: string, target: string, navigation = name): Record<string, Column> {
  return { [`_${name}_value`]: { kind: "lookup", target, navigation } };
}

const audited: Readonly<Record<string, Column>> = {
  createdon: date,
  modifiedon: date,
  versionnumber: { kind: "bigint" },
};

const activeState: Readonly<Record<string, Column>> = {
  statecode: choice({ 0: "Active", 1: "Inactive" }),
  statuscode: choice({ 1: "Active", 2: "Inactive" }),
};

const EVENT_LABELS: Readonly<Record<number, string>> = {
  192350001: "Configuration Update",
  192350002: "New User",
  192350003: "Login",
  192350004: "Reconnect",
  192350005: "Logout",
  192350006: "Set Presence",
  192350007: "Missed Notification",
  192350008: "Rejected Notification",
  192350009: "Other",
  192350012: "Session Assigned",
  192350013: "Session Closed",
};

function table(
  set: string,
  logicalName: string,
  key: string,
  nameColumn: string,
  columns: Readonly<Record<string, Column>>,
): Table {
  return { set, logicalName, key, nameColumn, columns: { [key]: guid, ...columns, ...audited } };
}

/**
 * The tables that presence needs, with the columns and navigation names of Microsoft's "Table/entity
 * reference" pages. The capital A in `msdyn_Agentid` of the history table is theirs.
 */
export const TABLES: readonly Table[] = [
  table("organizations", "organization", "organizationid", "name", {
    name: text,
    expirechangetrackingindays: int,
  }),
  table("systemusers", "systemuser", "systemuserid", "fullname", {
    fullname: text,
    firstname: text,
    lastname: text,
    internalemailaddress: text,
    domainname: text,
    azureactivedirectoryobjectid: guid,
    applicationid: guid,
    isdisabled: bool,
    accessmode: choice({ 0: "Read-Write", 4: "Non-interactive" }),
    msdyn_capacity: int,
    ...lookup("msdyn_defaultpresenceiduser", "msdyn_presences"),
  }),
  table("msdyn_presences", "msdyn_presence", "msdyn_presenceid", "msdyn_name", {
    msdyn_name: text,
    msdyn_presencestatustext: text,
    msdyn_description: text,
    msdyn_basepresencestatus: choice(BASE_PRESENCE_LABELS),
    msdyn_canuserset: bool,
    msdyn_canservicerepresentativeset: bool,
    msdyn_cansupervisorset: bool,
    ...activeState,
  }),
  table("msdyn_agentstatuses", "msdyn_agentstatus", "msdyn_agentstatusid", "msdyn_name", {
    msdyn_name: text,
    ...lookup("msdyn_agentid", "systemusers"),
    ...lookup("msdyn_currentpresenceid", "msdyn_presences"),
    ...lookup("msdyn_nextpresenceid", "msdyn_presences"),
    msdyn_isagentloggedin: bool,
    msdyn_availableunitscapacity: int,
    msdyn_assignedconversationcount: int,
    msdyn_isblockedbysomeprofile: bool,
    msdyn_presencemodifiedby: text,
    ...lookup("msdyn_presencemodifiedbyuserid", "systemusers"),
    msdyn_presencemodifiedon: date,
    msdyn_presencemodifiedonwithmilliseconds: text,
    msdyn_capacitymodifiedon: date,
    msdyn_capacitymodifiedonwithmilliseconds: text,
    msdyn_eventname: choice(EVENT_LABELS),
    msdyn_subeventname: choice({}),
    ...lookup("createdby", "systemusers"),
    ...lookup("modifiedby", "systemusers"),
    ...lookup("ownerid", "systemusers"),
    ...lookup("owninguser", "systemusers"),
    timezoneruleversionnumber: int,
    ...activeState,
  }),
  table(
    "msdyn_agentstatushistories",
    "msdyn_agentstatushistory",
    "msdyn_agentstatushistoryid",
    "msdyn_agentstatushistoryid",
    {
      ...lookup("msdyn_agentid", "systemusers", "msdyn_Agentid"),
      ...lookup("msdyn_presenceid", "msdyn_presences"),
      msdyn_starttime: date,
      msdyn_endtime: date,
      msdyn_availablecapacity: int,
      msdyn_assignedconversationcount: int,
      msdyn_isagentloggedin: bool,
      msdyn_isblockedbysomeprofile: bool,
      msdyn_eventname: choice(EVENT_LABELS),
      ...lookup("msdyn_presencemodifiedbyuserid", "systemusers"),
    },
  ),
  table("queues", "queue", "queueid", "name", {
    name: text,
    msdyn_isomnichannelqueue: bool,
    msdyn_isdefaultqueue: bool,
    msdyn_queuetype: choice({ 192350000: "Messaging", 192350001: "Record", 192350002: "Voice" }),
    msdyn_priority: int,
    queueviewtype: choice({ 0: "Public", 1: "Private" }),
    ...activeState,
  }),
  table("queuememberships", "queuemembership", "queuemembershipid", "queuemembershipid", {
    queueid: guid,
    systemuserid: guid,
  }),
  table("asyncoperations", "asyncoperation", "asyncoperationid", "name", {
    name: text,
    operationtype: int,
    message: text,
    friendlymessage: text,
    errorcode: int,
    retrycount: int,
    completedon: date,
    correlationid: guid,
    _owningextensionid_value: guid,
    _regardingobjectid_value: guid,
    statecode: choice({ 0: "Ready", 1: "Suspended", 2: "Locked", 3: "Completed" }),
    statuscode: choice({
      0: "Waiting For Resources",
      20: "In Progress",
      30: "Succeeded",
      31: "Failed",
    }),
  }),
  table("sdkmessages", "sdkmessage", "sdkmessageid", "name", { name: text }),
  table("sdkmessagefilters", "sdkmessagefilter", "sdkmessagefilterid", "sdkmessagefilterid", {
    primaryobjecttypecode: text,
    ...lookup("sdkmessageid", "sdkmessages"),
  }),
  table("serviceendpoints", "serviceendpoint", "serviceendpointid", "name", {
    name: text,
    url: text,
    contract: choice({ 8: "Webhook" }),
    authtype: choice({ 4: "WebhookKey", 5: "HttpHeader", 6: "HttpQueryString" }),
  }),
  table(
    "sdkmessageprocessingsteps",
    "sdkmessageprocessingstep",
    "sdkmessageprocessingstepid",
    "name",
    {
      name: text,
      mode: choice({ 0: "Synchronous", 1: "Asynchronous" }),
      stage: choice({ 40: "Post-operation" }),
      rank: int,
      filteringattributes: text,
      ...lookup("eventhandler", "serviceendpoints", "eventhandler_serviceendpoint"),
      ...lookup("sdkmessageid", "sdkmessages"),
      ...lookup("sdkmessagefilterid", "sdkmessagefilters"),
    },
  ),
];

const bySet = new Map(TABLES.map((entry) => [entry.set, entry]));

export function tableOf(set: string): Table | undefined {
  return bySet.get(set);
}

/** For the emulator's own use of a table it is known to have. */
export function knownTable(set: string): Table {
  const found = bySet.get(set);
  if (!found) throw new Error(`the schema has no table ${set}`);
  return found;
}
