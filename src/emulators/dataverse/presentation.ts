import type { Column, Table } from "./column.ts";
import type { Links } from "./links.ts";
import type { Expansion } from "./query.ts";
import { tableOf } from "./schema.ts";
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
  links: Links,
): Json {
  const shown: Json = { "@odata.etag": etagOf(row) };
  for (const name of shape.columns) {
    const value = row[name] ?? null;
    shown[name] = value;
    const column = shape.table.columns[name];
    if (shape.annotations && column && value !== null) annotate(shown, name, column, value, links);
  }
  for (const { navigation, via, target, columns } of shape.expansions) {
    const inner = { ...shape, table: target, columns, expansions: [] };
    if ("many" in via) {
      const related = links.gather(via.many, String(row[shape.table.key]));
      shown[navigation] = related.map((one) => present(one, inner, links));
    } else {
      const id = row[via.lookup];
      const related = typeof id === "string" ? links.follow(target.set, id) : undefined;
      shown[navigation] = related ? present(related, inner, links) : null;
    }
  }
  return shown;
}

function annotate(shown: Json, name: string, column: Column, value: Value, links: Links): void {
  const formatted = formattedValue(column, value, links);
  if (formatted !== undefined) {
    shown[`${name}@OData.Community.Display.V1.FormattedValue`] = formatted;
  }
  const target = column.target === undefined ? undefined : tableOf(column.target);
  if (column.kind !== "lookup" || !target) return;
  shown[`${name}@Microsoft.Dynamics.CRM.associatednavigationproperty`] = column.navigation;
  shown[`${name}@Microsoft.Dynamics.CRM.lookuplogicalname`] = target.logicalName;
}

function formattedValue(column: Column, value: Value, links: Links): string | undefined {
  if (column.kind === "choice") return column.labels?.[Number(value)] ?? String(value);
  if (column.kind === "choices") return String(value).replaceAll(",", "; ");
  if (column.kind === "bool") return value === true ? "Yes" : "No";
  if (column.kind === "int" || column.kind === "bigint")
    return Number(value).toLocaleString("en-US");
  if (column.kind === "datetime") {
    return new Date(String(value)).toLocaleString("en-US", { timeZone: "UTC" });
  }
  if (column.kind !== "lookup" || column.target === undefined) return undefined;
  const target = tableOf(column.target);
  const related = target && links.follow(target.set, String(value));
  const shownName = target && related?.[target.nameColumn];
  return typeof shownName === "string" ? shownName : undefined;
}
