import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Entra, TokenUser } from "../entra/entra.ts";
import type { Operation } from "./operation.ts";
import { refuse } from "./refusal.ts";

/** `user` is the person in whose name the application calls; null when it calls in its own. */
export type Caller = {
  readonly appId: string;
  readonly roles: ReadonlySet<string>;
  readonly user: TokenUser | null;
};

const GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000";
const GRAPH_AUDIENCES = new Set([GRAPH_APP_ID, "https://graph.microsoft.com"]);

const READ_PRESENCE = ["Presence.Read.All", "Presence.ReadWrite.All"];
const WRITE_PRESENCE = ["Presence.ReadWrite.All"];
const READ_USERS = [
  "User.ReadBasic.All",
  "User.Read.All",
  "User.ReadWrite.All",
  "Directory.Read.All",
];

const READ_MEMBERS = ["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"];

/** Any of the named permissions is enough. */
type Needed = {
  readonly application: readonly string[] | "anyone" | "nobody";
  readonly delegated: readonly string[] | "anyone";
  /** What is enough besides when the person asks about herself. */
  readonly self?: readonly string[];
};

const WRITING: Needed = {
  application: WRITE_PRESENCE,
  delegated: [],
  self: ["Presence.ReadWrite"],
};
// "Create subscription", "Update subscription" and "subscription: reauthorize" support no application
// permission for presence. The page of the deletion does not name presence: there it is a guess.
const SUBSCRIBING: Needed = { application: "nobody", delegated: ["Presence.Read.All"] };
const ANYONE: Needed = { application: "anyone", delegated: "anyone" };

/** The permissions of each operation, as on the operation's own page. */
const PERMISSIONS: Readonly<Record<Operation, Needed>> = {
  getPresencesByUserId: { application: READ_PRESENCE, delegated: ["Presence.Read.All"] },
  getPresence: {
    application: READ_PRESENCE,
    delegated: ["Presence.Read.All"],
    self: ["Presence.Read", "Presence.ReadWrite"],
  },
  setPresence: WRITING,
  clearPresence: WRITING,
  setUserPreferredPresence: WRITING,
  clearUserPreferredPresence: WRITING,
  setStatusMessage: WRITING,
  listUsers: { application: READ_USERS, delegated: READ_USERS },
  getUser: { application: READ_USERS, delegated: READ_USERS, self: ["User.Read"] },
  checkMemberGroups: { application: READ_MEMBERS, delegated: READ_MEMBERS },
  listGroupUsers: { application: READ_MEMBERS, delegated: READ_MEMBERS },
  createSubscription: SUBSCRIBING,
  updateSubscription: SUBSCRIBING,
  deleteSubscription: SUBSCRIBING,
  reauthorizeSubscription: SUBSCRIBING,
  getSubscription: ANYONE,
  listSubscriptions: ANYONE,
  batch: ANYONE,
};

/** Finds out who calls; a token for another resource is as good as none. */
export async function authenticate(
  request: EmulatorRequest,
  verify: Entra["verify"],
): Promise<Caller | EmulatorResponse> {
  const token = /^bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (!token) return refuseToken("Access token is empty.");
  const verified = await verify(token);
  if (!verified.ok)
    return refuseToken("Access token validation failure. Invalid or expired token.");
  const audience = verified.audience.replace(/\/$/, "");
  if (!GRAPH_AUDIENCES.has(audience) && !isThisServer(audience, request.url)) {
    return refuseToken("Access token validation failure. Invalid audience.");
  }
  const { appId, roles, user = null } = verified;
  return { appId, roles: new Set(roles), user };
}

// A client that is pointed at this emulator may well ask for a token for it by its own address.
function isThisServer(audience: string, url: URL): boolean {
  return URL.parse(audience)?.origin === url.origin;
}

function refuseToken(message: string): EmulatorResponse {
  return refuse(401, "InvalidAuthenticationToken", message, {
    "www-authenticate": `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="${GRAPH_APP_ID}"`,
  });
}

/**
 * Gives the refusal of a caller without the permission, or null. `key` is the user or the subscription
 * that the request names.
 */
export function refuseUnpermitted(
  operation: Operation,
  caller: Caller,
  key: string | undefined,
): EmulatorResponse | null {
  const needed = PERMISSIONS[operation];
  const enough = caller.user ? delegatedOf(needed, caller.user, key) : needed.application;
  if (enough === "anyone") return null;
  const granted = caller.user ? new Set(caller.user.scopes) : caller.roles;
  if (enough !== "nobody" && enough.some((permission) => granted.has(permission))) return null;
  if (needed.application === READ_USERS || needed.application === READ_MEMBERS) {
    const message = "Insufficient privileges to complete the operation.";
    return refuse(403, "Authorization_RequestDenied", message);
  }
  // Reported from the field for a person who may write her own presence and tries another's.
  if (needed === WRITING && caller.user?.scopes.includes("Presence.ReadWrite")) {
    return refuse(401, "Unauthorized", "Cannot set the presence of another user");
  }
  return refuse(403, "Forbidden", "");
}

function delegatedOf(
  { delegated, self = [] }: Needed,
  { oid, upn }: TokenUser,
  key: string | undefined,
): readonly string[] | "anyone" {
  if (delegated === "anyone") return delegated;
  const isSelf = [oid, upn].some((own) => own.toLowerCase() === key?.toLowerCase());
  return isSelf ? [...delegated, ...self] : delegated;
}
