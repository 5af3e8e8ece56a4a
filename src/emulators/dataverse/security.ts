import { derivedGuid } from "./roster.ts";
import { DEPTHS, type Depth, OUT_OF_THE_BOX_ROLES, PRIVILEGES } from "./roles.ts";
import { knownTable } from "./schema.ts";
import type { Tables } from "./tables.ts";

/** How far a user's rights reach, by the name of the privilege. */
export type Rights = ReadonlyMap<string, Depth>;

export type Team = {
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
  readonly roles: readonly string[];
};

const DEPTH_MASK: Readonly<Record<Depth, number>> = { Basic: 1, Local: 2, Deep: 4, Global: 8 };
const ACCESS_RIGHT: Readonly<Record<string, number>> = {
  Read: 1,
  Write: 2,
  Create: 32,
  Delete: 65_536,
};

export function privilegeIdOf(name: string): string {
  return derivedGuid(`privilege ${name}`);
}

/**
 * Who holds which role and what a role allows, kept here for deciding and in the tables for reading.
 * A user has the roles given to her and those of her teams.
 */
export class Security {
  readonly #tables: Tables;
  readonly #businessUnitId: string;
  readonly #roles = new Map<string, Map<string, Depth>>();
  readonly #ownRoles = new Map<string, ReadonlySet<string>>();
  readonly #teams: Team[] = [];

  constructor(tables: Tables, businessUnitId: string) {
    this.#tables = tables;
    this.#businessUnitId = businessUnitId;
    tables.seed(knownTable("businessunits"), {
      businessunitid: businessUnitId,
      name: "Northharbor",
      isdisabled: false,
    });
    for (const name of PRIVILEGES) this.#seedPrivilege(name);
    for (const [role, rights] of OUT_OF_THE_BOX_ROLES) {
      for (const [privilege, depth] of rights) this.setRolePrivilege(role, privilege, depth);
    }
  }

  setRoles(userId: string, roles: readonly string[]): void {
    const before = this.#ownRoles.get(userId) ?? new Set<string>();
    const after = new Set(roles);
    this.#ownRoles.set(userId, after);
    const idOf = (role: string): string => derivedGuid(`user role ${userId} ${role}`);
    for (const role of before) {
      if (!after.has(role)) this.#tables.remove("systemuserrolescollection", idOf(role));
    }
    for (const role of after) {
      if (before.has(role)) continue;
      this.#tables.seed(knownTable("systemuserrolescollection"), {
        systemuserroleid: idOf(role),
        systemuserid: userId,
        roleid: this.#roleId(role),
      });
    }
  }

  addTeam(team: Team): void {
    this.#teams.push(team);
    const { id, name } = team;
    this.#tables.seed(knownTable("teams"), { teamid: id, name, teamtype: 0 });
    for (const member of team.members) {
      this.#tables.seed(knownTable("teammemberships"), {
        teammembershipid: derivedGuid(`team member ${id} ${member}`),
        teamid: id,
        systemuserid: member,
      });
    }
    for (const role of team.roles) {
      this.#tables.seed(knownTable("teamrolescollection"), {
        teamroleid: derivedGuid(`team role ${id} ${role}`),
        teamid: id,
        roleid: this.#roleId(role),
      });
    }
  }

  /** Gives a role a privilege, changes how far it reaches, or takes it away (null). Makes the role if need be. */
  setRolePrivilege(role: string, privilege: string, depth: Depth | null): void {
    const roleid = this.#roleId(role);
    this.#seedPrivilege(privilege);
    const roleprivilegeid = derivedGuid(`role privilege ${role} ${privilege}`);
    if (depth === null) {
      this.#roles.get(role)?.delete(privilege);
      this.#tables.remove("roleprivilegescollection", roleprivilegeid);
      return;
    }
    this.#roles.get(role)?.set(privilege, depth);
    this.#tables.put(knownTable("roleprivilegescollection"), {
      roleprivilegeid,
      roleid,
      privilegeid: privilegeIdOf(privilege),
      privilegedepthmask: DEPTH_MASK[depth],
    });
  }

  rolesOf(userId: string): ReadonlySet<string> {
    const own = this.#ownRoles.get(userId) ?? new Set<string>();
    return new Set([...own, ...this.#teamRolesOf(userId)]);
  }

  rightsOf(userId: string): Rights {
    return this.#rightsOfRoles(this.rolesOf(userId));
  }

  /**
   * As "RetrieveUserPrivileges" answers: what comes through a team is shown at user level, whatever
   * it really is.
   */
  listedRightsOf(userId: string): Rights {
    const listed = new Map<string, Depth>();
    for (const name of this.#rightsOfRoles(this.#teamRolesOf(userId)).keys()) {
      listed.set(name, "Basic");
    }
    const own = this.#rightsOfRoles(this.#ownRoles.get(userId) ?? new Set());
    for (const [name, depth] of own) listed.set(name, depth);
    return listed;
  }

  #teamRolesOf(userId: string): ReadonlySet<string> {
    const teams = this.#teams.filter(({ members }) => members.includes(userId));
    return new Set(teams.flatMap(({ roles }) => roles));
  }

  #rightsOfRoles(roles: ReadonlySet<string>): Rights {
    const rights = new Map<string, Depth>();
    for (const role of roles) {
      for (const [name, depth] of this.#roles.get(role) ?? []) {
        const known = rights.get(name);
        if (known === undefined || isDeeper(depth, known)) rights.set(name, depth);
      }
    }
    return rights;
  }

  #roleId(role: string): string {
    const roleid = derivedGuid(`role ${role}`);
    if (!this.#roles.has(role)) {
      this.#roles.set(role, new Map());
      this.#tables.seed(knownTable("roles"), {
        roleid,
        name: role,
        _businessunitid_value: this.#businessUnitId,
      });
    }
    return roleid;
  }

  #seedPrivilege(name: string): void {
    const privilegeid = privilegeIdOf(name);
    if (this.#tables.get("privileges", privilegeid)) return;
    const verb = /^prv(Read|Write|Create|Delete)/.exec(name)?.[1] ?? "";
    this.#tables.seed(knownTable("privileges"), {
      privilegeid,
      name,
      accessright: ACCESS_RIGHT[verb] ?? 0,
      canbebasic: true,
      canbeglobal: true,
    });
  }
}

function isDeeper(one: Depth, other: Depth): boolean {
  return DEPTHS.indexOf(one) > DEPTHS.indexOf(other);
}

/** What two users may do together: the lesser right of both, where both have one. */
export function intersect(one: Rights, other: Rights): Rights {
  const both = new Map<string, Depth>();
  for (const [name, depth] of one) {
    const theirs = other.get(name);
    if (theirs !== undefined) both.set(name, isDeeper(depth, theirs) ? theirs : depth);
  }
  return both;
}
