import { createHash } from "node:crypto";
import type { Callers } from "./callers.ts";
import type { PresenceEngine } from "./engine.ts";
import type { Organization } from "./execution-context.ts";
import { OUT_OF_THE_BOX, type PresenceStatus } from "./presence.ts";
import type { Projection } from "./projection.ts";
import { knownTable } from "./schema.ts";
import type { Security } from "./security.ts";
import type { Row, Tables } from "./tables.ts";

export type DataverseUser = {
  readonly systemUserId: string;
  readonly fullname: string;
  readonly email: string;
  readonly azureObjectId: string | null;
  readonly isDisabled?: boolean;
  /** Set for applications and AI agents, which have agent status rows as well. */
  readonly applicationId?: string;
  readonly accessMode?: number;
  readonly roles: readonly string[];
  readonly defaultPresenceId?: string;
  readonly capacityUnits?: number;
  /** Fixes the id of the agent status row. */
  readonly agentStatusId?: string;
  /** False for a rep whom routing does not know yet: her row is created when she first signs in. */
  readonly provisioned?: boolean;
};

export type ApplicationUser = {
  readonly appId: string;
  readonly systemUserId: string;
  readonly roles: readonly string[];
};

export type CustomPresence = {
  readonly id: string;
  readonly name: string;
  readonly basePresence: number;
};

const DEFAULT_CAPACITY_UNITS = 100;
/** The business unit of the published Update payload, which came from a default organisation. */
export const BUSINESS_UNIT_ID = "a3c20b02-4e38-ef11-a315-000d3a5a54dc";

/** Puts people, applications, presences and queues into the organisation, at the start or later. */
export class Roster {
  readonly #tables: Tables;
  readonly #callers: Callers;
  readonly #security: Security;
  readonly #engine: PresenceEngine;
  readonly #projection: Projection;
  readonly #presences: Map<string, PresenceStatus>;
  readonly #users = new Map<string, DataverseUser>();

  constructor(options: {
    readonly tables: Tables;
    readonly callers: Callers;
    readonly security: Security;
    readonly engine: PresenceEngine;
    readonly projection: Projection;
    readonly presences: Map<string, PresenceStatus>;
  }) {
    this.#tables = options.tables;
    this.#callers = options.callers;
    this.#security = options.security;
    this.#engine = options.engine;
    this.#projection = options.projection;
    this.#presences = options.presences;
  }

  seed(
    organization: Organization,
    contents: {
      readonly users: readonly DataverseUser[];
      readonly applicationUsers: readonly ApplicationUser[];
      readonly customPresences: readonly CustomPresence[];
    },
  ): void {
    this.#tables.seed(knownTable("organizations"), {
      organizationid: organization.id,
      name: organization.name,
      expirechangetrackingindays: 7,
      expiresubscriptionsindays: 90,
      plugintracelogsetting: 0,
      isauditenabled: false,
    });
    for (const presence of OUT_OF_THE_BOX) this.#seedPresence(presence);
    for (const presence of contents.customPresences) {
      this.#seedPresence({ ...presence, id: presence.id.toLowerCase(), settable: true });
    }
    this.#seedApplication("# Omnichannel assignment engine", organization.engineUserId, "engine");
    for (const application of contents.applicationUsers) this.addApplication(application);
    for (const user of contents.users) {
      this.#tables.seed(knownTable("systemusers"), this.#remember(user));
      if (user.provisioned === false) continue;
      this.#projection.seed(this.#provision(user));
    }
  }

  /** A new employee: her row appears as a Create once routing knows her. */
  addUser(user: DataverseUser): void {
    this.#tables.put(knownTable("systemusers"), this.#remember(user));
    if (user.provisioned !== false) this.#projection.enqueue(this.#provision(user));
  }

  /** Makes sure that routing knows the user before she signs in. */
  provisionOnce(userId: string): void {
    const user = this.#users.get(userId);
    if (!user || this.#engine.rep(userId)) return;
    this.#projection.enqueue(this.#provision(user));
  }

  /** Registers an application as a user of the organisation, as the admin center does. */
  addApplication({ appId, systemUserId, roles }: ApplicationUser): void {
    const userId = systemUserId.toLowerCase();
    this.#seedApplication("# Lockstep", userId, appId);
    this.#callers.addApplication(appId, userId, roles);
  }

  disableUser(userId: string): void {
    const row = this.#tables.get("systemusers", userId);
    if (row) this.#tables.put(knownTable("systemusers"), { ...row, isdisabled: true });
  }

  /** Deleting a system user cascades to the agent status row. */
  deleteUser(userId: string): void {
    const statusId = this.#projection.rowOf(userId)?.["msdyn_agentstatusid"];
    this.#tables.remove("systemusers", userId);
    if (typeof statusId === "string") this.#tables.remove("msdyn_agentstatuses", statusId);
    this.#engine.remove(userId);
    this.#users.delete(userId);
  }

  addPresence(presence: CustomPresence): void {
    const settable = { ...presence, settable: true };
    this.#presences.set(presence.id, settable);
    this.#tables.put(knownTable("msdyn_presences"), presenceRow(settable));
  }

  removePresence(id: string): void {
    this.#presences.delete(id);
    this.#tables.remove("msdyn_presences", id);
  }

  #seedPresence(presence: PresenceStatus): void {
    this.#presences.set(presence.id, presence);
    this.#tables.seed(knownTable("msdyn_presences"), presenceRow(presence));
  }

  #seedApplication(fullname: string, systemUserId: string, appId: string): void {
    this.#tables.seed(knownTable("systemusers"), {
      systemuserid: systemUserId,
      fullname,
      internalemailaddress: null,
      azureactivedirectoryobjectid: derivedGuid(`service principal ${appId}`),
      applicationid: appId === "engine" ? derivedGuid(appId) : appId.toLowerCase(),
      isdisabled: false,
      accessmode: 4,
      _businessunitid_value: BUSINESS_UNIT_ID,
    });
  }

  #remember(user: DataverseUser): Row {
    const systemUserId = user.systemUserId.toLowerCase();
    this.#users.set(systemUserId, user);
    this.#security.setRoles(systemUserId, user.roles);
    if (user.agentStatusId !== undefined) {
      this.#projection.nameRow(systemUserId, user.agentStatusId.toLowerCase());
    }
    const [firstname = "", ...rest] = user.fullname.split(" ");
    return {
      systemuserid: systemUserId,
      fullname: user.fullname,
      firstname,
      lastname: rest.join(" "),
      internalemailaddress: user.email,
      domainname: user.email,
      azureactivedirectoryobjectid: user.azureObjectId?.toLowerCase() ?? null,
      applicationid: user.applicationId?.toLowerCase() ?? null,
      isdisabled: user.isDisabled ?? false,
      accessmode: user.accessMode ?? (user.applicationId === undefined ? 0 : 4),
      _businessunitid_value: BUSINESS_UNIT_ID,
      msdyn_capacity: user.capacityUnits ?? DEFAULT_CAPACITY_UNITS,
      _msdyn_defaultpresenceiduser_value: user.defaultPresenceId?.toLowerCase() ?? null,
    };
  }

  #provision(user: DataverseUser) {
    return this.#engine.provision(user.systemUserId.toLowerCase(), {
      capacityUnits: user.capacityUnits ?? DEFAULT_CAPACITY_UNITS,
      defaultPresenceId: user.defaultPresenceId?.toLowerCase(),
    });
  }
}

function presenceRow({ id, name, basePresence, settable }: PresenceStatus): Row {
  return {
    msdyn_presenceid: id,
    msdyn_name: name,
    msdyn_presencestatustext: name,
    msdyn_description: null,
    msdyn_basepresencestatus: basePresence,
    msdyn_canuserset: settable,
    msdyn_canservicerepresentativeset: settable,
    msdyn_cansupervisorset: settable,
    statecode: 0,
    statuscode: 1,
  };
}

/** The same guid for the same text, so that two runs of a scenario show the same ids. */
export function derivedGuid(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = "89ab".charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
