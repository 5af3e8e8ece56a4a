import { z } from "zod";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Table } from "./column.ts";
import { CODE, DataverseError } from "./error.ts";
import { bodyOf } from "./registration-body.ts";
import { derivedGuid } from "./roster.ts";
import { TABLES, tableNamed } from "./schema.ts";
import { type Settings, tracksChanges } from "./settings.ts";

type Json = Record<string, unknown>;

const HEADERS = { "odata-version": "4.0" } as const;
const ATTRIBUTE_TYPES: Readonly<Record<string, string>> = {
  guid: "Uniqueidentifier",
  string: "String",
  int: "Integer",
  bigint: "BigInt",
  bool: "Boolean",
  datetime: "DateTime",
  choice: "Picklist",
  choices: "Virtual",
  lookup: "Lookup",
};

/**
 * `EntityDefinitions`, `EntityDefinitions(LogicalName='…')` and its `/Attributes` (Microsoft: "Query
 * table definitions using the Web API"), with the properties that say what can be done with a table.
 */
export function readDefinitions(
  argument: string | undefined,
  below: string | undefined,
  request: EmulatorRequest,
  root: string,
  settings: Settings,
): EmulatorResponse {
  const search = request.url.searchParams;
  if (argument === undefined) {
    const wanted = /^LogicalName eq '(\w+)'$/.exec(search.get("$filter") ?? "")?.[1];
    const tables = wanted === undefined ? TABLES : TABLES.filter((it) => it.logicalName === wanted);
    return answer({
      "@odata.context": `${root}/$metadata#EntityDefinitions`,
      value: tables.map((table) => selected(definitionOf(table, settings), search)),
    });
  }
  const name = /^LogicalName='(\w+)'$/.exec(argument)?.[1];
  const table = name === undefined ? undefined : tableNamed(name);
  if (!table) {
    throw new DataverseError(
      404,
      CODE.notFound,
      `Could not find an entity definition with ${argument}.`,
    );
  }
  const attributes = Object.entries(table.columns).map(([column, { kind }]) => ({
    LogicalName: column.replace(/^_(.+)_value$/, "$1"),
    AttributeType: ATTRIBUTE_TYPES[kind],
    MetadataId: derivedGuid(`attribute ${table.logicalName} ${column}`),
  }));
  if (below === "Attributes") {
    return answer({
      "@odata.context": `${root}/$metadata#EntityDefinitions('${table.logicalName}')/Attributes`,
      value: attributes.map((attribute) => selected(attribute, search)),
    });
  }
  if (below !== undefined) {
    throw new DataverseError(404, CODE.unknownResource, `Resource not found: '${below}'.`);
  }
  return answer({
    "@odata.context": `${root}/$metadata#EntityDefinitions/$entity`,
    ...selected(definitionOf(table, settings), search),
    ...(search.get("$expand")?.startsWith("Attributes") ? { Attributes: attributes } : {}),
  });
}

/**
 * `PUT EntityDefinitions(…)`: turns change tracking on or off. Microsoft asks for the whole definition
 * and for publishing it afterwards; here the one property is enough, and it holds at once.
 */
export function writeDefinition(
  argument: string,
  request: EmulatorRequest,
  settings: Settings,
): EmulatorResponse {
  if (argument !== "LogicalName='msdyn_agentstatus'") {
    throw new DataverseError(400, CODE.invalidArgument, `Nothing can be changed in ${argument}.`);
  }
  const body = bodyOf(z.looseObject({ ChangeTrackingEnabled: z.boolean() }), request);
  if (body.ChangeTrackingEnabled && !settings.changeTrackingPossible) {
    throw new DataverseError(
      400,
      CODE.invalidArgument,
      "Change tracking cannot be enabled for the entity msdyn_agentstatus.",
    );
  }
  settings.changeTracking = body.ChangeTrackingEnabled;
  return { status: 204, headers: HEADERS };
}

function definitionOf(table: Table, settings: Settings): Json {
  return {
    LogicalName: table.logicalName,
    SchemaName: table.logicalName,
    EntitySetName: table.set,
    PrimaryIdAttribute: table.key,
    PrimaryNameAttribute: table.nameColumn,
    OwnershipType: table.owned === "user" ? "UserOwned" : "OrganizationOwned",
    ChangeTrackingEnabled: tracksChanges(table.logicalName, settings),
    CanChangeTrackingBeEnabled: {
      Value: settings.changeTrackingPossible,
      CanBeChanged: settings.changeTrackingPossible,
      ManagedPropertyLogicalName: "canchangetrackingbeenabled",
    },
    MetadataId: derivedGuid(`entity ${table.logicalName}`),
  };
}

/** Metadata answers the properties selected, and always the id. */
function selected(definition: Json, search: URLSearchParams): Json {
  const select = search.get("$select");
  if (select === null) return definition;
  const shown: Json = {};
  for (const name of select.split(",").map((part) => part.trim())) {
    if (!(name in definition)) {
      throw new DataverseError(
        400,
        CODE.badQuery,
        `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.EntityMetadata'.`,
      );
    }
    shown[name] = definition[name];
  }
  return { ...shown, MetadataId: definition["MetadataId"] };
}

function answer(json: Json): EmulatorResponse {
  return { status: 200, headers: HEADERS, json };
}
