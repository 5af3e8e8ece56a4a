import type { EmulatorResponse } from "../listener.ts";
import type { Signing } from "./signing.ts";

export type TokenVersion = "1.0" | "2.0";

/** Names that stand for whichever tenant a person belongs to. */
export function isSharedTenant(tenant: string): boolean {
  return SHARED_TENANTS.includes(tenant.toLowerCase());
}

export const SHARED_TENANTS: readonly string[] = ["common", "organizations"];

/**
 * The two issuers that Entra signs as; which one a token names depends on the resource that asked. Tokens of
 * version 1 keep the old name of the token service, whatever host gave them out.
 */
export function issuerOf(url: string, tenant: string, version: TokenVersion): string {
  return version === "2.0" ? `${url}/${tenant}/v2.0` : `https://sts.windows.net/${tenant}/`;
}

/**
 * The public documents: OpenID configuration of both versions, the signing keys, and the instance
 * discovery that MSAL asks for when it does not know a host. Null when the path is none of them.
 */
export function answerDiscovery(
  path: string,
  context: { readonly url: string; readonly tenant: string; readonly signing: Signing },
): EmulatorResponse | null {
  const { url, tenant, signing } = context;
  switch (path.toLowerCase()) {
    case "/.well-known/openid-configuration":
      return { status: 200, json: openIdConfiguration(url, tenant, "1.0") };
    case "/v2.0/.well-known/openid-configuration":
      return { status: 200, json: openIdConfiguration(url, tenant, "2.0") };
    case "/discovery/keys":
    case "/discovery/v2.0/keys":
      return { status: 200, json: signing.jwks() };
    case "/discovery/instance":
      return { status: 200, json: instance(url, tenant) };
    default:
      return null;
  }
}

function openIdConfiguration(url: string, tenant: string, version: TokenVersion): object {
  const v2 = version === "2.0" ? "/v2.0" : "";
  return {
    token_endpoint: `${url}/${tenant}/oauth2${v2}/token`,
    token_endpoint_auth_methods_supported: [
      "client_secret_post",
      "private_key_jwt",
      "client_secret_basic",
    ],
    jwks_uri: `${url}/${tenant}/discovery${v2}/keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    // The shared tenants answer with a placeholder instead of an id.
    issuer: issuerOf(url, isSharedTenant(tenant) ? "{tenantid}" : tenant, version),
    authorization_endpoint: `${url}/${tenant}/oauth2${v2}/authorize`,
    end_session_endpoint: `${url}/${tenant}/oauth2${v2}/logout`,
    tenant_region_scope: null,
    cloud_instance_name: new URL(url).host,
    cloud_graph_host_name: "graph.windows.net",
    msgraph_host: "graph.microsoft.com",
  };
}

function instance(url: string, tenant: string): object {
  const { host } = new URL(url);
  return {
    tenant_discovery_endpoint: `${url}/${tenant}/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
}
