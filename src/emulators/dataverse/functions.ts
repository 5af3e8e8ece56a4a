import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Caller } from "./callers.ts";
import { CODE, DataverseError, doesNotExist, badQuery } from "./error.ts";
import type { Organization } from "./execution-context.ts";
import { aliasesOf } from "./query.ts";
import { requirePrivilege } from "./rights.ts";
import { knownTable, tableNamed } from "./schema.ts";
import { privilegeIdOf, type Rights, type Security } from "./security.ts";
import type { Tables } from "./tables.ts";

const HEADERS = { "odata-version": "4.0" } as const;
const NAMESPACE = "Microsoft.Dynamics.CRM";
const NO_SUCH_TABLE = "0x80041102";
/** "RetrieveTotalRecordCount": the number is from a snapshot of the last 24 hours. */
const COUNT_LIFE_MS = 86_400_000;

/** The platform's own functions, as far as a client checks its footing with them. */
export class PlatformFunctions {
  readonly #tables: Tables;
  readonly #security: Security;
  readonly #organization: Organization;
  readonly #nowMs: () => number;
  readonly #counts = new Map<string, { readonly count: number; readonly atMs: number }>();

  constructor(options: {
    readonly tables: Tables;
    readonly security: Security;
    readonly organization: Organization;
    readonly nowMs: () => number;
  }) {
    this.#tables = options.tables;
    this.#security = options.security;
    this.#organization = options.organization;
    this.#nowMs = options.nowMs;
  }

  whoAmI(caller: Caller, root: string): EmulatorResponse {
    return answer(root, "WhoAmIResponse", {
      BusinessUnitId: this.#organization.businessUnitId,
      UserId: caller.userId,
      OrganizationId: this.#organization.id,
    });
  }

  /** `RetrieveTotalRecordCount(EntityNames=@p1)?@p1=['account']`, or with the list inline. */
  totalRecordCount(argument: string, request: EmulatorRequest, root: string): EmulatorResponse {
    const given = /^EntityNames=(.+)$/.exec(argument)?.[1] ?? "";
    const list = given.startsWith("@") ? aliasesOf(request.url.searchParams).get(given) : given;
    const names = [...(list ?? "").matchAll(/['"](\w+)['"]/g)].map(([, name = ""]) => name);
    if (names.length === 0) throw badQuery("The parameter EntityNames is missing or empty.");
    const counts = names.map((name) => this.#countOf(name));
    return answer(root, "RetrieveTotalRecordCountResponse", {
      EntityRecordCountCollection: {
        Count: names.length,
        IsReadOnly: false,
        Keys: names,
        Values: counts,
      },
    });
  }

  /** Functions bound to a user: what she may do. */
  ofUser(userId: string, operation: string, caller: Caller, root: string): EmulatorResponse {
    requirePrivilege(caller, "Read", knownTable("systemusers"));
    if (!this.#tables.get("systemusers", userId)) throw doesNotExist("systemuser", userId);
    const [, name, argument = ""] =
      /^(?:Microsoft\.Dynamics\.CRM\.)?(\w+)\((.*)\)$/.exec(operation) ?? [];
    if (name === "RetrieveUserPrivileges" && argument === "") {
      const rights = this.#security.listedRightsOf(userId);
      return this.#privileges("RetrieveUserPrivilegesResponse", rights, root);
    }
    const wanted = /^PrivilegeName='(\w+)'$/.exec(argument)?.[1];
    if (name === "RetrieveUserPrivilegeByPrivilegeName" && wanted !== undefined) {
      const depth = this.#security.rightsOf(userId).get(wanted);
      const rights: Rights = new Map(depth === undefined ? [] : [[wanted, depth]]);
      return this.#privileges("RetrieveUserPrivilegeByPrivilegeNameResponse", rights, root);
    }
    throw new DataverseError(
      404,
      CODE.unknownResource,
      `Resource not found for the segment '${operation}'.`,
    );
  }

  #privileges(type: string, rights: Rights, root: string): EmulatorResponse {
    const RolePrivileges = [...rights].map(([name, depth]) => ({
      Depth: depth,
      PrivilegeId: privilegeIdOf(name),
      BusinessUnitId: this.#organization.businessUnitId,
      PrivilegeName: name,
      RecordFilterId: "00000000-0000-0000-0000-000000000000",
      RecordFilterUniqueName: "",
    }));
    return answer(root, type, { RolePrivileges });
  }

  #countOf(logicalName: string): number {
    const table = tableNamed(logicalName);
    if (!table) {
      throw new DataverseError(
        400,
        NO_SUCH_TABLE,
        `The entity with a name = '${logicalName}' was not found in the MetadataCache.`,
      );
    }
    const nowMs = this.#nowMs();
    const known = this.#counts.get(logicalName);
    if (known && nowMs - known.atMs < COUNT_LIFE_MS) return known.count;
    const count = this.#tables.all(table.set).length;
    this.#counts.set(logicalName, { count, atMs: nowMs });
    return count;
  }
}

function answer(root: string, type: string, json: object): EmulatorResponse {
  return {
    status: 200,
    headers: HEADERS,
    json: { "@odata.context": `${root}/$metadata#${NAMESPACE}.${type}`, ...json },
  };
}
