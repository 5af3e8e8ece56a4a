import { ASSERTION_TYPE, refuseAssertion } from "./assertion.ts";
import type { EntraApp } from "./app.ts";
import { refusals, type Refusal } from "./refusal.ts";

export type Granted = { readonly app: EntraApp; readonly audience: string };

/** One client-credentials request: the fields of its form, and the endpoint's dialect. */
export type GrantRequest = {
  readonly fields: ReadonlyMap<string, string>;
  readonly authorization: string | undefined;
  readonly dialect: "v1" | "v2";
};

/** Who is registered, and the moment at which it is asked. */
export type Registry = {
  readonly tenantId: string;
  readonly nowMs: number;
  readonly findApp: (clientId: string) => EntraApp | undefined;
  readonly isOwnAudience: (audience: string) => boolean;
};

/**
 * Decides a client-credentials request: who asks, with which proof, for which resource. Checks come in
 * Entra's order (grant, app, credential, scope), because a wrong setup shows the first error only.
 */
export async function decideGrant(
  request: GrantRequest,
  registry: Registry,
): Promise<Granted | Refusal> {
  const { fields } = request;
  const grant = fields.get("grant_type");
  if (!grant) return refusals.missing("grant_type");
  if (grant !== "client_credentials") return refusals.unsupportedGrant(grant);
  const basic = readBasic(request.authorization);
  const clientId = fields.get("client_id") ?? basic?.clientId;
  if (!clientId) return refusals.missing("client_id");
  const app = registry.findApp(clientId);
  if (!app) return refusals.unknownApp(clientId, registry.tenantId);
  const secret = fields.get("client_secret") ?? basic?.secret;
  const refused = await refuseCredential(app, secret, fields, registry);
  if (refused) return refused;
  const audience = readAudience(request);
  return typeof audience === "string" ? { app, audience } : audience;
}

/** Null when the app proves who it is, with a secret or a signed assertion. */
export async function refuseCredential(
  app: EntraApp,
  secret: string | undefined,
  fields: ReadonlyMap<string, string>,
  registry: Registry,
): Promise<Refusal | null> {
  const assertion = fields.get("client_assertion");
  if (assertion && fields.get("client_assertion_type") === ASSERTION_TYPE) {
    return refuseAssertion(assertion, { ...app, ...registry });
  }
  if (!secret) return refusals.noCredential();
  const known = app.secrets.filter(({ value }) => value === secret);
  if (known.length === 0) return refusals.badSecret(app.clientId);
  return known.every(({ expired }) => expired) ? refusals.expiredSecret(app.clientId) : null;
}

const DEFAULT_SUFFIX = "/.default";

function readAudience({ fields, dialect }: GrantRequest): string | Refusal {
  if (dialect === "v1") return fields.get("resource") || refusals.missing("resource");
  const scope = fields.get("scope")?.trim();
  if (!scope) return refusals.missing("scope");
  if (!scope.endsWith(DEFAULT_SUFFIX) || scope.includes(" ")) {
    return refusals.scopeWithoutDefault(scope);
  }
  return scope.slice(0, -DEFAULT_SUFFIX.length);
}

function readBasic(authorization: string | undefined): { clientId: string; secret: string } | null {
  const encoded = /^basic (.+)$/i.exec(authorization ?? "")?.[1];
  if (!encoded) return null;
  const [clientId, ...rest] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return {
    clientId: decodeURIComponent(clientId ?? ""),
    secret: decodeURIComponent(rest.join(":")),
  };
}
