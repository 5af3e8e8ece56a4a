import type { EmulatorRequest } from "../listener.ts";
import { CODE, DataverseError, doesNotExist } from "./error.ts";
import { ACT_ON_BEHALF, type Depth } from "./roles.ts";
import { intersect, type Rights, type Security } from "./security.ts";
import type { Row, Tables } from "./tables.ts";

/** What Entra says about a bearer token. */
type Verification =
  | {
      readonly ok: true;
      readonly appId: string;
      readonly roles: readonly string[];
      readonly tenantId: string;
      readonly audience: string;
    }
  | { readonly ok: false };

export type Verify = (token: string) => Promise<Verification>;

/** Who a request counts as: the application user, or the user that it impersonates. */
export type Caller = {
  readonly appId: string;
  readonly applicationUserId: string;
  /** Pays for the request, and is the "I" of CCaaS_GetPresence. */
  readonly userId: string;
  /** Whether the caller, and whoever it impersonates, holds one of these roles. */
  readonly may: (...anyOf: readonly string[]) => boolean;
  /** How far a privilege reaches for it; undefined when it has none. */
  readonly reach: (privilege: string) => Depth | undefined;
};

const ORGANIZATION_MEMBERSHIP = "0x80072560";
const NO_ROLES = "0x80042f09";
const NOT_A_DELEGATE = "0x8004a110";
const USER_DISABLED = "0x80040225";

/**
 * Authenticates and authorises (Microsoft: "Use OAuth authentication with Microsoft Dataverse",
 * "Impersonate another user using the Web API"). A token alone is worth nothing: the organisation must
 * know the application as a user, and that user must hold a role. Impersonating needs the privilege
 * to act on behalf of another user, and yields the intersection of both users' rights.
 */
export class Callers {
  readonly #verify: Verify;
  readonly #tables: Tables;
  readonly #authorizationUri: string;
  readonly #origin: () => string;
  readonly #security: Security;
  readonly #applications = new Map<string, string>();

  constructor(options: {
    readonly verify: Verify;
    readonly tables: Tables;
    readonly security: Security;
    readonly authorizationUri: string;
    readonly origin: () => string;
  }) {
    this.#verify = options.verify;
    this.#tables = options.tables;
    this.#security = options.security;
    this.#authorizationUri = options.authorizationUri;
    this.#origin = options.origin;
  }

  addApplication(appId: string, userId: string, roles: readonly string[]): void {
    this.#applications.set(appId.toLowerCase(), userId);
    this.#security.setRoles(userId, roles);
  }

  /** The organisation forgets the application user: its token is worth nothing any more. */
  removeApplication(appId: string): void {
    this.#applications.delete(appId.toLowerCase());
  }

  applicationUser(appId: string): string | undefined {
    return this.#applications.get(appId.toLowerCase());
  }

  async identify(request: EmulatorRequest): Promise<Caller> {
    const appId = await this.#authenticate(request);
    const applicationUserId = this.applicationUser(appId);
    if (applicationUserId === undefined) {
      throw new DataverseError(
        403,
        ORGANIZATION_MEMBERSHIP,
        "The user is not a member of the organization.",
      );
    }
    const own = this.#requireActive(applicationUserId);
    const rights = this.#security.rightsOf(applicationUserId);
    const impersonated = this.#impersonated(request);
    if (impersonated === undefined) {
      return callerWith(appId, applicationUserId, applicationUserId, [own], rights);
    }
    if (!rights.has(ACT_ON_BEHALF)) {
      throw new DataverseError(
        403,
        NOT_A_DELEGATE,
        `The caller lacks the ${ACT_ON_BEHALF} privilege.`,
      );
    }
    const theirs = this.#security.rolesOf(impersonated);
    if (theirs.size === 0) {
      throw new DataverseError(
        403,
        CODE.privilegeDenied,
        `Principal user (Id=${impersonated}, type=8, roleCount=0) is missing prvReadUser privilege.`,
      );
    }
    const shared = intersect(rights, this.#security.rightsOf(impersonated));
    return callerWith(appId, applicationUserId, impersonated, [own, theirs], shared);
  }

  /** The user's roles; refuses a user who is disabled, or has none. */
  #requireActive(userId: string): ReadonlySet<string> {
    if (this.#tables.get("systemusers", userId)?.["isdisabled"] === true) {
      throw new DataverseError(
        403,
        USER_DISABLED,
        `The user with SystemUserId=${userId} is disabled.`,
      );
    }
    const roles = this.#security.rolesOf(userId);
    if (roles.size > 0) return roles;
    throw new DataverseError(
      403,
      NO_ROLES,
      `The user with SystemUserId=${userId} has not been assigned any roles.`,
    );
  }

  async #authenticate(request: EmulatorRequest): Promise<string> {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const verified = token === undefined ? undefined : await this.#verify(token);
    if (verified?.ok && this.#isForUs(verified.audience)) return verified.appId;
    throw new DataverseError(401, "0x80072561", "The token is missing, invalid or not for us.", {
      "www-authenticate": `Bearer authorization_uri=${this.#authorizationUri}, resource_id=${this.#origin()}/`,
    });
  }

  #isForUs(audience: string): boolean {
    const ours = new URL(this.#origin());
    const theirs = URL.canParse(audience) ? new URL(audience) : undefined;
    return theirs?.port === ours.port && ["localhost", "127.0.0.1"].includes(theirs.hostname);
  }

  #impersonated(request: EmulatorRequest): string | undefined {
    const objectId = headerOf(request, "callerobjectid");
    if (objectId !== undefined) {
      const known = this.#userWhere("azureactivedirectoryobjectid", objectId);
      if (!known) {
        throw new DataverseError(
          403,
          ORGANIZATION_MEMBERSHIP,
          "The user is not a member of the organization.",
        );
      }
      return String(known["systemuserid"]);
    }
    const userId = headerOf(request, "mscrmcallerid");
    if (userId === undefined) return undefined;
    if (!this.#tables.get("systemusers", userId)) throw doesNotExist("systemuser", userId);
    return userId;
  }

  #userWhere(column: string, value: string): Row | undefined {
    return this.#tables.all("systemusers").find((row) => row[column] === value);
  }
}

function callerWith(
  appId: string,
  applicationUserId: string,
  userId: string,
  roles: readonly ReadonlySet<string>[],
  rights: Rights,
): Caller {
  return {
    appId,
    applicationUserId,
    userId,
    may: (...anyOf) => roles.every((held) => anyOf.some((role) => held.has(role))),
    reach: (privilege) => rights.get(privilege),
  };
}

function headerOf(request: EmulatorRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value.toLowerCase() : undefined;
}
