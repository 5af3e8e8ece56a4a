import { createHash, randomUUID } from "node:crypto";
import type { EmulatorResponse } from "../listener.ts";
import type { EntraState } from "./control.ts";
import type { DelegatedGrant } from "./delegated-grant.ts";
import { issuerOf, type TokenVersion } from "./discovery.ts";
import type { Granted } from "./grant.ts";
import { encodeClientInfo } from "./sign-in.ts";

type Context = {
  readonly url: string;
  readonly tenantId: string;
  readonly nowMs: number;
  readonly state: EntraState;
};

const NOT_STORED = { "cache-control": "no-store, no-cache", pragma: "no-cache" };

/** The token of an application that acts for itself. */
export async function issueForApp(
  { app, audience }: Granted,
  dialect: "v1" | "v2",
  context: Context,
): Promise<EmulatorResponse> {
  const { state } = context;
  const version = versionFor(audience);
  const times = timesOf(context);
  const access_token = await state.signing.sign({
    ...times,
    ...audienceClaims(audience, version, app.clientId, context),
    idtyp: "app",
    oid: app.clientId,
    sub: app.clientId,
    roles: [...app.roles],
  });
  state.tokensIssued += 1;
  const lifetime = state.tokenLifetimeSeconds;
  if (dialect === "v2") {
    const lifetimes = { expires_in: lifetime, ext_expires_in: lifetime };
    return answer({ token_type: "Bearer", ...lifetimes, access_token });
  }
  return answer({
    token_type: "Bearer",
    expires_in: `${lifetime}`,
    ext_expires_in: `${lifetime}`,
    expires_on: `${times.exp}`,
    not_before: `${times.nbf}`,
    resource: audience,
    access_token,
  });
}

/** The tokens of an application that acts for a person, with the person's identity in an id token. */
export async function issueForUser(
  grant: DelegatedGrant,
  wantsClientInfo: boolean,
  context: Context,
): Promise<EmulatorResponse> {
  const { state, tenantId, nowMs, url } = context;
  const { app, account, scopes, permissions, scope, nonce } = grant;
  const { oid, upn, name, appRoles = [] } = account;
  const times = timesOf(context);
  const access_token = await state.signing.sign({
    ...times,
    ...audienceClaims(scopes.audience, versionFor(scopes.audience), app.clientId, context),
    idtyp: "user",
    oid,
    sub: pairwise(oid, scopes.audience),
    upn,
    preferred_username: upn,
    name,
    scp: permissions.join(" "),
  });
  const isOpenId = scopes.openId.includes("openid");
  const id_token = await state.signing.sign({
    ...times,
    aud: app.clientId,
    iss: issuerOf(url, tenantId, "2.0"),
    oid,
    sub: pairwise(oid, app.clientId),
    tid: tenantId,
    name,
    preferred_username: upn,
    ...(nonce === null ? {} : { nonce }),
    ...(appRoles.length > 0 ? { roles: appRoles } : {}),
    uti: randomUUID(),
    ver: "2.0",
  });
  state.tokensIssued += 1;
  const refresh_token = scopes.openId.includes("offline_access")
    ? state.issued.addRefreshToken({ clientId: app.clientId, oid, nonce, scope, issuedAtMs: nowMs })
    : undefined;
  const granted = new Set([...scopes.spelt, ...permissions, ...scopes.openId, "openid", "profile"]);
  granted.delete("offline_access");
  return answer({
    token_type: "Bearer",
    scope: [...granted].join(" "),
    expires_in: state.tokenLifetimeSeconds,
    ext_expires_in: state.tokenLifetimeSeconds,
    access_token,
    ...(refresh_token === undefined ? {} : { refresh_token }),
    ...(isOpenId ? { id_token } : {}),
    ...(wantsClientInfo ? { client_info: encodeClientInfo(oid, tenantId) } : {}),
  });
}

function answer(json: unknown): EmulatorResponse {
  return { status: 200, headers: NOT_STORED, json };
}

function timesOf({ nowMs, state }: Context) {
  const iat = Math.floor(nowMs / 1000);
  return { iat, nbf: iat, exp: iat + state.tokenLifetimeSeconds };
}

// A resource named by a bare id has opted for v2 tokens; URIs such as Graph's get v1 tokens.
function versionFor(audience: string): TokenVersion {
  return /^[0-9a-f-]{36}$/i.test(audience) ? "2.0" : "1.0";
}

function audienceClaims(
  audience: string,
  version: TokenVersion,
  appId: string,
  { url, tenantId }: Context,
) {
  return {
    aud: audience,
    iss: issuerOf(url, tenantId, version),
    ...(version === "2.0" ? { azp: appId, azpacr: "1" } : { appid: appId, appidacr: "1" }),
    tid: tenantId,
    uti: randomUUID(),
    ver: version,
  };
}

/** A subject that differs from one recipient to the next, as Entra's do. */
function pairwise(oid: string, recipient: string): string {
  return createHash("sha256").update(`${oid} ${recipient}`).digest("base64url");
}
