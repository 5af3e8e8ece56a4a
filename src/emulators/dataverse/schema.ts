import type { Table } from "./column.ts";
import { CONTACT_CENTER_TABLES } from "./contact-center-tables.ts";
import { PLATFORM_TABLES } from "./platform-tables.ts";

export const TABLES: readonly Table[] = [...PLATFORM_TABLES, ...CONTACT_CENTER_TABLES];

/** A navigation to several rows: through a table of pairs, or to the rows whose lookup points here. */
export type Many = {
  readonly navigation: string;
  readonly target: string;
  readonly through:
    | { readonly pairs: string; readonly here: string; readonly there: string }
    | { readonly lookup: string };
};

type End = { readonly set: string; readonly column: string };

/** Many-to-many relationships have one name, which both ends use. */
const PAIRED: readonly (readonly [name: string, pairs: string, a: End, b: End])[] = [
  [
    "systemuserroles_association",
    "systemuserrolescollection",
    { set: "systemusers", column: "systemuserid" },
    { set: "roles", column: "roleid" },
  ],
  [
    "teamroles_association",
    "teamrolescollection",
    { set: "teams", column: "teamid" },
    { set: "roles", column: "roleid" },
  ],
  [
    "teammembership_association",
    "teammemberships",
    { set: "teams", column: "teamid" },
    { set: "systemusers", column: "systemuserid" },
  ],
  [
    "roleprivileges_association",
    "roleprivilegescollection",
    { set: "roles", column: "roleid" },
    { set: "privileges", column: "privilegeid" },
  ],
  [
    "queuemembership_association",
    "queuememberships",
    { set: "queues", column: "queueid" },
    { set: "systemusers", column: "systemuserid" },
  ],
];

const CHILDREN: readonly (readonly [
  set: string,
  navigation: string,
  target: string,
  lookup: string,
])[] = [
  ["calendars", "calendar_calendar_rules", "calendarrules", "_calendarid_value"],
  [
    "serviceendpoints",
    "serviceendpoint_sdkmessageprocessingstep",
    "sdkmessageprocessingsteps",
    "_eventhandler_value",
  ],
  ["sdkmessages", "sdkmessageid_sdkmessagefilter", "sdkmessagefilters", "_sdkmessageid_value"],
];

const bySet = new Map(TABLES.map((entry) => [entry.set, entry]));
const byLogicalName = new Map(TABLES.map((entry) => [entry.logicalName, entry]));

export function tableOf(set: string): Table | undefined {
  return bySet.get(set);
}

export function tableNamed(logicalName: string): Table | undefined {
  return byLogicalName.get(logicalName);
}

/** For the emulator's own use of a table it is known to have. */
export function knownTable(set: string): Table {
  const found = bySet.get(set);
  if (!found) throw new Error(`the schema has no table ${set}`);
  return found;
}

/** The navigation of that name from a table to several rows. */
export function manyOf(set: string, navigation: string): Many | undefined {
  for (const [name, pairs, a, b] of PAIRED) {
    if (name !== navigation) continue;
    const [here, there] = a.set === set ? [a, b] : [b, a];
    if (here.set !== set) continue;
    const through = { pairs, here: here.column, there: there.column };
    return { navigation, target: there.set, through };
  }
  const child = CHILDREN.find(([from, name]) => from === set && name === navigation);
  return child && { navigation, target: child[2], through: { lookup: child[3] } };
}

/** The name of a privilege, as "prvReadmsdyn_agentstatus"; undefined where the table needs none. */
export function privilegeOn(
  table: Table,
  verb: "Read" | "Create" | "Write" | "Delete",
): string | undefined {
  return table.privilege === undefined ? undefined : `prv${verb}${table.privilege}`;
}
