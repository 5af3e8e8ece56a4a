import { delegatedRefusals } from "./delegated-refusal.ts";
import type { Refusal } from "./refusal.ts";

/** A `scope` parameter, taken apart: one resource, the permissions asked of it, and the words of OpenID Connect. */
export type AskedScopes = {
  readonly audience: string;
  /** Without the resource; ".default" stands for whatever is consented already. */
  readonly permissions: readonly string[];
  readonly openId: readonly string[];
  /** The permissions as they were spelt, which is how the answer spells them. */
  readonly spelt: readonly string[];
};

export const DEFAULT_PERMISSION = ".default";
const OPEN_ID = new Set(["openid", "profile", "email", "offline_access"]);
/** A permission without a resource is one of Microsoft Graph ("Scopes and permissions"). */
const GRAPH = "00000003-0000-0000-c000-000000000000";

/** Reads a `scope` parameter; a token is for one resource, so naming two is refused. */
export function parseScopes(text: string): AskedScopes | Refusal {
  const words = [...new Set(text.split(/\s+/).filter((word) => word !== ""))];
  const spelt = words.filter((word) => !OPEN_ID.has(word));
  const parts = spelt.map((word) => {
    const slash = word.lastIndexOf("/");
    return slash < 0
      ? { resource: GRAPH, permission: word }
      : { resource: word.slice(0, slash), permission: word.slice(slash + 1) };
  });
  const resources = new Set(parts.map(({ resource }) => resource));
  if (resources.size > 1) return delegatedRefusals.severalResources();
  return {
    audience: parts[0]?.resource ?? GRAPH,
    permissions: parts.map(({ permission }) => permission),
    openId: words.filter((word) => OPEN_ID.has(word)),
    spelt,
  };
}
