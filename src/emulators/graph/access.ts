import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Entra } from "../entra/entra.ts";
import type { Operation } from "./operation.ts";
import { refuse } from "./refusal.ts";

export type Caller = { readonly appId: string; readonly roles: ReadonlySet<string> };

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

/** The application permissions of each operation, any of which is enough, as on the operation's own page. */
const PERMISSIONS: Readonly<Record<Operation, readonly string[] | "anyone" | "nobody">> = {
  getPresencesByUserId: READ_PRESENCE,
  getPresence: READ_PRESENCE,
  setPresence: WRITE_PRESENCE,
  clearPresence: WRITE_PRESENCE,
  setUserPreferredPresence: WRITE_PRESENCE,
  clearUserPreferredPresence: WRITE_PRESENCE,
  setStatusMessage: WRITE_PRESENCE,
  listUsers: READ_USERS,
  getUser: READ_USERS,
  checkMemberGroups: READ_MEMBERS,
  listGroupUsers: READ_MEMBERS,
  // "Change notifications for presence": application permissions are not supported.
  createSubscription: "nobody",
  listSubscriptions: "anyone",
  batch: "anyone",
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
  return { appId: verified.appId, roles: new Set(verified.roles) };
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

/** Gives the refusal of a caller without the permission, or null. */
export function refuseUnpermitted(
  operation: Operation,
  { roles }: Caller,
): EmulatorResponse | null {
  const needed = PERMISSIONS[operation];
  if (needed === "anyone") return null;
  if (needed !== "nobody" && needed.some((role) => roles.has(role))) return null;
  if (needed === READ_USERS || needed === READ_MEMBERS) {
    const message = "Insufficient privileges to complete the operation.";
    return refuse(403, "Authorization_RequestDenied", message);
  }
  return refuse(403, "Forbidden", "");
}
