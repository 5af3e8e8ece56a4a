/** Everything that can be asked; faults and counters name requests by these words. */
export const OPERATIONS = [
  "getPresencesByUserId",
  "getPresence",
  "setPresence",
  "clearPresence",
  "setUserPreferredPresence",
  "clearUserPreferredPresence",
  "setStatusMessage",
  "listUsers",
  "getUser",
  "checkMemberGroups",
  "listGroupUsers",
  "createSubscription",
  "listSubscriptions",
  "getSubscription",
  "updateSubscription",
  "deleteSubscription",
  "reauthorizeSubscription",
  "batch",
] as const;
export type Operation = (typeof OPERATIONS)[number];

export const WRITES = [
  "setPresence",
  "clearPresence",
  "setUserPreferredPresence",
  "clearUserPreferredPresence",
  "setStatusMessage",
] as const satisfies readonly Operation[];
export type Write = (typeof WRITES)[number];

export function isWrite(operation: Operation): operation is Write {
  return (WRITES as readonly Operation[]).includes(operation);
}

/** Requests on `/me` name no user: they are for delegated tokens. */
export const ME = "me";

/** `key` is the user or the subscription that the path names. */
export type Route = { readonly operation: Operation; readonly key?: string };

// The same presence resource under its three names; the docs show the first two.
const PRESENCE = String.raw`(?:(?:(me)|users/([^/]+))/presence|communications/presences/([^/]+))`;
const ACTION = String.raw`(?:microsoft\.graph\.)?(?<action>\w+)`;

const PATTERNS: readonly (readonly [RegExp, string, Operation | null])[] = [
  [/^users$/i, "GET", "listUsers"],
  [/^(?:users\/([^/]+)|(me))$/i, "GET", "getUser"],
  [/^users\/([^/]+)\/checkMemberGroups$/i, "POST", "checkMemberGroups"],
  [/^groups\/([^/]+)\/transitiveMembers\/microsoft\.graph\.user$/i, "GET", "listGroupUsers"],
  [/^subscriptions$/i, "POST", "createSubscription"],
  [/^subscriptions$/i, "GET", "listSubscriptions"],
  [/^subscriptions\/([^/]+)$/i, "GET", "getSubscription"],
  [/^subscriptions\/([^/]+)$/i, "PATCH", "updateSubscription"],
  [/^subscriptions\/([^/]+)$/i, "DELETE", "deleteSubscription"],
  [/^subscriptions\/([^/]+)\/reauthorize$/i, "POST", "reauthorizeSubscription"],
  [/^\$batch$/i, "POST", "batch"],
  [/^communications\/getPresencesByUserId$/i, "POST", "getPresencesByUserId"],
  [new RegExp(`^${PRESENCE}$`, "i"), "GET", "getPresence"],
  [new RegExp(`^${PRESENCE}/${ACTION}$`, "i"), "POST", null],
];

/** Finds what a request asks for from its method and its path below the version; null when Graph has no such thing. */
export function findRoute(method: string, path: string): Route | null {
  for (const [pattern, verb, operation] of PATTERNS) {
    const match = method === verb ? pattern.exec(path) : null;
    if (!match) continue;
    const action = match.groups?.["action"]?.toLowerCase();
    const found = operation ?? WRITES.find((write) => write.toLowerCase() === action);
    if (!found) continue;
    const key = match.slice(1, 4).find((part: string | undefined) => part !== undefined);
    return key === undefined ? { operation: found } : { operation: found, key };
  }
  return null;
}
