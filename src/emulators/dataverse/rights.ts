import type { Caller } from "./callers.ts";
import type { Table } from "./column.ts";
import { CODE, DataverseError } from "./error.ts";
import { privilegeOn } from "./schema.ts";
import { privilegeIdOf } from "./security.ts";
import type { Row } from "./tables.ts";

type Verb = "Read" | "Create" | "Write" | "Delete";

/** 403 unless the caller may do this with the table at all; how far is another question. */
export function requirePrivilege(caller: Caller, verb: Verb, table: Table): void {
  const privilege = privilegeOn(table, verb);
  if (privilege !== undefined && caller.reach(privilege) === undefined) {
    throw missing(caller, privilege, table);
  }
}

/** 403 unless the caller may read every row of the table. */
export function requireOrganizationRead(caller: Caller, table: Table): void {
  const privilege = privilegeOn(table, "Read");
  if (privilege !== undefined && caller.reach(privilege) !== "Global") {
    throw missing(caller, privilege, table, " at organization level");
  }
}

/**
 * Which rows the caller may see (Microsoft: "Security roles and privileges"): at user level her own.
 * The company has one business unit, so business unit level and above is everything. A table that
 * belongs to the organisation knows no less than everything.
 */
export function visibleTo(caller: Caller, table: Table): (row: Row) => boolean {
  requirePrivilege(caller, "Read", table);
  const privilege = privilegeOn(table, "Read");
  const everything =
    privilege === undefined ||
    table.owned === "organization" ||
    caller.reach(privilege) !== "Basic";
  if (everything) return () => true;
  const owner = table.set === "systemusers" ? "systemuserid" : "_ownerid_value";
  return (row) => row[owner] === caller.userId;
}

/** The words of Dataverse in outline: who lacks which privilege on what. */
function missing(caller: Caller, privilege: string, table: Table, how = ""): DataverseError {
  return new DataverseError(
    403,
    CODE.privilegeDenied,
    `Principal user (Id=${caller.userId}, type=8) is missing ${privilege} privilege ` +
      `(Id=${privilegeIdOf(privilege)}) on entity '${table.logicalName}'${how}.`,
  );
}
