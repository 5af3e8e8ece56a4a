export type ColumnKind =
  | "guid"
  | "string"
  | "int"
  | "bigint"
  | "bool"
  | "datetime"
  | "choice"
  | "choices"
  | "lookup";

export type Column = {
  readonly kind: ColumnKind;
  readonly labels?: Readonly<Record<number, string>>;
  /** Entity set that a lookup points to, and the name its navigation property has on the wire. */
  readonly target?: string;
  readonly navigation?: string;
};

/**
 * `columns` are keyed by the name a reader selects: a lookup is `_name_value`. `privilege` is what
 * follows the verb in the names of the table's privileges ("prvRead" and "User"); a table without it
 * is open to everybody with a role.
 */
export type Table = {
  readonly set: string;
  readonly logicalName: string;
  readonly key: string;
  readonly nameColumn: string;
  readonly columns: Readonly<Record<string, Column>>;
  readonly privilege?: string;
  /** Who owns a row; what a reader below organisation level may see depends on it. */
  readonly owned: "user" | "organization";
  /** False for a table whose rows are read through another table's `$expand` alone. */
  readonly listed: boolean;
};

export const guid: Column = { kind: "guid" };
export const text: Column = { kind: "string" };
export const int: Column = { kind: "int" };
export const bool: Column = { kind: "bool" };
export const date: Column = { kind: "datetime" };
/** Several values of one choice, stored and shown as "192360000,192360001". */
export const choices: Column = { kind: "choices" };

export function choice(labels: Readonly<Record<number, string>>): Column {
  return { kind: "choice", labels };
}

export function lookup(
  name: string,
  target: string,
  navigation = name,
): Readonly<Record<string, Column>> {
  return { [`_${name}_value`]: { kind: "lookup", target, navigation } };
}

const audited: Readonly<Record<string, Column>> = {
  createdon: date,
  modifiedon: date,
  versionnumber: { kind: "bigint" },
};

export const activeState: Readonly<Record<string, Column>> = {
  statecode: choice({ 0: "Active", 1: "Inactive" }),
  statuscode: choice({ 1: "Active", 2: "Inactive" }),
};

export function table(
  set: string,
  logicalName: string,
  key: string,
  nameColumn: string,
  columns: Readonly<Record<string, Column>>,
  traits: Partial<Pick<Table, "privilege" | "owned" | "listed">> = {},
): Table {
  return {
    set,
    logicalName,
    key,
    nameColumn,
    columns: { [key]: guid, ...columns, ...audited },
    owned: "organization",
    listed: true,
    ...traits,
  };
}
