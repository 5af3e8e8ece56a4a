import type { Column, Table } from "./schema.ts";
import { tableOf } from "./schema.ts";
import type { Expansion } from "./query.ts";
import type { Follow } from "./filter.ts";
import type { Row, Value } from "./tables.ts";

type Json = Record<string, unknown>;

export function etagOf(row: Row): string {
  return `W/"${String(row["versionnumber"])}"`;
}

/** A row as the Web API shows it: its ETag, the columns asked for, expanded lookups, annotations when preferred. */
export function present(
  row: Row,
  shape: {
    readonly table: Table;
    readonly columns: readonly string[];
    readonly expansions: readonly Expansion[];
    readonly annotations: boolean;
  },
  follow: Follow,
): Json {
  const shown: Json = { "@odata.etag": etagOf(row) };
  for (const name of shape.columns) {
    const value = row[name] ?? null;
    shown[name] = value;
    const column = shape.table.columns[name];
    if (shape.annotations && column && value !== null) annotate(shown, name, column, value, follow);
  }
  for (const { navigation, lookup, target, columns } of shape.expansions) {
    const id = row[lookup];
    const related = typeof id === "string" ? follow(target.set, id) : undefined;
    shown[navigation] = related
      ? present(related, { ...shape, table: target, columns, expansions: [] }, follow)
      : null;
  }
  return shown;
}

function annotate(shown: Json, name: string, column: Column, value: Value, follow: Follow): void {
  const formatted = formattedValue(column, value, follow);
  if (formatted !== undefined) {
    shown[`${name}@OData.Community.Display.V1.FormattedValue`] = formatted;
  }
  const target = column.target === undefined ? undefined : tableOf(column.target);
  if (column.kind !== "lookup" || !target) return;
  shown[`${name}@Microsoft.Dynamics.CRM.associatednavigationproperty`] = column.navigation;
  shown[`${name}@Microsoft.Dynamics.CRM.lookuplogicalname`] = target.logicalName;
}

function formattedValue(column: Column, value: Value, follow: Follow): string | undefined {
  if (column.kind === "choice") return column.labels?.[Number(value)] ?? String(value);
  if (column.kind === "bool") return value === true ? "Yes" : "No";
  if (column.kind === "int" || column.kind === "bigint")
    return Number(value).toLocaleString("en-US");
  if (column.kind === "datetime") {
    return new Date(String(value)).toLocaleString("en-US", { timeZone: "UTC" });
  }
  if (column.kind !== "lookup" || column.target === undefined) return undefined;
  const target = tableOf(column.target);
  const related = target && follow(target.set, String(value));
  const shownName = target && related?.[target.nameColumn];
  return typeof shownName === "string" ? shownName : undefined;
}
